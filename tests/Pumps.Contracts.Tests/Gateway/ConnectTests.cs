using MQTTnet;
using MQTTnet.Formatter;
using Pumps.Handlers.Devices;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Contracts.Tests.Gateway;

public sealed class ConnectTests
{
    private GatewayHost _host = null!;

    [SetUp]
    public async Task Start() => _host = await GatewayHost.StartAsync();

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task A_token_of_either_key_opens([Values] bool primary)
    {
        var key = primary ? _host.Registered.PrimaryKey : _host.Registered.SecondaryKey;
        await _host.ConnectAsync(_host.Options(_host.Token(key: key)));
        Assert.That(_host.Gateway.ConnectedDevices, Is.EqualTo(1));
    }

    [TestCase("localhost/{0}/?api-version=2021-04-12&DeviceClientType=azure-iot-device%2F1.18")]
    [TestCase("localhost/{0}/api-version=2016-11-14")]
    [TestCase("localhost/{0}")]
    [TestCase("LOCALHOST/{0}/?api-version=2021-04-12")]
    public async Task A_user_name_in_any_of_the_SDKs_spellings_opens(string userName)
    {
        await _host.ConnectAsync(_host.Options().WithCredentials(string.Format(null, userName, GatewayHost.Id), _host.Token()));
        Assert.That(_host.Gateway.ConnectedDevices, Is.EqualTo(1));
    }

    [TestCase("wrong_signature")]
    [TestCase("token_expired")]
    [TestCase("unknown_device")]
    [TestCase("wrong_resource")]
    [TestCase("device_disabled")]
    [TestCase("unknown_host")]
    [TestCase("client_id_mismatch")]
    [TestCase("malformed_token")]
    [TestCase("policy_token")]
    [TestCase("bad_user_name")]
    public async Task A_stranger_is_not_authorized_and_the_log_knows_why_without_the_token(string reason)
    {
        var options = _host.Options();
        var user = $"{GatewayHost.Host}/{GatewayHost.Id}/?api-version=2021-04-12";
        var token = _host.Token();
        switch (reason)
        {
            case "wrong_signature": token = _host.Token(key: Convert.ToBase64String(new byte[32])); break;
            case "token_expired": token = _host.Token(TimeSpan.Zero); break;
            case "unknown_device": await _host.Registry.RemoveAsync(GatewayHost.Id, default); break;
            case "wrong_resource": token = SasToken.Create(GatewayHost.Host, "dp2-other", _host.Registered.PrimaryKey, _host.Time.GetUtcNow().AddHours(1)); break;
            case "device_disabled": await _host.Registry.SetEnabledAsync(GatewayHost.Id, false, default); break;
            case "unknown_host": user = user.Replace(GatewayHost.Host, "elsewhere.example", StringComparison.Ordinal); break;
            case "client_id_mismatch": options = options.WithClientId("dp2-other"); break;
            case "malformed_token": token = "SharedAccessSignature sr=a&sig=b&se=c"; break;
            case "policy_token": token += "&skn=device"; break;
            case "bad_user_name": user = GatewayHost.Host; break;
        }

        Assert.That(await _host.TryConnectAsync(options.WithCredentials(user, token)), Is.EqualTo(MqttClientConnectResultCode.NotAuthorized));
        var line = _host.Log.Lines.Single(l => l.Id.Id == 2201).Text;
        Assert.That(line, Does.Contain(reason).And.Not.Contain("sig=").And.Not.Contain(_host.Registered.PrimaryKey));
    }

    [Test]
    public async Task A_device_without_a_password_is_not_authorized() =>
        Assert.That(
            await _host.TryConnectAsync(_host.Options().WithCredentials($"{GatewayHost.Host}/{GatewayHost.Id}", (byte[]?)null)),
            Is.EqualTo(MqttClientConnectResultCode.NotAuthorized));

    [Test]
    public async Task Mqtt_5_is_told_that_its_version_is_not_spoken() =>
        Assert.That(
            await _host.TryConnectAsync(_host.Options().WithProtocolVersion(MqttProtocolVersion.V500)),
            Is.EqualTo(MqttClientConnectResultCode.UnsupportedProtocolVersion));

    [Test]
    public async Task A_thousand_refusals_of_one_kind_are_one_line_a_minute()
    {
        var wrong = _host.Token(key: Convert.ToBase64String(new byte[32]));
        for (var i = 0; i < 5; i++)
            await _host.TryConnectAsync(_host.Options(wrong));
        Assert.That(_host.Log.Count(2201), Is.EqualTo(1));

        _host.Time.Advance(TimeSpan.FromMinutes(1));
        await _host.TryConnectAsync(_host.Options(_host.Token(key: Convert.ToBase64String(new byte[32]))));
        Assert.That(_host.Log.Lines.Last(l => l.Id.Id == 2201).Text, Does.Contain("4 more"));
    }

    [Test]
    public async Task A_connection_ends_when_its_token_runs_out()
    {
        var device = await _host.ConnectAsync(_host.Options(_host.Token(TimeSpan.FromMinutes(10))));
        await _host.LetTimePassAsync(TimeSpan.FromMinutes(10), device.Disconnected.Task);
        Assert.That(await _host.DisconnectReasonAsync(), Is.EqualTo("token_expired"));
    }

    [Test]
    public async Task A_new_connection_of_a_device_replaces_the_old_one()
    {
        var old = await _host.ConnectAsync();
        var device = await _host.ConnectAsync();
        await old.Disconnected.Task.WaitAsync(GatewayHost.Patience);
        await device.PublishAsync(device.Events, "still here");
        Assert.That((await _host.Messages.Reader.ReadAsync()).Body, Is.EqualTo("still here"));
        Assert.That(_host.Gateway.ConnectedDevices, Is.EqualTo(1));
    }

    [TestCase(true, "device_disabled")]
    [TestCase(false, "device_disabled")]
    public async Task A_device_that_is_disabled_or_removed_is_disconnected(bool removed, string reason)
    {
        var device = await _host.ConnectAsync();
        if (removed) await _host.Registry.RemoveAsync(GatewayHost.Id, default);
        else await _host.Registry.SetEnabledAsync(GatewayHost.Id, false, default);
        await _host.LetTimePassAsync(TimeSpan.FromSeconds(1), device.Disconnected.Task);
        Assert.That(await _host.DisconnectReasonAsync(), Is.EqualTo(reason));
    }

    [Test]
    public async Task A_goodbye_and_a_lost_connection_are_told_apart()
    {
        var polite = await _host.ConnectAsync();
        await polite.Client.DisconnectAsync(new MqttClientDisconnectOptions());
        Assert.That(await _host.DisconnectReasonAsync(), Is.EqualTo("client"));

        var lost = await _host.ConnectAsync();
        lost.Client.Dispose();
        Assert.That(await _host.DisconnectReasonAsync(), Is.EqualTo("connection_lost"));
    }

    [Test]
    public async Task A_device_connects_with_either_key_and_not_with_one_that_was_replaced()
    {
        var fresh = DeviceKey.Create();
        await _host.Registry.SetKeyAsync(GatewayHost.Id, DeviceKeySlot.Secondary, fresh, default);
        Assert.That(await _host.TryConnectAsync(_host.Options(_host.Token(key: _host.Registered.PrimaryKey))), Is.EqualTo(MqttClientConnectResultCode.Success));
        Assert.That(await _host.TryConnectAsync(_host.Options(_host.Token(key: fresh))), Is.EqualTo(MqttClientConnectResultCode.Success));
        Assert.That(
            await _host.TryConnectAsync(_host.Options(_host.Token(key: _host.Registered.SecondaryKey))),
            Is.EqualTo(MqttClientConnectResultCode.NotAuthorized));
    }

    [Test]
    public async Task Ten_thousand_devices_register_in_five_seconds_and_are_there_after_a_restart()
    {
        var devices = Enumerable.Range(0, 10_000).Select(i => GatewayHost.Device with { Id = $"dp2-{i:x16}" }).ToList();
        var started = TimeProvider.System.GetTimestamp();
        var registered = await _host.Registry.RegisterAsync(devices, default);
        var taken = TimeProvider.System.GetElapsedTime(started);
        await TestContext.Progress.WriteLineAsync($"10,000 devices registered in {taken.TotalMilliseconds:F0} ms");
        Assert.That(taken, Is.LessThan(TimeSpan.FromSeconds(5)));

        await _host.RestartAsync();
        Assert.That(_host.Registry.Count, Is.EqualTo(10_001));
        Assert.That(await _host.Registry.FindAsync(devices[4711].Id, default), Is.EqualTo(registered[4711]));
    }

    [Test]
    public async Task Registering_again_keeps_the_keys_and_changes_the_tags()
    {
        var again = await _host.Registry.RegisterAsync(GatewayHost.Device with { Customer = "other" }, default);
        Assert.That(again, Is.EqualTo(_host.Registered with { Device = GatewayHost.Device with { Customer = "other" } }));
        Assert.That(await _host.Registry.FindAsync(GatewayHost.Id, default), Is.EqualTo(again));
    }

    [TestCase("")]
    [TestCase("a/b")]
    [TestCase("a#")]
    [TestCase("gerät")]
    public void An_id_that_a_topic_could_not_carry_is_refused(string id) =>
        Assert.That(
            async () => await _host.Registry.RegisterAsync(GatewayHost.Device with { Id = id }, default),
            Throws.ArgumentException.With.Message.Contains($"'{id}'"));
}
