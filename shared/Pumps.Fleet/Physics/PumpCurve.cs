namespace Pumps.Fleet.Physics;

/// <summary>Head, efficiency and shaft power of a centrifugal pump over flow and speed.</summary>
/// <remarks>
/// Head H = H0 s² + b s q - a q² and efficiency e = eBest (2x - x²) with x = q / (s qBest), where s is the speed as a share of the rated
/// one. In this form the affinity laws hold exactly: flow goes with s, head with s², power with s³.
/// </remarks>
/// <param name="ShutoffHead">H0: head at no flow and rated speed, m.</param>
/// <param name="Linear">b, m per m3/h.</param>
/// <param name="Quadratic">a, m per (m3/h)².</param>
/// <param name="BestFlow">Flow of best efficiency at rated speed, m3/h.</param>
/// <param name="BestEfficiency">Share of the shaft power that reaches the water at best.</param>
public readonly record struct PumpCurve(double ShutoffHead, double Linear, double Quadratic, double BestFlow, double BestEfficiency)
{
    /// <summary>Weight of water, kN/m3: ρ g.</summary>
    public const double WaterWeight = 9.80665;

    /// <summary>Beyond this multiple of the best flow the parabola of efficiency ends; pumps are not run there.</summary>
    private const double RunoutMax = 1.9;

    /// <summary>25 m3/h against 40 m at 2900 /min: a booster of 5.5 kW, as in the demonstration day.</summary>
    public static PumpCurve Booster { get; } = new(ShutoffHead: 52, Linear: 0.16, Quadratic: 0.0176, BestFlow: 26, BestEfficiency: 0.74);

    public double HeadAt(double flow, double speed) => (ShutoffHead * speed * speed) + (Linear * speed * flow) - (Quadratic * flow * flow);

    public double EfficiencyAt(double flow, double speed)
    {
        if (speed <= 0 || flow <= 0)
            return 0;

        var x = Math.Min(flow / (speed * BestFlow), RunoutMax);
        return BestEfficiency * ((2 * x) - (x * x));
    }

    /// <summary>Shaft power, kW. Hydraulic power over efficiency, with x cancelled, so that it stays finite at no flow.</summary>
    public double ShaftPowerAt(double flow, double speed)
    {
        if (speed <= 0)
            return 0;

        var x = Math.Min(flow / (speed * BestFlow), RunoutMax);
        return WaterWeight * Math.Max(0, HeadAt(flow, speed)) * speed * BestFlow / (3600 * BestEfficiency * (2 - x));
    }

    /// <summary>Hydraulic power given to the water, kW.</summary>
    public static double WaterPower(double flow, double head) => WaterWeight * flow * head / 3600;

    /// <summary>Flow where the pump meets a system that loses <paramref name="resistance"/> q², fed with <paramref name="feedHead"/>.</summary>
    /// <param name="speed">Share of rated speed; 0 is a pump at rest, through which the feed may push water.</param>
    /// <param name="feedHead">Head before the pump minus the static lift after it, m.</param>
    /// <param name="resistance">m per (m3/h)²; infinite for a closed system.</param>
    public double MeetSystem(double speed, double feedHead, double resistance)
    {
        if (double.IsPositiveInfinity(resistance))
            return 0;

        var drive = (ShutoffHead * speed * speed) + feedHead;
        if (drive <= 0)
            return 0;

        // (a + k) q² - b s q - drive = 0, positive root.
        var a = Quadratic + resistance;
        var b = Linear * speed;
        return (b + Math.Sqrt((b * b) + (4 * a * drive))) / (2 * a);
    }

    /// <summary>Flow at which the pump gives this head; 0 above the shut-off head (the check valve is closed).</summary>
    public double FlowAtHead(double head, double speed)
    {
        var rest = (ShutoffHead * speed * speed) - head;
        if (rest <= 0)
            return 0;

        var b = Linear * speed;
        return (b + Math.Sqrt((b * b) + (4 * Quadratic * rest))) / (2 * Quadratic);
    }

    /// <summary>The curve of a pump with worn rings or with air in its water: less head, less efficiency.</summary>
    public PumpCurve Degraded(double wear, double air) => this with
    {
        ShutoffHead = ShutoffHead * (1 - (0.12 * wear)) * (1 - air),
        Linear = Linear * (1 - air),
        BestEfficiency = BestEfficiency * (1 - (0.2 * wear)),
    };
}
