using System.Globalization;
using Microsoft.Extensions.Options;
using Pumps.Core.Commands;
using Pumps.Handlers.Devices;

namespace Pumps.Handlers.Commands;

/// <summary>Names a transmission in the hub's queue, so that the hub's feedback finds its way back.</summary>
internal static class DeliveryId
{
    private const string Prefix = "command:";

    public static string Of(string commandId, int attempt) => string.Create(CultureInfo.InvariantCulture, $"{Prefix}{attempt}:{commandId}");

    public static (string CommandId, int Attempt)? Read(string messageId) =>
        messageId.StartsWith(Prefix, StringComparison.Ordinal) && messageId[Prefix.Length..].Split(':', 2) is [var number, var id]
        && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var attempt)
            ? (id, attempt)
            : null;
}

/// <summary>Takes what the hub says of messages in its queues: those with a command were delivered, or dropped.</summary>
/// <remarks>Safe to repeat: what is said of a transmission a second time, or of an older one, changes nothing. Feedback of other messages is ignored.</remarks>
public sealed class TakeDeliveries(ICommandStore store, ICommandBell bell, IOptions<CommandOptions> options, TimeProvider time)
{
    public async Task HandleAsync(IReadOnlyList<DeliveryFeedback> deliveries, CancellationToken cancel)
    {
        var events = new List<CommandEvent>();
        foreach (var delivery in deliveries)
            if (DeliveryId.Read(delivery.MessageId) is var (id, attempt))
                events.Add(new(delivery.DeviceId, id, null, delivery.Outcome is DeliveryOutcome.Completed
                    ? new CommandSignal.Delivered(attempt)
                    : new CommandSignal.Dropped(attempt)));
        if (events.Count == 0)
            return;

        var now = time.GetUtcNow();
        var result = await store.StepAsync(events, now, (c, s) => CommandMachine.Step(c.State, s, now, c.Terms, options.Value.Limits), cancel);
        if (result.Woken)
            await bell.RingAsync(cancel);
    }
}
