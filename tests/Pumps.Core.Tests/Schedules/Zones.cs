using System.Globalization;
using CsCheck;
using Pumps.Core.Schedules;

namespace Pumps.Core.Tests.Schedules;

/// <summary>Zones with every oddity that clocks know, and instants near their changes.</summary>
internal static class Zones
{
    public static readonly TimeZoneInfo Berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");

    // Half an hour (Lord Howe), two hours (Troll), changes at midnight (Havana, Santiago, Beirut, Cairo), negative daylight saving (Dublin, Casablanca),
    // a whole day that never was (Apia 2011), quarters of hours (Chatham), none (Kathmandu).
    public static readonly TimeZoneInfo[] All =
    [
        .. new[]
        {
            "Europe/Berlin", "Europe/Dublin", "America/New_York", "America/St_Johns", "America/Havana", "America/Santiago", "Australia/Lord_Howe", "Pacific/Chatham",
            "Pacific/Apia", "Africa/Casablanca", "Africa/Cairo", "Asia/Beirut", "Asia/Kathmandu", "Antarctica/Troll", "Etc/UTC",
        }.Select(TimeZoneInfo.FindSystemTimeZoneById),
    ];

    public static readonly Gen<TimeZoneInfo> Any = Gen.Int[0, All.Length - 1].Select(i => All[i]);

    /// <summary>A zone and an instant: half of them within a day of a change of its clocks.</summary>
    public static readonly Gen<(TimeZoneInfo Zone, DateTime Utc)> Moments =
        Gen.Select(Any, Gen.Int[0, 15 * 366 * 24 * 60], Gen.Bool, Gen.OneOf(Gen.Int[-1440, 1440], Gen.Int[-120, 180])).Select((zone, minute, near, away) =>
        {
            var utc = new DateTime(2010, 1, 1, 0, 0, 0, DateTimeKind.Utc).AddMinutes(minute);
            return (zone, near && NextChange(zone, utc) is { } change ? change.AddMinutes(away) : utc);
        });

    public static ScheduleCalendar Daily(params string[] times) => new() { Times = [.. times.Select(t => TimeOnly.Parse(t, CultureInfo.InvariantCulture))] };

    public static DateTimeOffset Utc(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    private static DateTime? NextChange(TimeZoneInfo zone, DateTime utc)
    {
        for (var hour = 0; hour < 366 * 24; hour++)
            if (zone.GetUtcOffset(utc.AddHours(hour)) != zone.GetUtcOffset(utc.AddHours(hour + 1)))
                return utc.AddHours(hour);
        return null;
    }
}
