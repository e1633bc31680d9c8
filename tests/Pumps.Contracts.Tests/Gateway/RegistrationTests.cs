using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using MQTTnet;
using MQTTnet.Protocol;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Contracts.Tests.Gateway;

/// <summary>The gateway as Device Provisioning Service, with a plain MQTT client. The journeys do the same with Microsoft's SDK.</summary>
public sealed class RegistrationTests
{
    private const string Id = GatewayHost.Id;
    private const string Scope = GatewayOptions.DefaultIdScope;
    private const string Hub = "hub.example";
    private const string Register = "$dps/registrations/PUT/iotdps-register/?$rid=";
    private const string Status = "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=";

    private readonly List<string> _asked = [];
    private GatewayHost _host = null!;
    private Func<Task<Answer<Allocation>>> _allocate = null!;

    private EnrollmentGroup Group => EnrollmentGroup.Open(_host.Folder);

    [SetUp]
    public async Task Start()
    {
        _asked.Clear();
        _host = await GatewayHost.StartAsync();
        _allocate = () => Task.FromResult<Answer<Allocation>>(new Answer<Allocation>.Found(new(GatewayHost.Device, Hub, "{}")));
        _host.Gateway.Allocate = (id, _) =>
        {
            _asked.Add(id);
            return _allocate();
        };
    }

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    /// <summary>The example of "How to provision legacy devices using symmetric keys" in the documentation of the Device Provisioning Service.</summary>
    [Test]
    public void A_devices_key_follows_from_the_groups_key_as_documented()
    {
        var folder = Directory.CreateTempSubdirectory("pumps-group-");
        try
        {
            File.WriteAllLines(
                EnrollmentGroup.FileIn(folder.FullName),
                ["primary=8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw==", "secondary=AAAA"]);
            Assert.That(
                EnrollmentGroup.Open(folder.FullName).PrimaryKeyOf("sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6"),
                Is.EqualTo("Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc="));
        }
        finally
        {
            folder.Delete(true);
        }
    }

    [Test]
    public async Task A_device_registers_with_either_key_of_its_enrollment_and_then_connects_with_it([Values] bool primary)
    {
        var key = primary ? Group.PrimaryKeyOf(Id) : SecondaryKey();
        var registering = await ConnectAsync(key);

        var (topic, pending) = await AskAsync(registering, Register + "1", $$$"""{"registrationId":"{{{Id}}}","payload":{"factory":7}}""");
        Assert.That(topic, Is.EqualTo("$dps/registrations/res/202/?$rid=1&retry-after=1"));
        Assert.That(pending.GetProperty("status").GetString(), Is.EqualTo("assigning"));

        var result = await AwaitEndAsync(registering, pending.GetProperty("operationId").GetString()!);
        var state = result.GetProperty("registrationState");
        Assert.That(result.GetProperty("status").GetString(), Is.EqualTo("assigned"));
        Assert.That(
            (state.GetProperty("assignedHub").GetString(), state.GetProperty("deviceId").GetString(), state.GetProperty("registrationId").GetString()),
            Is.EqualTo((Hub, Id, Id)));

        await _host.ConnectAsync(_host.Options(_host.Token(key: key)));
        Assert.That(_asked, Is.EqualTo(new[] { Id }));
        Assert.That(
            await _host.TryConnectAsync(_host.Options()), Is.EqualTo(MqttClientConnectResultCode.NotAuthorized),
            "the key from before the registration opens no more, as with Azure's service");
    }

    [TestCase("wrong_signature", true)]
    [TestCase("token_expired", true)]
    [TestCase("wrong_resource", true)]
    [TestCase("unknown_id_scope", true)]
    [TestCase("malformed_token", true)]
    [TestCase("policy_token", true)]
    [TestCase("client_id_mismatch", false)]
    [TestCase("bad_user_name", false)]
    [TestCase("registration_closed", false)]
    public async Task A_stranger_cannot_register_and_the_log_knows_why_without_the_token(string reason, bool connects)
    {
        var (client, scope, id, key) = (Id, Scope, Id, Group.PrimaryKeyOf(Id));
        var token = Token(key);
        switch (reason)
        {
            case "wrong_signature": token = Token(Group.PrimaryKeyOf("dp2-other")); break;
            case "token_expired": token = Token(key, life: TimeSpan.Zero); break;
            case "wrong_resource": token = Token(key, resource: $"{Scope}/registrations/dp2-other"); break;
            case "unknown_id_scope": scope = "0neelsewhere"; break;
            case "client_id_mismatch": client = "dp2-other"; break;
            case "malformed_token": token = "SharedAccessSignature sr=a&sig=b&se=c"; break;
            case "policy_token": token = token.Replace("skn=registration", "skn=owner", StringComparison.Ordinal); break;
            case "bad_user_name": id = "dp2 other"; break;
            case "registration_closed": _host.Gateway.Allocate = null; break;
        }

        var options = Options(token, scope, id).WithClientId(client);
        if (connects) await ExpectUnauthorizedAsync(options);
        else Assert.That(await _host.TryConnectAsync(options), Is.EqualTo(MqttClientConnectResultCode.NotAuthorized));
        var line = _host.Log.Lines.Single(l => l.Id.Id == 2201).Text;
        Assert.That(line, Does.Contain(reason).And.Not.Contain("sig=").And.Not.Contain(key));
        Assert.That(_asked, Is.Empty);
    }

    [Test]
    public async Task A_devices_own_token_does_not_register_and_its_registration_token_does_not_connect()
    {
        await _host.Registry.RegisterAsync(GatewayHost.Device, default);
        await ExpectUnauthorizedAsync(Options(_host.Token()));
        Assert.That(await _host.TryConnectAsync(_host.Options(Token(Group.PrimaryKeyOf(Id)))), Is.EqualTo(MqttClientConnectResultCode.NotAuthorized));
    }

    [Test]
    public async Task A_refused_registration_ends_with_the_reason_and_changes_no_key()
    {
        _allocate = () => Task.FromResult<Answer<Allocation>>(new Answer<Allocation>.Refused("device_not_ordered", "Nobody has ordered it."));
        var registering = await ConnectAsync();
        var (_, pending) = await AskAsync(registering, Register + "1", Body());

        var result = await AwaitEndAsync(registering, pending.GetProperty("operationId").GetString()!);
        Assert.That(result.GetProperty("status").GetString(), Is.EqualTo("failed"));
        Assert.That(result.GetProperty("registrationState").GetProperty("errorMessage").GetString(), Is.EqualTo("device_not_ordered: Nobody has ordered it."));
        Assert.That(await _host.TryConnectAsync(_host.Options()), Is.EqualTo(MqttClientConnectResultCode.Success));
    }

    [Test]
    public async Task A_device_that_is_gone_when_its_keys_are_written_is_refused()
    {
        _allocate = async () =>
        {
            await _host.Registry.RemoveAsync(Id, default);
            return new Answer<Allocation>.Found(new(GatewayHost.Device, Hub, "{}"));
        };
        var registering = await ConnectAsync();
        var (_, pending) = await AskAsync(registering, Register + "1", Body());
        var result = await AwaitEndAsync(registering, pending.GetProperty("operationId").GetString()!);
        Assert.That(result.GetProperty("registrationState").GetProperty("errorMessage").GetString(), Does.StartWith("unknown_device"));
    }

    [Test]
    public async Task Registering_again_does_not_undo_a_rotation_of_keys([Values] bool isOver, [Values] bool afterRestart)
    {
        var factory = Group.PrimaryKeyOf(Id);
        await RegisterAsync(factory);
        var (primary, secondary) = (DeviceKey.Create(), DeviceKey.Create());
        await _host.Registry.SetKeyAsync(Id, DeviceKeySlot.Secondary, secondary, default);
        if (isOver) await _host.Registry.SetKeyAsync(Id, DeviceKeySlot.Primary, primary, default);
        if (afterRestart) await _host.RestartAsync();
        _host.Gateway.Allocate = (_, _) => _allocate();

        await RegisterAsync(factory);
        await RegisterAsync(secondary);
        var (registered, isFactoryKeyGood) = ((await _host.Registry.FindAsync(Id, default))!, await _host.TryConnectAsync(_host.Options(_host.Token(key: factory))));
        Assert.That(
            (registered.PrimaryKey, registered.SecondaryKey, isFactoryKeyGood),
            Is.EqualTo(isOver ? (primary, secondary, MqttClientConnectResultCode.NotAuthorized) : (factory, secondary, MqttClientConnectResultCode.Success)));
        await _host.ConnectAsync(_host.Options(_host.Token(key: secondary)));
    }

    [Test]
    public async Task A_key_of_the_hub_does_not_register_a_device_whose_keys_were_never_replaced() =>
        await ExpectUnauthorizedAsync(Options(Token(_host.Registered.PrimaryKey)));

    [Test]
    public async Task A_device_that_was_removed_and_ordered_again_has_the_keys_of_its_enrollment()
    {
        var replaced = DeviceKey.Create();
        await _host.Registry.SetKeyAsync(Id, DeviceKeySlot.Primary, replaced, default);
        await _host.Registry.RemoveAsync(Id, default);
        await _host.Registry.RegisterAsync(GatewayHost.Device, default);
        await ExpectUnauthorizedAsync(Options(Token(replaced)));
        await RegisterAsync(Group.PrimaryKeyOf(Id));
        await _host.ConnectAsync(_host.Options(_host.Token(key: Group.PrimaryKeyOf(Id))));
    }

    [Test]
    public async Task A_device_cannot_register_another_one()
    {
        var registering = await ConnectAsync();
        var (topic, fault) = await AskAsync(registering, Register + "1", Body("dp2-70b3d57ed0000002"));
        Assert.That(topic, Does.StartWith("$dps/registrations/res/401/"));
        Assert.That(fault.GetProperty("message").GetString(), Does.Contain(Id));
        Assert.That(_asked, Is.Empty);
    }

    [TestCase("", 400)]
    [TestCase("no JSON", 400)]
    [TestCase("[]", 400)]
    [TestCase("{}", 400)]
    [TestCase("null", 400)]
    public async Task A_body_that_names_no_registration_is_said_to_be_at_fault(string body, int status)
    {
        var registering = await ConnectAsync();
        var (topic, fault) = await AskAsync(registering, Register + "1", body);
        Assert.That(topic, Is.EqualTo($"$dps/registrations/res/{status}/?$rid=1"));
        Assert.That(fault.GetProperty("errorCode").GetInt32(), Is.EqualTo(status * 1000));
    }

    [Test]
    public async Task An_operation_that_this_connection_did_not_begin_is_unknown()
    {
        var registering = await ConnectAsync();
        var (topic, _) = await AskAsync(registering, Status + "1&operationId=0", "");
        Assert.That(topic, Is.EqualTo("$dps/registrations/res/404/?$rid=1"));
    }

    [Test]
    public async Task A_registration_that_is_not_decided_yet_is_asked_for_again()
    {
        var held = new TaskCompletionSource<Answer<Allocation>>(TaskCreationOptions.RunContinuationsAsynchronously);
        _allocate = () => held.Task;
        var registering = await ConnectAsync();
        var (_, first) = await AskAsync(registering, Register + "1", Body());
        var (_, again) = await AskAsync(registering, Register + "2", Body());
        var operation = first.GetProperty("operationId").GetString()!;
        Assert.That(again.GetProperty("operationId").GetString(), Is.EqualTo(operation), "an impatient device goes on with what it has begun");

        var (topic, _) = await AskAsync(registering, Status + $"3&operationId={operation}", "");
        Assert.That(topic, Is.EqualTo("$dps/registrations/res/202/?$rid=3&retry-after=1"));
        held.SetResult(new Answer<Allocation>.Found(new(GatewayHost.Device, Hub, "{}")));
        Assert.That((await AwaitEndAsync(registering, operation)).GetProperty("status").GetString(), Is.EqualTo("assigned"));
        Assert.That(_asked, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task An_outage_is_told_to_the_device_and_its_next_question_is_a_new_attempt()
    {
        var away = true;
        var allocate = _allocate;
        _allocate = () => away ? Task.FromException<Answer<Allocation>>(new InvalidOperationException("the database is away")) : allocate();
        var registering = await ConnectAsync();
        var (_, pending) = await AskAsync(registering, Register + "1", Body());
        var operation = pending.GetProperty("operationId").GetString()!;

        away = false;
        var (topic, _) = await AskAsync(registering, Status + $"2&operationId={operation}", "");
        Assert.That(topic, Is.EqualTo("$dps/registrations/res/503/?$rid=2&retry-after=1"));
        Assert.That((await AwaitEndAsync(registering, operation)).GetProperty("status").GetString(), Is.EqualTo("assigned"));
        Assert.That(_host.Log.Lines.Single(l => l.Id.Id == 2201).Text, Does.Contain("allocation_outage").And.Contain("the database is away"));
    }

    [Test]
    public async Task A_device_that_asks_all_the_time_is_slowed_down()
    {
        var registering = await ConnectAsync();
        for (var i = 0; i < 5; i++)
            await AskAsync(registering, Register + "1", Body());
        var (topic, _) = await AskAsync(registering, Register + "6", Body());
        Assert.That(topic, Is.EqualTo("$dps/registrations/res/429/?$rid=6&retry-after=1"));
    }

    [TestCase($"devices/{Id}/messages/events/")]
    [TestCase("$iothub/twin/GET/?$rid=1")]
    [TestCase("$dps/registrations/PUT/iotdps-register/?")]
    [TestCase("$dps/registrations/DELETE/?$rid=1")]
    public async Task A_connection_that_registers_can_do_nothing_else(string topic)
    {
        var registering = await ConnectAsync();
        Assert.That(await registering.SubscribeAsync($"devices/{Id}/messages/devicebound/#"), Is.EqualTo(MqttClientSubscribeResultCode.UnspecifiedError));
        await registering.PublishAsync(topic, "x", MqttQualityOfServiceLevel.AtMostOnce);
        await registering.Disconnected.Task.WaitAsync(GatewayHost.Patience);
        Assert.That(_host.Messages.Reader.TryPeek(out _), Is.False);
        Assert.That(_host.Gateway.ConnectedDevices, Is.Zero);
    }

    [Test]
    public async Task A_device_that_registers_does_not_displace_itself()
    {
        var device = await _host.ConnectAsync();
        var registering = await ConnectAsync();
        await AskAsync(registering, Register + "1", Body());
        await device.PublishAsync(device.Events, "still here");
        Assert.That((await _host.Messages.Reader.ReadAsync()).Body, Is.EqualTo("still here"));
        Assert.That(_host.Gateway.ConnectedDevices, Is.EqualTo(1));
    }

    [Test]
    public async Task Nobody_who_registers_displaces_another()
    {
        var registering = await ConnectAsync();
        await ExpectUnauthorizedAsync(Options(Token(Group.PrimaryKeyOf("dp2-other"))));
        var (topic, _) = await AskAsync(registering, Register + "1", Body());
        Assert.That(topic, Does.StartWith("$dps/registrations/res/202/"));
    }

    [TestCase(true, 5 * 60)]
    [TestCase(false, 30)]
    public async Task A_connection_that_registers_ends_after_five_minutes_and_a_strangers_sooner(bool authorized, int seconds)
    {
        var registering = await ConnectAsync(authorized ? null : Group.PrimaryKeyOf("dp2-other"));
        _host.Time.Advance(TimeSpan.FromSeconds(seconds - 1));
        await registering.PublishAsync(Register + "1", Body());
        Assert.That(registering.Disconnected.Task.IsCompleted, Is.False);
        await _host.LetTimePassAsync(TimeSpan.FromSeconds(1), registering.Disconnected.Task);
    }

    [Test]
    public async Task The_groups_keys_are_the_owners_alone_and_the_same_after_a_restart()
    {
        var key = Group.PrimaryKeyOf(Id);
        var file = EnrollmentGroup.FileIn(_host.Folder);
        if (!OperatingSystem.IsWindows())
            Assert.That(File.GetUnixFileMode(file), Is.EqualTo(UnixFileMode.UserRead | UnixFileMode.UserWrite));
        await _host.RestartAsync();
        Assert.That(Group.PrimaryKeyOf(Id), Is.EqualTo(key));
    }

    [TestCase("")]
    [TestCase("primary=c2VjcmV0")]
    [TestCase("primary=c2VjcmV0\nsecondary=c2VjcmV0!")]
    [TestCase("secondary=c2VjcmV0\nprimary=c2VjcmV0")]
    public void A_file_that_holds_no_group_is_named_and_its_text_is_not(string text)
    {
        var file = EnrollmentGroup.FileIn(_host.Folder);
        File.WriteAllText(file, text);
        Assert.That(() => EnrollmentGroup.Read(file), Throws.InvalidOperationException.With.Message.Contains(file).And.Message.Not.Contains("c2VjcmV0"));
    }

    private async Task ExpectUnauthorizedAsync(MqttClientOptionsBuilder options)
    {
        var stranger = await _host.ConnectRegistrationAsync(options);
        await stranger.SubscribeAsync("$dps/registrations/res/#");
        foreach (var request in new[] { Register + "1", Status + "1&operationId=0" })
        {
            var (topic, fault) = await AskAsync(stranger, request, Body());
            Assert.That(topic, Is.EqualTo("$dps/registrations/res/401/?$rid=1"));
            Assert.That(fault.GetProperty("message").GetString(), Is.EqualTo("Unauthorized"), "a stranger is told no more");
        }
    }

    private static string Body(string id = Id) => $$"""{"registrationId":"{{id}}"}""";

    private async Task RegisterAsync(string key)
    {
        var registering = await ConnectAsync(key);
        var (_, pending) = await AskAsync(registering, Register + "1", Body());
        Assert.That((await AwaitEndAsync(registering, pending.GetProperty("operationId").GetString()!)).GetProperty("status").GetString(), Is.EqualTo("assigned"));
    }

    private async Task<TestDevice> ConnectAsync(string? key = null)
    {
        var device = await _host.ConnectRegistrationAsync(Options(Token(key ?? Group.PrimaryKeyOf(Id))));
        Assert.That(await device.SubscribeAsync("$dps/registrations/res/#"), Is.EqualTo(MqttClientSubscribeResultCode.GrantedQoS0));
        return device;
    }

    private MqttClientOptionsBuilder Options(string token, string scope = Scope, string id = Id) =>
        _host.Options().WithCredentials($"{scope}/registrations/{id}/api-version=2019-03-31&ClientVersion=test", token);

    /// <summary>As the SDK makes it: the resource not escaped, the key's name in it.</summary>
    private string Token(string key, string resource = $"{Scope}/registrations/{Id}", TimeSpan? life = null)
    {
        var expiry = (_host.Time.GetUtcNow() + (life ?? TimeSpan.FromHours(1))).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = HMACSHA256.HashData(Convert.FromBase64String(key), Encoding.UTF8.GetBytes(resource + "\n" + expiry));
        return $"SharedAccessSignature sr={resource}&sig={Uri.EscapeDataString(Convert.ToBase64String(signature))}&skn=registration&se={expiry}";
    }

    private string SecondaryKey()
    {
        var group = File.ReadAllLines(EnrollmentGroup.FileIn(_host.Folder))[1]["secondary=".Length..];
        return Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(group), Encoding.UTF8.GetBytes(Id)));
    }

    private static async Task<(string Topic, JsonElement Body)> AskAsync(TestDevice device, string topic, string body)
    {
        await device.PublishAsync(topic, body);
        var (answer, text) = await device.ReceiveAsync();
        return (answer, JsonDocument.Parse(text).RootElement);
    }

    /// <summary>Asks until the registration has ended.</summary>
    /// <remarks>
    /// The clock goes on no faster than the limit of requests demands, and not without a pause: a connection that registers lives for five minutes
    /// of it, which a slow disk must not use up.
    /// </remarks>
    private async Task<JsonElement> AwaitEndAsync(TestDevice device, string operation)
    {
        const int requestsPerSecond = 4;
        using var patience = new CancellationTokenSource(GatewayHost.Patience);
        for (var request = 100; ; request++)
        {
            if (request % requestsPerSecond == 0) _host.Time.Advance(TimeSpan.FromSeconds(1));
            var (topic, body) = await AskAsync(device, $"{Status}{request}&operationId={operation}", "");
            if (topic == $"$dps/registrations/res/200/?$rid={request}") return body;
            Assert.That(topic, Does.StartWith("$dps/registrations/res/202/").Or.StartWith("$dps/registrations/res/503/"));
            await Task.Delay(TimeSpan.FromMilliseconds(20), patience.Token);
        }
    }
}
