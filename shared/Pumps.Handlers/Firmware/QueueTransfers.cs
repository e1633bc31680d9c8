using Microsoft.Extensions.Options;
using Pumps.Handlers.Commands;

namespace Pumps.Handlers.Firmware;

/// <summary>Queues the devices whose transfers are due.</summary>
/// <remarks>Safe to run anywhere and as often as one likes. What a lost queue or a killed driver has left behind is queued again after a while.</remarks>
public sealed class QueueTransfers(
    ITransferStore store, ITransferQueue queue, IOptions<FirmwareOptions> options, IOptions<CommandOptions> commands, TimeProvider time)
{
    // Far longer than a device waits for its turn behind TransfersMax others.
    internal static readonly TimeSpan QueuedFor = TimeSpan.FromMinutes(10);

    // A device takes a frame a second or so: more of them than the pace has frames would only wait for each other.
    private readonly int _activeMax = Math.Clamp((int)commands.Value.MethodsPerSecond, 1, options.Value.TransfersMax);

    /// <summary>
    /// Takes over what a host had queued or in hands that is gone: for the start of a region in which one process does all. Safe even when it is not gone:
    /// a device knows what it has, and the state of whoever comes second is not kept.
    /// </summary>
    public Task<int> TakeOverAsync(CancellationToken cancel) => store.TakeOverAsync(cancel);

    /// <returns>How many were queued.</returns>
    public async Task<int> HandleAsync(CancellationToken cancel)
    {
        var devices = await store.ClaimAsync(time.GetUtcNow(), QueuedFor, _activeMax, cancel);
        if (devices.Count > 0)
            await queue.EnqueueAsync(devices, cancel);
        return devices.Count;
    }
}
