using Pumps.Handlers.Devices;

namespace Pumps.Contracts.Tests.Gateway;

public sealed class TwinAndMethodTests
{
    private static readonly TimeSpan FiveSeconds = TimeSpan.FromSeconds(5);

    private GatewayHost _host = null!;

    [SetUp]
    public async Task Start() => _host = await GatewayHost.StartAsync();

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task A_device_reads_its_twin()
    {
        await _host.Gateway.UpdateDesiredAsync(GatewayHost.Id, """{"interval":{"value":5,"unit":"min"}}""", null, default);
        var device = await ConnectAsync();
        await device.PublishAsync("$iothub/twin/GET/?$rid=abc-1");
        Assert.That(await device.ReceiveAsync(), Is.EqualTo((
            "$iothub/twin/res/200/?$rid=abc-1", """{"desired":{"interval":{"value":5,"unit":"min"},"$version":2},"reported":{"$version":1}}""")));
    }

    [Test]
    public async Task A_patch_merges_deletes_with_null_and_counts_versions()
    {
        var device = await ConnectAsync();
        await device.PublishAsync(Patch(1), """{"a":{"b":1,"c":2},"list":[1,{"x":null}],"text":"ü"}""");
        Assert.That(await device.ReceiveAsync(), Is.EqualTo(("$iothub/twin/res/204/?$rid=1&$version=2", "")));
        await device.PublishAsync(Patch(2), """{"a":{"b":null,"d":3},"text":7,"$version":2}""");
        Assert.That(await device.ReceiveAsync(), Is.EqualTo(("$iothub/twin/res/204/?$rid=2&$version=3", "")));

        await _host.RestartAsync();
        var twin = await _host.Gateway.FindTwinAsync(GatewayHost.Id, default);
        Assert.That(twin!.Reported, Is.EqualTo("""{"a":{"c":2,"d":3},"list":[1,{"x":null}],"text":7}"""));
        Assert.That(twin.ReportedVersion, Is.EqualTo(3));
    }

    [TestCase("not json", 400)]
    [TestCase("[1]", 400)]
    [TestCase("", 400)]
    [TestCase("""{"a":1,"a":2}""", 400)]
    [TestCase("""{"a.b":1}""", 400)]
    [TestCase("""{"$a":1}""", 400)]
    [TestCase("""{"a":4503599627370496}""", 400)]
    [TestCase("""{"1":{"2":{"3":{"4":{"5":{"6":{"7":{"8":{"9":{"10":{"11":1}}}}}}}}}}}""", 400)]
    public async Task A_patch_against_the_rules_is_refused_with_a_reason(string patch, int status)
    {
        var device = await ConnectAsync();
        await device.PublishAsync(Patch(1), patch);
        var (topic, body) = await device.ReceiveAsync();
        Assert.That(topic, Is.EqualTo($"$iothub/twin/res/{status}/?$rid=1"));
        Assert.That(body, Does.Contain("\"errorCode\":400000").And.Contain("message"));
        Assert.That((await _host.Gateway.FindTwinAsync(GatewayHost.Id, default))!.ReportedVersion, Is.EqualTo(1));
    }

    [Test]
    public async Task Properties_beyond_32_KB_are_refused_as_too_large()
    {
        var device = await ConnectAsync();
        for (var i = 0; i < 8; i++)
        {
            await device.PublishAsync(Patch(i), $$"""{"p{{i}}":"{{new string('x', 4000)}}"}""");
            Assert.That((await device.ReceiveAsync()).Topic, Does.Contain("/204/"));
        }

        await device.PublishAsync(Patch(9), $$"""{"p9":"{{new string('x', 4000)}}"}""");
        Assert.That((await device.ReceiveAsync()).Topic, Is.EqualTo("$iothub/twin/res/413/?$rid=9"));
    }

    [Test]
    public async Task More_requests_in_a_second_than_allowed_are_answered_429()
    {
        var device = await ConnectAsync();
        for (var i = 0; i < 21; i++)
            await device.PublishAsync($"$iothub/twin/GET/?$rid={i}");
        for (var i = 0; i < 20; i++)
            Assert.That((await device.ReceiveAsync()).Topic, Is.EqualTo($"$iothub/twin/res/200/?$rid={i}"));
        Assert.That((await device.ReceiveAsync()).Topic, Is.EqualTo("$iothub/twin/res/429/?$rid=20"));

        _host.Time.Advance(TimeSpan.FromSeconds(1));
        await device.PublishAsync("$iothub/twin/GET/?$rid=later");
        Assert.That((await device.ReceiveAsync()).Topic, Is.EqualTo("$iothub/twin/res/200/?$rid=later"));
    }

    [Test]
    public async Task A_device_hears_of_changed_desired_properties_and_of_deleted_ones()
    {
        var device = await ConnectAsync();
        await device.SubscribeAsync("$iothub/twin/PATCH/properties/desired/#");
        var twin = await _host.Gateway.UpdateDesiredAsync(GatewayHost.Id, """{"interval":"5m","old":null}""", 1, default);
        Assert.That(twin.Value!.Desired, Is.EqualTo("""{"interval":"5m"}"""));
        Assert.That(await device.ReceiveAsync(), Is.EqualTo((
            "$iothub/twin/PATCH/properties/desired/?$version=2", """{"interval":"5m","old":null,"$version":2}""")));

        var conflict = await _host.Gateway.UpdateDesiredAsync(GatewayHost.Id, "{}", 1, default);
        Assert.That(conflict.Refusal?.Code, Is.EqualTo(DeviceRefusals.VersionConflict));
        var unknown = await _host.Gateway.UpdateDesiredAsync("dp2-unknown", "{}", null, default);
        Assert.That(unknown.Refusal?.Code, Is.EqualTo(DeviceRefusals.UnknownDevice));
    }

    [Test]
    public async Task A_method_is_called_and_answered()
    {
        var device = await ConnectAsync();
        await device.SubscribeAsync("$iothub/methods/POST/#");
        var call = _host.Gateway.InvokeAsync(GatewayHost.Id, "set valve", """{"open":true}""", FiveSeconds, TimeSpan.Zero, default);
        var (topic, body) = await device.ReceiveAsync();
        Assert.That(topic, Does.StartWith("$iothub/methods/POST/set%20valve/?$rid="));
        Assert.That(body, Is.EqualTo("""{"open":true}"""));
        await device.PublishAsync("$iothub/methods/res/503/?$rid=" + topic[(topic.IndexOf("$rid=", StringComparison.Ordinal) + 5)..], "\"stuck\"");
        Assert.That((await call.WaitAsync(GatewayHost.Patience)).Value, Is.EqualTo(new MethodResponse(503, "\"stuck\"")));
    }

    [Test]
    public async Task A_device_that_is_not_connected_or_does_not_listen_is_offline([Values] bool connected)
    {
        if (connected) await ConnectAsync();
        var answer = await _host.Gateway.InvokeAsync(GatewayHost.Id, "reboot", "null", FiveSeconds, TimeSpan.Zero, default);
        Assert.That(answer.Refusal?.Code, Is.EqualTo(DeviceRefusals.DeviceOffline));
    }

    [Test]
    public async Task A_call_waits_for_a_device_as_long_as_it_is_told()
    {
        var call = _host.Gateway.InvokeAsync(GatewayHost.Id, "reboot", "null", FiveSeconds, TimeSpan.FromSeconds(30), default);
        var device = await ConnectAsync();
        await device.SubscribeAsync("$iothub/methods/POST/#");
        var (topic, _) = await device.ReceiveAsync();
        await device.PublishAsync("$iothub/methods/res/200/?$rid=" + topic[(topic.IndexOf("$rid=", StringComparison.Ordinal) + 5)..]);
        Assert.That((await call.WaitAsync(GatewayHost.Patience)).Value, Is.EqualTo(new MethodResponse(200, "null")));

        var late = _host.Gateway.InvokeAsync("dp2-unknown", "reboot", "null", FiveSeconds, TimeSpan.FromSeconds(30), default);
        Assert.That((await late).Refusal?.Code, Is.EqualTo(DeviceRefusals.UnknownDevice));
    }

    [Test]
    public async Task A_device_that_does_not_answer_in_time_is_told_apart_from_one_that_is_offline()
    {
        var device = await ConnectAsync();
        await device.SubscribeAsync("$iothub/methods/POST/#");
        var call = _host.Gateway.InvokeAsync(GatewayHost.Id, "reboot", "null", FiveSeconds, TimeSpan.Zero, default);
        await device.ReceiveAsync();
        await _host.LetTimePassAsync(FiveSeconds, call);
        Assert.That((await call).Refusal?.Code, Is.EqualTo(DeviceRefusals.DeviceTimeout));
    }

    [TestCase("", "null", 5)]
    [TestCase("reboot", "{", 5)]
    [TestCase("reboot", "null", 4)]
    [TestCase("reboot", "null", 301)]
    public async Task A_call_against_the_rules_is_refused(string method, string payload, int seconds)
    {
        var answer = await _host.Gateway.InvokeAsync(GatewayHost.Id, method, payload, TimeSpan.FromSeconds(seconds), TimeSpan.Zero, default);
        Assert.That(answer.Refusal?.Code, Is.EqualTo(DeviceRefusals.Invalid));
    }

    [Test]
    public async Task Another_devices_answer_is_not_taken()
    {
        var device = await ConnectAsync();
        await device.SubscribeAsync("$iothub/methods/POST/#");
        var call = _host.Gateway.InvokeAsync(GatewayHost.Id, "reboot", "null", FiveSeconds, TimeSpan.Zero, default);
        var (topic, _) = await device.ReceiveAsync();
        var answerTopic = "$iothub/methods/res/200/?$rid=" + topic[(topic.IndexOf("$rid=", StringComparison.Ordinal) + 5)..];

        var other = await _host.Registry.RegisterAsync(GatewayHost.Device with { Id = "dp2-other" }, default);
        var token = LocalRegion.Gateway.SasToken.Create(GatewayHost.Host, "dp2-other", other.PrimaryKey, _host.Time.GetUtcNow().AddHours(1));
        var stranger = await _host.ConnectAsync(_host.Options().WithClientId("dp2-other").WithCredentials($"{GatewayHost.Host}/dp2-other", token));
        await stranger.PublishAsync(answerTopic, "\"forged\"");
        Assert.That(call.IsCompleted, Is.False);

        await device.PublishAsync(answerTopic, "\"real\"");
        Assert.That((await call.WaitAsync(GatewayHost.Patience)).Value!.Payload, Is.EqualTo("\"real\""));
    }

    private static string Patch(int requestId) => $"$iothub/twin/PATCH/properties/reported/?$rid={requestId}";

    private async Task<TestDevice> ConnectAsync()
    {
        var device = await _host.ConnectAsync();
        await device.SubscribeAsync("$iothub/twin/res/#");
        return device;
    }
}
