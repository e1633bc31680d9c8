using System.Collections.Concurrent;
using Azure.Core;
using Azure.Messaging.EventHubs;
using Azure.Messaging.EventHubs.Producer;
using Microsoft.Extensions.Options;
using Pumps.Handlers.Hubs;

namespace Pumps.Azure.EventHubs;

/// <summary>Publishes to the feed hubs of the region. The local region's publisher is the embedded log.</summary>
/// <remarks>
/// A failed call may have sent part of the events; the caller's batch comes again and sends all of them again (at least once).
/// </remarks>
internal sealed class EventHubsPublisher(IOptions<FeedHubsOptions> options, TokenCredential credential, TimeProvider time)
    : IHubPublisher, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Producer> _producers = new();

    public async Task PublishAsync(string hub, IReadOnlyList<OutgoingEvent> events, CancellationToken cancel)
    {
        if (events.Count == 0)
            return;

        var producer = _producers.GetOrAdd(
            hub, name => new(new EventHubProducerClient(options.Value.FullyQualifiedNamespace, name, credential), time));
        var partitions = await producer.PartitionsAsync(cancel);

        // WhenAll ends after the last of them, failed or not: nobody reads the callers' memory after this method has returned.
        await Task.WhenAll(PartitionPlan.Group(events, partitions).Select(group => producer.SendAsync(group.Key, group.Value, cancel)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var producer in _producers.Values)
            await producer.Client.DisposeAsync();
    }

    private static EventData ToEventData(OutgoingEvent e)
    {
        var data = new EventData(e.Body);
        foreach (var property in e.Properties.Items)
            data.Properties[property.Key] = property.Value;
        return data;
    }

    /// <summary>The client of one hub and the partitions it has.</summary>
    private sealed class Producer(EventHubProducerClient client, TimeProvider time)
    {
        // Partitions can be added to a hub, never removed. The new count moves most keys, as the service's own mapping would: add
        // partitions while the feed is drained, or accept disorder for this long.
        private static readonly TimeSpan PartitionsKept = TimeSpan.FromMinutes(10);

        private volatile Known? _known;

        public EventHubProducerClient Client => client;

        public async ValueTask<IReadOnlyList<string>> PartitionsAsync(CancellationToken cancel)
        {
            if (_known is { } known && time.GetElapsedTime(known.ReadAt) < PartitionsKept)
                return known.Partitions;

            // Two readers at once read the same; no lock. Sorted, so that all senders count alike.
            var partitions = await client.GetPartitionIdsAsync(cancel);
            _known = new([.. partitions.OrderBy(p => p.Length).ThenBy(p => p, StringComparer.Ordinal)], time.GetTimestamp());
            return _known.Partitions;
        }

        public Task SendAsync(string partition, IReadOnlyList<OutgoingEvent> events, CancellationToken cancel)
        {
            var options = new CreateBatchOptions { PartitionId = partition };
            return PartitionPlan.SendAllAsync(
                events,
                () => client.CreateBatchAsync(options, cancel),
                (batch, e) => batch.TryAdd(ToEventData(e)),
                batch => client.SendAsync(batch, cancel));
        }

        private sealed record Known(IReadOnlyList<string> Partitions, long ReadAt);
    }
}
