using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Pumps.Contracts.Tests.Postgres;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Commands;

/// <summary>Taking commands, against PostgreSQL.</summary>
public sealed class SubmitCommandTests : PostgresFixture
{
    private const string Dp1 = "dp1-4711001";
    private const string Dp2 = "dp2-00124b0001020304";
    private const string Station = "dp2-00124b00000000b1";

    private readonly FakeTimeProvider _time = new(Noon);
    private SubmitCommand _submit = null!;
    private CommandStore _store = null!;

    [OneTimeSetUp]
    public async Task RegisterDevicesAsync()
    {
        var devices = new DeviceTable(Database);
        await devices.StoreAsync(new(Dp1, "dp1", "irrigation", "irrigation-pump-v1", "green-fields", "local", 120), CancellationToken.None);
        await devices.StoreAsync(new(Dp2, "dp2", "irrigation", "irrigation-pump-v2", "green-fields", "local", null), CancellationToken.None);
        await devices.StoreAsync(new(Station, "dp2", "irrigation", "irrigation-station", "green-fields", "local", null), CancellationToken.None);
        _store = new(Database);
        _submit = new(CatalogLoader.Load(CatalogLoader.DefaultFolder), _store, new CountingBell(), _time);
    }

    [Test]
    public async Task A_command_is_queued_with_who_asked_and_until_when()
    {
        var view = await FoundAsync(Order("first", Dp2, "set_pressure", """{ "setpoint_pressure": 4.25 }"""));

        Assert.Multiple(() =>
        {
            Assert.That(view.State, Is.EqualTo("queued"));
            Assert.That(view.RequestedBy, Is.EqualTo("anna"));
            Assert.That(view.Origin, Is.EqualTo("test"));
            Assert.That(view.ExpiresAt, Is.EqualTo(Noon.AddSeconds(300)), "the product's time to live");
            Assert.That(view.Arguments["setpoint_pressure"].GetRawText(), Is.EqualTo("4.25"));
        });
    }

    [Test]
    public async Task The_same_id_is_the_same_command_however_often_it_is_asked()
    {
        var order = Order("twice", Dp2, "set_speed", """{ "setpoint_speed": 2900 }""");
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => FoundAsync(order)));

        var mine = (await _store.ListAsync(Dp2, null, null, 100, Cancel)).Items.Where(c => c.Order.Id == "twice");
        Assert.That(mine.Count(), Is.EqualTo(1));
    }

    [Test]
    public async Task The_same_id_for_another_command_is_refused()
    {
        await FoundAsync(Order("taken", Dp1, "stop", "{}"));

        var answer = await _submit.HandleAsync(Order("taken", Dp1, "start", "{}"), Cancel);
        Assert.That((answer as Answer<CommandView>.Refused)?.Rule, Is.EqualTo("idempotency_conflict"));
    }

    [Test]
    public async Task Commands_of_one_device_stand_in_the_order_they_came()
    {
        for (var i = 0; i < 5; i++)
            await FoundAsync(Order($"row-{i}", Dp1, "set_pressure", $$"""{ "setpoint_pressure": {{i}} }"""));

        var rows = (await _store.ListAsync(Dp1, null, null, 100, Cancel)).Items.Where(c => c.Order.Id.StartsWith("row-", StringComparison.Ordinal)).ToList();
        Assert.That(rows.Select(c => c.Order.Id), Is.EqualTo(new[] { "row-4", "row-3", "row-2", "row-1", "row-0" }));
        Assert.That(rows.Select(c => c.Correlation).Distinct().Count(), Is.EqualTo(5));
    }

    [TestCase(Dp1, "set_pressure", """{ "setpoint_pressure": 26 }""", "invalid_argument", "0 to 25 bar")]
    [TestCase(Dp1, "set_pressure", """{ "setpoint_pressure": 4.253 }""", "invalid_argument", "steps of 0.01")]
    [TestCase(Dp1, "set_pressure", """{ "setpoint_pressure": "4" }""", "invalid_argument", "a number from")]
    [TestCase(Dp1, "set_pressure", "{}", "missing_argument", "a number from")]
    [TestCase(Dp1, "set_speed", """{ "setpoint_speed": 599 }""", "invalid_argument", "600 to 6000 /min")]
    [TestCase(Dp1, "set_mode", """{ "control_mode": "turbo" }""", "invalid_argument", "one of off, auto, manual, schedule, local")]
    [TestCase(Dp1, "stop", """{ "now": true }""", "unknown_argument", "stop has no arguments")]
    [TestCase(Dp1, "fly", "{}", "unknown_command", "one of start, stop")]
    [TestCase(Dp1, "set_flow", """{ "setpoint_flow": 1 }""", "unknown_command", "one of start, stop")]
    [TestCase(Station, "pumps[9].stop", "{}", "unknown_instance", "pumps[1].stop to pumps[8].stop")]
    [TestCase(Station, "pumps[].stop", "{}", "unknown_instance", "pumps[1].stop to pumps[8].stop")]
    [TestCase(Station, "zones[1].stop", "{}", "unknown_command", "pumps[1].stop to pumps[8].stop")]
    [TestCase(Station, "pumps[1].set_speed", """{ "setpoint_speed": 6001 }""", "invalid_argument", "0 to 6000 /min")]
    [TestCase(Dp1, "set_clock", """{ "clock": 1 }""", "unknown_argument", "set_clock has no arguments")]
    public async Task What_the_product_does_not_take_is_refused_with_what_it_takes(string device, string command, string arguments, string rule, string allowed)
    {
        var answer = await _submit.HandleAsync(Order("bad", device, command, arguments), Cancel);

        var fault = (answer as Answer<CommandView>.Invalid)?.Faults.Single();
        Assert.That(fault?.Rule, Is.EqualTo(rule));
        Assert.That(fault?.Allowed, Does.Contain(allowed));
    }

    [Test]
    public async Task A_dangerous_command_needs_a_confirmation()
    {
        var answer = await _submit.HandleAsync(Order("reboot", Dp1, "reboot", "{}"), Cancel);
        Assert.That((answer as Answer<CommandView>.Refused)?.Rule, Is.EqualTo("confirmation_required"));

        await FoundAsync(Order("reboot", Dp1, "reboot", "{}") with { Confirmed = true });
    }

    [Test]
    public async Task A_dp1_command_lives_a_minute_at_most()
    {
        var answer = await _submit.HandleAsync(Order("long", Dp1, "stop", "{}") with { TimeToLive = TimeSpan.FromSeconds(61) }, Cancel);
        Assert.That((answer as Answer<CommandView>.Invalid)?.Faults.Single().Allowed, Is.EqualTo("5 to 60 seconds"));
    }

    [Test]
    public async Task A_device_that_is_not_there_is_absent() =>
        Assert.That(await _submit.HandleAsync(Order("x", "dp1-1", "stop", "{}"), Cancel), Is.InstanceOf<Answer<CommandView>.Absent>());

    [Test]
    public async Task What_is_refused_is_kept_with_the_reason()
    {
        await _submit.HandleAsync(Order("refused", Dp1, "fly", "{}"), Cancel);

        var entry = (await _store.ListAuditAsync(Dp1, null, null, 100, Cancel)).Items.Single(e => e.Id == "refused");
        Assert.That((entry.Result, entry.Reason, entry.RequestedBy, entry.Origin, entry.Command, entry.At), Is.EqualTo((AuditEntry.NotTaken, "unknown_command", "anna", "test", "fly", Noon)));
    }

    [Test]
    public async Task Old_commands_go_into_the_audit_and_the_audit_goes_later()
    {
        var time = new FakeTimeProvider(Noon);
        var submit = new SubmitCommand(CatalogLoader.Load(CatalogLoader.DefaultFolder), _store, new CountingBell(), time);
        await new DeviceTable(Database).StoreAsync(new("dp1-77", "dp1", "irrigation", "irrigation-pump-v1", "old-fields", "local", 120), CancellationToken.None);
        var options = new CommandOptions();
        var requests = new RequestAuditTable(Database);
        await requests.AddAsync(new(Noon, "anna", "test", "POST /api/devices/{id}/commands", "dp1-1", "stop", "", "unknown_device", "none"), Cancel);
        var keep = new KeepCommands(_store, requests, new RolloutStore(Database), Microsoft.Extensions.Options.Options.Create(options), time);
        await submit.HandleAsync(Order("ended", "dp1-77", "stop", "{}"), Cancel);
        await submit.HandleAsync(Order("open", "dp1-77", "start", "{}"), Cancel);
        await new SubmitGroup(CatalogLoader.Load(CatalogLoader.DefaultFolder), _store, new CountingBell(), time).HandleAsync(
            new("group", new(Customer: "old-fields"), "stop", new Dictionary<string, JsonElement>(), "anna", "test", false, null), _ => new(true), Cancel);
        await submit.HandleAsync(Order("refused", "dp1-77", "fly", "{}"), Cancel);
        await new CancelCommand(_store, new CountingBell(), Microsoft.Extensions.Options.Options.Create(options), time, NullLogger<CancelCommand>.Instance)
            .HandleAsync("dp1-77", "ended", "berta", Cancel);

        time.Advance(options.Keep);
        await keep.HandleAsync(Cancel);
        Assert.That(await AuditAsync(), Is.EqualTo(new[] { "ended cancelled", "group queued", "open queued", "refused not_taken" }), "not yet older");
        Assert.That(await _store.FindAsync("dp1-77", "ended", Cancel), Is.Not.Null);

        time.Advance(TimeSpan.FromSeconds(1));
        await keep.HandleAsync(Cancel);
        Assert.That(await AuditAsync(), Is.EqualTo(new[] { "ended cancelled", "group queued", "open queued", "refused not_taken" }));
        Assert.That(await _store.FindAsync("dp1-77", "ended", Cancel), Is.Null);
        Assert.That(await _store.FindAsync("dp1-77", "open", Cancel), Is.Not.Null, "open ones stay");
        Assert.That(await _store.FindGroupAsync("group", Cancel), Is.Null);
        Assert.That((await requests.ListAsync(null, 10, Cancel)).Items, Has.Count.EqualTo(1));

        time.Advance(options.KeepAudit - options.Keep);
        await keep.HandleAsync(Cancel);
        Assert.That(await AuditAsync(), Is.EqualTo(new[] { "group queued", "open queued" }));
        Assert.That((await requests.ListAsync(null, 10, Cancel)).Items, Is.Empty);

        async Task<IEnumerable<string>> AuditAsync() => (await _store.ListAuditAsync("dp1-77", null, null, 100, Cancel)).Items.Select(e => $"{e.Id} {e.Result}").Order();
    }

    private async Task<CommandView> FoundAsync(CommandOrder order) =>
        await _submit.HandleAsync(order, Cancel) switch
        {
            Answer<CommandView>.Found found => found.Value,
            var other => throw new AssertionException($"{order.Id}: {JsonSerializer.Serialize<object>(other)}"),
        };

    private static CommandOrder Order(string id, string device, string command, string arguments) =>
        new(id, device, command, JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(arguments)!, "anna", "test", false, null);
}
