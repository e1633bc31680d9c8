namespace Pumps.Fleet.Physics;

/// <summary>The root zone of one irrigated field: dries by the sun, rises when irrigated, drains above field capacity.</summary>
public sealed class Soil(double areaM2, double startPercent, double evaporationPerSunHour)
{
    /// <summary>Depth of the roots, m: what one percent of volumetric water means in litres.</summary>
    private const double RootDepth = 0.4;
    private const double FieldCapacity = 34;
    private const double DrainHours = 12;
    private const double NightLossPerHour = 0.05;
    private const double Wilted = 6;

    public double MoisturePercent { get; private set; } = startPercent;

    /// <summary>Cubic metres of water that raise this soil by one percent.</summary>
    public double M3PerPercent => areaM2 * RootDepth / 100;

    public void Step(double seconds, double waterM3, double sun)
    {
        var hours = seconds / 3600;
        var drained = Math.Max(0, MoisturePercent - FieldCapacity) * (1 - Math.Exp(-hours / DrainHours));
        // Plants take less from dry soil.
        var thirst = Math.Clamp((MoisturePercent - Wilted) / 10, 0, 1);
        var lost = (NightLossPerHour + (evaporationPerSunHour * sun)) * hours * thirst;
        MoisturePercent = Math.Clamp(MoisturePercent + (waterM3 / M3PerPercent) - drained - lost, 0, 60);
    }
}
