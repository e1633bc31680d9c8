using Pumps.Fleet.Physics;

namespace Pumps.Fleet.Machines;

/// <summary>Three pumps on one header, fed from a reservoir, watering four zones with two soil probes each (dictionary 0x0102).</summary>
public sealed class IrrigationStation : Machine
{
    public const int HeaderPressureLow = 0;
    public const int PumpChangeover = 1;
    public const int ReservoirLow = 2;

    public const int PumpCount = 3;
    public const int ZoneCount = 4;

    private const double Setpoint = 5;
    private const double SpeedMin = 1300;
    private const double SpeedMax = 3050;
    private const double ValveSeconds = 12;
    private const double ReservoirAreaM2 = 900;
    private const double LeakConductance = 1.4;
    private const int ChangeoverMinutes = 120;

    /// <summary>Zones are watered two at a time, from 04:00 and from 19:00.</summary>
    private const double MorningHour = 4;
    private const double EveningHour = 19;
    private const double WateringHours = 3;

    private static readonly Incident[] Incidents = [Incident.Leak, Incident.ValveStuck, Incident.SuctionBlocked];

    private readonly PumpUnit[] _pumps = new PumpUnit[PumpCount];
    private readonly Zone[] _zones = new Zone[ZoneCount];
    private readonly bool[] _outOfService = new bool[PumpCount];
    private Wander _voltage = new(1.1, 120);
    private double _target;
    private double _lastError;
    private int _lead;
    private int _wanted;
    private int _settleSeconds;
    private int _leadSeconds;
    private bool? _override;

    public IrrigationStation(ulong seed, long startMs, int utcOffsetMinutes, double incidentsPerDay = 0)
        : base(seed, startMs, utcOffsetMinutes, incidentsPerDay)
    {
        for (var pump = 0; pump < PumpCount; pump++)
            _pumps[pump] = new PumpUnit(PumpCurve.Booster with { ShutoffHead = 66 }, ref Random);
        for (var zone = 0; zone < ZoneCount; zone++)
            _zones[zone] = new Zone(Random.Between(3.8, 4.8), new Soil(Random.Between(9_000, 14_000), Random.Between(20, 28), Random.Between(0.35, 0.55)));

        ReservoirLevel = Random.Between(2.6, 3.8);
        Mode = ControlMode.Schedule;
        Voltage = 400;
    }

    /// <summary>One irrigated field: its valve and the soil behind it.</summary>
    public sealed class Zone(double conductance, Soil soil)
    {
        internal double Wanted { get; set; }

        internal double Position { get; set; }

        internal double Conductance => conductance * Position;

        internal Soil Soil => soil;

        public double Flow { get; internal set; }

        public double Moisture => soil.MoisturePercent;

        public ValveState Valve => Position <= 0 && Wanted <= 0 ? ValveState.Closed
            : Position >= 1 && Wanted >= 1 ? ValveState.Open
            : Wanted > Position ? ValveState.Opening : ValveState.Closing;
    }

    public IReadOnlyList<PumpUnit> Pumps => _pumps;

    public IReadOnlyList<Zone> Zones => _zones;

    public ControlMode Mode { get; private set; }

    public double HeaderPressure { get; private set; }

    public double TotalFlow { get; private set; }

    public double LeakFlow { get; private set; }

    /// <summary>m above the floor of the reservoir.</summary>
    public double ReservoirLevel { get; private set; }

    public double Voltage { get; private set; }

    public double SoilTemp { get; private set; }

    public int PumpsRunning => _pumps.Count(p => p.Turning);

    protected override IReadOnlyList<Incident> Known => Incidents;

    public PumpState StateOf(int pump) =>
        !_pumps[pump].Turning && _outOfService[pump] ? PumpState.Stopped
        : !_pumps[pump].Turning ? (_wanted > 0 ? PumpState.Standby : PumpState.Stopped)
        : _pumps[pump].TargetSpeed <= 0 ? PumpState.Stopping
        : _pumps[pump].Speed < 0.35 * PumpUnit.RatedSpeed ? PumpState.Starting : PumpState.Running;

    public override void PowerUp()
    {
        (_override, _wanted) = (null, 0);
        Array.Clear(_outOfService);
    }

    public override Outcome Execute(Order order, double value = 0)
    {
        switch (order)
        {
            case Order.SetMode when value is >= 0 and <= 4:
                (Mode, _override) = ((ControlMode)value, null);
                return Outcome.Done;
            case Order.SetMode:
                return Outcome.BadArgument;
            case Order.Start or Order.Stop when Mode is ControlMode.Local:
                return Outcome.NotPermittedLocal;
            case Order.Start when Mode is ControlMode.Off:
                return Outcome.BadState;
            case Order.Start when IsActive(ReservoirLow):
                return Outcome.Interlock;
            case Order.Start:
                _override = true;
                return Outcome.Done;
            case Order.Stop:
                _override = false;
                return Outcome.Done;
            default:
                return Outcome.Unknown;
        }
    }

    /// <summary>A pump that was stopped stays so until it is started; the station goes on with the others.</summary>
    public override Outcome ExecutePart(ulong part, Order order)
    {
        if (order is not (Order.Start or Order.Stop))
            return Outcome.Unknown;
        if (part is 0 or > PumpCount)
            return Outcome.BadArgument;
        if (Mode is ControlMode.Local)
            return Outcome.NotPermittedLocal;

        _outOfService[part - 1] = order is Order.Stop;
        return Outcome.Done;
    }

    protected override (uint Code, byte Severity, string Text) Describe(int alarm) => alarm switch
    {
        HeaderPressureLow => (16, 3, "header pressure below its set point"),
        PumpChangeover => (17, 0, "lead pump changed"),
        ReservoirLow => (18, 3, "reservoir low"),
        _ => throw new ArgumentOutOfRangeException(nameof(alarm), alarm, "no such alarm at an irrigation station"),
    };

    protected override void Step()
    {
        Voltage = 400 + _voltage.Step(StepSeconds, ref Random);
        SoilTemp = 16 + (0.35 * (Weather.Air(LocalMs) - 17));

        Control();
        foreach (var zone in _zones)
            if (!(IncidentIs(Incident.ValveStuck) && ReferenceEquals(zone, _zones[0])))
                zone.Position += Math.Clamp(zone.Wanted - zone.Position, -StepSeconds / ValveSeconds, StepSeconds / ValveSeconds);
        foreach (var pump in _pumps)
            pump.Ramp(StepSeconds);

        SolveHeader();
        Protect();
    }

    /// <summary>The header's head is where the flows of all pumps together equal what zones and leak take: found by halving.</summary>
    private void SolveHeader()
    {
        var leak = IncidentIs(Incident.Leak) ? LeakConductance : 0;
        var open = leak + _zones.Sum(z => z.Conductance);
        var suction = ReservoirLevel - (IncidentIs(Incident.SuctionBlocked) ? 0.012 * TotalFlow * TotalFlow / 9 : 0);

        // With no pump turning there is no head to find.
        double low = 0, high = PumpsRunning > 0 ? 80 : 0;
        for (var round = 0; round < 40 && high > 0; round++)
        {
            var middle = (low + high) / 2;
            var given = 0.0;
            foreach (var pump in _pumps)
                given += pump.Turning ? pump.Curve.FlowAtHead(middle - suction, pump.SpeedShare) : 0;
            if (given > open * Math.Sqrt(middle))
                low = middle;
            else
                high = middle;
        }

        var head = high;
        var total = 0.0;
        foreach (var pump in _pumps)
        {
            var flow = open > 0 && pump.Turning ? pump.Curve.FlowAtHead(head - suction, pump.SpeedShare) : 0;
            pump.Account(StepSeconds, flow, suction, Voltage, Weather.Air(LocalMs), ref Random);
            total += flow;
        }

        var sun = Weather.Sun(LocalMs);
        foreach (var zone in _zones)
        {
            zone.Flow = open > 0 ? total * zone.Conductance / open : 0;
            zone.Soil.Step(StepSeconds, zone.Flow * StepSeconds / 3600, sun);
        }

        LeakFlow = open > 0 ? total * leak / open : 0;
        TotalFlow = total;
        HeaderPressure = Math.Max(0, (head * IrrigationPump.BarPerMetre) + (0.006 * Random.NextNoise()));

        // A spring fills the reservoir day and night; the overflow is at four metres.
        ReservoirLevel = Math.Clamp(ReservoirLevel + ((14 - total) * StepSeconds / 3600 / ReservoirAreaM2), 0, 4);
    }

    private void Control()
    {
        var hour = Weather.HourOfDay(LocalMs);
        var window = hour >= EveningHour && hour < EveningHour + WateringHours ? EveningHour
            : hour >= MorningHour && hour < MorningHour + WateringHours ? MorningHour : -1;
        var asked = Mode switch
        {
            ControlMode.Schedule or ControlMode.Local => window >= 0,
            ControlMode.Auto => window >= 0 && _zones.Any(z => z.Moisture < 30),
            _ => false,
        };
        if (_override is false && !asked)
            _override = null;

        var on = (_override ?? asked) && !IsActive(ReservoirLow);
        var firstPair = window < 0 || hour - window < WateringHours / 2;
        for (var zone = 0; zone < ZoneCount; zone++)
            _zones[zone].Wanted = on && (zone < 2) == firstPair ? 1 : 0;

        if (!on)
        {
            (_wanted, _target) = (0, 0);
            foreach (var pump in _pumps)
                pump.TargetSpeed = 0;
            return;
        }

        Regulate();
    }

    /// <summary>All running pumps share one speed; a pump joins when that is not enough and leaves when it is too much.</summary>
    private void Regulate()
    {
        if (_wanted == 0)
            (_wanted, _target, _lastError, _settleSeconds) = (1, 0.6 * PumpUnit.RatedSpeed, 0, 0);

        var error = (Setpoint - HeaderPressure) * 240;
        _target = Math.Clamp(_target + (0.1 * error * StepSeconds) + (0.2 * (error - _lastError)), SpeedMin, SpeedMax);
        _lastError = error;

        _settleSeconds++;
        if (_settleSeconds > 60 && _target >= SpeedMax - 20 && _wanted < PumpCount)
            (_wanted, _settleSeconds) = (_wanted + 1, 0);
        else if (_settleSeconds > 300 && _wanted > 1 && TotalFlow < 16 * (_wanted - 1))
            (_wanted, _settleSeconds) = (_wanted - 1, 0);

        if (++_leadSeconds >= ChangeoverMinutes * 60)
        {
            (_lead, _leadSeconds) = ((_lead + 1) % PumpCount, 0);
            ReportMomentary(PumpChangeover);
        }

        for (var (turn, running) = (0, 0); turn < PumpCount; turn++)
        {
            var index = (_lead + turn) % PumpCount;
            var pump = _pumps[index];
            var on = !_outOfService[index] && running < _wanted;
            running += on ? 1 : 0;
            if (on && pump.TargetSpeed <= 0)
                pump.CountStart();
            pump.TargetSpeed = on ? _target : 0;
        }
    }

    private void Protect()
    {
        Watch(HeaderPressureLow, _wanted > 0 && _settleSeconds > 60 && HeaderPressure < 0.75 * Setpoint, 60, 30);
        Watch(ReservoirLow, ReservoirLevel < (IsActive(ReservoirLow) ? 0.8 : 0.5), 10, 60);
    }
}
