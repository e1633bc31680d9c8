using Pumps.Fleet.Physics;

namespace Pumps.Fleet.Machines;

/// <summary>Operating state (dictionary 0x0101 and DP1 table 1).</summary>
public enum PumpState : byte
{
    Stopped,
    Starting,
    Running,
    Stopping,
    Standby,
    Fault,
    Manual,
    Priming,
    Flushing,
}

public enum ValveState : byte
{
    Closed,
    Opening,
    Open,
    Closing,
    Fault,
}

public enum ControlMode : byte
{
    Off,
    Auto,
    Manual,
    Schedule,
    Local,
}

/// <summary>Alarm bits that the simulated controller can raise (DP1 table 7).</summary>
public static class PumpAlarm
{
    public const int DryRun = 0;
    public const int MotorOverload = 1;
    public const int MotorOvertemperature = 2;
    public const int PhaseFault = 3;
    public const int HighPressure = 5;
    public const int LowPressure = 6;
    public const int NoFlow = 7;
    public const int LeakDetected = 8;
    public const int VibrationHigh = 9;
    public const int ValveFault = 15;
    public const int MaintenanceDue = 21;

    /// <summary>Those that stop the pump until they are reset or the controller tries again.</summary>
    public const uint Trips = (1u << DryRun) | (1u << MotorOverload) | (1u << MotorOvertemperature) | (1u << PhaseFault) | (1u << ValveFault);

    /// <summary>Event code of dictionary 0x0101, severity of table 7, and what a person reads.</summary>
    internal static (uint Code, byte Severity, string Text) Describe(int bit) => bit switch
    {
        DryRun => (16, 4, "suction lost"),
        MotorOverload => (17, 3, "motor current above its limit"),
        MotorOvertemperature => (18, 3, "winding too hot"),
        PhaseFault => (19, 3, "supply phase missing"),
        HighPressure => (20, 3, "discharge pressure above its limit"),
        LowPressure => (21, 2, "set point not reached"),
        NoFlow => (22, 3, "no flow although the valve is open"),
        LeakDetected => (23, 3, "flow while all valves are closed"),
        VibrationHigh => (24, 2, "vibration above its limit"),
        ValveFault => (27, 3, "valve does not follow"),
        MaintenanceDue => (30, 1, "wear limit reached"),
        _ => throw new ArgumentOutOfRangeException(nameof(bit), bit, "no such alarm at an irrigation pump"),
    };
}

/// <summary>An irrigation pump with its filter, valve, three zones in turn, and their soil.</summary>
public sealed class IrrigationPump : Machine
{
    public const double BarPerMetre = 0.0980665;

    private const int ZoneCount = 3;
    private const int ZoneMinutes = 45;
    private const double SpeedMin = 1200;
    private const double SpeedMax = 3050;
    private const double ValveSeconds = 8;
    private const double CleanFilter = 0.0012;
    private const double FilterLimitHead = 6;
    private const int FlushSeconds = 60;
    private const int RetryMinutes = 15;
    private const double LeakConductance = 0.36;

    /// <summary>Weekly plan: watering from 05:00 and from 18:00, local time.</summary>
    private const double MorningHour = 5;
    private const double EveningHour = 18;
    private const double WateringHours = 2.25;

    private static readonly Incident[] Incidents =
        [Incident.DryRun, Incident.Leak, Incident.CloggedFilter, Incident.ValveStuck, Incident.SuctionBlocked, Incident.BearingDamage, Incident.PhaseLoss];

    private readonly double[] _zoneConductance = new double[ZoneCount];
    private readonly Soil[] _soil = new Soil[ZoneCount];
    private readonly double _wellHead;
    private readonly double _moistureLow;
    private Wander _voltage = new(1.1, 120);
    private double _filter = CleanFilter;
    private double _suction;
    private double _lastError;
    private int _stateSeconds;
    private int _zoneSeconds;
    private int _quietSeconds;
    private bool? _override;
    private double _wantedValve;
    private double? _forcedValve;
    private bool _soilAsks;

    public IrrigationPump(ulong seed, long startMs, int utcOffsetMinutes, double incidentsPerDay = 0)
        : base(seed, startMs, utcOffsetMinutes, incidentsPerDay)
    {
        Unit = new PumpUnit(PumpCurve.Booster, ref Random);
        for (var zone = 0; zone < ZoneCount; zone++)
        {
            _zoneConductance[zone] = Random.Between(3.2, 4.4);
            _soil[zone] = new Soil(Random.Between(5_000, 9_000), Random.Between(20, 29), Random.Between(0.35, 0.6));
        }

        _wellHead = Random.Between(1.5, 3.5);
        _suction = _wellHead;
        _moistureLow = Random.Between(18, 22);
        SetpointPressure = Math.Round(Random.Between(3.6, 4.2), 1);
        Mode = Random.Chance(0.7) ? ControlMode.Schedule : ControlMode.Auto;
        Voltage = 400;
    }

    /// <summary>What the speed of the drive is held to.</summary>
    private enum Regulation : byte
    {
        Pressure,
        Speed,
        Flow,
    }

    public PumpUnit Unit { get; }

    public PumpState State { get; private set; }

    public ControlMode Mode { get; private set; }

    public ValveState Valve { get; private set; }

    /// <summary>0 closed, 1 open.</summary>
    public double ValvePosition { get; private set; }

    /// <summary>The zone that is watered, 1..3.</summary>
    public int Zone { get; private set; } = 1;

    public double PressureOut { get; private set; }

    public double PressureIn { get; private set; }

    public double WaterTemp { get; private set; }

    public double Voltage { get; private set; }

    /// <summary>Flow that does not reach the zones, m3/h.</summary>
    public double LeakFlow { get; private set; }

    public double SetpointPressure { get; private set; }

    public double SetpointSpeed { get; private set; } = 2600;

    public double SetpointFlow { get; private set; } = 22;

    public double SoilMoisture => (_soil[0].MoisturePercent + _soil[1].MoisturePercent + _soil[2].MoisturePercent) / ZoneCount;

    /// <summary>Pressure lost in the filter, m.</summary>
    public double FilterHead => _filter * Unit.Flow * Unit.Flow;

    public bool LeakSuspected => IsActive(PumpAlarm.LeakDetected) || _quietSeconds > 120;

    private Regulation Regulated { get; set; }

    protected override IReadOnlyList<Incident> Known => Incidents;

    protected override (uint Code, byte Severity, string Text) Describe(int alarm) => PumpAlarm.Describe(alarm);

    public override void PowerUp()
    {
        _override = null;
        _forcedValve = null;
        if (State is not PumpState.Fault)
            Enter(PumpState.Stopped, StateCause.PowerUp);
    }

    public override Outcome Execute(Order order, double value = 0)
    {
        if (Mode is ControlMode.Local && order is not (Order.SetMode or Order.ResetAlarms))
            return Outcome.NotPermittedLocal;

        switch (order)
        {
            case Order.Start when State is PumpState.Fault:
                return Outcome.Interlock;
            case Order.Start when Mode is ControlMode.Off || _forcedValve is 0:
                return Outcome.BadState;
            case Order.Start:
                _override = true;
                if (State is PumpState.Stopped or PumpState.Stopping)
                    Enter(PumpState.Starting, StateCause.RemoteCommand);
                return Outcome.Done;
            case Order.Stop:
                _override = false;
                if (State is PumpState.Starting or PumpState.Running or PumpState.Flushing)
                    Enter(PumpState.Stopping, StateCause.RemoteCommand);
                return Outcome.Done;
            case Order.SetPressure:
                (SetpointPressure, Regulated) = (value, Regulation.Pressure);
                return Outcome.Done;
            case Order.SetSpeed:
                (SetpointSpeed, Regulated) = (value, Regulation.Speed);
                return Outcome.Done;
            case Order.SetFlow:
                (SetpointFlow, Regulated) = (value, Regulation.Flow);
                return Outcome.Done;
            case Order.SetMode when value is >= 0 and <= 4:
                (Mode, _override) = ((ControlMode)value, null);
                return Outcome.Done;
            case Order.SetMode:
                return Outcome.BadArgument;
            case Order.OpenValve:
                _forcedValve = 1;
                return Outcome.Done;
            case Order.CloseValve when Unit.Turning:
                return Outcome.BadState;
            case Order.CloseValve:
                _forcedValve = 0;
                return Outcome.Done;
            case Order.ReleaseValve:
                _forcedValve = null;
                return Outcome.Done;
            case Order.ResetAlarms:
                ResetAlarms((uint)value, StateCause.RemoteCommand);
                return Outcome.Done;
            default:
                return Outcome.Unknown;
        }
    }

    protected override void Step()
    {
        var sun = Weather.Sun(LocalMs);
        Voltage = (IncidentIs(Incident.PhaseLoss) ? 268 : 400) + _voltage.Step(StepSeconds, ref Random);
        WaterTemp = Weather.Well(LocalMs) + (0.05 * Random.NextNoise());

        Control();
        MoveValve();
        Unit.Air = Approach(Unit.Air, IncidentIs(Incident.DryRun) ? 0.97 : 0, 1 / 30.0);
        Unit.Ramp(StepSeconds);
        var flow = SolveFlow();
        Unit.Account(StepSeconds, flow, _suction, Voltage, Weather.Air(LocalMs), ref Random);
        if (IncidentIs(Incident.BearingDamage) && Unit.Turning)
            Unit.Wound(0.6 / 1800);

        var zoneWater = Math.Max(0, Unit.Flow - LeakFlow) * StepSeconds / 3600;
        for (var zone = 0; zone < ZoneCount; zone++)
            _soil[zone].Step(StepSeconds, zone == Zone - 1 && State is not PumpState.Flushing ? zoneWater : 0, sun);

        Protect();
    }

    private static double Approach(double value, double target, double step) => value + Math.Clamp(target - value, -step, step);

    /// <summary>The well, the pump, the filter, and behind it the valve of the zone beside the leak.</summary>
    private double SolveFlow()
    {
        const double suctionLoss = 0.0012;
        var well = _wellHead - (Unit.Air * (_wellHead + 4));
        var blocked = IncidentIs(Incident.SuctionBlocked) && Unit.Turning ? 0.018 : suctionLoss;
        var leak = IncidentIs(Incident.Leak) ? LeakConductance : 0;
        var open = (_zoneConductance[Zone - 1] * ValvePosition) + leak;
        var resistance = open > 0 ? blocked + _filter + (1 / (open * open)) : double.PositiveInfinity;

        var curve = Unit.Curve;
        var flow = curve.MeetSystem(Unit.SpeedShare, well, resistance);
        LeakFlow = open > 0 ? flow * leak / open : 0;
        _suction = well - (blocked * flow * flow);

        var head = flow > 0 || Unit.Turning ? Math.Max(0, _suction + curve.HeadAt(flow, Unit.SpeedShare) - (_filter * flow * flow)) : Math.Max(0, well);
        PressureIn = _suction * BarPerMetre + (0.003 * Random.NextNoise());
        PressureOut = Math.Max(0, (head * BarPerMetre) + (0.006 * Random.NextNoise()));

        // Sand settles with the water that passes; a flush takes most of it out again.
        var sand = IncidentIs(Incident.CloggedFilter) ? 3e-7 : 2e-9;
        _filter += sand * flow * StepSeconds;
        return flow;
    }

    private void Control()
    {
        _stateSeconds++;
        var wanted = Wanted(out var cause);
        if (!wanted)
            _soilAsks = _soilAsks && Mode is ControlMode.Auto;

        switch (State)
        {
            case PumpState.Stopped or PumpState.Standby when wanted && (Alarms & PumpAlarm.Trips) == 0 && _forcedValve is not 0:
                Enter(PumpState.Starting, cause);
                break;
            case PumpState.Starting when _stateSeconds >= 6:
                Enter(PumpState.Running, StateCause.Controller);
                break;
            case PumpState.Running when !wanted:
                Enter(PumpState.Stopping, cause);
                break;
            case PumpState.Running when FilterHead > FilterLimitHead:
                Enter(PumpState.Flushing, StateCause.Controller);
                break;
            case PumpState.Running:
                if (++_zoneSeconds >= ZoneMinutes * 60)
                    (Zone, _zoneSeconds) = ((Zone % ZoneCount) + 1, 0);
                Regulate();
                break;
            case PumpState.Flushing when _stateSeconds >= FlushSeconds:
                _filter = CleanFilter + ((_filter - CleanFilter) * 0.05);
                Enter(PumpState.Running, StateCause.Controller);
                break;
            case PumpState.Stopping when !Unit.Turning && ValvePosition <= 0:
                Enter(PumpState.Stopped, StateCause.Controller);
                break;
            case PumpState.Stopping when !Unit.Turning && _stateSeconds > 60:
                Enter(PumpState.Stopped, StateCause.Controller);
                break;
            case PumpState.Fault when _stateSeconds >= RetryMinutes * 60 && Incident is Incident.None:
                ResetAlarms(uint.MaxValue, StateCause.Controller);
                break;
            default:
                break;
        }

        var on = State is PumpState.Starting or PumpState.Running or PumpState.Flushing;
        if (!on)
            Unit.TargetSpeed = 0;
        _wantedValve = _forcedValve ?? (on ? 1 : 0);
    }

    private bool Wanted(out StateCause cause)
    {
        cause = StateCause.RemoteCommand;
        var asked = Asked(ref cause);
        if (_override is not { } told)
            return asked;

        // A stop holds until the plan would have stopped too; a start until somebody stops.
        if (!told && !asked)
            _override = null;
        return told;
    }

    private bool Asked(ref StateCause cause)
    {
        var hour = Weather.HourOfDay(LocalMs);
        var watering = (hour >= MorningHour && hour < MorningHour + WateringHours) || (hour >= EveningHour && hour < EveningHour + WateringHours);
        switch (Mode)
        {
            case ControlMode.Schedule or ControlMode.Local:
                cause = _override is null ? StateCause.Schedule : cause;
                return watering;
            case ControlMode.Auto:
                cause = _override is null ? StateCause.Controller : cause;
                _soilAsks = SoilMoisture < _moistureLow || (_soilAsks && SoilMoisture < _moistureLow + 2);
                return _soilAsks;
            default:
                return false;
        }
    }

    private void Regulate()
    {
        if (Regulated is Regulation.Speed)
        {
            Unit.TargetSpeed = Math.Clamp(SetpointSpeed, 600, SpeedMax);
            return;
        }

        // Incremental PI on the drive's speed; one bar is worth about 280 /min at the working point, one m3/h about 90.
        var error = Regulated is Regulation.Pressure ? (SetpointPressure - PressureOut) * 280 : (SetpointFlow - Unit.Flow) * 60;
        Unit.TargetSpeed = Math.Clamp(Unit.TargetSpeed + (0.12 * error * StepSeconds) + (0.2 * (error - _lastError)), SpeedMin, SpeedMax);
        _lastError = error;
    }

    private void MoveValve()
    {
        if (!IncidentIs(Incident.ValveStuck))
            ValvePosition = Approach(ValvePosition, _wantedValve, StepSeconds / ValveSeconds);

        Valve = IsActive(PumpAlarm.ValveFault) ? ValveState.Fault
            : ValvePosition <= 0 && _wantedValve <= 0 ? ValveState.Closed
            : ValvePosition >= 1 && _wantedValve >= 1 ? ValveState.Open
            : _wantedValve > ValvePosition ? ValveState.Opening : ValveState.Closing;
    }

    private void Protect()
    {
        var running = State is PumpState.Running;
        var settled = running && _stateSeconds > 45;
        var quiet = State is PumpState.Stopped or PumpState.Standby or PumpState.Fault && !Unit.Turning && ValvePosition <= 0;
        _quietSeconds = quiet && Unit.Flow > 0.2 ? Math.Min(_quietSeconds + 1, 10_000) : 0;

        Watch(PumpAlarm.MotorOverload, Unit.Current > 14, 10, 60);
        Watch(PumpAlarm.HighPressure, PressureOut > 7, 5, 30);
        Watch(PumpAlarm.LowPressure, settled && Regulated is Regulation.Pressure && PressureOut < 0.75 * SetpointPressure, 60, 30);
        Watch(PumpAlarm.NoFlow, running && ValvePosition >= 1 && Unit.Flow < 0.5, 30, 30);
        Watch(PumpAlarm.LeakDetected, _quietSeconds > 180, 1, 120);
        Watch(PumpAlarm.VibrationHigh, Unit.Vibration > (IsActive(PumpAlarm.VibrationHigh) ? 3.8 : 4.5), 20, 60);
        Watch(PumpAlarm.MaintenanceDue, Unit.Wear > 0.5, 1, 60);

        // Underload: a pump without water takes less than half of what it takes against a closed valve.
        var dry = running && Unit.Flow < 1 && Unit.Current < 3.5;
        Latch(PumpAlarm.DryRun, dry, 60);
        Latch(PumpAlarm.MotorOvertemperature, Unit.MotorTemp > 125, 5);
        Latch(PumpAlarm.PhaseFault, Voltage < 320, 3);
        Latch(PumpAlarm.ValveFault, Math.Abs(_wantedValve - ValvePosition) > 0.02, 20);

        var trip = Alarms & PumpAlarm.Trips;
        if (trip != 0 && State is PumpState.Starting or PumpState.Running or PumpState.Flushing)
            Enter(PumpState.Fault, StateCause.Alarm, (byte)System.Numerics.BitOperations.TrailingZeroCount(trip));
    }

    /// <summary>A trip stays when its cause is gone; <see cref="ResetAlarms"/> takes it back.</summary>
    private void Latch(int alarm, bool bad, byte after)
    {
        if (!IsActive(alarm))
            Watch(alarm, bad, after, 1);
    }

    private void ResetAlarms(uint mask, StateCause cause)
    {
        for (var left = Alarms & PumpAlarm.Trips & mask; left != 0; left &= left - 1)
            Clear(System.Numerics.BitOperations.TrailingZeroCount(left));

        if (State is PumpState.Fault && (Alarms & PumpAlarm.Trips) == 0)
            Enter(PumpState.Stopped, cause);
    }

    private void Enter(PumpState next, StateCause cause, byte detail = 0)
    {
        if (next == State)
            return;

        ReportState((byte)State, (byte)next, cause, detail);
        (State, _stateSeconds) = (next, 0);
        switch (next)
        {
            case PumpState.Starting:
                Unit.CountStart();
                (Zone, _zoneSeconds) = (1, 0);
                _lastError = 0;
                Unit.TargetSpeed = 0.6 * PumpUnit.RatedSpeed;
                break;
            case PumpState.Flushing:
                Unit.TargetSpeed = 0.8 * PumpUnit.RatedSpeed;
                break;
            default:
                break;
        }
    }
}
