namespace Pumps.Handlers.Firmware;

/// <summary>Has the transfers of devices looked at that have connected, started, or spoken of firmware in a message of their own.</summary>
/// <remarks>Safe to repeat. What they said is not read: their transfer asks them, and gets the newest answer.</remarks>
public sealed class WakeTransfers(ITransferStore store, TimeProvider time)
{
    // A device that says everything twice, as an answer and as a message, must not be asked again and again without a break.
    private static readonly TimeSpan AfterStatus = TimeSpan.FromSeconds(5);

    /// <summary>Devices are there, or have just started: what they run may be known now.</summary>
    public Task HandleAsync(IReadOnlyList<string> deviceIds, CancellationToken cancel) => store.WakeAsync(deviceIds, time.GetUtcNow(), cancel);

    /// <summary>Devices have told where their transfers stand.</summary>
    public Task HandleStatusAsync(IReadOnlyList<string> deviceIds, CancellationToken cancel) => store.WakeAsync(deviceIds, time.GetUtcNow() + AfterStatus, cancel);
}
