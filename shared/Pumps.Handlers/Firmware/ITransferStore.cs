using Pumps.Core.Firmware;
using Pumps.Handlers.Commands;

namespace Pumps.Handlers.Firmware;

/// <summary>Transfers as their drivers see them. PostgreSQL in both worlds.</summary>
/// <remarks>
/// A driver has a transfer for itself while its lease lasts. A transfer of a paused rollout is not due, unless its device has begun to start the image
/// (<see cref="TransferPhases.CanPause"/>).
/// </remarks>
public interface ITransferStore
{
    /// <summary>
    /// Devices whose transfers are due and are neither queued nor in a driver's hands, for this caller to queue. First all that have begun to start an image,
    /// since a device goes back to the old one when nobody answers it; of the others the oldest, at most so many that with those queued and in hands there are
    /// <paramref name="activeMax"/>.
    /// </summary>
    /// <param name="queuedFor">After this a transfer that no driver has taken is queued again.</param>
    Task<IReadOnlyList<string>> ClaimAsync(DateTimeOffset now, TimeSpan queuedFor, int activeMax, CancellationToken cancel);

    /// <summary>Ends every lease and forgets every queue: whoever had them is gone.</summary>
    Task<int> TakeOverAsync(CancellationToken cancel);

    /// <summary>Takes the transfer of a device, if it is due and in nobody's hands.</summary>
    /// <returns>The transfer, and whether its rollout is being aborted; null when there is nothing to do now.</returns>
    Task<(StoredTransfer Transfer, bool IsAborted)?> TakeAsync(string deviceId, DateTimeOffset now, TimeSpan lease, CancellationToken cancel);

    /// <summary>Keeps a transfer's state and gives it back. A device that has spoken meanwhile (<see cref="WakeAsync"/>) stays due.</summary>
    /// <param name="queuedFor">As of <see cref="ClaimAsync"/>, when it is due now: the caller queues it.</param>
    /// <returns>Whether it is due now; not when somebody else has changed it since it was taken.</returns>
    Task<bool> KeepAsync(StoredTransfer transfer, TransferState next, DateTimeOffset now, TimeSpan queuedFor, CancellationToken cancel);

    /// <summary>Devices have come, spoken of firmware, or started: their open transfers that have begun are due now. Safe to repeat.</summary>
    /// <returns>Those that a driver can take and that have begun to start an image.</returns>
    Task<IReadOnlyList<string>> WakeAsync(IReadOnlyList<string> deviceIds, DateTimeOffset now, CancellationToken cancel);

    /// <summary>Takes room for transmissions from the pace of direct methods, of which commands keep half for themselves; and numbers frames for the device.</summary>
    /// <param name="wanted">In units of 4 KB, as the hub counts.</param>
    /// <returns>How many of the units may go now, and the number of the first frame.</returns>
    Task<(int Units, long Downlink)> TakePaceAsync(string deviceId, int wanted, Pace methods, DateTimeOffset now, CancellationToken cancel);
}
