using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Journeys.Tests.Sdk;

/// <summary>Microsoft's device SDK for Node, unchanged, with the local region's gateway.</summary>
/// <remarks>The SDK knows no port but 8883, so this gateway has an address of its own: a region that runs on 127.0.0.1 is not disturbed.</remarks>
[NonParallelizable]
public sealed class MicrosoftSdkJourney
{
    private const string Host = "127.0.0.2";

    // DP1 and DP2 frames, as hex. The gateway does not read them.
    private const string Dp1Frame = "0231303031340334373131303031";
    private const string Dp2Frame = "50320201000000000000000108a0b0";

    private static readonly DeviceRegistration Device = new("dp2-70b3d57ed0000001", "dp2", "irrigation", "irrigation-pump-v2", "green-valley", "local", null);
    private static readonly DeviceRegistration Dp1Device = new("dp1-4711001", "dp1", "irrigation", "irrigation-pump-v1", "green-valley", "local", 120);

    private readonly ConcurrentQueue<(string DeviceId, EventProperties Properties, string Hex)> _messages = new();
    private string _folder = "";
    private DeviceRegistry _registry = null!;
    private IotGateway _gateway = null!;

    [OneTimeSetUp]
    public async Task StartGateway()
    {
        _folder = Directory.CreateTempSubdirectory("pumps-sdk-").FullName;
        _registry = await DeviceRegistry.OpenAsync(Path.Combine(_folder, "registry.db"), default);
        await _registry.RegisterAsync([Device, Dp1Device], default);
        _gateway = new(
            new GatewayOptions { DataFolder = _folder, Address = IPAddress.Parse(Host), TlsPort = 8883, PlainPort = null },
            _registry,
            (message, _) =>
            {
                _messages.Enqueue((message.DeviceId, message.Properties, Convert.ToHexStringLower(message.Body.Span)));
                return ValueTask.CompletedTask;
            },
            TimeProvider.System, NullLogger<IotGateway>.Instance);
        await _gateway.StartAsync();
    }

    [OneTimeTearDown]
    public async Task StopGateway()
    {
        await _gateway.DisposeAsync();
        await _registry.DisposeAsync();
        Directory.Delete(_folder, true);
    }

    [Test]
    public async Task The_SDK_sends_DP1_and_DP2_frames_and_is_acknowledged()
    {
        _messages.Clear();
        foreach (var (device, frame) in new[] { (Dp1Device, Dp1Frame), (Device, Dp2Frame) })
        {
            await using var sdk = await NodeDevice.StartAsync("send", await ConnectionStringAsync(device), _gateway.AuthorityFile!, "telemetry", frame, "event", frame);
            await sdk.ExpectAsync("connected");
            await sdk.ExpectAsync("sent");
            await sdk.ExpectAsync("sent");
            await sdk.EndAsync();
        }

        Assert.That(
            _messages.Select(m => (m.DeviceId, m.Properties[PropertyNames.HeaderType], m.Hex)),
            Is.EqualTo(new[]
            {
                (Dp1Device.Id, "telemetry", Dp1Frame), (Dp1Device.Id, "event", Dp1Frame), (Device.Id, "telemetry", Dp2Frame), (Device.Id, "event", Dp2Frame),
            }));
        Assert.That(_messages.First().Properties[PropertyNames.MessageId], Is.EqualTo("telemetry-28"));
        Assert.That(_messages.First().Properties["content-type"], Is.EqualTo("application/octet-stream"));
    }

    [Test]
    public async Task The_SDK_receives_a_message_and_its_sender_hears_that_it_was_completed()
    {
        var feedback = new TaskCompletionSource<DeliveryFeedback>(TaskCreationOptions.RunContinuationsAsynchronously);
        _gateway.Feedback = (outcome, _) =>
        {
            feedback.TrySetResult(outcome);
            return ValueTask.CompletedTask;
        };
        await using var sdk = await NodeDevice.StartAsync("receive", await ConnectionStringAsync(Device), _gateway.AuthorityFile!);
        await sdk.ExpectAsync("connected");
        await sdk.ExpectAsync("listening");
        var sent = await _gateway.SendAsync(
            Device.Id,
            new CloudMessage("command-17", "start & run"u8.ToArray())
            {
                Properties = [new("command", "start pump=1&2"), new("unit", "m³/h")],
                ContentType = "text/plain",
                Ack = DeliveryAck.Full,
            },
            default);
        Assert.That(sent.Refusal, Is.Null);

        var received = await sdk.ExpectAsync("received");
        await sdk.EndAsync();
        Assert.Multiple(() =>
        {
            Assert.That(received.GetProperty("body").GetString(), Is.EqualTo("start & run"));
            Assert.That(received.GetProperty("messageId").GetString(), Is.EqualTo("command-17"));
            Assert.That(received.GetProperty("contentType").GetString(), Is.EqualTo("text/plain"));
            Assert.That(received.GetProperty("properties").GetProperty("command").GetString(), Is.EqualTo("start pump=1&2"));
            Assert.That(received.GetProperty("properties").GetProperty("unit").GetString(), Is.EqualTo("m³/h"));
        });
        var outcome = await feedback.Task.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.That((outcome.MessageId, outcome.Outcome), Is.EqualTo(("command-17", DeliveryOutcome.Completed)));
    }

    [Test]
    public async Task The_SDK_reads_and_patches_its_twin_and_hears_of_desired_properties()
    {
        await using var sdk = await NodeDevice.StartAsync("twin", await ConnectionStringAsync(Device), _gateway.AuthorityFile!);
        await sdk.ExpectAsync("connected");
        var twin = await sdk.ExpectAsync("twin");
        Assert.That(twin.GetProperty("desired").GetProperty("$version").GetInt64(), Is.EqualTo(1));

        await sdk.ExpectAsync("reported");
        var stored = await _gateway.FindTwinAsync(Device.Id, default);
        Assert.That(stored!.Reported, Is.EqualTo("""{"firmware":{"version":"1.4.2","state":"idle"},"flow":24.3}"""));
        Assert.That(stored.ReportedVersion, Is.EqualTo(2));

        await sdk.ExpectAsync("listening");
        await _gateway.UpdateDesiredAsync(Device.Id, """{"interval":"5m"}""", null, default);
        var desired = (await sdk.ExpectAsync("desired")).GetProperty("delta");
        Assert.That((desired.GetProperty("interval").GetString(), desired.GetProperty("$version").GetInt64()), Is.EqualTo(("5m", 2)));

        Assert.That((await sdk.ExpectAsync("refused")).GetProperty("error").GetString(), Does.Contain("not.allowed"));
        await sdk.EndAsync();
    }

    [Test]
    public async Task The_SDK_answers_a_direct_method()
    {
        await using var sdk = await NodeDevice.StartAsync("method", await ConnectionStringAsync(Device), _gateway.AuthorityFile!);
        await sdk.ExpectAsync("connected");
        await sdk.ExpectAsync("listening");
        var answer = await _gateway.InvokeAsync(Device.Id, "reboot", """{"delay":5}""", TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(30), default);
        Assert.That(answer.Refusal, Is.Null);
        Assert.That(answer.Value, Is.EqualTo(new MethodResponse(200, """{"rebootingIn":5}""")));
        Assert.That((await sdk.ExpectAsync("answered")).GetProperty("payload").GetProperty("delay").GetInt32(), Is.EqualTo(5));
        await sdk.EndAsync();
    }

    [Test]
    public async Task The_SDK_is_told_that_a_wrong_key_is_not_authorized()
    {
        var wrong = $"HostName={Host};DeviceId={Device.Id};SharedAccessKey={Convert.ToBase64String(new byte[32])}";
        await ExpectRefusedAsync(wrong);
    }

    [Test]
    public async Task The_SDK_is_told_that_an_unknown_device_is_not_authorized() =>
        await ExpectRefusedAsync($"HostName={Host};DeviceId=dp2-ffffffffffffffff;SharedAccessKey={Convert.ToBase64String(new byte[32])}");

    [Test]
    public async Task The_SDK_is_told_that_an_expired_token_is_not_authorized()
    {
        var device = await _registry.FindAsync(Device.Id, default);
        await ExpectRefusedAsync(
            await ConnectionStringAsync(Device), SasToken.Create(Host, Device.Id, device!.PrimaryKey, TimeProvider.System.GetUtcNow().AddMinutes(-1)));
    }

    [Test]
    public async Task The_plain_mqtt_client_sends_a_frame()
    {
        _messages.Clear();
        await using var device = await NodeDevice.StartAsync("plain", await ConnectionStringAsync(Dp1Device), _gateway.AuthorityFile!, "8883", Dp1Frame);
        await device.ExpectAsync("connected");
        await device.ExpectAsync("sent");
        await device.EndAsync();
        Assert.That(_messages.Select(m => (m.DeviceId, m.Properties["content-type"], m.Hex)), Is.EqualTo(new[] { (Dp1Device.Id, "application/octet-stream", Dp1Frame) }));
    }

    private async Task ExpectRefusedAsync(string connectionString, params string[] more)
    {
        await using var sdk = await NodeDevice.StartAsync("refused", connectionString, _gateway.AuthorityFile!, more);
        Assert.That((await sdk.ExpectAsync("refused")).GetProperty("error").GetString(), Is.EqualTo("UnauthorizedError"));
        await sdk.EndAsync();
    }

    private async Task<string> ConnectionStringAsync(DeviceRegistration device) =>
        $"HostName={Host};DeviceId={device.Id};SharedAccessKey={(await _registry.FindAsync(device.Id, default))!.PrimaryKey}";
}
