using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Pumps.Handlers;
using Pumps.Handlers.Firmware;
using Pumps.LocalRegion.Cli;
using Pumps.LocalRegion.Firmware;
using Spectre.Console;

namespace Pumps.Contracts.Tests.Portal;

/// <summary><c>pumps firmware</c> against a portal whose region trusts the key of its data folder.</summary>
public sealed class FirmwareCommandTests
{
    private DirectoryInfo _data = null!;
    private PortalHost _host = null!;

    [SetUp]
    public async Task Start()
    {
        _data = Directory.CreateTempSubdirectory("pumps-firmware-");
        var key = FirmwareKey.ReadOrCreate(_data.FullName);
        _host = await PortalHost.StartAsync(change: services => services
            .AddDeviceHandlers()
            .Configure<FirmwareOptions>(o => (o.TrustedKeys, o.ImageBytesMax) = ([Convert.ToBase64String(key.PublicKey)], 2_000_000)));
        await File.WriteAllTextAsync(Path.Combine(_data.FullName, "region.json"), $$"""{"url":"{{_host.Url}}"}""");
        foreach (var (id, product) in new[] { ("dp1-1", "irrigation-pump-v1"), ("dp2-0000000000000001", "irrigation-pump-v2") })
            _host.Ports.Devices[id] = new(id, id[..3], "irrigation", product, "green-valley", null, null);
    }

    [TearDown]
    public async Task Stop()
    {
        await _host.DisposeAsync();
        _data.Delete(recursive: true);
    }

    [TestCase("irrigation-pump-v1", "2.15.0", "0-255")]
    [TestCase("irrigation-pump-v2", "3.2.0", "0-65535")]
    public async Task An_image_is_made_signed_imported_and_brought_to_devices(string product, string version, string hardware)
    {
        var (code, made) = await RunAsync("make", "--product", product, "--version", version);
        Assert.That(code, Is.Zero, made);
        Assert.That(made, Does.Contain($"{product}-{version}").And.Contain(hardware));

        (code, var placed) = await RunAsync(
            "rollout", "--image", $"{product}-{version}", "--waves", "50,100", "--soak", "5", "--window", "22:00-04:00", "--customer", "green-valley", "--id", "spring", "--json");
        Assert.That(code, Is.Zero, placed);
        var rollout = JsonElement.Parse(placed);
        Assert.Multiple(() =>
        {
            Assert.That(rollout.GetProperty("percents").ToString(), Is.EqualTo("[50,100]"));
            Assert.That(rollout.GetProperty("soakMinutes").GetInt32(), Is.EqualTo(5));
            Assert.That(rollout.GetProperty("window").ToString(), Is.EqualTo("""{"begins":"22:00","ends":"04:00"}"""));
            Assert.That(rollout.GetProperty("devices").GetInt32(), Is.EqualTo(1));
        });

        foreach (var (command, says) in new[] { ("show", "spring"), ("transfers", "waiting"), ("pause", "paused"), ("resume", "running"), ("abort", "aborting") })
        {
            (code, var text) = await RunAsync(command, "spring");
            Assert.That(code, Is.Zero, text);
            Assert.That(text, Does.Contain(says));
        }
    }

    [Test]
    public async Task An_image_that_is_too_large_is_refused_with_the_region_s_reason()
    {
        var (code, text) = await RunAsync("make", "--product", "irrigation-pump-v2", "--version", "3.2.0", "--size", "40000000");

        Assert.That(code, Is.EqualTo(1));
        Assert.That(text, Does.Contain("413").And.Contain("2732204 bytes"));
    }

    [Test]
    public async Task Without_the_key_of_a_region_nothing_is_signed_and_no_key_is_made()
    {
        var key = FirmwareKey.FileIn(_data.FullName);
        File.Delete(key);

        var (code, text) = await RunAsync("make", "--product", "irrigation-pump-v1", "--version", "2.15.0");

        Assert.That(code, Is.EqualTo(1));
        Assert.That(text, Does.Contain("pumps up"));
        Assert.That(File.Exists(key), Is.False);
    }

    [TestCase("--waves", "10,all")]
    [TestCase("--window", "22:00")]
    public void What_cannot_be_read_is_named(string option, string value)
    {
        var parsed = FirmwareCommand.Create(AnsiConsole.Console, TimeProvider.System).Parse(["rollout", "--image", "pump-1", option, value]);

        Assert.That(parsed.Errors.Single().Message, Does.Contain(option).And.Contain(value));
    }

    private async Task<(int Code, string Text)> RunAsync(params string[] arguments)
    {
        await using var output = new StringWriter(CultureInfo.InvariantCulture);
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, ColorSystem = ColorSystemSupport.NoColors, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 400;
        var code = await FirmwareCommand.Create(console, new FakeTimeProvider(PortalHost.Now)).Parse([.. arguments, "--data", _data.FullName]).InvokeAsync();
        return (code, output.ToString());
    }
}
