using Pumps.Core.Dictionaries;
using Pumps.Fleet.Machines;
using Pumps.Fleet.Physics;
using static Pumps.Core.Dictionaries.PointType;

namespace Pumps.Fleet.Devices;

/// <summary>Where a datapoint of a dictionary comes from.</summary>
internal readonly record struct PointSource<T>(uint Id, PointType Type, int Exponent, Func<T, double> Read);

/// <summary>What each product reports: ids, types and exponents are those of the dictionaries.</summary>
internal static class PointSources
{
    public static readonly PointSource<IrrigationPump>[] Pump =
    [
        new(16, PointType.Decimal, -2, m => m.Unit.Flow),
        new(17, PointType.Decimal, -2, m => m.PressureOut),
        new(18, PointType.Decimal, -2, m => m.PressureIn),
        new(19, PointType.Decimal, -1, m => m.Unit.Head),
        new(20, PointType.Decimal, -1, m => m.WaterTemp),
        new(21, PointType.Decimal, -1, m => m.SoilMoisture),
        new(22, PointType.Enum, 0, m => (byte)m.Valve),
        new(23, PointType.Enum, 0, m => (byte)m.State),
        new(24, PointType.Enum, 0, m => (byte)m.Mode),
        new(25, Uint, 0, m => m.Unit.Speed),
        new(26, PointType.Decimal, -2, m => m.Unit.Current),
        new(27, PointType.Decimal, -1, m => m.Unit.MotorTemp),
        new(28, PointType.Decimal, -2, m => m.Unit.Vibration),
        new(29, PointType.Decimal, -3, m => m.Unit.Power),
        new(34, PointType.Decimal, -1, m => m.Voltage),
        new(35, Bitmask, 0, m => m.Alarms),
        new(36, PointType.Decimal, -2, m => m.SetpointPressure),
        new(41, Float32, 0, m => m.Unit.Efficiency),
        new(43, Bool, 0, m => m.LeakSuspected ? 1 : 0),
        new(44, Bool, 0, m => m.IsActive(PumpAlarm.DryRun) ? 1 : 0),
    ];

    public static readonly PointSource<PumpUnit>[] Counters =
    [
        new(30, PointType.Decimal, -1, u => u.RunHours),
        new(31, PointType.Decimal, -1, u => u.EnergyKwh),
        new(32, PointType.Decimal, -1, u => u.VolumeM3),
        new(33, Uint, 0, u => u.Starts),
        new(42, Float64, 0, u => u.VolumeM3),
    ];

    /// <summary>What a pump of a station says, beside its state.</summary>
    public static readonly PointSource<PumpUnit>[] StationPump =
    [
        new(16, PointType.Decimal, -2, u => u.Flow),
        new(25, Uint, 0, u => u.Speed),
        new(26, PointType.Decimal, -2, u => u.Current),
        new(27, PointType.Decimal, -1, u => u.MotorTemp),
        new(28, PointType.Decimal, -2, u => u.Vibration),
        new(29, PointType.Decimal, -3, u => u.Power),
    ];

    public static readonly PointSource<IrrigationStation>[] Station =
    [
        new(16, PointType.Decimal, -2, m => m.HeaderPressure),
        new(17, PointType.Decimal, -2, m => m.TotalFlow),
        new(18, Uint, 0, m => m.PumpsRunning),
        new(19, Float64, 0, m => m.ReservoirLevel),
        new(21, PointType.Enum, 0, m => (byte)m.Mode),
    ];

    public static readonly PointSource<FirePanel>[] Fire =
    [
        new(16, PointType.Enum, 0, m => (byte)m.Smoke),
        new(17, PointType.Enum, 0, m => (byte)m.Heat),
        new(18, PointType.Decimal, -1, m => m.HeatTemp),
        new(19, PointType.Decimal, -2, m => m.Obscuration),
        new(20, PointType.Decimal, -2, m => m.Pressure),
        new(21, PointType.Enum, 0, m => (byte)m.Main),
        new(22, PointType.Enum, 0, m => (byte)m.Jockey),
        new(23, PointType.Decimal, -1, m => m.TankLevel),
        new(24, PointType.Decimal, -2, m => m.TankVolume),
        new(25, PointType.Decimal, -2, m => m.BatteryVoltage),
        new(26, Uint, 0, m => m.BatteryCharge),
        new(27, Bool, 0, m => m.MainsOk ? 1 : 0),
        new(28, Bool, 0, m => m.FlowSwitch ? 1 : 0),
        new(29, Uint, 0, m => m.JockeyStarts24h),
        new(34, Float32, 0, m => m.RoomTemp),
    ];

    public static readonly PointSource<FirePanel>[] FireCounters =
    [
        new(30, PointType.Decimal, -1, m => m.MainRunHours),
        new(31, PointType.Enum, 0, m => (byte)m.TestResult),
    ];

    public static readonly PointSource<MixingStation>[] Mixing =
    [
        new(16, PointType.Decimal, -2, m => m.HotTemp),
        new(17, PointType.Decimal, -3, m => m.HotFlowMeasured),
        new(18, PointType.Decimal, -2, m => m.ColdTemp),
        new(19, PointType.Decimal, -3, m => m.ColdFlow),
        new(20, PointType.Decimal, -2, m => m.OutletTemp),
        new(21, PointType.Decimal, -3, m => m.OutletFlow),
        new(22, PointType.Decimal, -1, m => m.Setpoint),
        new(23, PointType.Decimal, -1, m => m.ValvePosition),
        new(24, PointType.Decimal, -1, m => m.ValveCommand),
        new(26, PointType.Decimal, -2, m => m.HeatPower),
        new(27, PointType.Decimal, -2, m => m.ReturnTemp),
        new(28, PointType.Decimal, -1, m => m.DifferentialPressure),
        new(29, Uint, 0, m => m.PumpSpeed),
        new(30, PointType.Enum, 0, m => (byte)m.Mode),
        new(32, Float32, 0, m => m.HotShare),
        new(34, Bool, 0, m => m.FlushActive ? 1 : 0),
    ];

    public static readonly PointSource<MixingStation>[] MixingCounters =
    [
        new(25, PointType.Decimal, -1, m => m.HeatEnergyKwh),
        new(33, Float64, 0, m => m.HeatEnergyJoule),
    ];

    public static void Write<T>(this Dp2FrameWriter writer, PointSource<T>[] sources, T from)
    {
        foreach (var source in sources)
            writer.Point(source.Id, source.Type, source.Exponent, source.Read(from));
    }
}
