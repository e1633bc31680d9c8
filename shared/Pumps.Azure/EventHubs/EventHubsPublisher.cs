using System.Collections.Concurrent;
using Azure.Core;
using Azure.Messaging.EventHubs;
using Azure.Messaging.EventHubs.Producer;
using Microsoft.Extensions.Options;
using Pumps.Core.Offerings;
using Pumps.Handlers.Hubs;

namespace Pumps.Azure.EventHubs;

/// <summary>Publishes to the hubs of the region: to its feeds, and what is replayed to the raw hubs too. The local region's publisher is the embedded log.</summary>
/// <remarks>
/// A failed call may have sent part of the events; the caller's batch comes again and sends all of them again (at least once).
/// </remarks>
internal sealed class EventHubsPublisher(
    Catalog catalog, IOptions<FeedHubsOptions> feeds, IOptions<RawHubsOptions> raw, TokenCredential credential, TimeProvider time) : IHubPublisher, IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Producer> _producers = new();

    public async Task PublishAsync(string hub, IReadOnlyList<OutgoingEvent> events, CancellationToken cancel)
    {
        if (events.Count == 0)
            return;

        var producer = _producers.GetOrAdd(
            hub, name => new(new EventHubProducerClient(NamespaceOf(name), name, credential), time));
        var partitions = await producer.PartitionsAsync(cancel);

        // WhenAll ends after the last of them, failed or not: nobody reads the callers' memory after this method has returned.
        await Task.WhenAll(PartitionPlan.Group(events, partitions).Select(group => producer.SendAsync(group.Key, group.Value, cancel)));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var producer in _producers.Values)
            await producer.Client.DisposeAsync();
    }

    /// <summary>A name is a hub of one of the two namespaces.</summary>
    /// <exception cref="OptionsValidationException">The hub is a raw one, and the app was not given their namespace.</exception>
    internal string NamespaceOf(string hub) =>
        catalog.Routes.RawHubs.Any(h => h.Name == hub) ? raw.Value.FullyQualifiedNamespace : feeds.Value.FullyQualifiedNamespace;

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
