using System.Text.Json;
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

    private readonly FakeTimeProvider _time = new(Noon);
    private SubmitCommand _submit = null!;
    private CommandStore _store = null!;

    [OneTimeSetUp]
    public async Task RegisterDevicesAsync()
    {
        var devices = new DeviceTable(Database);
        await devices.StoreAsync(new(Dp1, "dp1", "irrigation", "irrigation-pump-v1", "green-fields", "local", 120), CancellationToken.None);
        await devices.StoreAsync(new(Dp2, "dp2", "irrigation", "irrigation-pump-v2", "green-fields", "local", null), CancellationToken.None);
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

        var mine = (await _store.ListAsync(Dp2, null, 100, Cancel)).Items.Where(c => c.Order.Id == "twice");
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

        var rows = (await _store.ListAsync(Dp1, null, 100, Cancel)).Items.Where(c => c.Order.Id.StartsWith("row-", StringComparison.Ordinal)).ToList();
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
    public async Task A_group_has_a_receipt_for_each_of_its_devices()
    {
        var receipt = await new SubmitGroup(_submit).HandleAsync(
            new("evening", [Dp1, Dp2, "dp1-1"], "stop", new Dictionary<string, JsonElement>(), "anna", "test", false, null), Cancel);

        Assert.That((receipt.Queued, receipt.Refused), Is.EqualTo((2, 1)));
        Assert.That(receipt.Items.Select(l => l.Errors?.Single().Rule), Is.EqualTo(new[] { null, null, "unknown_device" }));
        var page = await _store.ListGroupAsync("evening", null, 1, Cancel);
        Assert.That((page.Items.Single().Target.DeviceId, page.Next), Is.EqualTo((Dp1, Dp1)));
        Assert.That((await _store.ListGroupAsync("evening", page.Next, 1, Cancel)).Items.Single().Target.DeviceId, Is.EqualTo(Dp2));
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
