using System.Text.Json;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Provisioning;

namespace Pumps.Handlers.Devices;

/// <summary>Takes what devices answer: hellos, results of commands, states of firmware transfers.</summary>
/// <remarks>
/// Safe to run twice on the same batch. Each type of event goes to whom it concerns; a type that concerns nobody is filtered. What cannot be read
/// goes to the dead letters. If a port fails, the exception goes up, and the host must bring the same batch again.
/// </remarks>
public sealed class TakeDeviceResults(
    IOrderStore orders, TakeAnswers commands, WakeTransfers transfers, IDeadLetters deadLetters, Ledger ledger, TimeProvider time)
{
    public const string Service = "devices";

    private const string Hello = "pumps.hello.v1";
    private const string FirmwareStatus = "pumps.firmware-status.v1";

    public async Task HandleAsync(HubBatch batch, CancellationToken cancel)
    {
        using var handling = ledger.Begin(Service, batch, cancel);
        var hellos = new List<DeviceHello>();
        var answers = new List<CommandEvent>();
        var firmware = new List<string>();
        var bad = new List<DeadLetter>();

        foreach (var e in batch.Events)
        {
            try
            {
                switch (e.Properties[PropertyNames.CloudEventType])
                {
                    case Hello:
                        hellos.Add(ReadHello(e));
                        break;
                    case TakeAnswers.EventType:
                        answers.Add(TakeAnswers.Read(e));
                        break;
                    case FirmwareStatus:
                        firmware.Add(e.Key);
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

        if (hellos.Count > 0)
            await orders.TakeHellosAsync(hellos, time.GetUtcNow(), cancel);
        if (answers.Count > 0)
            await commands.HandleAsync(answers, cancel);
        // After the hellos were kept: which firmware runs is what a transfer that is woken by one wants to know.
        if (hellos.Count > 0)
            await transfers.HandleAsync([.. hellos.Select(h => h.DeviceId).Distinct()], cancel);
        if (firmware.Count > 0)
            await transfers.HandleStatusAsync([.. firmware.Distinct()], cancel);
        await handling.SetAsideAsync(deadLetters, bad, cancel);

        var taken = hellos.Count + answers.Count + firmware.Count;
        handling.Done(new(batch.Events.Count, taken, bad.Count, 0, batch.Events.Count - taken - bad.Count));
    }

    private static DeviceHello ReadHello(HubEvent e)
    {
        using var document = JsonDocument.Parse(e.Body);
        var hello = document.RootElement.GetProperty("hello");
        return new(e.Key, Text(hello, "model"), Text(hello, "firmware"),
            hello.TryGetProperty("dictionary", out var dictionary) ? dictionary.GetProperty("id").GetInt32() : null);
    }

    private static string? Text(JsonElement of, string name) => of.TryGetProperty(name, out var value) ? value.GetString() : null;
}
