using System.Net.Sockets;
using System.Text;
using MQTTnet;
using MQTTnet.Protocol;
using Pumps.Handlers.Hubs;

namespace Pumps.Contracts.Tests.Gateway;

public sealed class IngressTests
{
    private GatewayHost _host = null!;

    [SetUp]
    public async Task Start() => _host = await GatewayHost.StartAsync();

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task Properties_come_decoded_and_system_properties_under_the_names_of_hubs()
    {
        var device = await _host.ConnectAsync();
        await device.PublishAsync(
            device.Events + "%24.mid=m-1&$.cid=c-1&%24.ct=application%2Fjson&%24.ce=utf-8&%24.ctime=2025-06-01T11%3A59%3A58Z&%24.uid=u&headerType=telemetry&gr%C3%B6%C3%9Fe=1%262&empty=&bare",
            "{}");
        var message = await _host.Messages.Reader.ReadAsync();
        Assert.That(message.DeviceId, Is.EqualTo(GatewayHost.Id));
        Assert.That(message.EnqueuedAt, Is.EqualTo(_host.Time.GetUtcNow()));
        Assert.That(
            message.Properties.Items.ToArray().Select(p => $"{p.Key}={p.Value}"),
            Is.EqualTo(new[]
            {
                "message-id=m-1", "correlation-id=c-1", "content-type=application/json", "content-encoding=utf-8",
                "iothub-creation-time-utc=2025-06-01T11:59:58Z", "user-id=u", "headerType=telemetry", "größe=1&2", "empty=", "bare=",
            }));
    }

    [Test]
    public async Task A_message_needs_no_properties([Values("", "/")] string end, [Values(0, 1)] int qos)
    {
        var device = await _host.ConnectAsync();
        await device.PublishAsync($"devices/{GatewayHost.Id}/messages/events" + end, "x", (MqttQualityOfServiceLevel)qos);
        Assert.That((await _host.Messages.Reader.ReadAsync()).Properties.Items.Length, Is.Zero);
    }

    [Test]
    public async Task The_retain_flag_becomes_a_property()
    {
        var device = await _host.ConnectAsync();
        await device.PublishAsync(device.Events + "headerType=event", "x", retain: true);
        await device.PublishAsync(device.Events + "headerType=event", "x");
        Assert.That((await _host.Messages.Reader.ReadAsync()).Properties["mqtt-retain"], Is.EqualTo("true"));
        Assert.That((await _host.Messages.Reader.ReadAsync()).Properties["mqtt-retain"], Is.Null);
    }

    [Test]
    public async Task A_message_is_acknowledged_only_when_the_sink_has_it()
    {
        var held = new TaskCompletionSource();
        var arrived = new TaskCompletionSource();
        _host.BeforeTaking = () =>
        {
            arrived.SetResult();
            return held.Task;
        };
        var device = await _host.ConnectAsync();
        var publish = device.PublishAsync(device.Events + "headerType=telemetry", "held");
        await arrived.Task.WaitAsync(GatewayHost.Patience);

        // Another device's round trip shows that the gateway is at work and only this acknowledgement is held back.
        var other = await _host.Registry.RegisterAsync(GatewayHost.Device with { Id = "dp2-other" }, default);
        Assert.That(await _host.TryConnectAsync(_host.Options().WithClientId("dp2-other").WithCredentials(
            $"{GatewayHost.Host}/dp2-other", LocalRegion.Gateway.SasToken.Create(GatewayHost.Host, "dp2-other", other.PrimaryKey, _host.Time.GetUtcNow().AddHours(1)))),
            Is.EqualTo(MqttClientConnectResultCode.Success));
        Assert.That(publish.IsCompleted, Is.False);

        held.SetResult();
        await publish.WaitAsync(GatewayHost.Patience);
        Assert.That((await _host.Messages.Reader.ReadAsync()).Body, Is.EqualTo("held"));
    }

    [Test]
    public async Task A_message_that_the_sink_refuses_is_never_acknowledged_and_the_log_says_so_once()
    {
        _host.BeforeTaking = () => throw new IOException("disk full");
        for (var i = 0; i < 2; i++)
        {
            var device = await _host.ConnectAsync();
            Assert.That(async () => await device.PublishAsync(device.Events, "lost?"), Throws.Exception);
            Assert.That(await _host.DisconnectReasonAsync(), Is.EqualTo("sink_refused"));
        }

        Assert.That(_host.Log.Count(2202), Is.EqualTo(1));
        _host.BeforeTaking = () => Task.CompletedTask;
        var again = await _host.ConnectAsync();
        await again.PublishAsync(again.Events, "repeated");
        Assert.That((await _host.Messages.Reader.ReadAsync()).Body, Is.EqualTo("repeated"));
        Assert.That(_host.Log.Count(2203), Is.EqualTo(1));
    }

    [TestCase("devices/dp2-other/messages/events/", "other_devices_topic")]
    [TestCase("devices/dp2-70b3d57ed0000001x/messages/events/", "other_devices_topic")]
    [TestCase("devices/dp2-70b3d57ed0000001/messages/eventsx", "other_devices_topic")]
    [TestCase("home/kitchen", "unknown_topic")]
    [TestCase("$iothub/twin/GET/", "unknown_topic")]
    [TestCase("$iothub/methods/res/abc/?$rid=1", "unknown_topic")]
    [TestCase("devices/dp2-70b3d57ed0000001/messages/events/a=%zz", "bad_properties")]
    [TestCase("devices/dp2-70b3d57ed0000001/messages/events/a=%ff", "bad_properties")]
    [TestCase("devices/dp2-70b3d57ed0000001/messages/events/a=%4", "bad_properties")]
    [TestCase("devices/dp2-70b3d57ed0000001/messages/events/=b", "bad_properties")]
    [TestCase("devices/dp2-70b3d57ed0000001/messages/events/a=1&&b=2", "bad_properties")]
    [TestCase("devices/dp2-70b3d57ed0000001/messages/events/a=1&a=2", "bad_properties")]
    [TestCase("devices/dp2-70b3d57ed0000001/messages/events/a=1/b=2", "bad_properties")]
    public async Task A_topic_against_the_rules_ends_the_connection_without_acknowledgement(string topic, string reason)
    {
        var device = await _host.ConnectAsync();
        Assert.That(async () => await device.PublishAsync(topic, "x"), Throws.Exception);
        Assert.That(await _host.DisconnectReasonAsync(), Is.EqualTo(reason));
        Assert.That(_host.Messages.Reader.Count, Is.Zero);
        Assert.That(_host.Log.Lines.Single(l => l.Id.Id == 2201).Text, Does.Contain(reason).And.Contain(GatewayHost.Id));
    }

    [Test]
    public async Task Quality_of_service_2_ends_the_connection()
    {
        var device = await _host.ConnectAsync();
        Assert.That(async () => await device.PublishAsync(device.Events, "x", MqttQualityOfServiceLevel.ExactlyOnce), Throws.Exception);
        Assert.That(await _host.DisconnectReasonAsync(), Is.EqualTo("quality_of_service2"));
    }

    [Test]
    public async Task A_message_of_256_KB_passes_and_one_byte_more_ends_the_connection()
    {
        const int bytesMax = 256 * 1024;
        const string properties = "headerType=telemetry";
        var device = await _host.ConnectAsync();
        await device.PublishAsync(device.Events + properties, new string('x', bytesMax - properties.Length));
        Assert.That((await _host.Messages.Reader.ReadAsync()).Body, Has.Length.EqualTo(bytesMax - properties.Length));

        Assert.That(async () => await device.PublishAsync(device.Events + properties, new string('x', bytesMax - properties.Length + 1)), Throws.Exception);
        Assert.That(await _host.DisconnectReasonAsync(), Is.EqualTo("message_too_large"));
    }

    [Test]
    public async Task A_packet_that_no_message_could_need_is_not_read()
    {
        var device = await _host.ConnectAsync();
        Assert.That(async () => await device.PublishAsync(device.Events, new string('x', 1024 * 1024)), Throws.Exception);
        Assert.That(await _host.DisconnectReasonAsync(), Is.EqualTo("malformed_packet"));
    }

    [TestCase("\u0010\u00FF\u00FF\u00FF\u007F", TestName = "A stranger cannot make the gateway take 256 MB for a CONNECT")]
    [TestCase("\u0010\u00FF\u00FF\u00FF\u00FF\u007F", TestName = "A stranger with a length of five bytes is disconnected")]
    [TestCase("\u0030\u0002\u0000\u0000", TestName = "A stranger who begins with a PUBLISH is disconnected")]
    [TestCase("GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: a browser that has lost its way entirely\r\n\r\n", TestName = "A stranger who speaks HTTP is disconnected")]
    public async Task A_stranger(string bytes)
    {
        using var stranger = new TcpClient();
        await stranger.ConnectAsync(_host.Gateway.PlainEndPoint!);
        await stranger.GetStream().WriteAsync(Encoding.Latin1.GetBytes(bytes));
        using var patience = new CancellationTokenSource(GatewayHost.Patience);
        Assert.That(await ReadAsync(stranger, patience.Token), Is.Zero);
    }

    [Test]
    public async Task A_will_is_sent_as_a_message_that_says_so()
    {
        var device = await _host.ConnectAsync(
            _host.Options().WithWillTopic($"devices/{GatewayHost.Id}/messages/events/headerType=event").WithWillPayload("gone"));
        device.Client.Dispose();
        using var patience = new CancellationTokenSource(GatewayHost.Patience);
        var message = await _host.Messages.Reader.ReadAsync(patience.Token);
        Assert.That(message.Body, Is.EqualTo("gone"));
        Assert.That(message.Properties["iothub-MessageType"], Is.EqualTo("Will"));
        Assert.That(message.Properties[PropertyNames.HeaderType], Is.EqualTo("event"));
    }

    private static async Task<int> ReadAsync(TcpClient client, CancellationToken cancel)
    {
        try
        {
            return await client.GetStream().ReadAsync(new byte[1], cancel);
        }
        catch (IOException)
        {
            return 0; // Reset: the gateway had not read all of it.
        }
    }
}
