using Pumps.Core.Devices;

namespace Pumps.Handlers.Datapoints;

/// <summary>A device as lists show it.</summary>
public sealed record DeviceSummary(
    string Id, string Protocol, string Offering, string Product, string Customer, DateTimeOffset? LastSeenAt, IReadOnlyDictionary<string, LatestPoint>? Latest)
{
    /// <summary>Where it stands; null when nobody has said.</summary>
    public string? Site { get; init; }

    /// <summary>The customer's own words for it.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    public DeviceStatus Status { get; init; } = DeviceStatus.Active;

    /// <summary>What it calls itself; null until it has.</summary>
    public string? Model { get; init; }

    public string? Firmware { get; init; }

    public DateTimeOffset? RetiredAt { get; init; }

    /// <summary>Since when it works for its customer without a break; null while it does not, such as before its first hello.</summary>
    public DateTimeOffset? OwnedSince { get; init; }

    /// <summary>From when on its data may be seen: what it observed for somebody else is the maker's own staff's to see, and nobody's else.</summary>
    public DateTimeOffset VisibleFrom(bool toOps) => toOps ? DateTimeOffset.MinValue : OwnedSince ?? DateTimeOffset.MaxValue;

    /// <summary>Null until it has connected for the first time.</summary>
    public DeviceConnection? Connection { get; init; }
}

/// <summary>Whether a device is connected, and since when that is so.</summary>
public sealed record DeviceConnection(bool Online, DateTimeOffset Since);

/// <summary>Which devices a list shows; null shows all.</summary>
/// <param name="Site">Id of a site.</param>
/// <param name="Tag">One of the customer's words.</param>
public sealed record DeviceFilter(
    string? Offering = null, string? Customer = null, string? Site = null, string? Tag = null, DeviceStatus? Status = null);

/// <summary>The newest value of a datapoint.</summary>
/// <param name="Value">JSON text of the value (number, string or boolean) exactly as on the feed; null when there is none.</param>
/// <param name="Quality"><c>good</c>, <c>not_available</c>, <c>out_of_range</c>, <c>unknown_enum</c>, <c>type_mismatch</c>, <c>unknown_id</c>.</param>
public sealed record LatestPoint(string? Value, string Quality, DateTimeOffset ObservedAt);

/// <summary>A page of a list; <paramref name="Next"/> is the cursor of the next one, null on the last.</summary>
public sealed record Page<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>How values in one bucket become one.</summary>
public enum Aggregate
{
    Mean,
    Min,
    Max,
    Last,
    Count,

    /// <summary>Growth of a counter, safe over its wrap.</summary>
    Increase,
}

/// <summary>A question about the past of one datapoint.</summary>
/// <param name="Point">Name with path, such as <c>flow</c> or <c>pumps[1].flow</c>.</param>
/// <param name="Bucket">Width of a bucket; null asks for single observations.</param>
public sealed record HistoryQuery(string DeviceId, string Point, DateTimeOffset From, DateTimeOffset To, TimeSpan? Bucket, Aggregate Aggregate, int Limit);

/// <summary>A value in time; without bucket <paramref name="At"/> is the observation's time, with one the bucket's start.</summary>
/// <param name="Value">JSON text of the value.</param>
public readonly record struct HistoryPoint(DateTimeOffset At, string Value);

/// <summary>Reads what <see cref="IDatapointStore"/> keeps.</summary>
public interface IDatapointQueries
{
    /// <summary>Devices in the order of their ids, after <paramref name="cursor"/>.</summary>
    Task<Page<DeviceSummary>> ListDevicesAsync(DeviceFilter filter, string? cursor, int limit, bool withLatest, CancellationToken cancel);

    Task<DeviceSummary?> FindDeviceAsync(string deviceId, CancellationToken cancel);

    /// <summary>Values in order of time; empty when the device or datapoint has none in the range. Buckets of an hour and more are read from the roll-ups.</summary>
    Task<IReadOnlyList<HistoryPoint>> QueryHistoryAsync(HistoryQuery query, CancellationToken cancel);
}
