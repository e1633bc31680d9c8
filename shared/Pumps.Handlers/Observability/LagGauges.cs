using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;

namespace Pumps.Handlers.Observability;

/// <summary>
/// What a host knows that has its hubs and its gateway in the process: <c>pumps.lag</c> (events) and <c>pumps.lag.age</c> (seconds), by <c>hub</c> and
/// <c>group</c>, hubs that cannot be written, devices connected. In Azure the services of Azure tell the same.
/// </summary>
internal sealed class LagGauges(IMeterFactory meters, IRegionStatus region) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // The factory's meter ends with its host; one on the static meter would outlive it and read a region that is gone.
        var meter = meters.Create(Metrics.Name);
        meter.CreateObservableGauge(Metrics.Lag.Name, () => Measure(l => l.Events), Metrics.Lag.Unit, Metrics.Lag.Description);
        meter.CreateObservableGauge(Metrics.LagAge.Name, () => Measure(l => l.Age.TotalSeconds), Metrics.LagAge.Unit, Metrics.LagAge.Description);
        meter.CreateObservableGauge(
            Metrics.HubsUnwritable.Name, () => region.Read().UnwritableHubs.Count, Metrics.HubsUnwritable.Unit, Metrics.HubsUnwritable.Description);
        meter.CreateObservableGauge(
            Metrics.GatewayConnections.Name, () => region.Read().GatewayConnections, Metrics.GatewayConnections.Unit, Metrics.GatewayConnections.Description);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private Measurement<T>[] Measure<T>(Func<GroupLag, T> value) where T : struct =>
        [.. region.Read().Lags.Select(l => new Measurement<T>(value(l), new TagList { { "hub", l.Hub }, { "group", l.Group } }))];
}
