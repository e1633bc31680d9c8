namespace Pumps.Fleet.Physics;

/// <summary>A small seeded generator (SplitMix64). The same seed gives the same numbers on every machine and in every version of .NET.</summary>
/// <remarks>A mutable struct of eight bytes: hold it in a field, never in a readonly one.</remarks>
public struct RandomSource(ulong seed)
{
    private const ulong GoldenGamma = 0x9E3779B97F4A7C15;

    private ulong _state = seed;

    public ulong NextBits() => Mix(_state += GoldenGamma);

    /// <summary>Uniform in [0, 1).</summary>
    public double NextUnit() => (NextBits() >> 11) * (1.0 / (1UL << 53));

    public double Between(double low, double high) => low + ((high - low) * NextUnit());

    /// <summary>Uniform in [0, <paramref name="below"/>).</summary>
    public int Below(int below) => (int)Math.BigMul(NextBits(), (ulong)below, out _);

    public bool Chance(double probability) => probability > 0 && NextUnit() < probability;

    /// <summary>Mean 0, standard deviation 1. The sum of four uniforms: bounded at 3.5, which suits sensors that have no outliers.</summary>
    public double NextNoise()
    {
        var bits = NextBits();
        var sum = (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48);
        return ((sum / 65536.0) - 2.0) * 1.7320508075688772;
    }

    /// <summary>An independent generator for one part of the whole, so that a new part does not change the numbers of the others.</summary>
    public static RandomSource For(ulong seed, ulong part) => new(Mix(seed + (GoldenGamma * (part + 1))));

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}

/// <summary>A quantity that wanders around a mean (Ornstein-Uhlenbeck): mains voltage, inlet temperatures.</summary>
/// <param name="Spread">Standard deviation in the long run.</param>
/// <param name="MemorySeconds">How long it remembers where it was.</param>
internal struct Wander(double Spread, double MemorySeconds)
{
    public double Offset { get; private set; }

    public double Step(double seconds, ref RandomSource random)
    {
        var keep = Math.Exp(-seconds / MemorySeconds);
        Offset = (Offset * keep) + (Spread * Math.Sqrt(1 - (keep * keep)) * random.NextNoise());
        return Offset;
    }
}
