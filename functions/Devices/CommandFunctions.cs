using Microsoft.Azure.Functions.Worker;
using Pumps.Azure.Devices;
using Pumps.Azure.ServiceBus;
using Pumps.Handlers.Commands;

namespace Pumps.Devices;

/// <summary>
/// Azure's doors to <see cref="SendCommands"/>, <see cref="TakeDeliveries"/> and <see cref="KeepCommands"/>. The local region's are CommandLoop, the
/// gateway's feedback and Upkeep.
/// </summary>
/// <remarks>All of them may run on several hosts at once; what one of them has taken the others leave alone.</remarks>
public sealed class CommandFunctions(SendCommands sender, TakeDeliveries deliveries, IotHubFeedback feedback, KeepCommands keeper)
{
    // Each waits for its device, for half a minute when that is silent.
    private const int AtOnce = 100;

    // One host of the region runs the timer, and waits for the pace on behalf of all: so the others need not. The next run goes on.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Rung when a command is due: it goes at once, unless the pace has no room for it.</summary>
    [Function(nameof(SendRung))]
    public Task SendRung([ServiceBusTrigger(CommandBell.Queue, Connection = ServiceBusOptions.Section)] string ring, FunctionContext context) =>
        sender.HandleAsync(AtOnce, TimeSpan.Zero, context.CancellationToken);

    /// <summary>What the pace had no room for, answers that did not come, expiries, what a crash has left behind, and rings that were lost.</summary>
    [Function(nameof(SendDue))]
    public Task SendDue([TimerTrigger("*/10 * * * * *", UseMonitor = false)] TimerInfo timer, FunctionContext context) =>
        sender.HandleAsync(AtOnce, Patience, context.CancellationToken);

    [Function(nameof(TakeFeedback))]
    public Task TakeFeedback([TimerTrigger("*/15 * * * * *", UseMonitor = false)] TimerInfo timer, FunctionContext context) =>
        feedback.DrainAsync(deliveries.HandleAsync, context.CancellationToken);

    /// <summary>Once a night, when few commands are given; a missed run is made up for by the next.</summary>
    [Function(nameof(KeepOldCommands))]
    public Task KeepOldCommands([TimerTrigger("0 40 2 * * *", UseMonitor = true)] TimerInfo timer, FunctionContext context) =>
        keeper.HandleAsync(context.CancellationToken);
}
