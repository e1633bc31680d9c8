namespace Pumps.Fleet.Physics;

/// <summary>One pump with its motor and drive: speed, power, heat, vibration, wear and lifetime counters.</summary>
/// <remarks>The hydraulic surroundings tell it flow and head; it tells what that costs and does.</remarks>
public sealed class PumpUnit
{
    public const double RatedSpeed = 2900;

    /// <summary>A soft starter's ramp: rated speed in ten seconds.</summary>
    private const double RampPerSecond = 290;

    private const double MotorEfficiency = 0.87;
    private const double RatedPower = 5.5;
    private const double FixedLoss = 0.18;
    private const double SealFriction = 0.9;

    /// <summary>K per kW of loss at full cooling flow; a pump without flow cools half as well.</summary>
    private const double ThermalResistance = 36;
    private const double ThermalSeconds = 600;

    /// <summary>Atmosphere minus vapour pressure, m: what is left for the suction side.</summary>
    private const double AtmosphereHead = 10.1;

    private readonly PumpCurve _new;
    private double _worn;

    public PumpUnit(PumpCurve curve, ref RandomSource random)
    {
        _new = curve;
        _worn = random.Between(0.01, 0.12);
        WearPerHour = random.Between(2e-5, 12e-5);
        RunHours = Math.Round(random.Between(200, 14_000), 1);
        VolumeM3 = Math.Round(RunHours * random.Between(20, 26), 1);
        EnergyKwh = Math.Round(RunHours * random.Between(4.2, 5.0), 1);
        Starts = (uint)(RunHours * random.Between(0.2, 0.6));
        MotorTemp = 17;
    }

    /// <summary>Shaft speed, /min.</summary>
    public double Speed { get; private set; }

    public double TargetSpeed { get; set; }

    public double Flow { get; private set; }

    public double Head { get; private set; }

    /// <summary>Electrical input, kW.</summary>
    public double Power { get; private set; }

    public double Current { get; private set; }

    public double MotorTemp { get; private set; }

    /// <summary>RMS velocity, mm/s.</summary>
    public double Vibration { get; private set; }

    /// <summary>0 no cavitation, 1 severe.</summary>
    public double Cavitation { get; private set; }

    /// <summary>Share of air in the water, 0..1: 1 runs dry.</summary>
    public double Air { get; set; }

    /// <summary>0 new, 1 worn out.</summary>
    public double Wear => _worn;

    public double WearPerHour { get; set; }

    public double RunHours { get; private set; }

    public double EnergyKwh { get; private set; }

    public double VolumeM3 { get; private set; }

    public uint Starts { get; private set; }

    public bool Turning => Speed > 0;

    public double SpeedShare => Speed / RatedSpeed;

    public PumpCurve Curve => _new.Degraded(_worn, Air);

    /// <summary>Wire to water.</summary>
    public double Efficiency => Power > 0.05 ? Math.Clamp(PumpCurve.WaterPower(Flow, Math.Max(0, Head)) / Power, 0, 1) : 0;

    public void CountStart() => Starts++;

    public void Wound(double wear) => _worn = Math.Clamp(_worn + wear, 0, 1);

    /// <summary>Moves the shaft towards its target; done before the flow is solved.</summary>
    public void Ramp(double seconds)
    {
        var step = RampPerSecond * seconds;
        Speed += Math.Clamp(TargetSpeed - Speed, -step, step);
        if (Speed < 1)
            Speed = 0;
    }

    /// <summary>Accounts for one step at this operating point.</summary>
    /// <param name="suctionHead">Gauge head at the suction flange, m; negative for suction lift.</param>
    public void Account(double seconds, double flow, double suctionHead, double voltage, double ambient, ref RandomSource random)
    {
        var share = SpeedShare;
        var curve = Curve;
        Flow = flow;
        Head = Turning ? Math.Max(0, curve.HeadAt(flow, share)) : 0;

        // Air loads the wheel less than water does: the current of a dry pump falls.
        var shaft = curve.ShaftPowerAt(flow, share) + (SealFriction * 0.25 * Air * share);
        Power = Turning ? (shaft / MotorEfficiency) + (FixedLoss * share * share * share) : 0;
        var load = Math.Min(1, Power / RatedPower);
        Current = Turning ? Power * 1000 / (Math.Sqrt(3) * voltage * (0.5 + (0.37 * load))) : 0;

        var cooling = Math.Min(1, flow / (0.3 * curve.BestFlow));
        var loss = Power - shaft + (SealFriction * Air * share);
        var warm = ambient + (Turning ? loss * ThermalResistance * (2 - cooling) : 0);
        MotorTemp += (warm - MotorTemp) * (1 - Math.Exp(-seconds / ThermalSeconds));

        var needed = 2.2 + (2.5 * Math.Pow(flow / curve.BestFlow, 2));
        Cavitation = Turning && flow > 1 ? Math.Clamp((needed - (AtmosphereHead + suctionHead)) / 2.5, 0, 1) : 0;
        var alive = Turning ? share * share * (0.85 + (4.2 * _worn) + (0.8 * Air)) : 0;
        Vibration = Math.Max(0, 0.05 + alive + (4.5 * Cavitation) + (random.NextNoise() * (Turning ? 0.05 : 0.015)));

        var hours = seconds / 3600;
        VolumeM3 += flow * hours;
        EnergyKwh += Power * hours;
        if (Turning)
        {
            RunHours += hours;
            Wound(WearPerHour * hours * (1 + (40 * Cavitation) + (60 * Air)));
        }
    }
}
