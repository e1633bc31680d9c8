using System.Collections.Concurrent;
using Pumps.Core.Firmware;
using Pumps.Handlers.Firmware;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Firmware;

/// <summary>Rollouts as they are placed, led and kept.</summary>
public sealed class RolloutStoreTests : RolloutFixture
{
    [Test]
    public async Task A_rollout_comes_back_as_it_was_placed_and_the_same_once_more_is_the_same()
    {
        await DevicesAsync(3);
        var order = Rollout("r", new(Customer: "green-valley", Devices: [Device(0), Device(2)]), [10, 100], new(new(22, 30), new(4, 0)));
        var placed = await PlaceAsync(order);
        var (again, stored) = await Store.PlaceAsync(order with { By = "berta" }, Noon.AddHours(1), Cancel);
        var (other, _) = await Store.PlaceAsync(order with { Window = null }, Noon, Cancel);
        var (_, reordered) = await Store.PlaceAsync(order with { Terms = order.Terms with { Waves = [10, 50, 100] } }, Noon, Cancel);

        Assert.That((again, other), Is.EqualTo((RolloutPlacing.Repeated, RolloutPlacing.IdTaken)));
        Assert.That(placed.Order, Is.EqualTo(order).UsingPropertiesComparer());
        Assert.That(
            (placed.Product, placed.FirmwareVersion, placed.Devices, placed.Version, placed.CreatedAt, placed.State.Phase, placed.State.Wave),
            Is.EqualTo((Product, "2.5.0", 2, 0, Noon, RolloutPhase.Running, -1)));
        Assert.That((stored!.Number, stored.Order.By, reordered!.Order.Terms.Waves.Length), Is.EqualTo((placed.Number, "anna", 2)));
        Assert.That(await Store.CountAsync(placed.Number, Cancel), Is.EqualTo(new[] { new WaveCount(1, 0, 0, 0), new WaveCount(1, 0, 0, 0) }));
    }

    [Test]
    public async Task Only_active_devices_of_the_product_in_the_target_have_a_transfer_and_without_any_there_is_no_rollout()
    {
        await DevicesAsync(6);
        await DevicesAsync(2, status: "suspended", first: 10);
        await DevicesAsync(2, product: "mixing-station", first: 20);
        await ExecuteAsync($"update device set tags = '{{north}}' where device_id <= '{Device(3)}' or device_id >= '{Device(10)}'; update device set customer = 'other' where device_id = '{Device(5)}'");

        var nobody = await Store.PlaceAsync(Rollout("nobody", new(Tag: "south")), Noon, Cancel);
        var noImage = await Store.PlaceAsync(Rollout("none") with { ImageId = "none" }, Noon, Cancel);
        var north = await PlaceAsync(Rollout("north", new(Tag: "north")));
        var rest = await PlaceAsync(Rollout("rest", new(Customer: "green-valley")));
        var all = await PlaceAsync(Rollout("all"));
        var taken = await Store.PlaceAsync(Rollout("taken"), Noon, Cancel);

        Assert.That((nobody, noImage.Placing, taken.Placing), Is.EqualTo(((RolloutPlacing.NoDevices, (StoredRollout?)null), RolloutPlacing.NoImage, RolloutPlacing.NoDevices)));
        Assert.That(await DevicesOfAsync(north), Is.EqualTo(new[] { Device(0), Device(1), Device(2), Device(3) }));
        Assert.That(await DevicesOfAsync(rest), Is.EqualTo(new[] { Device(4) }));
        Assert.That(await DevicesOfAsync(all), Is.EqualTo(new[] { Device(5) }));
        Assert.That(await Store.ListOpenAsync(Cancel), Is.EqualTo(new[] { "north", "rest", "all" }));
    }

    [Test]
    public async Task Waves_are_as_large_as_the_terms_say_and_fall_by_chance_but_the_same_for_the_same_rollout()
    {
        await DevicesAsync(1000);
        var terms = Rollout("a", waves: [1, 10, 55, 100]);
        var first = await WavesAsync(await PlaceAsync(terms));
        await ExecuteAsync("delete from firmware_transfer; delete from firmware_rollout");
        var second = await WavesAsync(await PlaceAsync(terms));
        await ExecuteAsync("delete from firmware_transfer; delete from firmware_rollout");
        var other = await WavesAsync(await PlaceAsync(terms with { Id = "b" }));

        var expected = Enumerable.Range(0, 1000).Select(place => terms.Terms.WaveOf(place, 1000));
        Assert.That(first.Order(), Is.EqualTo(expected));
        Assert.That(second, Is.EqualTo(first));
        Assert.That(other, Is.Not.EqualTo(first).And.EquivalentTo(first));
        Assert.That(first, Is.Not.Ordered, "not by device");

        async Task<int[]> WavesAsync(StoredRollout rollout) =>
            [.. (await Store.ListTransfersAsync(rollout.Number, null, null, 1000, Cancel)).Items.Select(t => t.Wave)];
    }

    [Test]
    public async Task Waves_that_no_device_is_left_for_are_counted_with_none()
    {
        await DevicesAsync(2);
        var rollout = await PlaceAsync(Rollout("r", waves: [1, 2, 3, 100]));

        Assert.That((await Store.CountAsync(rollout.Number, Cancel)).Select(w => w.Devices), Is.EqualTo(new[] { 1, 1, 0, 0 }));
    }

    [Test]
    public async Task Rollouts_that_are_placed_at_the_same_moment_share_no_device()
    {
        await DevicesAsync(200);
        var placings = await Task.WhenAll(Enumerable.Range(0, 8).Select(i =>
            new RolloutStore(i % 2 == 0 ? Database : Elsewhere).PlaceAsync(
                Rollout(i < 2 ? "same" : $"r{i}", i % 2 == 0 ? new() : new(Devices: [.. Enumerable.Range(i * 10, 50).Select(Device)])) with { ImageId = "image" }, Noon, Cancel)));

        Assert.That(await ScalarAsync<long>("select count(*) from firmware_transfer"), Is.EqualTo(placings.Where(p => p.Placing is RolloutPlacing.Placed).Sum(p => p.Rollout!.Devices)));
        Assert.That(await ScalarAsync<long>("select count(*) from (select from firmware_transfer group by device_id having count(*) > 1) t"), Is.Zero);
        Assert.That(placings.Count(p => p.Rollout?.Order.Id == "same" && p.Placing is RolloutPlacing.Placed), Is.LessThanOrEqualTo(1));
        Assert.That(placings.Any(p => p.Placing is RolloutPlacing.Placed));
    }

    [Test]
    public async Task Rollouts_are_listed_newest_first_page_by_page_in_one_phase_or_all()
    {
        await DevicesAsync(3);
        var a = await PlaceAsync(Rollout("a", new(Devices: [Device(0)])));
        await PlaceAsync(Rollout("b", new(Devices: [Device(1)])));
        await PlaceAsync(Rollout("c", new(Devices: [Device(2)])));
        await PhaseAsync(a, RolloutPhase.Paused);

        var first = await Store.ListAsync(null, null, 2, Cancel);
        Assert.That(first.Items.Select(r => r.Order.Id), Is.EqualTo(new[] { "c", "b" }));
        Assert.That((await Store.ListAsync(null, first.Next, 2, Cancel)).Items.Select(r => r.Order.Id), Is.EqualTo(new[] { "a" }));
        Assert.That((await Store.ListAsync(RolloutPhase.Paused, null, 2, Cancel)).Items.Single().Order.Id, Is.EqualTo("a"));
        Assert.That(() => Store.ListAsync(null, "x", 2, Cancel), Throws.ArgumentException);
    }

    [Test]
    public async Task Who_has_read_an_older_rollout_changes_nothing()
    {
        await DevicesAsync(1);
        var placed = await PlaceAsync(Rollout("r"));
        await PhaseAsync(placed, RolloutPhase.Paused);

        Assert.That(await Store.KeepAsync(placed, placed.State with { Wave = 0 }, RolloutEffect.StartWave, Noon, Cancel), Is.False);
        Assert.That((await Store.FindAsync("r", Cancel))!.State.Phase, Is.EqualTo(RolloutPhase.Paused));
        Assert.That(await ScalarAsync<long>("select count(*) from firmware_transfer where due_at is not null"), Is.Zero);
    }

    [Test]
    public async Task A_state_is_stored_by_names_that_never_change()
    {
        await DevicesAsync(1);
        var placed = await PlaceAsync(Rollout("r", window: new(new(22, 30), new(4, 0))));
        await StepAsync(placed, new(RolloutPhase.Paused, 0) { Reason = "error_threshold", Accepted = [1, 2], SuccessfulAt = Noon }, RolloutEffect.StartWave);
        var taken = await TakeOneAsync();
        await Store.KeepAsync(taken, new(TransferPhase.Activating, Noon)
        {
            Stored = 1, Silences = 2, Pauses = 3, Restarts = 4, Deadline = Noon, Reason = "lost", StartedAt = Noon, Missing = [new(1, 2)], Window = 3, IsChecked = true,
        }, Noon, Queued, Cancel);

        Assert.That(
            await ScalarAsync<string>("select concat_ws(E'\n', target, terms, maintenance, state) from firmware_rollout"),
            Is.EqualTo(
                """
                {}
                {"soak": "00:30:00", "waves": [100], "errorPercent": 5, "successPercent": 95}
                {"ends": "04:00:00", "begins": "22:30:00"}
                {"wave": 0, "phase": "paused", "reason": "error_threshold", "accepted": [1, 2], "successfulAt": "2025-06-01T12:00:00+00:00"}
                """));
        Assert.That(
            await ScalarAsync<string>("select phase || ' ' || state from firmware_transfer"),
            Is.EqualTo("""activating {"phase": "activating", "pauses": 3, "reason": "lost", "stored": 1, "deadline": "2025-06-01T12:00:00+00:00", "restarts": 4, "silences": 2, "startedAt": "2025-06-01T12:00:00+00:00"}"""));

        async Task<StoredTransfer> TakeOneAsync()
        {
            await ExecuteAsync("update firmware_rollout set phase = 'running'");
            return await TakeAsync(Device(0));
        }
    }

    [Test]
    public async Task With_a_wave_its_transfers_are_due_and_no_others()
    {
        await DevicesAsync(10);
        var rollout = await StartedAsync(Rollout("r", waves: [30, 100]));

        var due = await Store.ClaimAsync(Noon, Queued, 100, Cancel);
        Assert.That(due, Has.Count.EqualTo(3));
        Assert.That(due.Order(), Is.EqualTo((await Store.ListTransfersAsync(rollout.Number, null, null, 100, Cancel)).Items.Where(t => t.Wave == 0).Select(t => t.DeviceId)));
    }

    [Test]
    public async Task A_driver_gets_all_that_it_must_know()
    {
        await DevicesAsync(1);
        await ExecuteAsync(
            "insert into site (site_id, customer, name, time_zone) values ('meadow', 'green-valley', 'Meadow', 'Europe/Berlin') on conflict do nothing;"
            + "update device set site_id = 'meadow'");
        var window = new MaintenanceWindow(new(22, 0), new(4, 0));
        var rollout = await StartedAsync(Rollout("r", window: window));
        var taken = (await Store.TakeAsync(Device(0), Noon, Lease, Cancel))!;

        Assert.That((taken.IsAborted, taken.IsForeign), Is.EqualTo((false, false)));
        Assert.That(
            taken.Transfer with { Version = 0 },
            Is.EqualTo(new StoredTransfer(rollout.Number, "r", Device(0), 0, "image", new(TransferPhase.Waiting, Noon), 0, window, "2.4.0", "Europe/Berlin")));
    }

    [Test]
    public async Task A_transfer_is_in_one_drivers_hands_and_a_driver_that_was_late_changes_nothing()
    {
        await DevicesAsync(1);
        await StartedAsync(Rollout("r"));
        var first = await TakeAsync(Device(0));
        Assert.That(await Store.TakeAsync(Device(0), Noon.Add(Lease).AddSeconds(-1), Lease, Cancel), Is.Null);
        Assert.That(await Store.ClaimAsync(Noon, Queued, 100, Cancel), Is.Empty);

        var second = await TakeAsync(Device(0), Noon + Lease);
        Assert.That(await Store.KeepAsync(first, first.State with { Phase = TransferPhase.Failed, DueAt = null, EndedAt = Noon }, Noon, Queued, Cancel), Is.Null);
        var later = Noon.AddHours(1);
        Assert.That(await Store.KeepAsync(second, second.State with { Phase = TransferPhase.Ready, DueAt = later }, Noon + Lease, Queued, Cancel), Is.False);
        Assert.That(await Store.TakeAsync(Device(0), later.AddSeconds(-1), Lease, Cancel), Is.Null, "not due");
        var third = await TakeAsync(Device(0), later);
        Assert.That(third.State, Is.EqualTo(new TransferState(TransferPhase.Ready, later)));
        Assert.That(await Store.KeepAsync(third, third.State, later, Queued, Cancel), Is.True, "It is due, and queued with that.");
        Assert.That(await Store.ClaimAsync(later, Queued, 100, Cancel), Is.Empty);
    }

    [Test]
    public async Task Two_drivers_at_once_never_have_the_same_device_and_bring_all_to_the_end()
    {
        const int turns = 4;
        await DevicesAsync(60);
        var rollout = await StartedAsync(Rollout("r"));
        var inHand = new ConcurrentDictionary<string, bool>();
        var served = new ConcurrentBag<string>();
        var doubles = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => DriveAsync(new(i % 2 == 0 ? Database : Elsewhere))));

        Assert.That(doubles, Is.Zero);
        Assert.That(served, Has.Count.EqualTo(60 * turns));
        Assert.That(await Store.CountAsync(rollout.Number, Cancel), Is.EqualTo(new[] { new WaveCount(60, 60, 0, 0) }));

        async Task DriveAsync(RolloutStore store)
        {
            while (served.Count < 60 * turns)
            {
                // A queue brings a device to several drivers at times, so each looks at what the others have claimed.
                await store.ClaimAsync(Noon, TimeSpan.Zero, 20, Cancel);
                foreach (var device in Enumerable.Range(0, 60).Select(Device))
                    if (await store.TakeAsync(device, Noon, Lease, Cancel) is { Transfer: var transfer })
                    {
                        if (!inHand.TryAdd(device, true))
                            Interlocked.Increment(ref doubles);
                        inHand.TryRemove(device, out _);
                        var stored = transfer.State.Stored + 1;
                        served.Add(device);
                        await store.KeepAsync(transfer, stored == turns
                            ? transfer.State with { Phase = TransferPhase.Done, DueAt = null, EndedAt = Noon, Stored = stored }
                            : transfer.State with { Phase = TransferPhase.Sending, Stored = stored }, Noon, Queued, Cancel);
                    }
            }
        }
    }

    [Test]
    public async Task What_is_claimed_has_begun_already_or_is_the_oldest_and_no_more_than_may_be_under_way_whoever_asks()
    {
        await DevicesAsync(10);
        await StartedAsync(Rollout("r"));
        await ExecuteAsync($"update firmware_transfer set due_at = '{Noon.AddHours(-1):O}'");
        await ComeToAsync(Device(7), TransferPhase.Sending, Noon.AddMinutes(-2));
        await ComeToAsync(Device(3), TransferPhase.Ready, Noon.AddMinutes(-1));
        await TakeAsync(Device(0));

        Assert.That(await Store.ClaimAsync(Noon, Queued, 3, Cancel), Is.EqualTo(new[] { Device(7), Device(3) }), "and one is in hand");
        Assert.That(await Store.ClaimAsync(Noon, Queued, 3, Cancel), Is.Empty);
        var claimed = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => new RolloutStore(i % 2 == 0 ? Database : Elsewhere).ClaimAsync(Noon, Queued, 6, Cancel)));
        Assert.That(claimed.SelectMany(c => c).ToList(), Has.Count.EqualTo(3).And.Unique);

        Assert.That(await Store.ClaimAsync(Noon + Queued, Queued, 100, Cancel), Has.Count.EqualTo(10), "Nobody has taken them.");
    }

    [Test]
    public async Task Who_is_starting_an_image_need_not_wait_until_others_have_it()
    {
        await DevicesAsync(5);
        await StartedAsync(Rollout("r"));
        await ComeToAsync(Device(3), TransferPhase.Activating, Noon);
        await ComeToAsync(Device(4), TransferPhase.Confirming, Noon);
        await TakeAsync(Device(0));

        Assert.That(await Store.ClaimAsync(Noon, Queued, 1, Cancel), Is.EqualTo(new[] { Device(3), Device(4) }), "One that is in hand takes all the room.");
    }

    [Test]
    public async Task A_pause_holds_back_who_has_not_begun_to_start_the_image()
    {
        await DevicesAsync(5);
        var rollout = await StartedAsync(Rollout("r"));
        await ComeToAsync(Device(1), TransferPhase.Sending, Noon);
        await ComeToAsync(Device(2), TransferPhase.Ready, Noon);
        await ComeToAsync(Device(3), TransferPhase.Activating, Noon);
        await ComeToAsync(Device(4), TransferPhase.Confirming, Noon);
        var inHand = await TakeAsync(Device(0));
        rollout = await PhaseAsync(rollout, RolloutPhase.Paused);

        await Store.WakeAsync([.. Enumerable.Range(0, 5).Select(Device)], Noon, Cancel);
        Assert.That(await Store.ClaimAsync(Noon, Queued, 100, Cancel), Is.EqualTo(new[] { Device(3), Device(4) }));
        Assert.That(await Store.TakeAsync(Device(2), Noon, Lease, Cancel), Is.Null);
        Assert.That(await TakeAsync(Device(3)), Is.Not.Null);
        Assert.That(await Store.KeepAsync(inHand, inHand.State with { Phase = TransferPhase.Sending, DueAt = Noon }, Noon, Queued, Cancel), Is.False, "Its driver stops, too.");

        await PhaseAsync(rollout, RolloutPhase.Running);
        Assert.That(await Store.ClaimAsync(Noon, Queued, 100, Cancel), Is.EqualTo(new[] { Device(0), Device(1), Device(2) }));
    }

    [Test]
    public async Task An_abort_cancels_who_waits_and_has_the_others_looked_at_at_once()
    {
        await DevicesAsync(6);
        var rollout = await StartedAsync(Rollout("r"));
        await ComeToAsync(Device(1), TransferPhase.Sending, Noon.AddHours(1));
        await ComeToAsync(Device(2), TransferPhase.Ready, Noon.AddHours(9));
        await ComeToAsync(Device(3), TransferPhase.Activating, Noon.AddMinutes(1));
        var beginning = await TakeAsync(Device(4));
        rollout = await PhaseAsync(await PhaseAsync(rollout, RolloutPhase.Paused), RolloutPhase.Aborting);
        Assert.That((await Store.TakeAsync(Device(5), Noon, TimeSpan.Zero, Cancel))!.IsAborted, Is.True, "before anything was taken back");
        await StepAsync(rollout, rollout.State, RolloutEffect.CancelTransfers);

        Assert.That(await Store.CountAsync(rollout.Number, Cancel), Is.EqualTo(new[] { new WaveCount(6, 0, 0, 2) }));
        Assert.That(
            (await Store.ListOfDeviceAsync(Device(0), 1, Cancel)).Single().State, Is.EqualTo(new TransferState(TransferPhase.Cancelled, null) { EndedAt = Noon }));
        Assert.That(await Store.ClaimAsync(Noon, Queued, 100, Cancel), Is.EqualTo(new[] { Device(1), Device(2) }));
        Assert.That((await Store.TakeAsync(Device(2), Noon, Lease, Cancel))!.IsAborted, Is.True);
        var isDue = await Store.KeepAsync(beginning, beginning.State with { Phase = TransferPhase.Sending, DueAt = Noon.AddHours(1) }, Noon, Queued, Cancel);
        Assert.That(isDue, Is.True, "Whoever was just beginning hears of it, too.");
    }

    [Test]
    public async Task A_device_that_speaks_is_looked_at_now_or_when_its_driver_is_through()
    {
        await DevicesAsync(4);
        await StartedAsync(Rollout("r"));
        foreach (var device in (int[])[0, 1])
            await ComeToAsync(Device(device), TransferPhase.Activating, Noon.AddHours(1));
        await ComeToAsync(Device(3), TransferPhase.Done, null);
        var taken = await TakeAsync(Device(1), Noon.AddHours(1));
        string[] all = [.. Enumerable.Range(0, 4).Select(Device), "dp2-stranger"];

        var now = Noon.AddHours(1).AddSeconds(5);
        await ExecuteAsync($"update firmware_transfer set due_at = '{Noon.AddHours(9):O}' where lease_until is null and due_at is not null");
        await Store.WakeAsync(all, now, Cancel);
        Assert.That(await Store.TakeAsync(Device(0), now.AddSeconds(-1), Lease, Cancel), Is.Null);
        Assert.That(await Store.TakeAsync(Device(2), now, Lease, Cancel), Is.Null, "It has not begun.");
        Assert.That(await Store.KeepAsync(taken, taken.State with { DueAt = Noon.AddHours(2) }, now, Queued, Cancel), Is.True);
        Assert.That(await TakeAsync(Device(1), now), Is.Not.Null);

        var end = await TakeAsync(Device(0), now);
        await Store.WakeAsync(all, now.AddSeconds(5), Cancel);
        Assert.That(await Store.KeepAsync(end, end.State with { DueAt = Noon.AddHours(3) }, now, Queued, Cancel), Is.False, "not yet");
        end = await TakeAsync(Device(0), now.AddSeconds(5));
        await Store.WakeAsync(all, now, Cancel);
        Assert.That(await Store.KeepAsync(end, end.State with { Phase = TransferPhase.Done, DueAt = null, EndedAt = now }, now, Queued, Cancel), Is.False);
        Assert.That(await Store.TakeAsync(Device(0), now.AddDays(1), Lease, Cancel), Is.Null);
    }

    [Test]
    public async Task What_is_noted_of_a_transfer_outlives_its_driver()
    {
        await DevicesAsync(1);
        await StartedAsync(Rollout("r"));
        var taken = await TakeAsync(Device(0));
        await Store.NoteAsync(taken, taken.State with { Phase = TransferPhase.Activating }, Cancel);
        Assert.That(await Store.TakeAsync(Device(0), Noon, Lease, Cancel), Is.Null, "It stays in its hands.");

        Assert.That((await TakeAsync(Device(0), Noon + Lease)).State.Phase, Is.EqualTo(TransferPhase.Activating));
        await Store.NoteAsync(taken, taken.State, Cancel);
        Assert.That((await Store.ListOfDeviceAsync(Device(0), 1, Cancel)).Single().State.Phase, Is.EqualTo(TransferPhase.Activating), "A driver that was late changes nothing.");
    }

    [Test]
    public async Task A_device_that_is_another_one_by_now_is_told_apart([Values("product = 'irrigation-station'", "status = 'retired'")] string change)
    {
        await DevicesAsync(1);
        await StartedAsync(Rollout("r"));
        await ExecuteAsync($"update device set {change}");
        Assert.That((await Store.TakeAsync(Device(0), Noon, Lease, Cancel))!.IsForeign, Is.True);
    }

    [Test]
    public async Task Who_takes_over_finds_everything_free()
    {
        await DevicesAsync(3);
        await StartedAsync(Rollout("r"));
        await Store.ClaimAsync(Noon, Queued, 2, Cancel);
        await TakeAsync(Device(2));

        Assert.That(await Store.TakeOverAsync(Cancel), Is.EqualTo(3));
        Assert.That(await Store.TakeOverAsync(Cancel), Is.Zero);
        Assert.That(await Store.ClaimAsync(Noon, Queued, 100, Cancel), Has.Count.EqualTo(3));
    }

    [Test]
    public async Task Transfers_are_listed_by_device_page_by_page_in_one_phase_or_all_and_those_of_a_device_newest_first()
    {
        await DevicesAsync(4);
        var first = await StartedAsync(Rollout("first"));
        await ComeToAsync(Device(2), TransferPhase.Done, null);
        var second = await PlaceAsync(Rollout("second"));

        var page = await Store.ListTransfersAsync(first.Number, null, null, 3, Cancel);
        Assert.That(page.Items.Select(t => t.DeviceId), Is.EqualTo(new[] { Device(0), Device(1), Device(2) }));
        Assert.That((await Store.ListTransfersAsync(first.Number, null, page.Next, 3, Cancel)).Items.Select(t => t.DeviceId), Is.EqualTo(new[] { Device(3) }));
        Assert.That((await Store.ListTransfersAsync(first.Number, TransferPhase.Done, null, 3, Cancel)).Items.Single().DeviceId, Is.EqualTo(Device(2)));
        Assert.That((await Store.ListOfDeviceAsync(Device(2), 10, Cancel)).Select(t => t.RolloutNumber), Is.EqualTo(new[] { second.Number, first.Number }));
        Assert.That((await Store.ListOfDeviceAsync(Device(2), 1, Cancel)).Select(t => t.RolloutId), Is.EqualTo(new[] { "second" }));
    }

    [Test]
    public async Task Old_rollouts_go_in_pieces_with_their_transfers_and_open_ones_stay()
    {
        await DevicesAsync(5);
        var old = await StartedAsync(Rollout("old"));
        await ExecuteAsync("update firmware_transfer set phase = 'done', due_at = null, ended_at = now()");
        await StepAsync(old, old.State with { Phase = RolloutPhase.Done, EndedAt = Noon });
        await PlaceAsync(Rollout("open"));

        Assert.That(await Store.RemoveAsync(Noon, 3, Cancel), Is.Zero, "not yet older");
        Assert.That(await Store.RemoveAsync(Noon.AddSeconds(1), 3, Cancel), Is.EqualTo(3));
        Assert.That(await Store.FindAsync("old", Cancel), Is.Not.Null);
        Assert.That(await Store.RemoveAsync(Noon.AddSeconds(1), 3, Cancel), Is.EqualTo(2));
        Assert.That(await Store.FindAsync("old", Cancel), Is.Null);
        Assert.That(await ScalarAsync<long>("select count(*) from firmware_transfer"), Is.EqualTo(5));
    }

    private async Task<IEnumerable<string>> DevicesOfAsync(StoredRollout rollout) =>
        (await Store.ListTransfersAsync(rollout.Number, null, null, 100, Cancel)).Items.Select(t => t.DeviceId);
}
