using System.Globalization;
using Pumps.Handlers.Observability;
using Pumps.LocalRegion.Cli;
using Spectre.Console;

namespace Pumps.Contracts.Tests.Portal;

public sealed class StatusCommandTests
{
    private PortalHost _host = null!;

    [SetUp]
    public async Task Start() => _host = await PortalHost.StartAsync();

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task A_ledger_that_balances_is_shown_with_exit_code_0()
    {
        _host.Ledger.Record("decode", "raw-telemetry-dp1", new LedgerEntry(12345, 12340, 2, 2, 1));

        var (code, text) = await RunAsync("--url", _host.Url.ToString());

        Assert.That(code, Is.EqualTo(StatusCommand.Balanced), text);
        Assert.That(text, Does.Contain("decode").And.Contain("12,345").And.Contain("difference").And.Contain("none"));
    }

    [Test]
    public async Task A_ledger_that_does_not_balance_is_exit_code_2()
    {
        _host.Ledger.Record("decode", "raw-telemetry-dp1", new LedgerEntry(10, 8, 0, 0, 0));

        var (code, text) = await RunAsync("--url", _host.Url.ToString());

        Assert.That(code, Is.EqualTo(StatusCommand.Difference));
        Assert.That(text, Does.Contain("2 events are unaccounted for"));
    }

    [Test]
    public async Task The_region_is_found_by_its_data_folder_and_its_answer_printed_as_it_is()
    {
        var folder = Directory.CreateTempSubdirectory("pumps-status-");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "region.json"), string.Create(CultureInfo.InvariantCulture, $$"""{"url":"{{_host.Url}}"}"""));

            var (code, text) = await RunAsync("--data", folder.FullName, "--json");

            Assert.That(code, Is.EqualTo(StatusCommand.Balanced), text);
            Assert.That(System.Text.Json.JsonElement.Parse(text).GetProperty("region").GetString(), Is.EqualTo("test"));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Test]
    public async Task A_region_that_does_not_answer_is_exit_code_1_with_a_word_on_what_to_do()
    {
        await _host.DisposeAsync();

        var (code, text) = await RunAsync("--url", _host.Url.ToString());

        Assert.That(code, Is.EqualTo(StatusCommand.NoAnswer));
        Assert.That(text, Does.Contain("No region answers at " + _host.Url).And.Contain("pumps up"));
    }

    [Test]
    public async Task A_data_folder_without_region_is_exit_code_1()
    {
        var (code, text) = await RunAsync("--data", Path.Combine(Path.GetTempPath(), "no-such-region"));

        Assert.That(code, Is.EqualTo(StatusCommand.NoAnswer));
        Assert.That(text, Does.Contain("region.json"));
    }

    [TestCase("127.0.0.1:8080")]
    [TestCase("ftp://region")]
    public void An_address_that_is_none_is_refused(string url)
    {
        var parsed = StatusCommand.Create(AnsiConsole.Console).Parse(["--url", url]);

        Assert.That(parsed.Errors.Single().Message, Does.Contain(url).And.Contain("http://127.0.0.1:8080"));
    }

    [Test]
    public async Task A_region_that_cannot_say_is_exit_code_1_with_its_reason()
    {
        _host.Ports.Broken = new TimeoutException();

        var (code, text) = await RunAsync("--url", _host.Url.ToString());

        Assert.That(code, Is.EqualTo(StatusCommand.NoAnswer));
        Assert.That(text, Does.Contain("503"));
    }

    private static async Task<(int Code, string Text)> RunAsync(params string[] arguments)
    {
        await using var output = new StringWriter(CultureInfo.InvariantCulture);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 200;
        var code = await StatusCommand.Create(console).Parse(arguments).InvokeAsync();
        return (code, output.ToString());
    }
}
