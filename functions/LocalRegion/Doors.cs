using Pumps.Core.Offerings;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Decoding;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion;

/// <summary>One door of the local region: a handler that reads a hub as a consumer group.</summary>
public sealed record Door(string Hub, string ConsumerGroup, Type Handler, Func<IServiceProvider, Func<HubBatch, CancellationToken, Task>> Open);

/// <summary>Every hub's handlers. Each Azure function has its twin here: the same hub, the same consumer group, the same handler.</summary>
public static class Doors
{
    public static IEnumerable<Door> For(Catalog catalog)
    {
        foreach (var hub in catalog.Routes.RawHubs.Where(h => h.Name != catalog.Routes.Connections))
            yield return To<DecodeFrames>(hub.Name, "decode", h => h.HandleAsync);

        foreach (var feed in catalog.Routes.Feeds.Where(f => f.PerOffering))
            foreach (var offering in catalog.Offerings.Keys.Order(StringComparer.Ordinal))
            {
                yield return To<KeepLatest>(feed.HubFor(offering), "latest", h => h.HandleAsync);
                yield return To<KeepHistory>(feed.HubFor(offering), "history", h => h.HandleAsync);
            }

        yield return To<TrackConnections>(catalog.Routes.Connections, "devices", h => h.HandleAsync);
        yield return To<TakeDeviceResults>("command-results", "devices", h => h.HandleAsync);
    }

    private static Door To<T>(string hub, string group, Func<T, Func<HubBatch, CancellationToken, Task>> method)
        where T : notnull =>
        new(hub, group, typeof(T), services => method(services.GetRequiredService<T>()));
}
