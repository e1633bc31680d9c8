namespace Pumps.LocalRegion.Hubs;

/// <summary>One hub as the catalog declares it.</summary>
/// <param name="Name">Name of the hub; also the name of its folder.</param>
/// <param name="Partitions">Fixed for the life of the data: the partition of a key depends on it.</param>
/// <param name="ConsumerGroups">Every group that reads the hub. Events stay until the slowest of them has handled them.</param>
public sealed record HubSettings(string Name, int Partitions, IReadOnlyList<string> ConsumerGroups)
{
    /// <summary>How long handled events are kept. Whole segments go: a hub with less than one segment keeps everything.</summary>
    public TimeSpan RetentionAge { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Bytes per partition above which handled events go before their age.</summary>
    public long RetentionBytes { get; init; } = 512L << 20;

    /// <summary>Bytes per partition at which publishing waits, because a consumer group has not handled what is there.</summary>
    public long LimitBytes { get; init; } = 2L << 30;
}

/// <summary>Section <c>Hubs</c>: where and how the embedded hubs store.</summary>
public sealed record HubStorageOptions(string Folder)
{
    /// <summary>Appends are refused when the disk has less than this left: the database on the same disk needs room to stop in order.</summary>
    public long MinFreeBytes { get; init; } = 200L << 20;

    /// <summary>Bytes of a segment file, a power of two, at least 512 KiB. Retention removes whole segments.</summary>
    public int SegmentBytes { get; init; } = 16 << 20;

    /// <summary>How long publishing waits for room when a hub is at its limit. The pump that publishes retries anyway.</summary>
    public TimeSpan FullTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How far a checkpoint on disk may be behind: events handled in this time come again after a crash.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Free bytes of the disk that holds <see cref="Folder"/>.</summary>
    public Func<string, long> FreeBytes { get; init; } = folder => new DriveInfo(folder).AvailableFreeSpace;

    /// <summary>Called before bytes go to a segment file; an exception here is a failing disk.</summary>
    public Action<string>? BeforeWrite { get; init; }
}
