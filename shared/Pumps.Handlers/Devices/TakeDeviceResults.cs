using System.Diagnostics;
using System.Text.Json;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;

namespace Pumps.Handlers.Devices;

/// <summary>Takes what devices answer: hellos, results of commands, states of firmware transfers.</summary>
/// <remarks>
/// Safe to run twice on the same batch. Each type of event goes to whom it concerns; a type that concerns nobody is filtered. What cannot be read
/// goes to the dead letters. If a port fails, the exception goes up, and the host must bring the same batch again.
/// </remarks>
public sealed class TakeDeviceResults(TakeAnswers commands, IDeadLetters deadLetters, Ledger ledger)
{
    public const string Service = "devices";

    public async Task HandleAsync(HubBatch batch, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        var answers = new List<CommandEvent>();
        var bad = new List<DeadLetter>();

        foreach (var e in batch.Events)
        {
            try
            {
                switch (e.Properties[PropertyNames.CloudEventType])
                {
                    case TakeAnswers.EventType:
                        answers.Add(TakeAnswers.Read(e));
                        break;
                    default:
                        break;
                }
            }
            catch (Exception fault) when (fault is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
            {
                bad.Add(new(batch.Hub, batch.Partition, e.Sequence, e.EnqueuedAt, e.Key, "invalid_result", fault.Message, e.Properties, e.Body));
            }
        }

        if (answers.Count > 0)
            await commands.HandleAsync(answers, cancel);
        if (bad.Count > 0)
            await deadLetters.StoreAsync(bad, cancel);

        var taken = answers.Count;
        ledger.Record(Service, batch.Hub, new(batch.Events.Count, taken, bad.Count, 0, batch.Events.Count - taken - bad.Count));
        Metrics.HandleDuration.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, new TagList { { "service", Service }, { "hub", batch.Hub } });
    }
}
