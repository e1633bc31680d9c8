using System.Numerics;

namespace Pumps.Core.Protocols.Dp1;

/// <summary>The alarm bits (PROTOCOL.md, table 7) and what masks of them mean.</summary>
public static class Dp1Alarms
{
    /// <summary>Bits 24..31. They are reported by number and count as a warning.</summary>
    public const uint ReservedBits = 0xFF000000;

    private const byte ReservedSeverity = 2;

    private static readonly (string Name, byte Severity)[] Bits =
    [
        ("dry_run", 4), ("motor_overload", 3), ("motor_overtemperature", 3), ("phase_fault", 3),
        ("overvoltage", 3), ("high_pressure", 3), ("low_pressure", 2), ("no_flow", 3),
        ("leak_detected", 3), ("vibration_high", 2), ("frost_risk", 2), ("pressure_sensor_fault", 2),
        ("flow_sensor_fault", 2), ("temperature_sensor_fault", 2), ("soil_sensor_fault", 1), ("valve_fault", 3),
        ("drive_fault", 3), ("clock_lost", 1), ("buffer_overflow", 1), ("firmware_fault", 3),
        ("emergency_stop", 4), ("maintenance_due", 1), ("clock_battery_low", 1), ("link_lost", 1),
        ("reserved_24", ReservedSeverity), ("reserved_25", ReservedSeverity), ("reserved_26", ReservedSeverity), ("reserved_27", ReservedSeverity),
        ("reserved_28", ReservedSeverity), ("reserved_29", ReservedSeverity), ("reserved_30", ReservedSeverity), ("reserved_31", ReservedSeverity),
    ];

    public static string Name(int bit) => Bits[bit].Name;

    public static byte Severity(int bit) => Bits[bit].Severity;

    /// <summary>The highest severity among the bits of a mask; 0 for none.</summary>
    public static byte HighestSeverity(uint mask)
    {
        byte highest = 0;
        for (; mask != 0; mask &= mask - 1)
            highest = Math.Max(highest, Severity(BitOperations.TrailingZeroCount(mask)));
        return highest;
    }

    /// <summary>The names of the bits that are set, in ascending order.</summary>
    public static IEnumerable<string> Names(uint mask)
    {
        for (; mask != 0; mask &= mask - 1)
            yield return Name(BitOperations.TrailingZeroCount(mask));
    }

    /// <summary>The bit with this name, or -1.</summary>
    public static int Find(string name) => Array.FindIndex(Bits, bit => bit.Name == name);
}
