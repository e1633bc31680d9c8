namespace Pumps.Core.Schedules;

/// <summary>A run of one schedule that begins before a run of another one, for the same device, has ended.</summary>
public readonly record struct Overlap(PlannedRun First, PlannedRun Second)
{
    /// <summary>How far ahead plans are compared: a year has every season and both changes of the clocks.</summary>
    public static readonly TimeSpan Horizon = TimeSpan.FromDays(366);

    // A run without a length still takes its device for the time of a command.
    private static readonly TimeSpan ShortestRun = TimeSpan.FromMinutes(1);

    /// <summary>The first overlap of two schedules after an instant.</summary>
    public static Overlap? Find(
        ScheduleCalendar a, TimeSpan aLasts, TimeZoneInfo aZone, ScheduleCalendar b, TimeSpan bLasts, TimeZoneInfo bZone, DateTimeOffset after)
    {
        using var ours = Runs(a, aZone, after).GetEnumerator();
        using var theirs = Runs(b, bZone, after).GetEnumerator();
        if (!ours.MoveNext() || !theirs.MoveNext())
            return null;

        while (true)
        {
            var oursIsFirst = ours.Current.At <= theirs.Current.At;
            var (first, second) = oursIsFirst ? (ours.Current, theirs.Current) : (theirs.Current, ours.Current);
            if (second.At - first.At < Length(oursIsFirst ? aLasts : bLasts))
                return new(first, second);
            if (!(oursIsFirst ? ours : theirs).MoveNext())
                return null;
        }
    }

    /// <summary>The first run of a schedule that begins before the one before has ended.</summary>
    public static Overlap? FindWithin(ScheduleCalendar calendar, TimeSpan lasts, TimeZoneInfo zone, DateTimeOffset after)
    {
        PlannedRun? before = null;
        foreach (var run in Runs(calendar, zone, after))
        {
            if (before is { } first && run.At - first.At < Length(lasts))
                return new(first, run);
            before = run;
        }

        return null;
    }

    private static IEnumerable<PlannedRun> Runs(ScheduleCalendar calendar, TimeZoneInfo zone, DateTimeOffset after) =>
        calendar.RunsAfter(after, zone).TakeWhile(r => r.At - after < Horizon);

    private static TimeSpan Length(TimeSpan lasts) => lasts > ShortestRun ? lasts : ShortestRun;
}
