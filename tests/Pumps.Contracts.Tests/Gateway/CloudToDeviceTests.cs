using MQTTnet;
using MQTTnet.Protocol;
using Pumps.Handlers.Devices;

namespace Pumps.Contracts.Tests.Gateway;

public sealed class CloudToDeviceTests
{
    private GatewayHost _host = null!;

    [SetUp]
    public async Task Start() => _host = await GatewayHost.StartAsync();

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task A_message_carries_its_properties_in_its_topic()
    {
        var device = await _host.ConnectAsync();
        await device.SubscribeToMessagesAsync();
        await SendAsync(new CloudMessage("m-1", "go"u8.ToArray())
        {
            CorrelationId = "c-1",
            ContentType = "text/plain",
            Ack = DeliveryAck.Full,
            Properties = [new("a&b", "ü=1")],
        });
        var (topic, body) = await device.ReceiveAsync();
        Assert.That(body, Is.EqualTo("go"));
        Assert.That(topic, Is.EqualTo(
            $"devices/{GatewayHost.Id}/messages/devicebound/%24.mid=m-1&%24.to=%2Fdevices%2F{GatewayHost.Id}%2Fmessages%2Fdevicebound" +
            "&%24.cid=c-1&%24.ct=text%2Fplain&iothub-ack=full&a%26b=%C3%BC%3D1"));
        await ExpectFeedbackAsync("m-1", DeliveryOutcome.Completed);
    }

    [Test]
    public async Task Messages_wait_for_their_device_and_come_in_order_one_at_a_time()
    {
        for (var i = 0; i < 5; i++)
            await SendAsync(new CloudMessage($"m-{i}", new byte[] { (byte)('0' + i) }));
        var device = await _host.ConnectAsync();
        await device.SubscribeToMessagesAsync();
        for (var i = 0; i < 5; i++)
            Assert.That((await device.ReceiveAsync()).Body, Is.EqualTo(i.ToString(null as IFormatProvider)));
    }

    [Test]
    public async Task The_51st_waiting_message_is_refused()
    {
        for (var i = 0; i < 50; i++)
            await SendAsync(new CloudMessage($"m-{i}", default));
        var refused = await _host.Gateway.SendAsync(GatewayHost.Id, new CloudMessage("m-50", default), default);
        Assert.That(refused.Refusal?.Code, Is.EqualTo(DeviceRefusals.DeviceQueueFull));

        Assert.That(await _host.Gateway.PurgeAsync(GatewayHost.Id, default), Is.EqualTo(50));
        await SendAsync(new CloudMessage("m-51", default));
    }

    [Test]
    public async Task A_waiting_message_and_a_session_survive_a_restart()
    {
        var device = await _host.ConnectAsync(_host.Options(cleanSession: false));
        await device.SubscribeToMessagesAsync();
        await device.Client.DisconnectAsync(new MqttClientDisconnectOptions());
        await _host.DisconnectReasonAsync();
        await SendAsync(new CloudMessage("m-1", "still here"u8.ToArray()));

        await _host.RestartAsync();
        var again = await _host.ConnectAsync(_host.Options(cleanSession: false));
        Assert.That((await again.ReceiveAsync()).Body, Is.EqualTo("still here"));
    }

    [Test]
    public async Task A_clean_session_forgets_what_the_device_had_subscribed_to()
    {
        var device = await _host.ConnectAsync(_host.Options(cleanSession: false));
        await device.SubscribeToMessagesAsync();
        await device.Client.DisconnectAsync(new MqttClientDisconnectOptions());

        var clean = await _host.ConnectAsync();
        await SendAsync(new CloudMessage("m-1", default));
        await clean.PublishAsync(clean.Events, "a round trip");
        Assert.That(clean.Received.Reader.Count, Is.Zero);
        await clean.SubscribeToMessagesAsync();
        await clean.ReceiveAsync();
    }

    [Test]
    public async Task An_unacknowledged_message_comes_again_and_after_ten_deliveries_no_more()
    {
        await SendAsync(new CloudMessage("m-1", "again"u8.ToArray()) { Ack = DeliveryAck.Negative });
        for (var delivery = 0; delivery < 10; delivery++)
        {
            var device = await _host.ConnectAsync();
            device.Acknowledges = false;
            await device.SubscribeToMessagesAsync();
            Assert.That((await device.ReceiveAsync()).Body, Is.EqualTo("again"));
            device.Client.Dispose();
            await _host.DisconnectReasonAsync();
        }

        await SendAsync(new CloudMessage("m-2", "next"u8.ToArray()));
        var last = await _host.ConnectAsync();
        await last.SubscribeToMessagesAsync();
        Assert.That((await last.ReceiveAsync()).Body, Is.EqualTo("next"));
        await ExpectFeedbackAsync("m-1", DeliveryOutcome.DeliveryCountExceeded);
    }

    [Test]
    public async Task A_message_whose_time_has_run_out_is_reported_and_not_delivered()
    {
        await SendAsync(new CloudMessage("m-1", default) { Ack = DeliveryAck.Full, TimeToLive = TimeSpan.FromMinutes(1) });
        await SendAsync(new CloudMessage("m-2", "an hour"u8.ToArray()));
        _host.Time.Advance(TimeSpan.FromMinutes(2));
        var device = await _host.ConnectAsync();
        await device.SubscribeToMessagesAsync();
        Assert.That((await device.ReceiveAsync()).Body, Is.EqualTo("an hour"));
        await ExpectFeedbackAsync("m-1", DeliveryOutcome.Expired);
    }

    [Test]
    public async Task Without_a_wish_for_feedback_there_is_none()
    {
        var device = await _host.ConnectAsync();
        await device.SubscribeToMessagesAsync();
        await SendAsync(new CloudMessage("quiet", default));
        await device.ReceiveAsync();
        await SendAsync(new CloudMessage("loud", default) { Ack = DeliveryAck.Positive });
        await device.ReceiveAsync();
        await ExpectFeedbackAsync("loud", DeliveryOutcome.Completed);
    }

    [Test]
    public async Task With_quality_of_service_0_a_message_is_done_when_it_is_sent()
    {
        var device = await _host.ConnectAsync();
        Assert.That(
            await device.SubscribeAsync($"devices/{GatewayHost.Id}/messages/devicebound/#", MqttQualityOfServiceLevel.AtMostOnce),
            Is.EqualTo(MqttClientSubscribeResultCode.GrantedQoS0));
        await SendAsync(new CloudMessage("m-1", "x"u8.ToArray()) { Ack = DeliveryAck.Full });
        Assert.That((await device.ReceiveAsync()).Body, Is.EqualTo("x"));
        await ExpectFeedbackAsync("m-1", DeliveryOutcome.Completed);
    }

    [TestCase("devices/dp2-other/messages/devicebound/#")]
    [TestCase("devices/+/messages/devicebound/#")]
    [TestCase("devices/dp2-70b3d57ed0000001/messages/events/#")]
    [TestCase("#")]
    public async Task A_filter_that_is_not_the_devices_own_is_refused(string filter)
    {
        var device = await _host.ConnectAsync();
        Assert.That(await device.SubscribeAsync(filter), Is.EqualTo(MqttClientSubscribeResultCode.UnspecifiedError));
    }

    [Test]
    public async Task Quality_of_service_2_is_granted_as_1()
    {
        var device = await _host.ConnectAsync();
        Assert.That(
            await device.SubscribeAsync($"devices/{GatewayHost.Id}/messages/devicebound/#", MqttQualityOfServiceLevel.ExactlyOnce),
            Is.EqualTo(MqttClientSubscribeResultCode.GrantedQoS1));
    }

    [Test]
    public async Task A_message_that_cannot_be_delivered_ever_is_refused_at_once()
    {
        async Task<string?> RefusalAsync(CloudMessage message, string id = GatewayHost.Id) => (await _host.Gateway.SendAsync(id, message, default)).Refusal?.Code;

        Assert.That(await RefusalAsync(new("m", default), "dp2-unknown"), Is.EqualTo(DeviceRefusals.UnknownDevice));
        Assert.That(await RefusalAsync(new("m", new byte[64 * 1024 + 1])), Is.EqualTo(DeviceRefusals.TooLarge));
        Assert.That(await RefusalAsync(new("", default)), Is.EqualTo(DeviceRefusals.Invalid));
        Assert.That(await RefusalAsync(new("m", default) { Properties = [new("$.mid", "x")] }), Is.EqualTo(DeviceRefusals.Invalid));
        Assert.That(await RefusalAsync(new("m", default) { TimeToLive = TimeSpan.Zero }), Is.EqualTo(DeviceRefusals.Invalid));
        Assert.That(await RefusalAsync(new("m", default) { TimeToLive = TimeSpan.FromDays(3) }), Is.EqualTo(DeviceRefusals.Invalid));
    }

    private async Task SendAsync(CloudMessage message)
    {
        var sent = await _host.Gateway.SendAsync(GatewayHost.Id, message, default);
        Assert.That(sent.Refusal, Is.Null);
    }

    // Feedback goes out with the gateway's upkeep, once a second.
    private async Task ExpectFeedbackAsync(string messageId, DeliveryOutcome outcome)
    {
        var first = _host.Feedback.Reader.ReadAsync().AsTask();
        await _host.LetTimePassAsync(TimeSpan.FromSeconds(1), first);
        var feedback = await first;
        Assert.That((feedback.DeviceId, feedback.MessageId, feedback.Outcome), Is.EqualTo((GatewayHost.Id, messageId, outcome)));
    }
}
