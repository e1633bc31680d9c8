namespace Pumps.Handlers.Commands;

/// <summary>How fast one way to the devices may be used, by all processes of a region together: the hub counts them together, too.</summary>
/// <param name="PerSecond">Transmissions a second.</param>
public readonly record struct Pace(double PerSecond)
{
    /// <summary>What is saved up while nothing is sent: one second's worth, and one at least.</summary>
    public double Burst => Math.Max(1, PerSecond);
}
