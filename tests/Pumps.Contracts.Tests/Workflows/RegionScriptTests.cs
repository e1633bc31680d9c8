using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.RegularExpressions;
using Pumps.Contracts.Tests.Azure;
using Pumps.Contracts.Tests.Bicep;
using Pumps.Handlers.Portal;

namespace Pumps.Contracts.Tests.Workflows;

/// <summary><c>bicep/region</c> against an <c>az</c> that writes down what it is asked and answers what the test says.</summary>
[Platform(Exclude = "Win")]
[UnsupportedOSPlatform("windows")]
public sealed class RegionScriptTests
{
    private string _folder = "";

    private string Asked => File.ReadAllText(Path.Combine(_folder, "asked"));

    [SetUp]
    public void Prepare()
    {
        _folder = Directory.CreateTempSubdirectory("pumps-region-").FullName;
        Directory.CreateDirectory(Path.Combine(_folder, "package", "templates"));
        foreach (var file in Infrastructure.Regions.Append("main"))
            File.WriteAllText(Path.Combine(_folder, "package", "templates", $"{file}.json"), "{}");
        File.WriteAllLines(Path.Combine(_folder, "package", "Decode.functions"), ["a", "b"]);
        File.WriteAllText(Path.Combine(_folder, "asked"), "");
        Answer("value.apps[].[folder, name]", "Decode\tpumps-dev-decode-x");
        Answer("value.apps[?folder=='Portal']", "pumps-dev-portal-x");
        Answer("value.site --output", "pumps-dev-site");
        Answer("value.siteHost", "red-sea-1.azurestaticapps.net");
        Answer("functionapp show", "Running");
        Answer("functionapp function list", "2");
        Answer("secrets list", "key-1");
        Answer("https://red-sea-1.azurestaticapps.net/api/health/ready", "200");
        Answer("https://pumps-dev-portal-x.azurewebsites.net/api/", "401");
        Program("az", """
            echo "${0##*/} $*" >>"$HERE/asked"
            for answer in "$HERE"/answers/*; do
                case "$*" in *"$(head -n 1 "$answer")"*) tail -n +2 "$answer"; exit ;; esac
            done
            """);
        File.Copy(Path.Combine(_folder, "az"), Path.Combine(_folder, "curl"));
        Program("npm", """echo "npm $* ($SWA_CLI_DEPLOYMENT_TOKEN)" >>"$HERE/asked" """);
        Directory.CreateDirectory(Path.Combine(_folder, "package", "site"));
        File.WriteAllText(Path.Combine(_folder, "package", "site", "staticwebapp.config.json"), "{}");
        Directory.CreateDirectory(Path.Combine(_folder, "package", "tools"));
        Program("package/tools/pumps-region", """echo "pumps-region $* ($PGPASSWORD)" >>"$HERE/asked" """);
    }

    [TearDown]
    public void Clear() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task A_deployment_keeps_the_release_that_was_found_healthy()
    {
        Answer("group show", "41");

        await RunAsync(0, "resources", "dev", "package");

        Assert.That(Asked, Does.Match("(?m)^az deployment sub create .*--name pumps-dev --location westeurope .*--parameters release=41$"));
    }

    [Test]
    public async Task The_database_server_is_restarted_when_a_parameter_waits_for_it_and_only_then()
    {
        await RunAsync(0, "resources", "dev", "package");
        Assert.That(Asked, Does.Not.Contain("restart"));

        Answer("flexible-server parameter list", "shared_preload_libraries");
        await RunAsync(0, "resources", "dev", "package");
        Assert.That(Asked, Does.Contain("az postgres flexible-server restart --resource-group pumps-dev"));
    }

    [Test]
    public async Task The_token_of_a_migration_is_in_its_environment_and_not_among_its_arguments()
    {
        Answer("get-access-token", "token-1");

        await RunAsync(0, "migrate", "dev", "package");

        Assert.That(Asked, Does.Match("(?m)^pumps-region migrate .*SSL Mode=VerifyFull.* \\(token-1\\)$"));
        Assert.That(Asked, Does.Not.Contain("Password"));
    }

    [Test]
    public async Task Every_app_gets_its_package()
    {
        await RunAsync(0, "apps", "dev", "package");

        Assert.That(Asked, Does.Contain("config-zip --resource-group pumps-dev --name pumps-dev-decode-x --src package/Decode.zip"));
    }

    [Test]
    public async Task The_site_gets_its_files_with_a_key_that_stands_in_no_argument_and_no_log()
    {
        var said = await RunAsync(0, "apps", "dev", "package");

        Assert.That(Asked, Does.Match(@"(?m)^npm ci --prefix \S+/bicep/site --ignore-scripts .* \(\)$"));
        Assert.That(Asked, Does.Match($@"(?m)^npm exec --prefix \S+/bicep/site --offline -- swa deploy (\S+{Path.GetFileName(_folder)}/package/site) --app-location \1 --swa-config-location \1 --env production --no-use-keychain \(key-1\)$"));
        Assert.That(said, Does.Not.Contain("key-1"));
        Assert.That(await RunAsync(0, workflow: true, "apps", "dev", "package"), Does.Contain("::add-mask::key-1"));
    }

    [Test]
    public async Task A_package_without_a_site_is_refused()
    {
        Directory.Delete(Path.Combine(_folder, "package", "site"), recursive: true);

        Assert.That(await RunAsync(1, "apps", "dev", "package"), Does.Contain("./pumps package"));
    }

    [TestCase("https://red-sea-1.azurestaticapps.net/api/health/ready", "503", "does not reach pumps-dev-portal-x")]
    [TestCase("https://pumps-dev-portal-x.azurewebsites.net/api/", "200", "can be reached around its site")]
    [TestCase("https://pumps-dev-portal-x.azurewebsites.net/api/", "403", "can be reached around its site")]
    [TestCase("https://red-sea-1.azurestaticapps.net/api/health/%2e%2e/devices", "200", "answers 200 to a stranger")]
    public async Task A_site_without_its_app_and_an_app_that_hears_others_fail_the_smoke_test(string url, string status, string message)
    {
        Answer(url, status);

        Assert.That(await RunAsync(1, "smoke", "dev", "package"), Does.Contain(message));
        Assert.That(Asked, Does.Match("(?m)^curl .*--max-time 60 .*/api/health/ready$"));
    }

    [Test]
    public async Task A_stranger_who_says_that_he_is_of_the_staff_is_tried()
    {
        Assert.That(await RunAsync(0, "smoke", "dev", "package"), Does.Contain("nobody reaches pumps-dev-portal-x around it"));

        var header = Regex.Match(Asked, "x-ms-client-principal: (\\S+) https://pumps-dev-portal-x.azurewebsites.net/api/devices");
        Assert.That(SitePrincipal.Read(header.Groups[1].Value)?.Has(SiteGuard.OpsRole), Is.True, "The app itself would believe it.");
    }

    [TestCase("Running", "2", 0)]
    [TestCase("Running", "1", 1)]
    [TestCase("Stopped", "2", 1)]
    public async Task An_app_that_stands_or_lacks_a_function_fails_the_smoke_test(string state, string functions, int status)
    {
        Answer("functionapp show", state);
        Answer("functionapp function list", functions);

        var said = await RunAsync(status, "smoke", "dev", "package");

        Assert.That(said, Does.Contain("pumps-dev-decode-x"));
    }

    [TestCase("", 0)]
    [TestCase("dead letters: 900 of 1000 events", 1)]
    public async Task A_complaint_of_the_region_stops_the_rings(string complaint, int status)
    {
        Answer("log-analytics query", complaint);

        Assert.That(await RunAsync(status, "health", "dev"), Does.Contain(status == 0 ? "dev is healthy" : complaint));
    }

    [TestCase("", 0)]
    [TestCase("Modify\t/subscriptions/0/resourceGroups/pumps-dev/providers/Microsoft.Devices/IotHubs/pumps-dev", 1)]
    public async Task A_change_made_by_hand_is_named(string change, int status)
    {
        Answer("deployment sub what-if", change);

        Assert.That(await RunAsync(status, "drift", "dev", "package"), Does.Contain(status == 0 ? "looks as its file says" : change));
    }

    [TestCase("nowhere", "There is no region 'nowhere'. Regions: dev eastus2 westeurope")]
    [TestCase("", "There is no region ''")]
    public async Task A_region_without_a_file_is_refused(string region, string message)
    {
        Assert.That(await RunAsync(1, "what-if", region, "package"), Does.Contain(message));
        Assert.That(Asked, Is.Empty);
    }

    [Test]
    public async Task A_package_without_templates_is_refused() =>
        Assert.That(await RunAsync(1, "what-if", "dev", "elsewhere"), Does.Contain("./pumps package"));

    /// <summary>What <c>az</c> answers to a command line that contains the words.</summary>
    private void Answer(string words, string answer)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "answers")).FullName;
        File.WriteAllText(Path.Combine(folder, words.Replace(' ', '-').Replace('/', '-')), answer.Length == 0 ? words + "\n" : $"{words}\n{answer}\n");
    }

    private void Program(string name, string text)
    {
        var file = Path.Combine(_folder, name);
        File.WriteAllText(file, "#!/usr/bin/env bash\n" + text + "\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private Task<string> RunAsync(int expected, params string[] arguments) => RunAsync(expected, workflow: false, arguments);

    private async Task<string> RunAsync(int expected, bool workflow, params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(FunctionApp.Repository, "bicep", "region"), arguments)
        {
            WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true,
            Environment = { ["HERE"] = _folder, ["PUMPS_MINUTE"] = "0", ["PATH"] = $"{_folder}:{Environment.GetEnvironmentVariable("PATH")}" },
        };
        start.Environment["GITHUB_ACTIONS"] = workflow ? "true" : "";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        var said = await output + await errors;
        Assert.That(process.ExitCode, Is.EqualTo(expected), said);
        return said;
    }
}
