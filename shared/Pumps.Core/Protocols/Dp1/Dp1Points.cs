using System.Collections.Frozen;
using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Dp1;

/// <summary>The quantities that DP1 reports (PROTOCOL.md, section 11), under the ids they have in DP2 dictionary 257 (irrigation-pump).</summary>
/// <remarks>
/// The definitions carry no exponent and no range: both depend on the telegram (water_temp has one digit in STATUS and none in BATCH)
/// and stand in <see cref="Dp1Layout"/>.
/// </remarks>
public static class Dp1Points
{
    public static readonly PointDefinition Flow = Decimal(16, "flow", "m3/h");
    public static readonly PointDefinition PressureOut = Decimal(17, "pressure_out", "bar");
    public static readonly PointDefinition PressureIn = Decimal(18, "pressure_in", "bar");
    public static readonly PointDefinition WaterTemp = Decimal(20, "water_temp", "Cel");
    public static readonly PointDefinition SoilMoisture = Decimal(21, "soil_moisture", "%");
    public static readonly PointDefinition ValveState = Enum(22, "valve_state", Dp1Codes.ValveStates);
    public static readonly PointDefinition PumpState = Enum(23, "pump_state", Dp1Codes.PumpStates);
    public static readonly PointDefinition ControlMode = Enum(24, "control_mode", Dp1Codes.ControlModes);
    public static readonly PointDefinition Speed = Decimal(25, "speed", "/min");
    public static readonly PointDefinition MotorCurrent = Decimal(26, "motor_current", "A");
    public static readonly PointDefinition MotorTemp = Decimal(27, "motor_temp", "Cel");
    public static readonly PointDefinition VibrationRms = Decimal(28, "vibration_rms", "mm/s");
    public static readonly PointDefinition Power = Decimal(29, "power", "kW");
    public static readonly PointDefinition RunHours = Decimal(30, "run_hours", "h");
    public static readonly PointDefinition Energy = Decimal(31, "energy", "kW.h");
    public static readonly PointDefinition VolumeTotal = Decimal(32, "volume_total", "m3");
    public static readonly PointDefinition StartCount = Decimal(33, "start_count", "1");
    public static readonly PointDefinition SupplyVoltage = Decimal(34, "supply_voltage", "V");
    public static readonly PointDefinition AlarmMask = new() { Id = 35, Name = "alarm_mask", Type = PointType.Bitmask };

    /// <summary>All quantities, by id.</summary>
    public static readonly IReadOnlyList<PointDefinition> All =
    [
        Flow, PressureOut, PressureIn, WaterTemp, SoilMoisture, ValveState, PumpState, ControlMode, Speed, MotorCurrent, MotorTemp,
        VibrationRms, Power, RunHours, Energy, VolumeTotal, StartCount, SupplyVoltage, AlarmMask,
    ];

    private static PointDefinition Decimal(uint id, string name, string unit) =>
        new() { Id = id, Name = name, Type = PointType.Decimal, Unit = unit };

    private static PointDefinition Enum(uint id, string name, IReadOnlyList<string> labels) => new()
    {
        Id = id,
        Name = name,
        Type = PointType.Enum,
        Labels = labels.Index().ToFrozenDictionary(label => (uint)label.Index, label => label.Item),
    };
}
