namespace Pumps.Fleet.Load;

/// <summary>Latencies in buckets that grow by a sixteenth: percentiles are at most 6 % too high, at no cost per sample.</summary>
public sealed class LatencyHistogram
{
    private const int PerOctave = 16;
    private readonly long[] _buckets = new long[64 * PerOctave];

    public long Count { get; private set; }

    public TimeSpan Max { get; private set; }

    public void Add(TimeSpan latency)
    {
        _buckets[Bucket(Math.Max(1, latency.Ticks))]++;
        Count++;
        if (latency > Max)
            Max = latency;
    }

    public void Add(LatencyHistogram other)
    {
        for (var i = 0; i < _buckets.Length; i++)
            _buckets[i] += other._buckets[i];
        Count += other.Count;
        Max = Max > other.Max ? Max : other.Max;
    }

    /// <summary>The latency that this share of all samples did not exceed; zero without samples.</summary>
    public TimeSpan Percentile(double share)
    {
        var wanted = (long)Math.Ceiling(share * Count);
        var seen = 0L;
        for (var i = 0; i < _buckets.Length; i++)
        {
            seen += _buckets[i];
            if (seen >= wanted && seen > 0)
                return Min(TimeSpan.FromTicks(Top(i)), Max);
        }

        return Max;
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    private static int Bucket(long ticks)
    {
        var octave = System.Numerics.BitOperations.Log2((ulong)ticks);
        return octave < 4 ? (int)ticks : (octave * PerOctave) + (int)((ticks >> (octave - 4)) & (PerOctave - 1));
    }

    private static long Top(int bucket)
    {
        var octave = bucket / PerOctave;
        return octave < 4 ? bucket : ((long)(PerOctave + (bucket % PerOctave) + 1) << (octave - 4)) - 1;
    }
}
