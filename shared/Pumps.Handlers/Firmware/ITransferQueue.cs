namespace Pumps.Handlers.Firmware;

/// <summary>
/// Where devices wait whose transfers are due: one turn (<see cref="RunTransfer"/>) of a device after another, many devices at once. Azure: a Service Bus
/// queue with sessions, the session is the device; local region: a channel in the process.
/// </summary>
/// <remarks>A device that is queued twice has a second turn, which finds nothing to do.</remarks>
public interface ITransferQueue
{
    Task EnqueueAsync(IReadOnlyList<string> deviceIds, CancellationToken cancel);
}
