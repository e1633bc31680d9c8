using Pumps.Core.Firmware;
using Pumps.Handlers.Commands;

namespace Pumps.Handlers.Firmware;

/// <summary>A transfer in a driver's hands.</summary>
/// <param name="IsAborted">Its rollout is being aborted.</param>
/// <param name="IsForeign">The device has retired or become another product since the rollout was placed.</param>
public sealed record TakenTransfer(StoredTransfer Transfer, bool IsAborted, bool IsForeign);

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
    /// <returns>Null when there is nothing to do now.</returns>
    Task<TakenTransfer?> TakeAsync(string deviceId, DateTimeOffset now, TimeSpan lease, CancellationToken cancel);

    /// <summary>Keeps a state whose effect is about to be carried out; the transfer stays in the driver's hands.</summary>
    Task NoteAsync(StoredTransfer transfer, TransferState next, CancellationToken cancel);

    /// <summary>Keeps a transfer's state and gives it back. A device that has spoken meanwhile (<see cref="WakeAsync"/>) is due soon.</summary>
    /// <param name="queuedFor">As of <see cref="ClaimAsync"/>, when it is due now: the caller queues it.</param>
    /// <returns>Whether it is due now; null when somebody else has changed it since it was taken, and nothing was kept.</returns>
    Task<bool?> KeepAsync(StoredTransfer transfer, TransferState next, DateTimeOffset now, TimeSpan queuedFor, CancellationToken cancel);

    /// <summary>Devices have come, spoken of firmware, or started: their open transfers that have begun are due at this time at the latest. Safe to repeat.</summary>
    Task WakeAsync(IReadOnlyList<string> deviceIds, DateTimeOffset at, CancellationToken cancel);

    /// <summary>Takes room for transmissions from the pace of direct methods, of which commands keep half for themselves; and numbers frames for the device.</summary>
    /// <param name="frames">How many are wanted.</param>
    /// <param name="units">Of 4 KB, as the hub counts: that each of them costs.</param>
    /// <param name="urgent">Takes of the commands' half, too.</param>
    /// <returns>How many frames may go now, and the number of the first one.</returns>
    Task<(int Frames, long Downlink)> TakePaceAsync(string deviceId, int frames, int units, bool urgent, Pace methods, DateTimeOffset now, CancellationToken cancel);
}
