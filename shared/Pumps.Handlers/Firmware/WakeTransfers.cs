namespace Pumps.Handlers.Firmware;

/// <summary>Has the transfers of devices looked at that have connected, started, or spoken of firmware in a message of their own.</summary>
/// <remarks>
/// Safe to repeat. What they said is not read: their transfer asks them, and gets the newest answer. Whoever is starting an image is served at once, the
/// others when <see cref="QueueTransfers"/> has room: all of a region's devices may come at the same time.
/// </remarks>
public sealed class WakeTransfers(ITransferStore store, ITransferQueue queue, TimeProvider time)
{
    public async Task HandleAsync(IReadOnlyList<string> deviceIds, CancellationToken cancel)
    {
        var starting = await store.WakeAsync(deviceIds, time.GetUtcNow(), cancel);
        if (starting.Count > 0)
            await queue.EnqueueAsync(starting, cancel);
    }
}
