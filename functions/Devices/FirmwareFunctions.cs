using Microsoft.Azure.Functions.Worker;
using Pumps.Azure.ServiceBus;
using Pumps.Handlers.Firmware;

namespace Pumps.Devices;

/// <summary>Azure's doors to <see cref="RunTransfer"/> and <see cref="QueueTransfers"/>. The local region's are in its FirmwareLoop.cs.</summary>
/// <remarks>All of them may run on several hosts at once, and again: a transfer is in one host's hands at a time, and its device knows what it has.</remarks>
public sealed class FirmwareFunctions(RunTransfer transfer, QueueTransfers queue)
{
    /// <summary>One turn of one device. Its session is its own: another host serves other devices meanwhile, and never the same one.</summary>
    [Function(nameof(ServeDevice))]
    public Task ServeDevice(
        [ServiceBusTrigger(TransferQueue.Queue, Connection = ServiceBusOptions.Section, IsSessionsEnabled = true)] string device, FunctionContext context) =>
        transfer.HandleAsync(device, context.CancellationToken);

    /// <summary>A message that was lost, or given up after too many failures, is queued again by one of the next turns.</summary>
    [Function(nameof(QueueDueTransfers))]
    public Task QueueDueTransfers([TimerTrigger("*/10 * * * * *", UseMonitor = false)] TimerInfo timer, FunctionContext context) =>
        queue.HandleAsync(context.CancellationToken);
}
