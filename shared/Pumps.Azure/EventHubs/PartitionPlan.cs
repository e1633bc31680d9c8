using System.Text;
using Pumps.Handlers.Hubs;

namespace Pumps.Azure.EventHubs;

/// <summary>Decides which partition takes which event, and fills batches: everything about publishing but the sending.</summary>
/// <remarks>
/// Event Hubs maps a partition key to a partition inside the service; a sender that names keys needs one batch per key, and
/// with a million devices nearly every batch holds one event. So keys are mapped here, by a hash that never changes, and
/// events are sent to partitions: one batch per partition, order per key kept. All senders of a feed use this class.
/// </remarks>
internal static class PartitionPlan
{
    /// <summary>The partition of a key. FNV-1a: every process on every machine must give the same answer.</summary>
    public static string PartitionOf(string key, IReadOnlyList<string> partitions)
    {
        const uint offsetBasis = 2166136261, prime = 16777619;

        Span<byte> bytes = stackalloc byte[256];
        var written = Encoding.UTF8.TryGetBytes(key, bytes, out var count) ? bytes[..count] : Encoding.UTF8.GetBytes(key);
        var hash = offsetBasis;
        foreach (var b in written)
            hash = (hash ^ b) * prime;
        return partitions[(int)(hash % (uint)partitions.Count)];
    }

    /// <summary>The events of each partition, in the given order.</summary>
    public static Dictionary<string, List<OutgoingEvent>> Group(IReadOnlyList<OutgoingEvent> events, IReadOnlyList<string> partitions)
    {
        var groups = new Dictionary<string, List<OutgoingEvent>>(partitions.Count);
        foreach (var e in events)
        {
            var partition = PartitionOf(e.Key, partitions);
            if (!groups.TryGetValue(partition, out var group))
                groups[partition] = group = [];
            group.Add(e);
        }

        return groups;
    }

    /// <summary>
    /// Sends the events in order, in as few batches as their size limit allows. One batch is in flight at a time: a later one
    /// must not overtake an earlier one of the same partition.
    /// </summary>
    /// <param name="open">Opens an empty batch.</param>
    /// <param name="tryAdd">False when the event does not fit any more.</param>
    public static async Task SendAllAsync<TBatch>(
        IReadOnlyList<OutgoingEvent> events, Func<ValueTask<TBatch>> open, Func<TBatch, OutgoingEvent, bool> tryAdd, Func<TBatch, Task> send)
        where TBatch : IDisposable
    {
        var next = 0;
        while (next < events.Count)
        {
            using var batch = await open();
            var first = next;
            while (next < events.Count && tryAdd(batch, events[next]))
                next++;

            if (next == first)
                throw new EventTooLargeException(events[next]);
            await send(batch);
        }
    }
}
