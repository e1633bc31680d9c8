using Pumps.Fleet.Physics;

namespace Pumps.Fleet.Machines;

public enum MixingMode : byte
{
    Off,
    Comfort,
    Setback,
    FrostProtection,
    Manual,
    ThermalDisinfection,
}

/// <summary>A district mixing station: hot supply and cold return, mixed by a valve to the set point (dictionary 0x0301).</summary>
/// <remarks>Mass and energy are conserved in every step: outlet flow = hot + cold, and outlet temperature is their mean by flow.</remarks>
public sealed class MixingStation : Machine
{
    public const int OutletOvertemperature = 0;
    public const int SetpointUnreachable = 2;
    public const int OutletUndertemperature = 1;
    public const int ValveStuckAlarm = 3;
    public const int FlowImbalance = 4;
    public const int ScaldProtection = 5;

    /// <summary>Heat that warms a cubic metre of water by one kelvin, kW.h.</summary>
    public const double HeatPerM3K = 1.163;

    private const double ComfortSetpoint = 58;
    private const double SetbackDrop = 6;
    private const double FrostSetpoint = 12;
    private const double FlushSetpoint = 70;
    private const double ScaldLimit = 66;
    private const double ValvePercentPerSecond = 1.2;
    private const int FlushMinutes = 30;
    private const int ExerciseSeconds = 240;

    private static readonly Incident[] Incidents = [Incident.ValveStuck, Incident.ColdSupply, Incident.MeterDrift];

    private readonly double _demandScale;
    private readonly double _supplyMean;
    private Wander _supply = new(0.9, 900);
    private Wander _demand = new(0.06, 300);
    private double _integral = 56;
    private double _setpoint = ComfortSetpoint;
    private int _flushSeconds;
    private int _exerciseSeconds;
    private double _energyJoule;
    private double _drift;

    public MixingStation(ulong seed, long startMs, int utcOffsetMinutes, double incidentsPerDay = 0)
        : base(seed, startMs, utcOffsetMinutes, incidentsPerDay)
    {
        _demandScale = Random.Between(4.2, 7.5);
        _supplyMean = Random.Between(76, 82);
        _energyJoule = Math.Round(Random.Between(20_000, 400_000)) * 3.6e6;
        _setpoint = Math.Round(Random.Between(56, 60));
        MeterSerial = "HM" + (40_000_000 + Random.Below(9_999_999)).ToString(System.Globalization.CultureInfo.InvariantCulture);
        Mode = MixingMode.Comfort;
        ColdTemp = 31;
        ReturnTemp = 31;
        HotTemp = _supplyMean;
        ValvePosition = 55;
    }

    public MixingMode Mode { get; private set; }

    public double HotTemp { get; private set; }

    public double ColdTemp { get; private set; }

    public double ReturnTemp { get; private set; }

    public double OutletTemp { get; private set; } = ComfortSetpoint;

    /// <summary>Flows as the water flows, m3/h.</summary>
    public double HotFlow { get; private set; }

    public double ColdFlow { get; private set; }

    public double OutletFlow => HotFlow + ColdFlow;

    /// <summary>What the meter of the hot inlet says; wrong while its drift lasts.</summary>
    public double HotFlowMeasured => HotFlow * (1 + _drift);

    public double HotShare => OutletFlow > 0 ? HotFlow / OutletFlow : 0;

    public double Setpoint => Mode switch
    {
        MixingMode.Setback => _setpoint - SetbackDrop,
        MixingMode.FrostProtection => FrostSetpoint,
        MixingMode.ThermalDisinfection => FlushSetpoint,
        MixingMode.Comfort when NightSetback => _setpoint - SetbackDrop,
        _ => _setpoint,
    };

    /// <summary>100 % is all hot.</summary>
    public double ValvePosition { get; private set; }

    public double ValveCommand { get; private set; }

    /// <summary>Thermal power drawn from the district, kW.</summary>
    public double HeatPower { get; private set; }

    public double HeatEnergyJoule => _energyJoule;

    public double HeatEnergyKwh => _energyJoule / 3.6e6;

    public double DifferentialPressure { get; private set; }

    public double PumpSpeed { get; private set; }

    public bool FlushActive => Mode is MixingMode.ThermalDisinfection;

    public string MeterSerial { get; }

    private bool NightSetback => Weather.HourOfDay(LocalMs) is >= 23 or < 5;

    public override bool IsBusy => _flushSeconds > 0 || _exerciseSeconds > 0;

    protected override IReadOnlyList<Incident> Known => Incidents;

    public override void PowerUp() => (_flushSeconds, _exerciseSeconds) = (0, 0);

    public override Outcome Execute(Order order, double value = 0)
    {
        switch (order)
        {
            case Order.SetTemperature:
                _setpoint = value;
                return Outcome.Done;
            case Order.SetMode when (MixingMode)value is MixingMode.ThermalDisinfection:
                return Outcome.BadState;
            case Order.SetMode when value is >= 0 and <= 4:
                EnterMode((MixingMode)value, StateCause.RemoteCommand);
                return Outcome.Done;
            case Order.SetMode:
                return Outcome.BadArgument;
            case Order.ExerciseValve when Mode is MixingMode.ThermalDisinfection:
                return Outcome.BadState;
            case Order.ExerciseValve:
                _exerciseSeconds = ExerciseSeconds;
                return Outcome.Accepted;
            case Order.StartFlush when Mode is MixingMode.Off:
                return Outcome.BadState;
            case Order.StartFlush:
                _flushSeconds = FlushMinutes * 60;
                EnterMode(MixingMode.ThermalDisinfection, StateCause.RemoteCommand);
                return Outcome.Accepted;
            default:
                return Outcome.Unknown;
        }
    }

    protected override (uint Code, byte Severity, string Text) Describe(int alarm) => alarm switch
    {
        OutletOvertemperature => (16, 4, "outlet too hot"),
        OutletUndertemperature => (17, 2, "outlet too cold"),
        SetpointUnreachable => (18, 2, "valve fully open, set point not reached"),
        ValveStuckAlarm => (19, 3, "valve does not follow"),
        FlowImbalance => (20, 2, "inlet flows do not add up to the outlet"),
        ScaldProtection => (21, 4, "scald protection closed the hot inlet"),
        _ => throw new ArgumentOutOfRangeException(nameof(alarm), alarm, "no such alarm at a mixing station"),
    };

    protected override void Step()
    {
        if (_flushSeconds > 0 && --_flushSeconds == 0)
            EnterMode(MixingMode.Comfort, StateCause.Schedule);

        var supply = IncidentIs(Incident.ColdSupply) ? 44 : _supplyMean;
        HotTemp += ((supply + _supply.Step(StepSeconds, ref Random) - HotTemp) * StepSeconds / 120) + (0.01 * Random.NextNoise());
        _drift += ((IncidentIs(Incident.MeterDrift) ? 0.14 : 0) - _drift) * StepSeconds / 300;

        var demand = Mode is MixingMode.Off ? 0 : _demandScale * Math.Max(0.05, Demand(Weather.HourOfDay(LocalMs)) * (1 + _demand.Step(StepSeconds, ref Random)));
        Control();
        Mix(demand);
        Protect();
    }

    /// <summary>Domestic demand over the day: peaks at seven and at seven.</summary>
    private static double Demand(double hour) =>
        0.22 + (0.75 * Bump(hour, 7.2, 1.1)) + (0.25 * Bump(hour, 12.5, 1.4)) + (0.7 * Bump(hour, 19.3, 1.7));

    private static double Bump(double hour, double centre, double width) => Math.Exp(-Math.Pow((hour - centre) / width, 2) / 2);

    /// <summary>PI on the outlet temperature. 1 K is worth about two percent of the valve.</summary>
    private void Control()
    {
        var error = Setpoint - OutletTemp;
        if (Mode is MixingMode.Off)
        {
            ValveCommand = 0;
        }
        else if (IsActive(ScaldProtection))
        {
            (ValveCommand, _integral) = (0, 20);
        }
        else if (_exerciseSeconds > 0)
        {
            ValveCommand = --_exerciseSeconds > ExerciseSeconds / 2 ? 30 : 70;
        }
        else if (Mode is not MixingMode.Manual)
        {
            // The integral stops where the valve ends, or it would wind up while the set point cannot be reached.
            _integral = Math.Clamp(_integral + (0.035 * error * StepSeconds), 0, 100);
            ValveCommand = Math.Clamp(_integral + (0.8 * error), 0, 100);
        }

        if (!IncidentIs(Incident.ValveStuck))
            ValvePosition += Math.Clamp(ValveCommand - ValvePosition, -ValvePercentPerSecond, ValvePercentPerSecond) * StepSeconds;
    }

    private void Mix(double demand)
    {
        var share = ValvePosition / 100;
        HotFlow = demand * share;
        ColdFlow = demand - HotFlow;
        OutletTemp = demand > 0 ? ((HotFlow * HotTemp) + (ColdFlow * ColdTemp)) / demand : OutletTemp + ((20 - OutletTemp) * StepSeconds / 7200);

        // The users cool the water to about thirty degrees; part of that return is the cold inlet.
        var cooled = 27 + (0.09 * (OutletTemp - 20)) + (1.2 * Math.Min(1, demand / _demandScale));
        ReturnTemp += ((cooled - ReturnTemp) * StepSeconds / 300) + (0.004 * Random.NextNoise());
        ColdTemp += ((ReturnTemp - 0.3 - ColdTemp) * StepSeconds / 60) + (0.004 * Random.NextNoise());

        HeatPower = HeatPerM3K * HotFlow * (HotTemp - ColdTemp);
        _energyJoule += HeatPower * 1000 * StepSeconds;
        PumpSpeed = demand > 0 ? 1100 + (2200 * Math.Min(1, demand / (1.3 * _demandScale))) : 0;
        DifferentialPressure = Math.Max(0, 62 - (18 * Math.Pow(demand / (1.3 * _demandScale), 2)) + (0.3 * Random.NextNoise()));
    }

    private void Protect()
    {
        var on = Mode is not MixingMode.Off;
        var error = Setpoint - OutletTemp;
        Watch(OutletOvertemperature, !FlushActive && OutletTemp > (IsActive(OutletOvertemperature) ? 62 : 64), 20, 60);
        Watch(OutletUndertemperature, on && Mode is not MixingMode.Manual && error > (IsActive(OutletUndertemperature) ? 3 : 8), 240, 60);
        Watch(SetpointUnreachable, on && Mode is not MixingMode.Manual && ValveCommand >= 99.5 && error > 2, 180, 60);
        Watch(ValveStuckAlarm, Math.Abs(ValveCommand - ValvePosition) > 6, 90, 30);
        Watch(FlowImbalance, OutletFlow > 0.2 && Math.Abs(HotFlowMeasured - HotFlow) / OutletFlow > 0.04, 120, 120);
        Watch(ScaldProtection, !FlushActive && OutletTemp > (IsActive(ScaldProtection) ? 50 : ScaldLimit), 10, 30);
    }

    private void EnterMode(MixingMode next, StateCause cause)
    {
        if (next == Mode)
            return;

        ReportState((byte)Mode, (byte)next, cause);
        Mode = next;
    }
}
