namespace Pumps.Fleet.Physics;

/// <summary>A clear summer day at the site, by civil time.</summary>
internal static class Weather
{
    public const long DayMs = 86_400_000;

    public static double HourOfDay(long localMs) => (localMs % DayMs) / 3_600_000.0;

    /// <summary>Sunshine as a share of noon: 0 from 20:00 to 06:00.</summary>
    public static double Sun(long localMs) => Math.Max(0, Math.Sin((HourOfDay(localMs) - 6) / 14 * Math.PI));

    /// <summary>Air temperature, Cel: 9 at 03:00, 25 at 15:00.</summary>
    public static double Air(long localMs) => 17 - (8 * Math.Cos((HourOfDay(localMs) - 3) / 24 * 2 * Math.PI));

    /// <summary>Well water follows the air, damped: Cel.</summary>
    public static double Well(long localMs) => 13.2 - (1.6 * Math.Cos((HourOfDay(localMs) - 4.5) / 24 * 2 * Math.PI));
}
