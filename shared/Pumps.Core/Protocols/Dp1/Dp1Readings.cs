using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Dp1;

/// <summary>What a controller measures at one instant, in the units of PROTOCOL.md, section 11. A quantity that is not set is sent as "not available".</summary>
/// <remarks>The encoder takes what a telegram has room for and rounds to the resolution of the wire. Enums and the alarm mask are whole numbers.</remarks>
public sealed class Dp1Readings
{
    private const uint FirstId = 16;

    private readonly double[] _values = new double[Dp1Points.All.Max(p => p.Id) - FirstId + 1];

    public Dp1Readings() => Clear();

    /// <summary>A value in the unit of its definition; NaN for "not available".</summary>
    public double this[PointDefinition point]
    {
        get => _values[point.Id - FirstId];
        set => _values[point.Id - FirstId] = value;
    }

    public void Clear() => Array.Fill(_values, double.NaN);
}
