using System.Globalization;
using System.Security.Cryptography;
using Pumps.Core.Commands;
using Pumps.Core.Offerings;
using Pumps.Core.Schedules;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Schedules;

/// <summary>What somebody asks who plans runs: for a device, or for all devices of a site.</summary>
/// <param name="AllowOverlap">Whoever asks knows that runs meet on a device, and means it.</param>
public sealed record ScheduleOrder(string? Device, string? Site, SchedulePlan Plan, bool AllowOverlap = false);

/// <summary>What a plan would do: its next runs, and what is in its way.</summary>
/// <param name="Overlap">Why it would be refused unless overlaps are allowed; null when nothing is in its way.</param>
public sealed record SchedulePreview(string TimeZone, IReadOnlyList<PlannedRun> Next, string? Overlap);

/// <summary>Makes, changes, pauses and removes schedules.</summary>
/// <remarks>
/// Every change counts from now on: what was due before is decided first, under the plan and the pause of before, in the same transaction.
/// Two people who make overlapping schedules in the same second both get theirs.
/// </remarks>
public sealed class KeepSchedules(Catalog catalog, PointUnits points, IScheduleStore store, IDatapointQueries queries, TimeProvider time)
{
    /// <summary>Schedules of a site and its devices together: as many as can be compared with a new one while somebody waits.</summary>
    public const int SharingMax = 500;

    private const int IdLength = 12;

    public async Task<Answer<StoredSchedule>> CreateAsync(ScheduleOrder order, string by, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var checkedOrder = await CheckAsync(order, exceptId: null, now, cancel);
        if (checkedOrder is not Answer<Checked>.Found { Value: var found })
            return Other<StoredSchedule>(checkedOrder);
        if (!order.AllowOverlap && found.Overlap is { } overlap)
            return new Answer<StoredSchedule>.Refused("overlapping_schedule", overlap + AllowIt);

        var schedule = new StoredSchedule(
            "s" + RandomNumberGenerator.GetString("abcdefghijkmnopqrstuvwxyz23456789", IdLength), found.Target.Customer, order.Device, order.Site,
            found.Target.TimeZone, order.Plan, new(now, null), 1, now, by, now, by);
        await store.AddAsync(schedule, ScheduleClock.LookAt(schedule, now), cancel);
        return new Answer<StoredSchedule>.Found(schedule);
    }

    /// <summary>Gives a schedule another plan.</summary>
    /// <param name="ifRevision">When given, the schedule must not have been changed since this revision.</param>
    public async Task<Answer<StoredSchedule>> ReplaceAsync(
        string id, SchedulePlan plan, int? ifRevision, bool allowOverlap, string by, CancellationToken cancel)
    {
        if (await store.FindAsync(id, cancel) is not { } stored)
            return Absent(id);

        var checkedOrder = await CheckAsync(new(stored.DeviceId, stored.SiteId, plan, allowOverlap), id, time.GetUtcNow(), cancel);
        if (checkedOrder is not Answer<Checked>.Found { Value: var found })
            return Other<StoredSchedule>(checkedOrder);
        if (!allowOverlap && found.Overlap is { } overlap)
            return new Answer<StoredSchedule>.Refused("overlapping_schedule", overlap + AllowIt);

        return await ChangeAsync(
            id,
            (schedule, _) => ifRevision is null || ifRevision == schedule.Revision ? schedule with { Plan = plan, Revision = schedule.Revision + 1 } : null,
            $"The schedule was changed after revision {ifRevision}. Read it again.", by, cancel);
    }

    /// <summary>No run begins until then, or until it is resumed; a run that has begun still ends.</summary>
    public Task<Answer<StoredSchedule>> PauseAsync(string id, DateTimeOffset? until, string by, CancellationToken cancel) =>
        until <= time.GetUtcNow()
            ? Task.FromResult<Answer<StoredSchedule>>(new Answer<StoredSchedule>.Invalid(
                [new("invalid_until", "until", until.Value.UtcDateTime.ToString("O", CultureInfo.InvariantCulture), "an instant in the future, or absent: until it is resumed")]))
            : ChangeAsync(id, (schedule, _) => schedule with { Progress = schedule.Progress.Pause(until) }, "", by, cancel);

    /// <summary>Safe to repeat.</summary>
    public Task<Answer<StoredSchedule>> ResumeAsync(string id, string by, CancellationToken cancel) =>
        ChangeAsync(id, (schedule, now) => schedule with { Progress = schedule.Progress.Resume(now) }, "", by, cancel);

    /// <summary>Its runs can still be read; a run that has begun still ends.</summary>
    /// <returns>False when there was no such schedule.</returns>
    public async Task<bool> RemoveAsync(string id, string by, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        return await store.ChangeAsync(id, now, schedule => new(schedule with { ChangedAt = now, ChangedBy = by }, [], null, Removed: true), cancel) is not null;
    }

    /// <summary>What a plan would do, without keeping it.</summary>
    public async Task<Answer<SchedulePreview>> PreviewAsync(ScheduleOrder order, int count, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var checkedOrder = await CheckAsync(order, exceptId: null, now, cancel);
        return checkedOrder is Answer<Checked>.Found { Value: var found }
            ? new Answer<SchedulePreview>.Found(new(found.Target.TimeZone!, [.. found.Terms.Calendar.RunsAfter(now, found.Zone).Take(count)], found.Overlap))
            : Other<SchedulePreview>(checkedOrder);
    }

    /// <summary>The next runs of a schedule; none while it is paused without end, or has no time zone.</summary>
    public IReadOnlyList<PlannedRun> Next(StoredSchedule schedule, int count)
    {
        var now = time.GetUtcNow();
        if (ScheduleClock.Zone(schedule.TimeZone) is not { } zone || schedule.Progress.PausedUntil == DateTimeOffset.MaxValue)
            return [];

        var after = schedule.Progress.PausedUntil > now ? schedule.Progress.PausedUntil.Value - TimeSpan.FromTicks(1) : now;
        return [.. PlanReader.Read(schedule.Plan).Calendar.RunsAfter(after, zone).Take(count)];
    }

    private const string AllowIt = " Change the plan, or say that you mean it: \"allowOverlap\": true.";

    private sealed record Checked(ScheduleTarget Target, ScheduleTerms Terms, TimeZoneInfo Zone, string? Overlap);

    private async Task<Answer<Checked>> CheckAsync(ScheduleOrder order, string? exceptId, DateTimeOffset now, CancellationToken cancel)
    {
        var faults = new List<Fault>();
        if (order.Device is null == order.Site is null)
            return new Answer<Checked>.Invalid([new("invalid_target", "device", order.Device, "a device or a site, not both")]);
        if (await store.FindTargetAsync(order.Device, order.Site, cancel) is not { } target)
            return new Answer<Checked>.Absent(order.Device is { } device ? DeviceRoutes.NoDevice(device) : $"There is no site \"{order.Site}\".");
        if (target.TimeZone is null)
            return new Answer<Checked>.Refused("missing_time_zone", $"The device {order.Device} belongs to no site, and so to no time zone. Give it a site first.");
        if (ScheduleClock.Zone(target.TimeZone) is not { } zone)
            return new Answer<Checked>.Refused("unknown_time_zone",
                $"This machine does not know the time zone \"{target.TimeZone}\". Correct the site's, or install the system's time zone tables (Debian: tzdata).");

        CheckCommand(order.Plan.Run, "plan.run", target, faults);
        if (order.Plan.Then is { } then)
            CheckCommand(then, "plan.then", target, faults);
        await CheckPointsAsync(order.Plan.SkipIf ?? [], target, faults, cancel);
        var terms = PlanReader.Read(order.Plan, faults);
        if (terms is not null && !terms.Calendar.RunsAfter(now, zone).Any())
            faults.Add(new("no_run", "plan", order.Plan.Name, "a plan that has a run, now or later"));
        if (faults.Count > 0)
            return new Answer<Checked>.Invalid(faults);

        var others = await store.ListSharingAsync(target, SharingMax + 1, cancel);
        if (exceptId is null && others.Count >= SharingMax)
            return new Answer<Checked>.Refused("schedule_limit", $"A site and its devices have at most {SharingMax} schedules.");
        return new Answer<Checked>.Found(new(target, terms!, zone, FindOverlap(order.Plan.Run.Command, terms!, zone, others.Where(o => o.Id != exceptId), now)));
    }

    private void CheckCommand(PlannedCommand planned, string member, ScheduleTarget target, List<Fault> faults)
    {
        // Of any product: a site may get other devices later, and a plan must not become a way around the role of a command.
        if (catalog.Products.Values.Any(p => p.Find(planned.Command).Command is { Role: CommandRole.Ops }))
            faults.Add(new("ops_command", member + ".command", planned.Command, "a command for the customer's own people; those for service are given one at a time"));

        foreach (var id in target.Products)
        {
            if (!catalog.Products.TryGetValue(id, out var product))
                continue;   // Not provisioned yet: its first run will say.
            faults.AddRange(SubmitCommand.Check(product, planned.Command, planned.Arguments ?? new Dictionary<string, System.Text.Json.JsonElement>(), out var command)
                .Select(f => f with { Parameter = $"{member}.{f.Parameter}" }));
            if (command is { Confirm: true } && !planned.Confirm)
                faults.Add(new("confirmation_required", member + ".confirm", "false", $"true, since {planned.Command} is dangerous: {command.Description}"));
        }
    }

    private async Task CheckPointsAsync(IReadOnlyList<SkipRule> rules, ScheduleTarget target, List<Fault> faults, CancellationToken cancel)
    {
        foreach (var rule in rules)
        {
            var products = target.Products;
            if (rule.Device is { } id)
            {
                // Another customer's device does not exist for this one.
                if (await queries.FindDeviceAsync(id, cancel) is not { } device || device.Customer != target.Customer)
                {
                    faults.Add(new("unknown_device", "plan.skipIf.device", id, "a device of the same customer"));
                    continue;
                }

                products = [device.Product];
            }

            foreach (var product in products)
                if (catalog.Products.ContainsKey(product) && !points.Knows(product, rule.Point))
                    faults.Add(new("unknown_point", "plan.skipIf.point", rule.Point, $"a datapoint of {product}, such as flow or pumps[1].flow"));
        }
    }

    private static string? FindOverlap(string command, ScheduleTerms terms, TimeZoneInfo zone, IEnumerable<StoredSchedule> others, DateTimeOffset now)
    {
        // Two pumps of a station may run at the same time; a run of the whole station meets both.
        others = others.Where(o => ProductCommand.Meet(o.Plan.Run.Command, command));
        if (Overlap.FindWithin(terms.Calendar, terms.Lasts, zone, now) is { } own)
            return $"Its own run of {Time(own.Second)} begins before that of {Time(own.First)} has ended.";

        foreach (var other in others)
            if (ScheduleClock.Zone(other.TimeZone) is { } otherZone && PlanReader.Read(other.Plan) is var its
                && Overlap.Find(terms.Calendar, terms.Lasts, zone, its.Calendar, its.Lasts, otherZone, now) is { } met)
                return $"A run at {Time(met.First)} and one at {Time(met.Second)} meet: it overlaps with the schedule {other.Id}, \"{other.Plan.Name}\".";
        return null;
    }

    private static string Time(PlannedRun run) => run.Local.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>Settles a schedule, step by step after a long outage, and changes it in the transaction of the last step.</summary>
    private async Task<Answer<StoredSchedule>> ChangeAsync(
        string id, Func<StoredSchedule, DateTimeOffset, StoredSchedule?> change, string conflict, string by, CancellationToken cancel)
    {
        while (true)
        {
            var now = time.GetUtcNow();
            var (more, refused) = (false, false);
            var done = await store.ChangeAsync(id, now, schedule =>
            {
                var settled = ScheduleClock.Settle(schedule, now);
                more = settled.More;
                if (more)
                    return settled.Change;
                if (change(settled.Change.After, now) is not { } changed)
                {
                    refused = true;
                    return null;
                }

                var after = changed with { ChangedAt = now, ChangedBy = by };
                return settled.Change with { After = after, LookAt = ScheduleClock.LookAt(after, now) };
            }, cancel);

            if (refused)
                return new Answer<StoredSchedule>.Refused("revision_conflict", conflict);
            if (done is null)
                return Absent(id);
            if (!more)
                return new Answer<StoredSchedule>.Found(done.After);
        }
    }

    internal static string NoSchedule(string id) => $"There is no schedule \"{id}\".";

    private static Answer<StoredSchedule> Absent(string id) => new Answer<StoredSchedule>.Absent(NoSchedule(id));

    private static Answer<T> Other<T>(Answer<Checked> answer) => answer switch
    {
        Answer<Checked>.Absent absent => new Answer<T>.Absent(absent.What),
        Answer<Checked>.Invalid invalid => new Answer<T>.Invalid(invalid.Faults),
        Answer<Checked>.Refused refused => new Answer<T>.Refused(refused.Rule, refused.Detail),
        _ => throw new System.Diagnostics.UnreachableException(),
    };
}
