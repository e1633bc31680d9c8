using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Pumps.Fleet;
using Pumps.Fleet.Load;
using Pumps.Fleet.Mqtt;

namespace Pumps.Journeys.Tests.Sdk;

/// <summary>Devices on Microsoft's own SDK, unchanged, from their connection string to the HTTP API.</summary>
/// <remarks>The SDK knows no port but 8883, so this region has an address of its own: one that runs on 127.0.0.1 is not disturbed.</remarks>
[NonParallelizable]
public sealed class WholeRegionJourney
{
    private const string Host = "127.0.0.3";
    private const string Dp2Device = "dp2-70b3d57ed0000001";
    private const string CommandedDevice = "dp2-70b3d57ed0000003";
    private const string PlainDevice = "dp2-70b3d57ed0000002";

    private HostedRegion _region = null!;

    [OneTimeSetUp]
    public async Task StartRegion() =>
        _region = await HostedRegion.StartAsync(options => options with { Address = IPAddress.Parse(Host), MqttTlsPort = 8883 });

    [OneTimeTearDown]
    public async Task StopRegion() => await _region.DisposeAsync();

    [Test]
    public async Task Datapoints_of_frames_that_the_SDK_has_sent_are_in_the_API()
    {
        var now = TimeProvider.System.GetUtcNow();
        await SendAsync(
            "send", await _region.RegisterAsync(Dp2Device, "irrigation-pump-v2"), "telemetry", Hex(TestFrames.Flowing(Dp2Device, 1, 2430, now)));

        var (pump, status) = Dp1Status(now);
        await SendAsync(
            "send", await _region.RegisterAsync(pump.Id, "irrigation-pump-v1", pump.UtcOffsetMinutes), "telemetry", Hex(status));
        await _region.SettleAsync();

        Assert.That(await FlowAsync(Dp2Device), Is.EqualTo("24.30"));
        using var expected = JsonDocument.Parse(ExpectedObservations.Of(pump, status).Single().Points);
        Assert.That(await FlowAsync(pump.Id), Is.EqualTo(expected.RootElement.GetProperty("flow").GetRawText()));
    }

    [Test]
    public async Task A_plain_MQTT_client_does_as_well()
    {
        var frame = TestFrames.Flowing(PlainDevice, 2, 2510, TimeProvider.System.GetUtcNow());
        await SendAsync("plain", await _region.RegisterAsync(PlainDevice, "irrigation-pump-v2"), "8883", Hex(frame));
        await _region.SettleAsync();
        Assert.That(await FlowAsync(PlainDevice), Is.EqualTo("25.10"));
    }

    [Test]
    public async Task A_command_reaches_a_device_on_the_SDK_and_its_answer_comes_back()
    {
        var credentials = await _region.RegisterAsync(CommandedDevice, "irrigation-pump-v2");
        await using var device = await NodeDevice.StartAsync(
            "command", $"HostName={credentials.HostName};DeviceId={credentials.DeviceId};SharedAccessKey={credentials.SharedAccessKey}",
            _region.Region.Gateway.AuthorityFile!);
        await device.ExpectAsync("connected");
        await device.ExpectAsync("listening");

        // The SDK subscribes to methods on its own time; until then the command waits in the queue, which this device does not read.
        var command = await Patience.UntilAsync(async () =>
        {
            using var given = await _region.Http.PostAsJsonAsync(
                $"api/devices/{CommandedDevice}/commands", new { command = "stop", timeToLiveSeconds = 5 });
            var id = (await given.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString();
            return await Patience.UntilAsync(
                () => _region.GetAsync($"api/devices/{CommandedDevice}/commands/{id}"), c => c.GetProperty("endedAt").ValueKind is JsonValueKind.String, $"{id} ended");
        }, c => c.GetProperty("state").GetString() == "done", "a command done by the SDK's device");
        await device.ExpectAsync("obeyed");
        await device.EndAsync();

        Assert.That(command.GetProperty("route").GetString(), Is.EqualTo("method"));
    }

    private async Task SendAsync(string scenario, DeviceCredentials credentials, params string[] more)
    {
        Assert.That(credentials.HostName, Is.EqualTo(Host), "the connection string names the address at which the region is");
        await using var device = await NodeDevice.StartAsync(
            scenario, $"HostName={credentials.HostName};DeviceId={credentials.DeviceId};SharedAccessKey={credentials.SharedAccessKey}",
            _region.Region.Gateway.AuthorityFile!, more);
        await device.ExpectAsync("connected");
        await device.ExpectAsync("sent");
        await device.EndAsync();
    }

    private async Task<string> FlowAsync(string device) =>
        (await _region.GetAsync($"api/devices/{device}")).GetProperty("latest").GetProperty("flow").GetProperty("value").GetRawText();

    /// <summary>A pump of the first generation and a telegram of it that has a flow.</summary>
    private static (DeviceSpec Pump, byte[] Status) Dp1Status(DateTimeOffset at)
    {
        var options = new FleetOptions { Devices = 1, Mix = FleetMix.Only(FleetProduct.IrrigationPumpV1) };
        var stream = new FrameStream(options, RunningRegion.Catalog.Dictionaries, at.AddHours(-1).ToUnixTimeMilliseconds());
        while (true)
            if (stream.Next() is { HeaderType: HeaderType.Telemetry } frame
                && ExpectedObservations.Of(stream.Devices[0], frame.Bytes).SingleOrDefault() is { } seen && seen.Points.Contains("\"flow\"", StringComparison.Ordinal))
                return (stream.Devices[0], frame.Bytes);
    }

    private static string Hex(byte[] frame) => Convert.ToHexStringLower(frame);
}
