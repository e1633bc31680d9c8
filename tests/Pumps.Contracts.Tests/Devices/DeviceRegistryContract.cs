using System.Text.Json.Nodes;
using Pumps.Azure.Devices;
using Pumps.Contracts.Tests.Gateway;
using Pumps.Handlers.Devices;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Contracts.Tests.Devices;

/// <summary>What handlers may rely on of <see cref="IDeviceRegistry"/> and of what <see cref="IDeviceMessaging"/> does without a connected device.</summary>
public abstract class DeviceRegistryContract
{
    private const string Id = "dp1-4711001";
    private const string Nobody = "dp2-70b3d57ed00000ff";

    private static readonly DeviceRegistration Device = new(Id, "dp1", "irrigation", "irrigation-pump-v1", "green-valley", "local", 120);

    protected IDeviceRegistry Registry { get; set; } = null!;

    protected IDeviceMessaging Messaging { get; set; } = null!;

    /// <summary>The device registers with the provisioning service, which admits it.</summary>
    protected abstract Task RegisterWithServiceAsync(string id);

    [Test]
    public async Task A_new_device_is_enabled_has_two_keys_and_is_found_as_it_was_registered()
    {
        var registered = await Registry.RegisterAsync(Device, default);

        Assert.That(registered, Is.EqualTo(await Registry.FindAsync(Id, default)));
        Assert.That(registered.Device, Is.EqualTo(Device));
        Assert.That(registered.Enabled);
        Assert.That(DeviceKey.Read(registered.PrimaryKey), Is.Not.EqualTo(DeviceKey.Read(registered.SecondaryKey)));
    }

    [Test]
    public async Task Registering_again_keeps_keys_and_state_and_changes_the_tags()
    {
        var first = await Registry.RegisterAsync(Device, default);
        await Registry.SetEnabledAsync(Id, false, default);
        var again = await Registry.RegisterAsync(Device with { Customer = "other", UtcOffsetMinutes = 60 }, default);

        Assert.That(again, Is.EqualTo(first with { Device = Device with { Customer = "other", UtcOffsetMinutes = 60 }, Enabled = false }));
        Assert.That(await Registry.FindAsync(Id, default), Is.EqualTo(again));
    }

    [Test]
    public async Task Tags_can_be_read_alone()
    {
        await Registry.RegisterAsync(Device, default);
        await Registry.UpdateTagsAsync(Id, new() { UtcOffsetMinutes = 60, Customer = "" }, default);

        Assert.That(await Registry.FindTagsAsync(Id, default), Is.EqualTo(Device with { UtcOffsetMinutes = 60, Customer = "" }));
        Assert.That(await Registry.FindTagsAsync(Nobody, default), Is.Null);
    }

    [Test]
    public async Task Desired_properties_come_with_the_registration_and_the_same_again_is_no_new_version()
    {
        const string desired = """{"reporting":{"interval":300,"counters":10},"pressure":4.5}""";
        await Registry.RegisterAsync(Device, desired, default);
        var first = await Messaging.FindTwinAsync(Id, default);
        await Registry.RegisterAsync(Device, desired, default);
        var same = await Messaging.FindTwinAsync(Id, default);
        await Registry.RegisterAsync(Device, """{"reporting":{"interval":60,"counters":null}}""", default);
        var merged = await Messaging.FindTwinAsync(Id, default);

        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(first!.Desired), JsonNode.Parse(desired)), first.Desired);
        Assert.That(same, Is.EqualTo(first));
        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(merged!.Desired), JsonNode.Parse("""{"reporting":{"interval":60},"pressure":4.5}""")), merged.Desired);
        Assert.That(merged.DesiredVersion, Is.EqualTo(first.DesiredVersion + 1));
    }

    [TestCase("[1]")]
    [TestCase("{")]
    public void Desired_properties_that_are_no_object_are_refused(string desired) =>
        Assert.That(async () => await Registry.RegisterAsync(Device, desired, default), Throws.InstanceOf<ArgumentException>());

    [TestCase("")]
    [TestCase("a/b")]
    [TestCase("gerät")]
    public void An_id_that_a_topic_could_not_carry_is_refused(string id) =>
        Assert.That(async () => await Registry.RegisterAsync(Device with { Id = id }, default), Throws.InstanceOf<ArgumentException>());

    [Test]
    public async Task A_change_of_tags_changes_what_it_names_and_an_empty_one_removes_it()
    {
        await Registry.RegisterAsync(Device, default);

        Assert.That(await Registry.UpdateTagsAsync(Id, new() { Offering = "water-mixing", Product = "mixing-station", Customer = "" }, default));
        Assert.That((await Registry.FindAsync(Id, default))!.Device, Is.EqualTo(Device with { Offering = "water-mixing", Product = "mixing-station", Customer = "" }));
    }

    [Test]
    public async Task Changes_of_tags_at_once_all_count()
    {
        await Registry.RegisterAsync(Device, default);
        await Task.WhenAll(
            Registry.UpdateTagsAsync(Id, new() { Offering = "water-mixing" }, default), Registry.UpdateTagsAsync(Id, new() { Product = "x" }, default),
            Registry.UpdateTagsAsync(Id, new() { Customer = "y" }, default), Registry.UpdateTagsAsync(Id, new() { UtcOffsetMinutes = 0 }, default));

        Assert.That(
            (await Registry.FindAsync(Id, default))!.Device,
            Is.EqualTo(Device with { Offering = "water-mixing", Product = "x", Customer = "y", UtcOffsetMinutes = 0 }));
    }

    [Test]
    public async Task Devices_without_protocol_or_offering_are_listed_until_they_are_repaired()
    {
        await Registry.RegisterAsync(Device, default);
        await Registry.RegisterAsync(Device with { Id = "dp1-2", Protocol = "" }, default);
        await Registry.RegisterAsync(Device with { Id = "dp1-3", Offering = "" }, default);
        await Registry.RegisterAsync(Device with { Id = "dp1-4", Customer = "" }, default);

        Assert.That(await Registry.ListUntaggedAsync(10, default), Is.EquivalentTo(new[] { "dp1-2", "dp1-3" }));
        Assert.That(await Registry.ListUntaggedAsync(1, default), Has.Count.EqualTo(1));
        await Registry.UpdateTagsAsync("dp1-2", new() { Protocol = "dp1" }, default);
        Assert.That(await Registry.ListUntaggedAsync(10, default), Is.EqualTo(new[] { "dp1-3" }));
    }

    [TestCase(DeviceKeySlot.Primary)]
    [TestCase(DeviceKeySlot.Secondary)]
    public async Task One_key_is_replaced_and_the_other_stays(DeviceKeySlot slot)
    {
        var before = await Registry.RegisterAsync(Device, default);
        var fresh = DeviceKey.Create();

        Assert.That(await Registry.SetKeyAsync(Id, slot, fresh, default));
        Assert.That(await Registry.SetKeyAsync(Id, slot, fresh, default), "safe to repeat");
        Assert.That(
            await Registry.FindAsync(Id, default),
            Is.EqualTo(slot is DeviceKeySlot.Primary ? before with { PrimaryKey = fresh } : before with { SecondaryKey = fresh }));
    }

    [Test]
    public async Task Both_keys_set_at_once_are_both_there()
    {
        await Registry.RegisterAsync(Device, default);
        var (primary, secondary) = (DeviceKey.Create(), DeviceKey.Create());
        await Task.WhenAll(
            Registry.SetKeyAsync(Id, DeviceKeySlot.Primary, primary, default), Registry.SetKeyAsync(Id, DeviceKeySlot.Secondary, secondary, default),
            Registry.SetEnabledAsync(Id, false, default));

        var device = (await Registry.FindAsync(Id, default))!;
        Assert.That((device.PrimaryKey, device.SecondaryKey, device.Enabled), Is.EqualTo((primary, secondary, false)));
    }

    [TestCase("no base64!")]
    [TestCase("c2hvcnQ=")]
    public async Task A_key_that_is_none_is_refused_and_not_repeated(string key)
    {
        await Registry.RegisterAsync(Device, default);
        Assert.That(
            async () => await Registry.SetKeyAsync(Id, DeviceKeySlot.Primary, key, default),
            Throws.ArgumentException.With.Message.Contains("32 bytes").And.Message.Not.Contains(key));
    }

    [Test]
    public async Task Of_a_device_that_is_not_there_everything_says_so()
    {
        Assert.That(await Registry.FindAsync(Nobody, default), Is.Null);
        Assert.That(await Registry.UpdateTagsAsync(Nobody, new() { Offering = "irrigation" }, default), Is.False);
        Assert.That(await Registry.SetEnabledAsync(Nobody, true, default), Is.False);
        Assert.That(await Registry.SetKeyAsync(Nobody, DeviceKeySlot.Primary, DeviceKey.Create(), default), Is.False);
        Assert.That(await Registry.RemoveAsync(Nobody, default), Is.False);
        Assert.That(await Messaging.FindTwinAsync(Nobody, default), Is.Null);
        Assert.That((await Messaging.SendAsync(Nobody, new("m", new byte[1]), default)).Refusal?.Code, Is.EqualTo(DeviceRefusals.UnknownDevice));
        Assert.That((await Messaging.UpdateDesiredAsync(Nobody, "{}", null, default)).Refusal?.Code, Is.EqualTo(DeviceRefusals.UnknownDevice));
        Assert.That((await Messaging.UpdateDesiredAsync(Nobody, "{}", 1, default)).Refusal?.Code, Is.EqualTo(DeviceRefusals.UnknownDevice));
        Assert.That((await InvokeAsync(Nobody)).Refusal?.Code, Is.EqualTo(DeviceRefusals.UnknownDevice));
    }

    [Test]
    public async Task A_removed_device_can_be_registered_anew_with_other_keys()
    {
        var first = await Registry.RegisterAsync(Device, """{"a":1}""", default);
        Assert.That(await Registry.RemoveAsync(Id, default));
        var second = await Registry.RegisterAsync(Device, default);

        Assert.That(second.PrimaryKey, Is.Not.EqualTo(first.PrimaryKey));
        Assert.That((await Messaging.FindTwinAsync(Id, default))!.Desired, Is.EqualTo("{}"));
    }

    [Test]
    public async Task A_removed_device_that_is_ordered_again_registers_as_a_new_one()
    {
        await Registry.RegisterAsync(Device, default);
        await RegisterWithServiceAsync(Id);
        var enrolled = (await Registry.FindAsync(Id, default))!.PrimaryKey;
        Assert.That(await Registry.RemoveAsync(Id, default));
        Assert.That(await Registry.RemoveAsync(Id, default), Is.False, "nothing is left of it");
        var ordered = (await Registry.RegisterAsync(Device, default)).PrimaryKey;
        await RegisterWithServiceAsync(Id);

        Assert.That((await Registry.FindAsync(Id, default))!.PrimaryKey, Is.EqualTo(enrolled).And.Not.EqualTo(ordered), "its enrollment's key counts at the hub");
    }

    [Test]
    public async Task Fifty_messages_wait_for_a_device_and_no_more()
    {
        await Registry.RegisterAsync(Device, default);
        for (var i = 0; i < 50; i++)
            Assert.That((await Messaging.SendAsync(Id, new($"m{i}", new byte[1]) { TimeToLive = TimeSpan.FromMinutes(5) }, default)).Refusal, Is.Null);

        Assert.That((await Messaging.SendAsync(Id, new("m50", new byte[1]), default)).Refusal?.Code, Is.EqualTo(DeviceRefusals.DeviceQueueFull));
    }

    [Test]
    public async Task A_message_that_is_too_large_or_has_no_id_is_refused()
    {
        await Registry.RegisterAsync(Device, default);

        Assert.That((await Messaging.SendAsync(Id, new("m", new byte[70_000]), default)).Refusal?.Code, Is.EqualTo(DeviceRefusals.TooLarge));
        Assert.That((await Messaging.SendAsync(Id, new("", new byte[1]), default)).Refusal?.Code, Is.EqualTo(DeviceRefusals.Invalid));
    }

    [Test]
    public async Task A_method_of_a_device_that_is_not_connected_says_so()
    {
        await Registry.RegisterAsync(Device, default);
        Assert.That((await InvokeAsync(Id)).Refusal?.Code, Is.EqualTo(DeviceRefusals.DeviceOffline));
    }

    [Test]
    public async Task Desired_properties_are_merged_and_null_deletes()
    {
        await Registry.RegisterAsync(Device, """{"a":{"b":1,"c":2},"d":[1]}""", default);
        var updated = (await Messaging.UpdateDesiredAsync(Id, """{"a":{"b":null,"e":"x"},"d":[2,3]}""", null, default)).Value!;

        Assert.That(JsonNode.DeepEquals(JsonNode.Parse(updated.Desired), JsonNode.Parse("""{"a":{"c":2,"e":"x"},"d":[2,3]}""")), updated.Desired);
        Assert.That(updated, Is.EqualTo(await Messaging.FindTwinAsync(Id, default)));
    }

    [Test]
    public async Task A_version_that_has_passed_refuses_an_update_and_a_change_of_tags_does_not()
    {
        await Registry.RegisterAsync(Device, default);
        var version = (await Messaging.FindTwinAsync(Id, default))!.DesiredVersion;
        await Registry.UpdateTagsAsync(Id, new() { Product = "other" }, default);

        var first = await Messaging.UpdateDesiredAsync(Id, """{"a":1}""", version, default);
        var second = await Messaging.UpdateDesiredAsync(Id, """{"a":2}""", version, default);

        Assert.That(first.Value?.DesiredVersion, Is.EqualTo(version + 1));
        Assert.That(second.Refusal?.Code, Is.EqualTo(DeviceRefusals.VersionConflict));
    }

    [Test]
    public async Task Desired_properties_that_are_too_large_or_no_object_are_refused()
    {
        await Registry.RegisterAsync(Device, default);
        var large = new JsonObject();
        for (var i = 0; i < 40; i++)
            large[$"p{i}"] = new string('x', 1000);

        Assert.That((await Messaging.UpdateDesiredAsync(Id, large.ToJsonString(), null, default)).Refusal?.Code, Is.EqualTo(DeviceRefusals.TooLarge));
        Assert.That((await Messaging.UpdateDesiredAsync(Id, "[]", null, default)).Refusal?.Code, Is.EqualTo(DeviceRefusals.Invalid));
    }

    private Task<DeviceAnswer<MethodResponse>> InvokeAsync(string id) =>
        Messaging.InvokeAsync(id, "command", "{}", TimeSpan.FromSeconds(5), TimeSpan.Zero, default);
}

/// <summary>The local region's gateway.</summary>
public sealed class GatewayRegistryTests : DeviceRegistryContract
{
    private GatewayHost _host = null!;

    [SetUp]
    public async Task Start()
    {
        _host = await GatewayHost.StartAsync();
        (Registry, Messaging) = (_host.Registry, _host.Gateway);
    }

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    /// <summary>What a registration changes; RegistrationTests has the way there.</summary>
    protected override async Task RegisterWithServiceAsync(string id) =>
        Assert.That(await _host.Registry.AdoptKeysAsync(id, EnrollmentGroup.Open(_host.Folder).KeysOf(id), default));

    [Test]
    public async Task What_was_changed_is_there_after_a_restart()
    {
        var fresh = DeviceKey.Create();
        await Registry.UpdateTagsAsync(GatewayHost.Id, new() { Customer = "other" }, default);
        await Registry.SetKeyAsync(GatewayHost.Id, DeviceKeySlot.Secondary, fresh, default);
        await Registry.SetEnabledAsync(GatewayHost.Id, false, default);
        await _host.RestartAsync();

        Assert.That(
            await _host.Registry.FindAsync(GatewayHost.Id, default),
            Is.EqualTo(_host.Registered with { Device = GatewayHost.Device with { Customer = "other" }, SecondaryKey = fresh, Enabled = false }));
    }

    [Test]
    public async Task A_connected_device_hears_of_desired_properties_that_its_registration_changes()
    {
        var device = await _host.ConnectAsync();
        await device.SubscribeAsync("$iothub/twin/PATCH/properties/desired/#", MQTTnet.Protocol.MqttQualityOfServiceLevel.AtMostOnce);
        await Registry.RegisterAsync(GatewayHost.Device, """{"interval":60}""", default);

        Assert.That((await device.ReceiveAsync()).Body, Is.EqualTo("""{"interval":60,"$version":2}"""));
    }
}

/// <summary>Azure's IoT Hub, played by a fake behind the service SDK's classes.</summary>
public sealed class IotHubRegistryTests : DeviceRegistryContract
{
    private const string Id = "dp2-70b3d57ed0000001";

    private static readonly DeviceRegistration Device = new(Id, "dp2", "irrigation", "irrigation-pump-v2", "green-valley", "weu", null);

    private FakeIotHub _hub = null!;
    private FakeProvisioningService _provisioning = null!;

    [SetUp]
    public void Start()
    {
        _hub = new();
        _provisioning = new(_hub);
        (Registry, Messaging) = (NewRegistry(), new IotHubMessaging(_hub.Service, _hub.Registry, TimeProvider.System));
    }

    [TearDown]
    public void Stop() => _provisioning.Dispose();

    protected override Task RegisterWithServiceAsync(string id) => _provisioning.RegisterAsync(id);

    [Test]
    public async Task A_removal_that_came_half_way_is_finished_when_it_is_repeated()
    {
        await Registry.RegisterAsync(Device, default);
        await RegisterWithServiceAsync(Id);
        _provisioning.Answer = _ => Task.FromResult(new HttpResponseMessage(System.Net.HttpStatusCode.TooManyRequests));
        Assert.That(async () => await Registry.RemoveAsync(Id, default), Throws.TypeOf<global::Azure.RequestFailedException>());
        Assert.That(await Registry.FindAsync(Id, default), Is.Null);

        _provisioning.Answer = null;
        Assert.That(await Registry.RemoveAsync(Id, default), "its registration was left");
        Assert.That(await Registry.RemoveAsync(Id, default), Is.False);
    }

    [Test]
    public async Task Somebody_who_is_faster_loses_nothing()
    {
        await Registry.RegisterAsync(Device, default);
        var (primary, secondary) = (DeviceKey.Create(), DeviceKey.Create());
        var others = 0;
        _hub.BeforeWrite = _ =>
        {
            if (others++ == 0)
                NewRegistry().SetKeyAsync(Id, DeviceKeySlot.Primary, primary, default).GetAwaiter().GetResult();
        };
        await Registry.SetKeyAsync(Id, DeviceKeySlot.Secondary, secondary, default);

        var device = (await Registry.FindAsync(Id, default))!;
        Assert.That((device.PrimaryKey, device.SecondaryKey), Is.EqualTo((primary, secondary)));
        Assert.That(others, Is.GreaterThan(2), "the first write must have met another one");
    }

    [Test]
    public async Task A_device_that_answers_and_one_that_does_not_are_told_apart()
    {
        await Registry.RegisterAsync(Device, default);
        _hub.Online[Id] = call => FakeIotHub.Answer(202, $$"""{"heard":"{{call.MethodName}}"}""");
        var answered = await Messaging.InvokeAsync(Id, "command", """{"frame":"AA=="}""", TimeSpan.FromSeconds(5), TimeSpan.Zero, default);
        _hub.Online[Id] = _ => throw FakeIotHub.Timeout();
        var silent = await Messaging.InvokeAsync(Id, "command", "{}", TimeSpan.FromSeconds(5), TimeSpan.Zero, default);

        Assert.That(answered.Value, Is.EqualTo(new MethodResponse(202, """{"heard":"command"}""")));
        Assert.That(silent.Refusal?.Code, Is.EqualTo(DeviceRefusals.DeviceTimeout));
    }

    [Test]
    public async Task Whoever_wants_tags_alone_does_not_ask_for_the_identity()
    {
        await Registry.RegisterAsync(Device, default);
        await Registry.FindTagsAsync(Id, default);
        Assert.That(_hub.IdentityReads, Is.Zero, "S1 and S2 allow 100 a minute and unit");
    }

    [Test]
    public async Task A_tag_that_somebody_has_written_as_another_type_is_a_missing_one()
    {
        await Registry.RegisterAsync(Device, default);
        await _hub.Registry.UpdateTwinAsync(Id, """{"tags":{"utcOffset":"60","product":7}}""", "*", default);
        Assert.That(await Registry.FindTagsAsync(Id, default), Is.EqualTo(Device with { Product = "" }));

        await Registry.UpdateTagsAsync(Id, new() { UtcOffsetMinutes = 60 }, default);
        Assert.That((await Registry.FindTagsAsync(Id, default))!.UtcOffsetMinutes, Is.EqualTo(60));
    }

    [Test]
    public async Task Throttling_is_nobodys_refusal()
    {
        await Registry.RegisterAsync(Device, default);
        _hub.BeforeWrite = _ => throw new Microsoft.Azure.Devices.Common.Exceptions.IotHubException(
            Microsoft.Azure.Devices.Common.Exceptions.ErrorCode.ThrottlingException, "slow down");

        Assert.That(
            async () => await Messaging.UpdateDesiredAsync(Id, """{"a":1}""", null, default),
            Throws.InstanceOf<Microsoft.Azure.Devices.Common.Exceptions.IotHubException>());
    }

    private IotHubRegistry NewRegistry() => new(_hub.Registry, _provisioning.Registrations());
}
