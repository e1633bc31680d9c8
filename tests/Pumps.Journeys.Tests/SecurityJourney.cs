using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using Pumps.Fleet;
using Pumps.Fleet.Load;
using Pumps.Fleet.Mqtt;
using Pumps.Handlers.Devices;
using Pumps.LocalRegion.Gateway;
using Region = Pumps.LocalRegion.Region;

namespace Pumps.Journeys.Tests;

/// <summary>A device is who its key says, whatever it writes into topics, properties, frames and twin; and no key is ever written down.</summary>
/// <remarks>The region logs everything that anything in it can log, so that what is not found in the log is not in any log.</remarks>
[NonParallelizable]
public sealed class SecurityJourney
{
    private const string Thief = "dp2-00a1b2c3d4f60001";
    private const string Victim = "dp2-00a1b2c3d4f60002";
    private const string Dp1Thief = "dp1-4711002";

    private readonly EverythingLogged _log = new();
    private readonly ConcurrentBag<string> _secrets = [];
    private HostedRegion _region = null!;
    private DeviceCredentials _thief = null!;
    private DeviceCredentials _victim = null!;

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    [OneTimeSetUp]
    public async Task StartRegion()
    {
        _region = await HostedRegion.StartAsync(logging: logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(_log));
        _thief = await _region.RegisterAsync(Thief, "irrigation-pump-v2");
        _victim = await _region.RegisterAsync(Victim, "irrigation-pump-v2");
    }

    [OneTimeTearDown]
    public async Task StopRegion() => await _region.DisposeAsync();

    [Test]
    public async Task A_frame_with_the_identity_of_another_device_is_set_aside()
    {
        var before = await HistoryOfAsync(Victim);
        await using (var device = await FieldDevice.ConnectAsync(_region.Mqtt, _thief))
            await device.SendAsync("telemetry", TestFrames.Flowing(Victim, 1, 9999, Now));
        await _region.SettleAsync();

        Assert.That((await _region.DeadLettersAsync()).Where(l => l.Device == Thief).Select(l => l.Code), Does.Contain("E_IDENTITY"));
        Assert.That(await HistoryOfAsync(Victim), Is.EqualTo(before));
        Assert.That(await HistoryOfAsync(Thief), Is.Zero, "nor is it the thief's own");
    }

    [Test]
    public async Task A_DP1_telegram_with_the_serial_number_of_another_device_is_set_aside()
    {
        var stream = new FrameStream(
            new FleetOptions { Devices = 1, Mix = FleetMix.Only(FleetProduct.IrrigationPumpV1) }, RunningRegion.Catalog.Dictionaries,
            Now.AddHours(-1).ToUnixTimeMilliseconds());
        var telegram = stream.Next();
        Assert.That(stream.Devices[0].Id, Is.Not.EqualTo(Dp1Thief), "the telegram is of another device");

        var thief = await _region.RegisterAsync(Dp1Thief, "irrigation-pump-v1", 120);
        await using (var device = await FieldDevice.ConnectAsync(_region.Mqtt, thief))
            await device.SendAsync(telegram.HeaderType.Name(), telegram.Bytes);
        await _region.SettleAsync();

        Assert.That((await _region.DeadLettersAsync()).Where(l => l.Device == Dp1Thief).Select(l => l.Code), Is.EqualTo(new[] { "E_IDENTITY" }));
    }

    [Test]
    public async Task Tags_and_the_name_of_the_sender_that_a_device_writes_itself_count_for_nothing()
    {
        const string id = "dp2-00a1b2c3d4f60003";
        var forged = string.Join('&', new Dictionary<string, string>
        {
            ["headerType"] = "telemetry", ["protocol"] = "dp1", ["offering"] = "fire-protection", ["product"] = "fire-panel", ["customer"] = "other",
            ["region"] = "elsewhere", ["utcOffset"] = "720", ["iothub-connection-device-id"] = Victim, ["iothub-enqueuedtime"] = "2001-01-01T00:00:00Z",
            ["$.cdid"] = Victim,
        }.Select(p => $"{Uri.EscapeDataString(p.Key)}={Uri.EscapeDataString(p.Value)}"));
        var before = await HistoryOfAsync(Victim);
        await using (var device = await FieldDevice.ConnectAsync(_region.Mqtt, await _region.RegisterAsync(id, "irrigation-pump-v2")))
            await device.PublishAsync(forged, TestFrames.Flowing(id, 1, 2430, Now));
        await _region.SettleAsync();

        var view = await _region.GetAsync($"api/devices/{id}");
        Assert.That(view.GetProperty("latest").GetProperty("flow").GetProperty("value").GetRawText(), Is.EqualTo("24.30"), "read as what the device is");
        Assert.That(
            new[] { "protocol", "offering", "product", "customer" }.Select(tag => view.GetProperty(tag).GetString()),
            Is.EqualTo(new[] { "dp2", "irrigation", "irrigation-pump-v2", "green-valley" }));
        Assert.That(await HistoryOfAsync(Victim), Is.EqualTo(before));
    }

    [Test]
    public async Task Tags_in_a_devices_own_twin_count_for_nothing()
    {
        using var client = await ConnectAsync(_thief, _thief.UserName);
        await client.PublishStringAsync(
            "$iothub/twin/PATCH/properties/reported/?$rid=1", """{"tags":{"customer":"other","offering":"fire-protection"},"customer":"other"}""",
            MqttQualityOfServiceLevel.AtLeastOnce);
        Assert.That((await _region.GetAsync($"api/devices/{Thief}")).GetProperty("customer").GetString(), Is.EqualTo("green-valley"));
        var registered = await _region.Region.Services.GetRequiredService<IDeviceRegistry>().FindAsync(Thief, default);
        Assert.That((registered!.Device.Customer, registered.Device.Offering), Is.EqualTo(("green-valley", "irrigation")));
    }

    [TestCase($"devices/{Victim}/messages/events/headerType=telemetry")]
    [TestCase($"devices/{Victim}/messages/devicebound/")]
    [TestCase("$iothub/methods/POST/start/?$rid=1")]
    [TestCase("$dps/registrations/PUT/iotdps-register/?$rid=1")]
    public async Task A_topic_of_another_device_or_of_the_hub_ends_the_connection(string topic)
    {
        var before = await HistoryOfAsync(Victim);
        using var client = await ConnectAsync(_thief, _thief.UserName);
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        client.DisconnectedAsync += _ =>
        {
            gone.TrySetResult();
            return Task.CompletedTask;
        };
        await client.PublishAsync(new MqttApplicationMessage
        {
            Topic = topic, Payload = new(TestFrames.Flowing(Victim, 2, 9999, Now)), QualityOfServiceLevel = MqttQualityOfServiceLevel.AtMostOnce,
        });
        await gone.Task.WaitAsync(Patience.Usual);
        await _region.SettleAsync();
        Assert.That(await HistoryOfAsync(Victim), Is.EqualTo(before));
    }

    [TestCase($"devices/{Victim}/messages/devicebound/#")]
    [TestCase("devices/+/messages/devicebound/#")]
    [TestCase("devices/#")]
    [TestCase("$dps/registrations/res/#")]
    [TestCase("#")]
    public async Task Nobody_listens_to_another_device(string filter)
    {
        using var client = await ConnectAsync(_thief, _thief.UserName);
        Assert.That((await client.SubscribeAsync(filter)).Items.Single().ResultCode, Is.EqualTo(MqttClientSubscribeResultCode.UnspecifiedError));
    }

    [Test]
    public async Task A_devices_key_opens_nothing_but_the_device()
    {
        var asVictim = _thief with { DeviceId = Victim };
        Assert.That(await FieldDevice.TryConnectAsync(_region.Mqtt, asVictim), Is.EqualTo(MqttClientConnectResultCode.NotAuthorized), "its own signature");
        Assert.That(
            await TryConnectAsync(Victim, _victim.UserName, _thief.Token(Now.AddHours(1))), Is.EqualTo(MqttClientConnectResultCode.NotAuthorized), "a token of its own");
        Assert.That(
            await TryConnectAsync(Thief, _victim.UserName, _thief.Token(Now.AddHours(1))), Is.EqualTo(MqttClientConnectResultCode.NotAuthorized), "two names");
    }

    [Test]
    public async Task No_key_and_no_signature_is_in_any_log_metric_or_answer()
    {
        const string id = "dp2-00a1b2c3d4f60004";
        var folder = Region.GatewayFolder(_region.DataFolder);
        foreach (var line in await File.ReadAllLinesAsync(EnrollmentGroup.FileIn(folder)))
            Keep(line.Split('=', 2) is [_, var key] ? key : "");
        var factory = EnrollmentGroup.Read(EnrollmentGroup.FileIn(folder)).PrimaryKeyOf(id);
        Keep(factory);

        // The whole life of a device: registered, fresh from the factory, at work, refused, removed.
        var first = await _region.RegisterAsync(id, "irrigation-pump-v2");
        Keep(first.SharedAccessKey);
        Assert.That(
            await RegisterAtGatewayAsync(id, factory, $"{GatewayOptions.DefaultIdScope}/registrations/{id}"), Does.StartWith("$dps/registrations/res/200/"));
        Assert.That(
            await RegisterAtGatewayAsync(id, factory, $"{GatewayOptions.DefaultIdScope}/registrations/{Victim}"), Does.StartWith("$dps/registrations/res/401/"));
        var atWork = first with { SharedAccessKey = factory };
        await using (var device = await FieldDevice.ConnectAsync(_region.Mqtt, atWork))
            await device.SendAsync("telemetry", TestFrames.Flowing(id, 1, 2430, Now));
        var expired = atWork.Token(Now.AddMinutes(-1));
        KeepSignature(expired);
        Assert.That(await TryConnectAsync(id, atWork.UserName, expired), Is.EqualTo(MqttClientConnectResultCode.NotAuthorized));
        Assert.That(await TryConnectAsync(id, atWork.UserName, first.Token(Now.AddHours(1))), Is.EqualTo(MqttClientConnectResultCode.NotAuthorized), "the old key");
        KeepSignature(first.Token(Now.AddHours(1)));
        Assert.That(await TryConnectAsync(id, atWork.UserName, "SharedAccessSignature " + factory), Is.EqualTo(MqttClientConnectResultCode.NotAuthorized));
        await _region.SettleAsync();
        var devices = _region.Region.Services.GetRequiredService<IDeviceRegistry>();
        var registered = (await devices.FindAsync(id, default))!;
        Keep(registered.PrimaryKey);
        Keep(registered.SecondaryKey);
        Keep(_thief.SharedAccessKey);

        var said = new StringBuilder();
        foreach (var path in new[] { "metrics", "api/devices?latest=true&limit=1000", $"api/devices/{id}", "api/ops/status", "api/dead-letters?limit=1000", "api/health/ready", "docs", "api/openapi/v1.json" })
            said.AppendLine(await _region.Http.GetStringAsync(new Uri(path, UriKind.Relative)));
        using (var removed = await _region.Http.DeleteAsync(new Uri($"api/devices/{id}", UriKind.Relative)))
            Assert.That(removed.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));

        Assert.That(_secrets, Has.Count.GreaterThan(8));
        Assert.That(_log.Text.Contains(id, StringComparison.Ordinal), "the log does speak of the device");
        Assert.Multiple(() =>
        {
            foreach (var secret in _secrets)
            {
                Assert.That(_log.Text, Does.Not.Contain(secret), "log");
                Assert.That(said.ToString(), Does.Not.Contain(secret), "answers and metrics");
            }
        });
    }

    [Test]
    public void Files_with_keys_are_their_owners_alone()
    {
        if (OperatingSystem.IsWindows())
            Assert.Ignore("Windows has no modes of files; its folder rights apply.");
        string[] names = ["devices.db", "devices.db-wal", "gateway/enrollment.keys", "gateway/ca.key.pem"];
        Assert.Multiple(() =>
        {
            foreach (var file in names.Select(name => Path.Combine(_region.DataFolder, name)).Where(File.Exists))
#pragma warning disable CA1416 // ignored above on the one system that has no modes
                Assert.That(File.GetUnixFileMode(file), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite), file);
#pragma warning restore CA1416
        });
    }

    private async Task<int> HistoryOfAsync(string device) => (await _region.HistoryAsync()).Count(h => h.Key.Device == device);

    private void Keep(string secret)
    {
        Assert.That(secret, Has.Length.GreaterThan(40), "a key or a signature");
        _secrets.Add(secret);
        _secrets.Add(Uri.EscapeDataString(secret));
        _secrets.Add(JsonEncodedText.Encode(secret).ToString());
        _secrets.Add(Convert.ToHexString(Convert.FromBase64String(secret)));
    }

    private void KeepSignature(string token) =>
        Keep(Uri.UnescapeDataString(token.Split('&').Single(p => p.StartsWith("sig=", StringComparison.Ordinal))["sig=".Length..]));

    /// <summary>Registers with a token for this resource; returns the topic of the last answer.</summary>
    private async Task<string> RegisterAtGatewayAsync(string id, string key, string resource)
    {
        var expiry = Now.AddHours(1).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(key), Encoding.UTF8.GetBytes(resource + "\n" + expiry)));
        Keep(signature);
        using var client = new MqttClientFactory().CreateMqttClient();
        var answered = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var operation = "";
        client.ApplicationMessageReceivedAsync += async message =>
        {
            var topic = message.ApplicationMessage.Topic;
            if (topic.StartsWith("$dps/registrations/res/202/", StringComparison.Ordinal))
                operation = JsonElement.Parse(message.ApplicationMessage.ConvertPayloadToString()).GetProperty("operationId").GetString()!;
            else if (!topic.StartsWith("$dps/registrations/res/429/", StringComparison.Ordinal))
                answered.TrySetResult(topic);
            if (!answered.Task.IsCompleted)
                await client.PublishStringAsync($"$dps/registrations/GET/iotdps-get-operationstatus/?$rid=2&operationId={operation}");
        };
        await client.ConnectAsync(Options(
            id, $"{GatewayOptions.DefaultIdScope}/registrations/{id}/api-version=2019-03-31",
            $"SharedAccessSignature sr={resource}&sig={Uri.EscapeDataString(signature)}&skn=registration&se={expiry}"));
        await client.SubscribeAsync("$dps/registrations/res/#");
        await client.PublishStringAsync("$dps/registrations/PUT/iotdps-register/?$rid=1", $$"""{"registrationId":"{{id}}"}""");
        return await answered.Task.WaitAsync(Patience.Usual);
    }

    private async Task<IMqttClient> ConnectAsync(DeviceCredentials credentials, string userName)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        var result = await client.ConnectAsync(Options(credentials.DeviceId, userName, credentials.Token(Now.AddHours(1))));
        Assert.That(result.ResultCode, Is.EqualTo(MqttClientConnectResultCode.Success));
        return client;
    }

    private async Task<MqttClientConnectResultCode> TryConnectAsync(string clientId, string userName, string token)
    {
        using var client = new MqttClientFactory().CreateMqttClient();
        return (await client.ConnectAsync(Options(clientId, userName, token))).ResultCode;
    }

    private MqttClientOptions Options(string clientId, string userName, string password) => new MqttClientOptionsBuilder()
        .WithEndPoint(_region.Mqtt)
        .WithProtocolVersion(MqttProtocolVersion.V311)
        .WithClientId(clientId)
        .WithCredentials(userName, password)
        .WithCleanSession()
        .WithTimeout(Patience.Usual)
        .Build();

    /// <summary>Every line with everything in it: the text, the values that go into it, the exception.</summary>
    private sealed class EverythingLogged : ILoggerProvider, ILogger
    {
        private readonly StringBuilder _text = new();

        public string Text
        {
            get
            {
                lock (_text)
                    return _text.ToString();
            }
        }

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
        {
            Keep(state.ToString());
            return null;
        }

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Keep(formatter(state, exception));
            if (state is IEnumerable<KeyValuePair<string, object?>> values)
                foreach (var value in values)
                    Keep(value.Value?.ToString());
            Keep(exception?.ToString());
        }

        public void Dispose()
        {
            // Holds nothing.
        }

        private void Keep(string? line)
        {
            lock (_text)
                _text.AppendLine(line);
        }
    }
}
