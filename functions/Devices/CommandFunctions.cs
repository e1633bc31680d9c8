using Microsoft.Azure.Functions.Worker;
using Pumps.Azure.Devices;
using Pumps.Azure.ServiceBus;
using Pumps.Handlers.Commands;

namespace Pumps.Devices;

/// <summary>Azure's doors to <see cref="SendCommands"/> and <see cref="TakeDeliveries"/>. The local region's are CommandLoop and the gateway's feedback.</summary>
/// <remarks>All of them may run on several hosts at once; what one of them has taken the others leave alone.</remarks>
public sealed class CommandFunctions(SendCommands sender, TakeDeliveries deliveries, IotHubFeedback feedback)
{
    // Each waits for its device, for half a minute when that is silent.
    private const int AtOnce = 100;

    /// <summary>Rung when a command is due: it goes at once.</summary>
    [Function(nameof(SendRung))]
    public Task SendRung([ServiceBusTrigger(CommandBell.Queue, Connection = ServiceBusOptions.Section)] string ring, FunctionContext context) =>
        sender.HandleAsync(AtOnce, context.CancellationToken);

    /// <summary>Answers that did not come, expiries, what a crash has left behind, and rings that were lost.</summary>
    [Function(nameof(SendDue))]
    public Task SendDue([TimerTrigger("*/10 * * * * *", UseMonitor = false)] TimerInfo timer, FunctionContext context) =>
        sender.HandleAsync(AtOnce, context.CancellationToken);

    [Function(nameof(TakeFeedback))]
    public Task TakeFeedback([TimerTrigger("*/15 * * * * *", UseMonitor = false)] TimerInfo timer, FunctionContext context) =>
        feedback.DrainAsync(deliveries.HandleAsync, context.CancellationToken);
}
