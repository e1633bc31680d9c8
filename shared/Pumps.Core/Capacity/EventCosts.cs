namespace Pumps.Core.Capacity;

/// <summary>What one message costs this code (catalog/capacity/costs.json, where each figure has the command that measured it, or the reason why it is assumed).</summary>
public sealed record EventCosts
{
    /// <summary>Processor time of decoding, newest values and history together, hubs included, without the database.</summary>
    public required double RegionMicroseconds { get; init; }

    /// <summary>Processor time of the database for storing it.</summary>
    public required double DatabaseMicroseconds { get; init; }

    /// <summary>The same for its share of the roll-up, when its hour has ended.</summary>
    public required double RollUpMicroseconds { get; init; }

    /// <summary>The same for each device and hour that is rolled up, however few frames it has.</summary>
    public required double RollUpDeviceMicroseconds { get; init; }

    public required double FrameBytes { get; init; }

    /// <summary>A frame with all properties that IoT Hub and enrichment add.</summary>
    public required double RawEventBytes { get; init; }

    public required double FeedEventsPerFrame { get; init; }
    public required double FeedEventBytes { get; init; }

    /// <summary>In history, with its share of the key.</summary>
    public required double HistoryBytes { get; init; }

    /// <summary>The key alone: that of the present day must stay in memory, or every write reads the disk.</summary>
    public required double HistoryKeyBytes { get; init; }

    public required double WriteAheadBytes { get; init; }
    public required double LatestBytesPerDevice { get; init; }

    /// <summary>How much more the same handler costs in a function app: host, gRPC to the worker, the hubs' client.</summary>
    public required double FunctionOverhead { get; init; }

    /// <summary>Cores of an instance for each 2048 MB.</summary>
    public required double InstanceCores { get; init; }

    /// <summary>The share of a function's processor that the busiest minute may use.</summary>
    public required double FunctionUtilization { get; init; }

    /// <summary>The same of the database; the rest is for queries and vacuum.</summary>
    public required double DatabaseUtilization { get; init; }

    /// <summary>The share of the database's memory that the day's key may take.</summary>
    public required double MemoryForKeys { get; init; }

    /// <summary>The share of the database's disk that data may fill: the server is read-only at 95 %.</summary>
    public required double DiskFill { get; init; }
}
