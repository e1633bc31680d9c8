using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using Pumps.Contracts.Tests.Commands;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Core.Schedules;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Schedules;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Postgres;

/// <summary>Schedules with their real store and the real queue of commands; the clock is moved by the tests.</summary>
public sealed class ScheduleTests : PostgresFixture
{
    private const string Customer = "green-valley";

    private static readonly Catalog Catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);
    private static readonly PlannedCommand Stop = new("stop");

    private FakeTimeProvider _time = null!;
    private ScheduleStore _store = null!;
    private KeepSchedules _keep = null!;
    private int _serial;

    [SetUp]
    public async Task Start()
    {
        _time = new(At("2026-03-27T12:00"));
        _store = new(Database);
        _keep = new(Catalog, new(Catalog), _store, Queries, _time);
        await ExecuteAsync("delete from schedule_order; delete from schedule_run; delete from schedule; delete from command; delete from command_device");
    }

    private DatapointQueries Queries => new(Database, new([]));

    [Test]
    public async Task A_year_of_runs_across_both_changes_of_the_clocks_is_done_once_each()
    {
        var device = await AddDeviceAsync(await AddSiteAsync("Europe/Berlin"));
        await CreateAsync(Plan("02:30") with { Weekdays = Every }, device);

        // Ticks an hour apart are late for a run at half past: made up for within the hour.
        for (var hour = 0; hour < 365 * 24; hour++)
        {
            _time.Advance(TimeSpan.FromHours(1));
            if (_time.GetUtcNow().Hour is 0 or 1 or 2)
                await RunAsync();
        }

        var commands = await CommandsAsync();
        Assert.That(commands, Has.Count.EqualTo(365).And.Unique);
        Assert.That(commands, Does.Contain($"{device} start 20260329T0100Z").And.Contain($"{device} start 20261025T0030Z"));
        Assert.That(commands.Count(c => c.Contains("20261025", StringComparison.Ordinal)), Is.EqualTo(1));
    }

    /// <summary>Two schedulers of two processes on one database, at the same instants; some of their turns break off at any point.</summary>
    [Test]
    public async Task Several_schedulers_and_crashes_give_every_run_of_every_device_one_command()
    {
        const int Devices = 12;
        const int Days = 5;
        var site = await AddSiteAsync("Europe/Berlin");
        var devices = new List<string>();
        for (var i = 0; i < Devices; i++)
            devices.Add(await AddDeviceAsync(site));
        await CreateAsync(Plan("02:30", "05:00") with { Weekdays = Every, Minutes = 20, Then = Stop }, null, site);
        foreach (var device in devices)
            await CreateAsync(Plan("07:00") with { Weekdays = Every }, device);

        await using var second = PostgresSetUp.Again(Database);
        await using var third = PostgresSetUp.Again(Database);
        RunSchedules[] schedulers = [Scheduler(Database), Scheduler(second), Scheduler(third)];
        var random = new Random(4711);
        var broken = 0;
        for (var minute = 0; minute < Days * 24 * 60; minute += 5)
        {
            _time.Advance(TimeSpan.FromMinutes(5));
            await Task.WhenAll(schedulers.Select(async (scheduler, i) =>
            {
                using var crash = new CancellationTokenSource();
                if (minute % 3 == i)
                    crash.CancelAfter(TimeSpan.FromMilliseconds(random.Next(0, 30)));
                try
                {
                    await scheduler.HandleAsync(crash.Token);
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref broken);
                }
            }));
        }

        await RunAsync();
        var commands = await CommandsAsync();
        var expected = devices.SelectMany(d => Enumerable.Range(0, Days).SelectMany(day => new[] { "02:30", "05:00", "07:00" }.SelectMany(time =>
        {
            var at = CivilTime.Resolve(TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin"), At("2026-03-28").AddDays(day).DateTime + TimeOnly.Parse(time, CultureInfo.InvariantCulture).ToTimeSpan()).At;
            var stamp = at.UtcDateTime.ToString("yyyyMMdd'T'HHmm'Z'", CultureInfo.InvariantCulture);
            return time == "07:00" ? [$"{d} start {stamp}"] : new[] { $"{d} start {stamp}", $"{d} stop {stamp}" };
        })));
        Assert.That(commands.Order(), Is.EqualTo(expected.Order()));
        Assert.That(broken, Is.Positive, "the test must have broken something");
    }

    [Test]
    public async Task A_crash_between_the_command_and_its_receipt_gives_no_second_command()
    {
        var device = await AddDeviceAsync(await AddSiteAsync("Etc/UTC"));
        await CreateAsync(Plan("14:00") with { Weekdays = Every }, device);
        _time.Advance(TimeSpan.FromHours(2));
        var submit = new SubmitCommand(Catalog, new CommandStore(Database), new CountingBell(), _time);
        await _store.SettleAsync(_time.GetUtcNow(), 10, schedule => ScheduleClock.Settle(schedule, _time.GetUtcNow()).Change, Cancel);

        Assert.That(() => _store.DeliverAsync(_time.GetUtcNow(), 10, async orders =>
        {
            var order = orders.Single();
            await submit.HandleAsync(
                new(RunSchedules.CommandId(order), order.DeviceId, "start", new Dictionary<string, JsonElement>(), "test", "schedule", false, null), Cancel);
            throw new InvalidOperationException("the process ends here");
        }, Cancel), Throws.InvalidOperationException);
        await RunAsync();

        Assert.That(await CommandsAsync(), Is.EqualTo(new[] { $"{device} start 20260327T1400Z" }));
        Assert.That((await _store.ListRunsAsync((await ScheduleOfAsync(device)).Id, DateTimeOffset.MaxValue, 10, Cancel)).Single().Submitted, Is.EqualTo(1));
    }

    [Test]
    public async Task A_run_ends_after_its_minutes_even_when_its_schedule_is_paused_or_removed()
    {
        var device = await AddDeviceAsync(await AddSiteAsync("Etc/UTC"));
        var id = await CreateAsync(Plan("14:00") with { Weekdays = Every, Minutes = 45, Then = Stop }, device);
        await RunAtAsync("2026-03-27T14:00");
        await _keep.PauseAsync(id, null, "anna", Cancel);
        Assert.That(await _keep.RemoveAsync(id, "anna", Cancel));
        await RunAtAsync("2026-03-27T14:44");
        Assert.That(await CommandsAsync(), Has.Count.EqualTo(1));
        await RunAtAsync("2026-03-27T14:45");
        await RunAtAsync("2026-03-29T14:45");

        Assert.That(await CommandsAsync(), Is.EqualTo(new[] { $"{device} start 20260327T1400Z", $"{device} stop 20260327T1400Z" }));
    }

    [Test]
    public async Task An_ending_that_its_device_never_got_is_tried_again_until_somebody_commands_it_anew()
    {
        var device = await AddDeviceAsync(await AddSiteAsync("Etc/UTC"));
        await CreateAsync(Plan("14:00") with { Weekdays = ["fri"], Minutes = 10, Then = Stop }, device);
        await RunAtAsync("2026-03-27T14:00");
        await RunAtAsync("2026-03-27T14:10");
        await ExpireAsync();
        await RunAtAsync("2026-03-27T14:14");
        Assert.That(await CommandsAsync(), Has.Count.EqualTo(2));
        await RunAtAsync("2026-03-27T14:20");
        Assert.That(await CommandsAsync(), Has.Count.EqualTo(3));
        await ExpireAsync();
        var submit = new SubmitCommand(Catalog, new CommandStore(Database), new CountingBell(), _time);
        await submit.HandleAsync(new("mine", device, "start", new Dictionary<string, JsonElement>(), "anna", "api", false, null), Cancel);
        await RunAtAsync("2026-03-27T15:00");

        Assert.That(await CommandsAsync(), Has.Count.EqualTo(4));

        Task ExpireAsync() => ExecuteAsync($"update command set phase = 'expired', ended_at = '{_time.GetUtcNow():O}', due_at = null where phase = 'queued'");
    }

    [Test]
    public async Task A_pump_that_did_not_hear_its_stop_gets_it_although_another_pump_of_the_station_was_commanded([Values] bool other)
    {
        var station = await AddDeviceAsync(await AddSiteAsync("Etc/UTC"), "irrigation-station");
        await CreateAsync(Plan("14:00") with { Weekdays = ["fri"], Minutes = 10, Run = new("pumps[1].start"), Then = new("pumps[1].stop") }, station);
        await RunAtAsync("2026-03-27T14:00");
        await RunAtAsync("2026-03-27T14:10");
        await ExecuteAsync($"update command set phase = 'expired', ended_at = '{_time.GetUtcNow():O}', due_at = null where phase = 'queued'");
        await new SubmitCommand(Catalog, new CommandStore(Database), new CountingBell(), _time).HandleAsync(
            new("mine", station, other ? "pumps[2].start" : "pumps[1].start", new Dictionary<string, JsonElement>(), "anna", "api", false, null), Cancel);
        await RunAtAsync("2026-03-27T14:20");

        Assert.That((await CommandsAsync()).Count(c => c.Contains(" pumps[1].stop ", StringComparison.Ordinal)), Is.EqualTo(other ? 2 : 1));
    }

    [Test]
    public async Task Of_runs_that_were_missed_the_newest_is_made_up_for()
    {
        var device = await AddDeviceAsync(await AddSiteAsync("Etc/UTC"));
        var id = await CreateAsync(Plan("14:00", "15:00") with { Weekdays = Every, MakeUpWithinMinutes = 90 }, device);
        await RunAtAsync("2026-03-27T16:00");

        Assert.That(await CommandsAsync(), Is.EqualTo(new[] { $"{device} start 20260327T1500Z" }));
        Assert.That(
            (await _store.ListRunsAsync(id, DateTimeOffset.MaxValue, 10, Cancel)).Select(r => r.Verdict), Is.EqualTo(new[] { RunVerdict.Late, RunVerdict.Missed }));
    }

    [Test]
    public async Task A_run_is_left_out_when_its_condition_holds()
    {
        var site = await AddSiteAsync("Etc/UTC");
        var device = await AddDeviceAsync(site);
        var other = await AddDeviceAsync(site);
        var id = await CreateAsync(
            Plan("14:00") with { Weekdays = Every, SkipIf = [new("pressure_out", "above", JsonElement.Parse("3.5"), MaxAgeMinutes: 30)] }, null, site);
        await ObserveAsync(device, "2026-03-27T13:50", "{\"pressure_out\":4.05}");
        await ObserveAsync(other, "2026-03-27T13:50", "{\"pressure_out\":3.05}");
        await RunAtAsync("2026-03-27T14:00");

        Assert.That(await CommandsAsync(), Is.EqualTo(new[] { $"{other} start 20260327T1400Z" }));
        var orders = await _store.ListOrdersAsync(id, At("2026-03-27T14:00"), "", 10, Cancel);
        Assert.That(orders.Select(o => (o.DeviceId, o.State, o.Reason)), Is.EquivalentTo(new[]
        {
            (device, OrderState.Skipped, "pressure_out"), (other, OrderState.Submitted, (string?)null),
        }));
    }

    [Test]
    public async Task A_device_that_was_sold_or_is_out_of_service_does_nothing_and_the_receipt_says_why()
    {
        var site = await AddSiteAsync("Etc/UTC");
        var sold = await AddDeviceAsync(site);
        var suspended = await AddDeviceAsync(site);
        var (soldId, suspendedId) = (await CreateAsync(Plan("14:00") with { Weekdays = Every }, sold), await CreateAsync(Plan("14:00") with { Weekdays = Every }, suspended));
        var otherSite = await AddSiteAsync("Etc/UTC", "somebody-else");
        await ExecuteAsync($"update device set customer = 'somebody-else' where device_id = '{sold}'");
        await ExecuteAsync($"update device set site_id = '{otherSite}' where device_id = '{sold}'");
        await ExecuteAsync($"update device set status = 'suspended' where device_id = '{suspended}'");
        await RunAtAsync("2026-03-27T14:00");

        Assert.That(await CommandsAsync(), Is.Empty);
        Assert.That((await _store.ListOrdersAsync(soldId, At("2026-03-27T14:00"), "", 10, Cancel)).Single().Reason, Is.EqualTo("other_customer"));
        Assert.That((await _store.ListOrdersAsync(suspendedId, At("2026-03-27T14:00"), "", 10, Cancel)).Single().Reason, Is.EqualTo("device_suspended"));
    }

    [Test]
    public async Task A_site_that_moves_to_another_time_zone_runs_by_its_new_clocks()
    {
        var site = await AddSiteAsync("Etc/UTC");
        var device = await AddDeviceAsync(site);
        await CreateAsync(Plan("20:00") with { Weekdays = Every }, device);
        await ExecuteAsync($"update site set time_zone = 'Asia/Kathmandu' where site_id = '{site}'");
        await RunAtAsync("2026-03-27T12:01");
        await RunAtAsync("2026-03-27T14:15");
        await RunAtAsync("2026-03-27T20:00");

        Assert.That(await CommandsAsync(), Is.EqualTo(new[] { $"{device} start 20260327T1415Z" }));
    }

    [Test]
    public async Task What_was_due_before_a_change_still_counts_and_the_new_plan_from_now_on()
    {
        var device = await AddDeviceAsync(await AddSiteAsync("Etc/UTC"));
        var id = await CreateAsync(Plan("14:00") with { Weekdays = Every }, device);
        _time.SetUtcNow(At("2026-03-27T14:01"));
        var changed = await _keep.ReplaceAsync(id, Plan("14:00", "14:30") with { Weekdays = Every, Run = Stop }, 1, false, "anna", Cancel);
        await RunAsync();
        await RunAtAsync("2026-03-27T14:30");

        Assert.That(((Answer<StoredSchedule>.Found)changed).Value.Revision, Is.EqualTo(2));
        Assert.That(await CommandsAsync(), Is.EqualTo(new[] { $"{device} start 20260327T1400Z", $"{device} stop 20260327T1430Z" }));
        Assert.That(
            await _keep.ReplaceAsync(id, Plan("15:00") with { Weekdays = Every }, 1, false, "ben", Cancel),
            Is.InstanceOf<Answer<StoredSchedule>.Refused>().With.Property("Rule").EqualTo("revision_conflict"));
    }

    [Test]
    public async Task A_paused_schedule_begins_nothing_until_its_pause_ends()
    {
        var device = await AddDeviceAsync(await AddSiteAsync("Etc/UTC"));
        var id = await CreateAsync(Plan("14:00") with { Weekdays = Every, MakeUpWithinMinutes = 1440 }, device);
        await _keep.PauseAsync(id, At("2026-03-29T00:00"), "anna", Cancel);
        await RunAtAsync("2026-03-27T14:00");
        await RunAtAsync("2026-03-28T14:00");
        Assert.That(await CommandsAsync(), Is.Empty);
        await RunAtAsync("2026-03-29T14:00");
        await _keep.PauseAsync(id, null, "anna", Cancel);
        await RunAtAsync("2026-03-30T14:00");
        await _keep.ResumeAsync(id, "anna", Cancel);
        await RunAtAsync("2026-03-31T14:00");

        Assert.That(await CommandsAsync(), Is.EqualTo(new[] { $"{device} start 20260329T1400Z", $"{device} start 20260331T1400Z" }));
    }

    [Test]
    public async Task Overlaps_are_refused_across_device_and_site_but_not_across_customers()
    {
        var site = await AddSiteAsync("Etc/UTC");
        var device = await AddDeviceAsync(site);
        await CreateAsync(Plan("05:00") with { Weekdays = Every, Minutes = 45, Then = Stop }, null, site);
        var meets = await _keep.CreateAsync(new(device, null, Plan("05:30") with { Weekdays = ["mon"] }), "anna", Cancel);
        var meant = await _keep.CreateAsync(new(device, null, Plan("05:30") with { Weekdays = ["mon"] }, AllowOverlap: true), "anna", Cancel);
        await ExecuteAsync($"update device set customer = 'somebody-else' where device_id = '{device}'");
        await ExecuteAsync($"update device set site_id = '{await AddSiteAsync("Etc/UTC", "somebody-else")}' where device_id = '{device}'");
        var ofNewOwner = await _keep.CreateAsync(new(device, null, Plan("05:30") with { Weekdays = ["mon"] }), "ben", Cancel);

        Assert.That(meets, Is.InstanceOf<Answer<StoredSchedule>.Refused>().With.Property("Rule").EqualTo("overlapping_schedule"));
        Assert.That(meant, Is.InstanceOf<Answer<StoredSchedule>.Found>());
        Assert.That(ofNewOwner, Is.InstanceOf<Answer<StoredSchedule>.Found>());
    }

    [TestCase("pumps[1].start", true)]
    [TestCase("pumps[2].start", false)]
    [TestCase("start", true)]
    public async Task Pumps_of_a_station_may_run_at_the_same_time_but_each_by_one_plan(string command, bool overlaps)
    {
        var station = await AddDeviceAsync(await AddSiteAsync("Etc/UTC"), "irrigation-station");
        await CreateAsync(Plan("05:00") with { Weekdays = Every, Minutes = 45, Run = new("pumps[1].start"), Then = new("pumps[1].stop") }, station);
        var answer = await _keep.CreateAsync(new(station, null, Plan("05:30") with { Weekdays = Every, Run = new(command) }), "anna", Cancel);

        Assert.That((answer as Answer<StoredSchedule>.Refused)?.Rule, Is.EqualTo(overlaps ? "overlapping_schedule" : null));
    }

    [Test]
    public async Task An_order_on_which_nothing_is_right_is_told_everything()
    {
        var device = await AddDeviceAsync(await AddSiteAsync("Etc/UTC"));
        var stranger = await AddDeviceAsync(await AddSiteAsync("Etc/UTC", "somebody-else"));
        var answer = await _keep.CreateAsync(new(device, null, new("", ["25:00", "06:00", "06:00"], new("fly"))
        {
            Weekdays = ["monday"],
            MonthDays = [0],
            EveryWeeks = 2,
            Then = new("set_pressure", new Dictionary<string, JsonElement> { ["setpoint_pressure"] = JsonElement.Parse("1000000") }),
            SkipIf = [new("flow", "over", JsonElement.Parse("\"x\""), stranger), new("flwo", "above", JsonElement.Parse("1"))],
        }), "anna", Cancel);

        var faults = ((Answer<StoredSchedule>.Invalid)answer).Faults;
        Assert.That(faults.Select(f => $"{f.Rule} {f.Parameter}"), Is.EquivalentTo(new[]
        {
            "unknown_command plan.run.command", "invalid_argument plan.then.arguments.setpoint_pressure", "unknown_device plan.skipIf.device",
            "unknown_point plan.skipIf.point", "invalid_plan plan.name", "invalid_plan plan.times", "invalid_plan plan.times", "invalid_plan plan.weekdays",
            "invalid_plan plan.monthDays", "invalid_plan plan.weekdays", "invalid_plan plan.everyWeeks", "invalid_plan plan.minutes", "invalid_plan plan.skipIf.is",
        }));
    }

    [Test]
    public async Task A_plan_is_no_way_around_the_role_of_a_command([Values] bool withDevice)
    {
        var site = await AddSiteAsync("Etc/UTC");
        if (withDevice)
            await AddDeviceAsync(site);
        var answer = await _keep.CreateAsync(new(null, site, Plan("05:00") with { Weekdays = Every, Run = new("reboot", Confirm: true) }), "anna", Cancel);

        Assert.That(((Answer<StoredSchedule>.Invalid)answer).Faults[0].Rule, Is.EqualTo("ops_command"));
    }

    [Test]
    public async Task A_device_without_a_site_has_no_time_zone_and_is_told_so()
    {
        var device = await AddDeviceAsync(null);

        Assert.That(
            await _keep.CreateAsync(new(device, null, Plan("05:00") with { Weekdays = Every }), "anna", Cancel),
            Is.InstanceOf<Answer<StoredSchedule>.Refused>().With.Property("Rule").EqualTo("missing_time_zone"));
    }

    [Test]
    public void A_stored_plan_keeps_the_names_of_its_members()
    {
        const string Stored =
            """
            {"name":"Lawn","times":["05:30"],"run":{"command":"start","confirm":false},"weekdays":["mon"],"everyWeeks":2,"months":[5],"from":"2026-05-01","until":"2026-09-30","except":["2026-05-04"],"minutes":45,"then":{"command":"stop","arguments":{"x":1.50},"confirm":true},"skipIf":[{"point":"flow","is":"above","value":20.0,"device":"dp1-1","maxAgeMinutes":30,"unknown":"skip"}],"makeUpWithinMinutes":120}
            """;

        Assert.That(SchedulePlan.FromJson(Stored).ToJson(), Is.EqualTo(Stored));
        Assert.That(RunSchedules.CommandId(new("sabcdefghijkl", At("2026-03-29T01:00"), "dp2-00124b0001020304", true, SchedulePlan.FromJson(Stored), 288)),
            Is.EqualTo("sabcdefghijkl-20260329T0100Z-dp2-00124b0001020304-end288").And.Length.LessThanOrEqualTo(64));
    }

    private static readonly string[] Every = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

    private static SchedulePlan Plan(params string[] times) => new("Test", times, new("start")) { MakeUpWithinMinutes = 60 };

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private RunSchedules Scheduler(NpgsqlDataSource database) => new(
        new ScheduleStore(database), new SubmitCommand(Catalog, new CommandStore(database), new CountingBell(), _time), new DatapointQueries(database, new([])), _time);

    private Task RunAsync() => Scheduler(Database).HandleAsync(Cancel);

    private Task RunAtAsync(string at)
    {
        _time.SetUtcNow(At(at));
        return RunAsync();
    }

    private async Task<string> CreateAsync(SchedulePlan plan, string? device, string? site = null)
    {
        var answer = await _keep.CreateAsync(new(device, site, plan), "anna", Cancel);
        return answer is Answer<StoredSchedule>.Found found ? found.Value.Id
            : throw new AssertionException(answer is Answer<StoredSchedule>.Invalid invalid ? string.Join('\n', invalid.Faults) : answer.ToString());
    }

    private async Task<StoredSchedule> ScheduleOfAsync(string device) => (await _store.ListAsync(device, null, null, false, null, 1, Cancel)).Items[0];

    private async Task<string> AddSiteAsync(string zone, string customer = Customer)
    {
        var id = $"site-{++_serial}-{TestContext.CurrentContext.Test.ID}";
        await ExecuteAsync($"insert into customer (customer_id, name) values ('{customer}', '{customer}') on conflict do nothing");
        await ExecuteAsync($"insert into site (site_id, customer, name, time_zone) values ('{id}', '{customer}', '{id}', '{zone}')");
        return id;
    }

    private async Task<string> AddDeviceAsync(string? site, string product = "irrigation-pump-v1")
    {
        var protocol = Catalog.Products[product].Protocol.Name();
        var id = $"{protocol}-{TestContext.CurrentContext.Test.ID.Replace("-", "", StringComparison.Ordinal)}{++_serial:000}";
        var customer = site is null ? Customer : await ScalarAsync<string>($"select customer from site where site_id = '{site}'");
        await ExecuteAsync($"insert into customer (customer_id, name) values ('{customer}', '{customer}') on conflict do nothing");
        await ExecuteAsync(
            $"""
             insert into device (device_id, protocol, offering, product, customer, site_id)
             values ('{id}', '{protocol}', 'irrigation', '{product}', '{customer}', {(site is null ? "null" : $"'{site}'")})
             """);
        return id;
    }

    private async Task ObserveAsync(string device, string at, string points)
    {
        await new DatapointStore(Database, _time).KeepLatestAsync("irrigation", [Observe(device, At(at), 1, points)], Cancel);
    }

    /// <summary>Device, command and planned instant of every command, in the order of the queue.</summary>
    private async Task<List<string>> CommandsAsync()
    {
        var found = new List<string>();
        await using var command = Database.CreateCommand("select device_id, command, command_id from command order by device_id, ordinal");
        await using var rows = await command.ExecuteReaderAsync(Cancel);
        while (await rows.ReadAsync(Cancel))
            found.Add($"{rows.GetString(0)} {rows.GetString(1)} {rows.GetString(2).Split('-').ElementAtOrDefault(1)}");
        return found;
    }
}
