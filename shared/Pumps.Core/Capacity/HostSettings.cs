namespace Pumps.Core.Capacity;

/// <summary>The values of host.json (extensions.eventHubs) that follow from what one event costs. They hold for every region.</summary>
/// <param name="BatchMax"><c>maxEventBatchSize</c>.</param>
/// <param name="Prefetch"><c>prefetchCount</c>: the next batch is here while the present one is handled.</param>
/// <param name="BatchesPerCheckpoint"><c>batchCheckpointFrequency</c>.</param>
/// <param name="UnprocessedPerInstance"><c>targetUnprocessedEventThreshold</c>: events that wait for each instance before one more is started.</param>
public sealed record HostSettings(int BatchMax, int Prefetch, int BatchesPerCheckpoint, int UnprocessedPerInstance)
{
    /// <summary>A full batch is one transaction and one publish per partition; so long may it work, with the database's time.</summary>
    public const double BatchMicroseconds = 50_000;

    /// <summary>After a crash the batches since the last checkpoint come again: so much work may be done twice.</summary>
    public const double RepeatedMicroseconds = 500_000;

    public static HostSettings Of(EventCosts costs)
    {
        var each = costs.RegionMicroseconds + costs.DatabaseMicroseconds;
        var batch = OneDigit(BatchMicroseconds / each);
        var prefetch = 2 * batch;
        return new(batch, prefetch, Math.Max(1, (int)(RepeatedMicroseconds / (batch * each))), 2 * prefetch);
    }

    /// <summary>Rounded down to one digit and zeros: a measured figure is no more exact.</summary>
    private static int OneDigit(double value)
    {
        var digit = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(1, value))));
        return Math.Max(1, (int)(Math.Floor(value / digit) * digit));
    }
}
