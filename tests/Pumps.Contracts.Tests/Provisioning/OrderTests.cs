using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Provisioning;

/// <summary>Orders from their placing to their end, over a real database and a real registry.</summary>
public sealed class OrderTests : OrderFixture
{
    [Test]
    public async Task An_ordered_device_gets_identity_tags_and_row_and_is_active_with_its_first_hello()
    {
        var device = NewDevice();
        var order = await OrderAsync(OrderKind.Provision, device);
        await RunAsync();
        var waiting = await StateAsync(order);
        var registered = (await Registry.FindAsync(device, Cancel))!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That((waiting.Phase, waiting.Step), Is.EqualTo((OrderPhase.Waiting, OrderStep.AwaitHello)));
            Assert.That(registered.Device, Is.EqualTo(new DeviceRegistration(device, "dp2", "irrigation", "irrigation-pump-v2", "green-valley", "test", null)));
            Assert.That(await Rows.FindAsync(device, Cancel), Is.EqualTo(new RowBefore("irrigation", "irrigation-pump-v2", "green-valley", "ordered")));
            Assert.That(await ScalarAsync<long>($"select count(*) from ownership where device_id = '{device}'"), Is.Zero, "it does not work for anybody yet");
        }

        await HelloAsync(device);
        await RunAsync();
        Assert.That((await StateAsync(order)).Phase, Is.EqualTo(OrderPhase.Done));
        Assert.That((await Rows.FindAsync(device, Cancel))!.Status, Is.EqualTo("active"));
        Assert.That(await ScalarAsync<string>($"select model || ' ' || firmware from device where device_id = '{device}'"), Is.EqualTo("IP-200 1.4.2"));
        Assert.That(await ScalarAsync<string>($"select customer from ownership where device_id = '{device}' and to_at is null"), Is.EqualTo("green-valley"));
    }

    [Test]
    public async Task A_device_that_says_it_is_something_else_is_refused_and_nothing_is_left()
    {
        var device = NewDevice();
        var order = await OrderAsync(OrderKind.Provision, device);
        await RunAsync();
        await HelloAsync(device, "FP-1");
        await RunAsync();

        Assert.That((await StateAsync(order)).Reason, Is.EqualTo("product_mismatch"));
        await AssertNothingIsLeftAsync(device);
    }

    [Test]
    public async Task A_device_that_stays_silent_is_given_up_at_its_deadline()
    {
        var device = NewDevice();
        var order = await OrderAsync(OrderKind.Provision, device);
        await RunAsync();
        Time.Advance(TimeSpan.FromDays(90));
        await RunAsync();

        Assert.That((await StateAsync(order)).Phase, Is.EqualTo(OrderPhase.Expired));
        await AssertNothingIsLeftAsync(device);
    }

    /// <summary>Every port that provisioning calls is away for good, each in turn; once before its effect, once after it.</summary>
    [TestCase("Register", false)]
    [TestCase("Register", true)]
    [TestCase("ordered", false)]
    [TestCase("ordered", true)]
    [TestCase("active", false)]
    [TestCase("active", true)]
    public async Task A_step_of_provisioning_that_fails_for_good_leaves_nothing_behind(string broken, bool after)
    {
        var device = NewDevice();
        Registry.Fault = (broken, after);
        Rows.Fault = (broken, after);
        var order = await OrderAsync(OrderKind.Provision, device);
        await RunAsync();
        await HelloAsync(device);
        await RunAsync();

        var state = await StateAsync(order);
        Assert.That((state.Phase, state.Reason), Is.EqualTo((OrderPhase.Failed, "step_trouble")));
        await AssertNothingIsLeftAsync(device);
    }

    [TestCase(OrderKind.Change, "Register")]
    [TestCase(OrderKind.Change, null)]
    [TestCase(OrderKind.Suspend, "SetEnabled")]
    [TestCase(OrderKind.Suspend, "suspended")]
    [TestCase(OrderKind.Retire, "SetEnabled")]
    [TestCase(OrderKind.Retire, "retired")]
    public async Task What_was_to_become_of_a_device_and_fails_leaves_it_as_it_was(OrderKind kind, string? broken)
    {
        var device = await ActiveAsync();
        await ExecuteAsync(
            "insert into site (site_id, customer, name, time_zone) values ('north-field', 'green-valley', 'North field', 'Europe/Berlin') on conflict do nothing");
        await ExecuteAsync($"update device set site_id = 'north-field', tags = '{{orchard,winter}}' where device_id = '{device}'");
        var (registered, row, owners) = (await Registry.FindAsync(device, Cancel), await Rows.FindAsync(device, Cancel), await OwnersAsync(device));
        if (broken is not null)
            Registry.Fault = (broken, true);
        Rows.Fault = (broken, true);
        var order = await OrderAsync(kind, device, customer: "other-valley");
        for (var i = 0; i < 4; i++)
        {
            await RunAsync();
            if (i == 1)
                (Registry.Fault, Rows.Fault) = (null, null);
        }

        Assert.That((await StateAsync(order)).Phase, Is.EqualTo(OrderPhase.Failed));
        Assert.That(await Registry.FindAsync(device, Cancel), Is.EqualTo(registered));
        Assert.That(await Rows.FindAsync(device, Cancel), Is.EqualTo(row).UsingPropertiesComparer());
        Assert.That((row!.Site, row.Tags), Is.EqualTo(("north-field", new[] { "orchard", "winter" })).UsingPropertiesComparer());
        Assert.That(await OwnersAsync(device), Is.EqualTo(owners), "also where the change had been made, and only its last answer was lost");
    }

    /// <summary>The offset that comes back is that of when the order was admitted: the clocks of the site may have changed since.</summary>
    [Test]
    public async Task A_change_that_is_taken_back_leaves_the_clock_to_be_looked_at()
    {
        var device = new DeviceRegistration("dp1-4714001", "dp1", "irrigation", "irrigation-pump-v1", "green-valley", "test", 60);
        await Registry.RegisterAsync(device, null, Cancel);
        await Rows.KeepAsync(device, "active", null, Cancel);
        await ExecuteAsync(
            "insert into site (site_id, customer, name, time_zone) values ('north-field', 'green-valley', 'North field', 'Europe/Berlin') on conflict do nothing");
        await ExecuteAsync($"update device set site_id = 'north-field' where device_id = '{device.Id}'; update device_clock set due_at = null");
        Registry.Fault = ("Register", true);
        var order = await OrderAsync(OrderKind.Change, device.Id, product: "irrigation-pump-v1", customer: "other-valley");
        await RunAsync();
        Assert.That(await IsDueAsync(), Is.False, "the row has not been changed");

        Registry.Fault = null;
        await RunAsync();
        Assert.That((await StateAsync(order)).Phase, Is.EqualTo(OrderPhase.Failed));
        Assert.That(((await Registry.FindAsync(device.Id, Cancel))!.Device, await IsDueAsync()), Is.EqualTo((device, true)));

        Task<bool> IsDueAsync() => ScalarAsync<bool>($"select due_at is not null from device_clock where device_id = '{device.Id}'");
    }

    /// <summary>An ended row of ownership never changes, and an order that comes to nothing adds none.</summary>
    [Test]
    public async Task A_retired_device_that_is_ordered_anew_has_its_new_owner_from_when_it_works_for_them()
    {
        var device = await ActiveAsync();
        await OrderAsync(OrderKind.Retire, device);
        await RunAsync();
        var before = await OwnersAsync(device);

        await OrderAsync(OrderKind.Provision, device, "in-vain-" + device, customer: "hesitant");
        await RunAsync();
        Assert.That((await Rows.FindAsync(device, Cancel))!.Customer, Is.EqualTo("hesitant"));
        Assert.That(await OwnersAsync(device), Is.EqualTo(before), "while it is merely ordered");
        Time.Advance(TimeSpan.FromDays(90));
        await RunAsync();
        Assert.That((await Rows.FindAsync(device, Cancel))!.Customer, Is.EqualTo("green-valley"));
        Assert.That(await OwnersAsync(device), Is.EqualTo(before), "after it has come to nothing");

        await OrderAsync(OrderKind.Provision, device, "again-" + device, customer: "second-hand");
        await RunAsync();
        await HelloAsync(device);
        await RunAsync();
        Assert.That(
            await ScalarAsync<string>($"select string_agg(customer || (to_at is null)::text, ',' order by from_at) from ownership where device_id = '{device}'"),
            Is.EqualTo("green-valleyfalse,second-handtrue"));
    }

    /// <summary>Taken back after it was made, and taken back again: the time of the owner before is one, and nobody else's is touched.</summary>
    [TestCase("", "first,second", TestName = "A_device_that_was_nobodys_is_nobodys_again")]
    [TestCase("second", "first,second+", TestName = "The_owner_before_has_one_time_without_a_gap")]
    public async Task A_change_of_owner_that_is_taken_back_leaves_no_trace(string before, string owners)
    {
        var device = NewDevice();
        DeviceRegistration Of(string customer) => new(device, "dp2", "irrigation", "irrigation-pump-v2", customer, "test", null);
        foreach (var customer in new[] { "first", "second", before, "undone" })
            await Rows.KeepAsync(Of(customer), "active", null, Cancel);
        var began = await ScalarAsync<DateTime>($"select max(from_at) from ownership where device_id = '{device}' and customer = 'second'");
        for (var i = 0; i < 2; i++)
            await Rows.RestoreAsync(device, new("irrigation", "irrigation-pump-v2", before, "active"), false, Cancel);

        Assert.That(
            await ScalarAsync<string>($"select string_agg(customer || case when to_at is null then '+' else '' end, ',' order by from_at) from ownership where device_id = '{device}'"),
            Is.EqualTo(owners));
        Assert.That(await ScalarAsync<DateTime>($"select max(from_at) from ownership where device_id = '{device}'"), Is.EqualTo(began));
    }

    [Test]
    public async Task An_order_may_say_where_the_device_stands_and_its_undo_moves_it_back()
    {
        await ExecuteAsync(
            "insert into customer (customer_id, name) values ('green-valley', 'Green Valley') on conflict do nothing;"
            + "insert into site (site_id, customer, name, time_zone) values ('field-1', 'green-valley', '1', 'Europe/Berlin'), ('field-2', 'green-valley', '2', 'Europe/Berlin') on conflict do nothing");
        var device = NewDevice();
        await PlaceAtAsync(OrderKind.Provision, "field-1");
        await RunAsync();
        Assert.That((await Rows.FindAsync(device, Cancel))!.Site, Is.EqualTo("field-1"));
        await HelloAsync(device);
        await RunAsync();

        Rows.Fault = (null, true);
        var moved = await PlaceAtAsync(OrderKind.Change, "field-2");
        for (var i = 0; i < 4; i++)
            await RunAsync();
        Assert.That((await StateAsync(moved)).Phase, Is.EqualTo(OrderPhase.Failed));
        Assert.That((await Rows.FindAsync(device, Cancel))!.Site, Is.EqualTo("field-1"));
        var elsewhere = await Place.HandleAsync(new("elsewhere-" + device, OrderKind.Change, device, Site: "nobodys-field"), "test", Cancel);
        Assert.That(((Answer<StoredOrder>.Invalid)elsewhere).Faults.Single().Rule, Is.EqualTo("unknown_site"));

        async Task<StoredOrder> PlaceAtAsync(OrderKind kind, string site) => ((Answer<StoredOrder>.Found)await Place.HandleAsync(
            new($"{kind}-at-{site}-{device}", kind, device, "irrigation-pump-v2", "green-valley", Site: site), "test", Cancel)).Value;
    }

    [Test]
    public async Task A_change_of_owner_and_product_keeps_the_device_and_writes_its_history()
    {
        var device = await ActiveAsync();
        var key = await ScalarAsync<long>($"select device_key from device where device_id = '{device}'");
        await OrderAsync(OrderKind.Change, device, product: "irrigation-station", customer: "other-valley");
        await RunAsync();

        Assert.That((await Registry.FindAsync(device, Cancel))!.Device.Customer, Is.EqualTo("other-valley"));
        Assert.That(await Rows.FindAsync(device, Cancel), Is.EqualTo(new RowBefore("irrigation", "irrigation-station", "other-valley", "active")));
        Assert.That(await ScalarAsync<long>($"select device_key from device where device_id = '{device}'"), Is.EqualTo(key), "the history hangs on it");
        Assert.That(await ScalarAsync<string>($"select string_agg(customer, ',' order by to_at nulls last) from ownership where device_id = '{device}'"),
            Is.EqualTo("green-valley,other-valley"));
    }

    [Test]
    public async Task A_suspended_device_is_locked_out_and_let_in_again()
    {
        var device = await ActiveAsync();
        await OrderAsync(OrderKind.Suspend, device);
        await RunAsync();
        var suspended = ((await Registry.FindAsync(device, Cancel))!.Enabled, (await Rows.FindAsync(device, Cancel))!.Status);
        await OrderAsync(OrderKind.Resume, device);
        await RunAsync();

        Assert.That(suspended, Is.EqualTo((false, "suspended")));
        Assert.That(((await Registry.FindAsync(device, Cancel))!.Enabled, (await Rows.FindAsync(device, Cancel))!.Status), Is.EqualTo((true, "active")));
    }

    [Test]
    public async Task Keys_are_rotated_one_after_the_other_with_one_of_them_valid_all_the_time()
    {
        var device = await ActiveAsync();
        var before = (await Registry.FindAsync(device, Cancel))!;
        var order = await OrderAsync(OrderKind.RotateKeys, device);
        await RunAsync();
        var between = (await Registry.FindAsync(device, Cancel))!;
        Assert.That((between.PrimaryKey == before.PrimaryKey, between.SecondaryKey == before.SecondaryKey), Is.EqualTo((true, false)));

        await Store.ConfirmAsync(order.Id, Time.GetUtcNow(), Cancel);
        await RunAsync();
        var after = (await Registry.FindAsync(device, Cancel))!;
        Assert.That((await StateAsync(order)).Phase, Is.EqualTo(OrderPhase.Done));
        Assert.That((after.PrimaryKey == before.PrimaryKey, after.SecondaryKey == between.SecondaryKey), Is.EqualTo((false, true)));
    }

    [Test]
    public async Task A_rotation_that_nobody_confirms_leaves_the_key_that_the_device_uses()
    {
        var device = await ActiveAsync();
        var before = (await Registry.FindAsync(device, Cancel))!;
        var order = await OrderAsync(OrderKind.RotateKeys, device);
        await RunAsync();
        Time.Advance(TimeSpan.FromDays(15));
        await RunAsync();

        Assert.That((await StateAsync(order)).Reason, Is.EqualTo("no_confirmation"));
        Assert.That((await Registry.FindAsync(device, Cancel))!.PrimaryKey, Is.EqualTo(before.PrimaryKey));
    }

    [Test]
    public async Task A_retired_device_loses_its_identity_keeps_its_row_and_may_come_back_to_anybody()
    {
        var device = await ActiveAsync();
        var key = (await Registry.FindAsync(device, Cancel))!.PrimaryKey;
        await OrderAsync(OrderKind.Retire, device);
        await RunAsync();
        Assert.That(await Registry.FindAsync(device, Cancel), Is.Null);
        Assert.That((await Rows.FindAsync(device, Cancel))!.Status, Is.EqualTo("retired"));

        await OrderAsync(OrderKind.Provision, device, id: "back-" + device, customer: "second-hand");
        await RunAsync();
        await HelloAsync(device);
        await RunAsync();
        Assert.That(await Rows.FindAsync(device, Cancel), Is.EqualTo(new RowBefore("irrigation", "irrigation-pump-v2", "second-hand", "active")));
        Assert.That((await Registry.FindAsync(device, Cancel))!.PrimaryKey, Is.Not.EqualTo(key));
    }

    [Test]
    public async Task A_removed_identity_is_removed_however_long_the_registry_is_away()
    {
        var device = await ActiveAsync();
        Registry.Fault = ("Remove", false);
        var order = await OrderAsync(OrderKind.Retire, device);
        await RunAsync();
        Assert.That((await StateAsync(order)).Phase, Is.EqualTo(OrderPhase.Doing));
        await Store.CancelAsync(order.Id, Time.GetUtcNow(), Cancel);
        await RunAsync();

        Registry.Fault = null;
        await RunAsync();
        Assert.That((await StateAsync(order)).Phase, Is.EqualTo(OrderPhase.Done), "there is no way back");
        Assert.That(await Registry.FindAsync(device, Cancel), Is.Null);
    }

    [Test]
    public async Task A_cancelled_order_is_undone()
    {
        var device = NewDevice();
        var order = await OrderAsync(OrderKind.Provision, device);
        await RunAsync();
        Assert.That(await Store.CancelAsync(order.Id, Time.GetUtcNow(), Cancel));
        await RunAsync();

        Assert.That((await StateAsync(order)).Phase, Is.EqualTo(OrderPhase.Cancelled));
        Assert.That(await Store.CancelAsync(order.Id, Time.GetUtcNow(), Cancel), Is.False, "it is over");
        await AssertNothingIsLeftAsync(device);
    }

    [Test]
    public async Task The_same_order_again_is_the_same_order_and_another_one_has_to_wait()
    {
        var device = NewDevice();
        var order = await OrderAsync(OrderKind.Provision, device, id: "order-" + device);
        var again = await OrderAsync(OrderKind.Provision, device, id: "order-" + device);
        var otherContent = await Place.HandleAsync(new(order.Id, OrderKind.Provision, device, "irrigation-station", "green-valley"), "test", Cancel);
        var otherOrder = await Place.HandleAsync(new("another-" + device, OrderKind.Provision, device, "irrigation-pump-v2", "green-valley"), "test", Cancel);

        Assert.That(again.CreatedAt, Is.EqualTo(order.CreatedAt));
        Assert.That(otherContent, Is.TypeOf<Answer<StoredOrder>.Refused>().With.Property("Rule").EqualTo("order_id_taken"));
        Assert.That(otherOrder, Is.TypeOf<Answer<StoredOrder>.Refused>().With.Property("Rule").EqualTo("device_busy").And.Property("Detail").Contains(order.Id));
    }

    [Test]
    public async Task A_device_of_somebody_else_is_not_given_away_and_its_owner_is_not_told()
    {
        var device = await ActiveAsync();
        var order = await OrderAsync(OrderKind.Provision, device, id: "steal-" + device, customer: "thief");
        await RunAsync();

        var state = await StateAsync(order);
        Assert.That((state.Phase, state.Reason), Is.EqualTo((OrderPhase.Refused, "device_taken")));
        Assert.That(state.Detail, Does.Not.Contain("green-valley"));
        Assert.That((await Registry.FindAsync(device, Cancel))!.Device.Customer, Is.EqualTo("green-valley"));
    }

    [Test]
    public async Task The_limit_of_a_plan_holds()
    {
        Options.DevicesMax = 1;
        try
        {
            await ActiveAsync("small-garden");
            var second = await OrderAsync(OrderKind.Provision, NewDevice(), customer: "small-garden");
            await RunAsync();

            Assert.That((await StateAsync(second)).Reason, Is.EqualTo("device_limit"));
        }
        finally
        {
            Options.DevicesMax = null;
        }
    }

    [Test]
    public async Task The_limit_of_a_plan_holds_for_orders_at_the_same_time()
    {
        Options.DevicesMax = 3;
        try
        {
            var orders = new List<StoredOrder>();
            for (var i = 0; i < 8; i++)
                orders.Add(await OrderAsync(OrderKind.Provision, NewDevice(), customer: "busy-garden"));
            await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Orders.HandleAsync(2, Cancel)));
            await RunAsync();

            var states = new List<OrderState>();
            foreach (var order in orders)
                states.Add(await StateAsync(order));
            Assert.That(states.Select(s => s.Reason), Is.EqualTo(Enumerable.Repeat<string?>(null, 3).Concat(Enumerable.Repeat("device_limit", 5))));
        }
        finally
        {
            Options.DevicesMax = null;
        }
    }

    [Test]
    public async Task Every_fault_of_an_order_is_named()
    {
        var answer = await Place.HandleAsync(new("no id", OrderKind.Provision, "dp9-1", "no-product", "No Customer"), "test", Cancel);

        Assert.That(((Answer<StoredOrder>.Invalid)answer).Faults.Select(f => f.Rule),
            Is.EqualTo(new[] { "invalid_order_id", "invalid_device_id", "unknown_product", "invalid_customer" }));
    }

    [Test]
    public async Task Two_drivers_never_work_on_the_same_order_and_a_dead_ones_orders_are_taken_over()
    {
        for (var i = 0; i < 20; i++)
            await OrderAsync(OrderKind.Provision, NewDevice());
        var lease = TimeSpan.FromMinutes(1);
        var claims = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Store.ClaimAsync(Time.GetUtcNow(), lease, 5, Cancel)));
        var early = await Store.ClaimAsync(Time.GetUtcNow(), lease, 100, Cancel);
        var late = await Store.ClaimAsync(Time.GetUtcNow() + lease, lease, 100, Cancel);

        Assert.That(claims.SelectMany(c => c).Select(o => o.Id), Is.Unique.And.Exactly(20).Items);
        Assert.That((early.Count, late.Count), Is.EqualTo((0, 20)));
    }

    [Test]
    public async Task A_start_takes_over_at_once_what_was_under_lease_and_a_driver_that_still_lives_does_no_harm()
    {
        var device = NewDevice();
        var order = await OrderAsync(OrderKind.Provision, device);
        var held = (await Store.ClaimAsync(Time.GetUtcNow(), TimeSpan.FromMinutes(1), 10, Cancel)).Single();
        Assert.That(await Orders.HandleAsync(10, Cancel), Is.Zero, "under lease");

        Assert.That(await Orders.TakeOverAsync(Cancel), Is.EqualTo(1));
        Assert.That(await Orders.HandleAsync(10, Cancel), Is.EqualTo(1));
        var late = await Store.KeepAsync([(held, held.State with { At = 1 })], Time.GetUtcNow(), Cancel);
        Assert.That(late, Is.Empty);
        Assert.That((await StateAsync(order)).Step, Is.EqualTo(OrderStep.AwaitHello));
        Assert.That(await Orders.TakeOverAsync(Cancel), Is.Zero);
    }

    [Test]
    public async Task Who_has_read_an_older_state_does_not_overwrite_a_newer_one()
    {
        var device = NewDevice();
        await OrderAsync(OrderKind.Provision, device);
        var claimed = (await Store.ClaimAsync(Time.GetUtcNow(), TimeSpan.FromMinutes(1), 10, Cancel)).Single();
        await HelloAsync(device);
        var kept = await Store.KeepAsync([(claimed, claimed.State with { At = 1 })], Time.GetUtcNow(), Cancel);

        Assert.That(kept, Is.Empty);
        Assert.That((await StateAsync(claimed)).At, Is.Zero);
        Assert.That(await Store.ClaimAsync(Time.GetUtcNow(), TimeSpan.FromMinutes(1), 10, Cancel), Has.Count.EqualTo(1), "a hello frees the order at once");
    }

    [Test]
    public void A_stored_state_keeps_its_names()
    {
        var state = OrderMachine.Start(OrderKind.RotateKeys, Noon) with
        {
            Phase = OrderPhase.Undoing,
            At = 1,
            Troubles = 2,
            Ending = OrderPhase.Cancelled,
            Reason = "cancelled",
            Deadline = Noon,
            Before = new(new(new("dp2", "irrigation", "irrigation-pump-v2", "green-valley", "test", null), true), new("irrigation", "irrigation-pump-v2", "green-valley", "active", "north-field", ["orchard"])),
        };
        const string json = """
            {"kind":"rotate_keys","phase":"undoing","at":1,"dueAt":"2025-06-01T12:00:00+00:00","troubles":2,"deadline":"2025-06-01T12:00:00+00:00","ending":"cancelled","reason":"cancelled","before":{"identity":{"tags":{"protocol":"dp2","offering":"irrigation","product":"irrigation-pump-v2","customer":"green-valley","region":"test"},"enabled":true},"row":{"offering":"irrigation","product":"irrigation-pump-v2","customer":"green-valley","status":"active","site":"north-field","tags":["orchard"]}}}
            """;
        const string oldestRow = """{"offering":"irrigation","product":"irrigation-pump-v2","customer":"green-valley","status":"active"}""";
        const string olderRow = """{"offering":"irrigation","product":"irrigation-pump-v2","customer":"green-valley","status":"active","ownedSince":"2025-06-01T12:00:00+00:00"}""";

        Assert.That(JsonSerializer.Serialize(state, OrderTable.Json), Is.EqualTo(json));
        Assert.That(JsonSerializer.Deserialize<OrderState>(json, OrderTable.Json), Is.EqualTo(state).UsingPropertiesComparer());
        foreach (var row in new[] { oldestRow, olderRow })
            Assert.That(
                JsonSerializer.Deserialize<RowBefore>(row, OrderTable.Json), Is.EqualTo(new RowBefore("irrigation", "irrigation-pump-v2", "green-valley", "active")));
        Assert.That(Enum.GetNames<OrderStep>(), Is.EqualTo(new[]
        {
            "Admit", "Register", "MarkOrdered", "AwaitHello", "MarkActive", "MarkChanged", "Disable", "Enable", "MarkSuspended", "RenewSecondary",
            "AwaitConfirmation", "RenewPrimary", "MarkRetired", "RemoveIdentity",
        }), "the index of a step is stored: steps are added at the end of a kind of order only");
    }

    [Test]
    public async Task A_device_without_tags_gets_those_of_its_order_back()
    {
        var device = await ActiveAsync();
        await Registry.UpdateTagsAsync(device, new TagChange { Offering = "", Protocol = "" }, Cancel);
        Assert.That(await Registry.ListUntaggedAsync(10, Cancel), Is.EqualTo(new[] { device }));

        var repaired = await new RepairTags(Registry, new DeviceRows(Database), NullLogger<RepairTags>.Instance).HandleAsync(Cancel);

        Assert.That(repaired, Is.EqualTo(1));
        Assert.That((await Registry.FindAsync(device, Cancel))!.Device.Offering, Is.EqualTo("irrigation"));
    }

    /// <summary>Whose it was, from when to when.</summary>
    private Task<string> OwnersAsync(string device) =>
        ScalarAsync<string>($"select string_agg(customer || ' ' || from_at || ' ' || coalesce(to_at::text, ''), ',' order by from_at) from ownership where device_id = '{device}'");

    private async Task AssertNothingIsLeftAsync(string device)
    {
        Assert.That(await Registry.FindAsync(device, Cancel), Is.Null, "identity");
        var row = await Rows.FindAsync(device, Cancel);
        Assert.That(row, Is.Null.Or.EqualTo(new RowBefore("irrigation", "", "", "retired")), "a row that belongs to nobody");
        Assert.That(await ScalarAsync<long>($"select count(*) from ownership where device_id = '{device}'"), Is.Zero, "an owner that was none");
    }
}
