using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Core.Offerings;
using Pumps.Handlers.Decoding;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;

namespace Pumps.Benchmarks.Pipeline;

/// <summary>Bytes of the events that frames become, on the raw hubs and on the feeds, properties included: what throughput units are counted in.</summary>
internal sealed class EventSizes : IHubPublisher, IDeadLetters
{
    /// <summary>AMQP writes a type and a length before each name and each value.</summary>
    private const int PropertyOverhead = 4;

    private long _frames;
    private long _frameBytes;
    private long _rawBytes;
    private long _feedEvents;
    private long _feedBytes;

    public double FrameBytes => (double)_frameBytes / _frames;

    public double RawEventBytes => (double)_rawBytes / _frames;

    public double FeedEventsPerFrame => (double)_feedEvents / _frames;

    public double FeedEventBytes => (double)_feedBytes / _feedEvents;

    public static async Task<EventSizes> OfAsync(Catalog catalog, IEnumerable<(string Hub, OutgoingEvent Event)> raw, TimeProvider time, CancellationToken cancel)
    {
        var sizes = new EventSizes();
        var decode = new DecodeFrames(catalog, sizes, sizes, new Ledger(time), NullLogger<DecodeFrames>.Instance);
        var sequence = 0L;
        foreach (var hub in raw.GroupBy(r => r.Hub, r => r.Event))
        {
            var now = time.GetUtcNow();
            var batch = hub.Select(e => new HubEvent(sequence++, now, e.Key, e.Properties, e.Body.ToArray())).ToList();
            sizes._frames += batch.Count;
            sizes._frameBytes += batch.Sum(e => e.Body.Length);
            sizes._rawBytes += batch.Sum(e => Bytes(e.Properties, e.Body));
            await decode.HandleAsync(new(hub.Key, "0", batch), cancel);
        }

        return sizes;
    }

    Task IHubPublisher.PublishAsync(string hub, IReadOnlyList<OutgoingEvent> events, CancellationToken cancel)
    {
        Interlocked.Add(ref _feedEvents, events.Count);
        Interlocked.Add(ref _feedBytes, events.Sum(e => Bytes(e.Properties, e.Body)));
        return Task.CompletedTask;
    }

    Task IDeadLetters.StoreAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel) =>
        throw new InvalidDataException($"A frame of the load does not decode: {letters[0].Code}");

    private static long Bytes(EventProperties properties, ReadOnlyMemory<byte> body)
    {
        long bytes = body.Length;
        foreach (var (name, value) in properties.Items)
            bytes += name.Length + value.Length + PropertyOverhead;
        return bytes;
    }
}
