namespace Pumps.Handlers.Firmware;

/// <summary>Has the transfers of devices looked at that have spoken of firmware in a message of their own, or have started.</summary>
/// <remarks>Safe to repeat. What they said is not read: their transfer asks them, and gets the newest answer.</remarks>
public sealed class WakeTransfers(IRolloutStore store, ITransferQueue queue, TimeProvider time)
{
    public async Task HandleAsync(IReadOnlyList<string> deviceIds, CancellationToken cancel)
    {
        var due = await store.WakeAsync(deviceIds, time.GetUtcNow(), cancel);
        if (due.Count > 0)
            await queue.EnqueueAsync(due, cancel);
    }
}
