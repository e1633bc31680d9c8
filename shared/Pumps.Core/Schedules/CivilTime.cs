namespace Pumps.Core.Schedules;

/// <summary>What a change of the clocks does to a civil time.</summary>
public enum ClockChange
{
    None,

    /// <summary>The clocks jump over this time: it does not exist on that day.</summary>
    Skipped,

    /// <summary>The clocks show this time twice on that day.</summary>
    Repeated,
}

/// <summary>Turns civil times of a site into instants.</summary>
/// <remarks>
/// Works from offsets alone, not from a zone's rules: right for every zone whose clocks change at most once within two days, by whatever amount.
/// <code>
///  clocks forward   01:59 -> 03:00    02:30 is skipped    -> the instant of 03:00, the first that is valid
///  clocks back      02:59 -> 02:00    02:30 is repeated   -> the first of the two
/// </code>
/// Later civil times never give earlier instants.
/// </remarks>
public static class CivilTime
{
    // Offsets lie within 14 hours of UTC: a day before and after are on either side of a change that could matter.
    private static readonly TimeSpan Around = TimeSpan.FromDays(1);

    /// <summary>Minutes that the zone's civil time is ahead of UTC.</summary>
    public static int OffsetMinutes(TimeZoneInfo zone, DateTimeOffset at) => (int)zone.GetUtcOffset(at.UtcDateTime).TotalMinutes;

    public static DateTime Local(TimeZoneInfo zone, DateTimeOffset at) => at.UtcDateTime + zone.GetUtcOffset(at.UtcDateTime);

    /// <summary>The one instant of a civil time, and what the clocks do there.</summary>
    public static (DateTimeOffset At, ClockChange Change) Resolve(TimeZoneInfo zone, DateTime local)
    {
        var utc = DateTime.SpecifyKind(local, DateTimeKind.Utc);
        var before = zone.GetUtcOffset(utc - Around);
        var after = zone.GetUtcOffset(utc + Around);
        var early = utc - (before > after ? before : after);
        var late = utc - (before > after ? after : before);

        var earlyIsValid = early + zone.GetUtcOffset(early) == utc;
        var lateIsValid = late + zone.GetUtcOffset(late) == utc;
        if (earlyIsValid || lateIsValid)
            return (earlyIsValid ? early : late, earlyIsValid && lateIsValid && early != late ? ClockChange.Repeated : ClockChange.None);

        return (Jump(zone, early, late), ClockChange.Skipped);
    }

    /// <summary>The first instant after <paramref name="early"/> with the offset of <paramref name="late"/>.</summary>
    private static DateTime Jump(TimeZoneInfo zone, DateTime early, DateTime late)
    {
        var offset = zone.GetUtcOffset(late);
        while (late.Ticks - early.Ticks > TimeSpan.TicksPerSecond)
        {
            var middle = new DateTime(early.Ticks + (late.Ticks - early.Ticks) / TimeSpan.TicksPerSecond / 2 * TimeSpan.TicksPerSecond, DateTimeKind.Utc);
            if (zone.GetUtcOffset(middle) == offset)
                late = middle;
            else
                early = middle;
        }

        return late;
    }
}
