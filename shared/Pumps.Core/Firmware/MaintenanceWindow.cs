using Pumps.Core.Schedules;

namespace Pumps.Core.Firmware;

/// <summary>The hours of a day in which a device may start new firmware, by the civil time of its site.</summary>
/// <param name="Ends">Not part of the window. Before <paramref name="Begins"/>: on the next day.</param>
public readonly record struct MaintenanceWindow(TimeOnly Begins, TimeOnly Ends)
{
    /// <returns>When it opens; null: it is open now.</returns>
    public DateTimeOffset? OpensAt(TimeZoneInfo zone, DateTimeOffset now)
    {
        var local = CivilTime.Local(zone, now);
        if (TimeOnly.FromDateTime(local).IsBetween(Begins, Ends))
            return null;
        var today = DateOnly.FromDateTime(local);
        var opens = CivilTime.Resolve(zone, today.ToDateTime(Begins)).At;
        return opens > now ? opens : CivilTime.Resolve(zone, today.AddDays(1).ToDateTime(Begins)).At;
    }
}
