using Pumps.Core.Schedules;

namespace Pumps.Handlers.Schedules;

/// <summary>Schedules in time: their zones, and when they must be looked at.</summary>
/// <remarks>
/// Zones come from the system's own tables (IANA names; Debian: package tzdata). A machine without them cannot plan a run: schedules then say
/// <c>no_time_zone</c>, and the health check <c>time_zones</c> says what to install.
/// </remarks>
public static class ScheduleClock
{
    // Zones change their rules, sometimes at a week's notice; a schedule that is looked at daily follows the tables that the machine has.
    private static readonly TimeSpan LookAtLeastEvery = TimeSpan.FromDays(1);

    public static TimeZoneInfo? Zone(string? name) => name is not null && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : null;

    /// <summary>Decides what is due of a schedule, under the plan that it has.</summary>
    public static (ScheduleChange Change, bool More) Settle(StoredSchedule schedule, DateTimeOffset now)
    {
        // Without a zone nothing is planned, and nothing is lost: the runs stay open until there is one.
        if (Zone(schedule.TimeZone) is not { } zone)
            return (new(schedule, [], now + LookAtLeastEvery), false);

        var terms = PlanReader.Read(schedule.Plan);
        var settled = schedule.Progress.Settle(terms.Calendar, zone, terms.Missed, now);
        return (new(schedule with { Progress = settled.Progress }, settled.Runs, settled.More ? now : LookAt(settled, now)), settled.More);
    }

    /// <summary>When a schedule must be looked at next, seen from an instant up to which it is settled.</summary>
    public static DateTimeOffset? LookAt(StoredSchedule schedule, DateTimeOffset now) =>
        Zone(schedule.TimeZone) is not { } zone ? now + LookAtLeastEvery
        : PlanReader.Read(schedule.Plan) is var terms ? LookAt(schedule.Progress.Settle(terms.Calendar, zone, terms.Missed, now), now)
        : null;

    private static DateTimeOffset? LookAt(Settlement settled, DateTimeOffset now) =>
        settled.Next is not { } next ? null
        : next.At < now + LookAtLeastEvery ? next.At
        : now + LookAtLeastEvery;
}
