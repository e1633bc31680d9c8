using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Pumps.Handlers.Observability;

namespace Pumps.LocalRegion.Hubs;

/// <summary>How far a consumer group is behind in one partition.</summary>
/// <param name="Service">The service that reads; empty while none does.</param>
/// <param name="Events">Durable events that are not handled yet; exact.</param>
/// <param name="Age">How long the oldest of them has waited.</param>
/// <param name="Error">Why the batch at hand is being repeated; null when all is well.</param>
public sealed record HubLag(string Service, string Hub, string Group, int Partition, long Events, TimeSpan Age, string? Error);

/// <summary>The gauges <c>pumps.lag</c> and <c>pumps.lag.seconds</c>, over all open hubs.</summary>
internal static class HubGauges
{
    private static readonly ConcurrentDictionary<EmbeddedHubs, bool> Open = new();

    static HubGauges()
    {
        Metrics.Meter.CreateObservableGauge("pumps.lag", () => Measure(l => l.Events), "{event}", "Events not handled yet, by service, hub, group and partition");
        Metrics.Meter.CreateObservableGauge("pumps.lag.seconds", () => Measure(l => l.Age.TotalSeconds), "s", "Age of the oldest event not handled yet");
    }

    public static void Add(EmbeddedHubs hubs) => Open[hubs] = true;

    public static void Remove(EmbeddedHubs hubs) => Open.TryRemove(hubs, out _);

    private static IEnumerable<Measurement<T>> Measure<T>(Func<HubLag, T> value) where T : struct =>
        from lag in Open.Keys.SelectMany(hubs => hubs.Lags())
        select new Measurement<T>(
            value(lag), new("service", lag.Service), new("hub", lag.Hub), new("group", lag.Group), new("partition", lag.Partition));
}
