using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;

namespace Pumps.Handlers.Observability;

/// <summary>
/// <c>pumps.lag</c> (events) and <c>pumps.lag.age</c> (seconds), by <c>hub</c> and <c>group</c>. Scaling follows the first, alerts the second.
/// </summary>
internal sealed class LagGauges(IMeterFactory meters, IRegionStatus region) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // The factory's meter ends with its host; one on the static meter would outlive it and read a region that is gone.
        var meter = meters.Create(Metrics.Name);
        meter.CreateObservableGauge("pumps.lag", () => Measure(l => l.Events), "{event}", "Events enqueued and not yet handled");
        meter.CreateObservableGauge("pumps.lag.age", () => Measure(l => l.Age.TotalSeconds), "s", "Age of the oldest event not yet handled");
        meter.CreateObservableGauge("pumps.gateway.connections", () => region.Read().GatewayConnections, "{device}", "Devices connected now");
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private Measurement<T>[] Measure<T>(Func<GroupLag, T> value) where T : struct =>
        [.. region.Read().Lags.Select(l => new Measurement<T>(value(l), new TagList { { "hub", l.Hub }, { "group", l.Group } }))];
}
