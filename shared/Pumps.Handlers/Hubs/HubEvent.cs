namespace Pumps.Handlers.Hubs;

/// <summary>One event read from a hub.</summary>
/// <param name="Sequence">Position in the partition; grows, may have gaps.</param>
/// <param name="EnqueuedAt">When the hub took it (the hub's clock).</param>
/// <param name="Key">Partition key: the device id, everywhere.</param>
/// <param name="Properties">System and application properties of the message, enrichments included. Read before the handler returns: a log may read them from its buffer.</param>
/// <param name="Body">The bytes. Valid only until the handler returns.</param>
public sealed record HubEvent(long Sequence, DateTimeOffset EnqueuedAt, string Key, EventProperties Properties, ReadOnlyMemory<byte> Body);

/// <summary>An event to be published. Its memory may be reused as soon as the publish has returned.</summary>
public readonly record struct OutgoingEvent(string Key, EventProperties Properties, ReadOnlyMemory<byte> Body);

/// <summary>A batch as a host delivers it: consecutive events of one partition, oldest first.</summary>
/// <param name="Hub">Name of the hub as in the catalog.</param>
/// <param name="Partition">Partition of the hub.</param>
public sealed record HubBatch(string Hub, string Partition, IReadOnlyList<HubEvent> Events);

/// <summary>Appends events to hubs. Azure: Event Hubs; local region: the embedded log.</summary>
public interface IHubPublisher
{
    /// <summary>
    /// Appends the events to one hub, each to the partition of its key, in the given order per key.
    /// Returns when all of them are durable; throws when any is not, and then some may have been appended.
    /// </summary>
    Task PublishAsync(string hub, IReadOnlyList<OutgoingEvent> events, CancellationToken cancel);
}
