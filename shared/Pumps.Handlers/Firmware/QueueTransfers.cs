using Microsoft.Extensions.Options;

namespace Pumps.Handlers.Firmware;

/// <summary>Queues the devices whose transfers are due.</summary>
/// <remarks>Safe to run anywhere and as often as one likes. What a lost queue or a killed driver has left behind is queued again after a while.</remarks>
public sealed class QueueTransfers(IRolloutStore store, ITransferQueue queue, IOptions<FirmwareOptions> options, TimeProvider time)
{
    // Longer than any device waits in a queue of TransfersMax devices, a minute's turn each.
    private static readonly TimeSpan QueuedFor = TimeSpan.FromMinutes(10);

    /// <returns>How many were queued.</returns>
    public async Task<int> HandleAsync(CancellationToken cancel)
    {
        var devices = await store.ClaimAsync(time.GetUtcNow(), QueuedFor, options.Value.TransfersMax, cancel);
        if (devices.Count > 0)
            await queue.EnqueueAsync(devices, cancel);
        return devices.Count;
    }
}
