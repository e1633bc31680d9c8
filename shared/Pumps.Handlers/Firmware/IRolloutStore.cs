using System.Collections.Immutable;
using Pumps.Core.Firmware;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Datapoints;

namespace Pumps.Handlers.Firmware;

/// <summary>A rollout to be placed.</summary>
/// <param name="Id">Given by whoever places it; the same id is the same rollout.</param>
/// <param name="Target">Of the image's product these devices; all of them when it names nothing.</param>
/// <param name="Window">When devices may start the image; null: at any time.</param>
/// <param name="By">Who places it.</param>
public sealed record NewRollout(string Id, string ImageId, GroupTarget Target, RolloutTerms Terms, MaintenanceWindow? Window, string By);

/// <summary>A rollout as it is stored.</summary>
/// <param name="Number">Its place among all of the region, from 1.</param>
/// <param name="Version">Changes with every write: who has read an older one cannot overwrite a newer one.</param>
public sealed record StoredRollout(
    long Number, NewRollout Order, string Product, string FirmwareVersion, RolloutState State, long Version, int Devices, DateTimeOffset CreatedAt);

/// <summary>A transfer as it is stored, with what a driver must know of it.</summary>
/// <param name="Version">As of a <see cref="StoredRollout"/>.</param>
/// <param name="Running">The version that the device last said it runs; null: it never said.</param>
/// <param name="TimeZone">Of the device's site (IANA); null: it stands nowhere.</param>
/// <param name="ResumedAt">Of its rollout (<see cref="RolloutState.ResumedAt"/>).</param>
public sealed record StoredTransfer(
    long RolloutNumber, string RolloutId, string DeviceId, int Wave, string ImageId, TransferState State, long Version, MaintenanceWindow? Window, string? Running,
    string? TimeZone, DateTimeOffset? ResumedAt = null);

/// <summary>What became of a rollout that was placed.</summary>
public enum RolloutPlacing
{
    Placed,

    /// <summary>The rollout was there already, with the same content.</summary>
    Repeated,

    /// <summary>The id belongs to a rollout with another content.</summary>
    IdTaken,

    /// <summary>No device of the product is in the target, or all that are have another transfer that is not over.</summary>
    NoDevices,

    /// <summary>The image is not there any more.</summary>
    NoImage,
}

/// <summary>Rollouts, with their transfers as whoever leads them sees these. PostgreSQL in both worlds.</summary>
/// <remarks>A device has one transfer at a time that is not over.</remarks>
public interface IRolloutStore
{
    /// <summary>
    /// Keeps a rollout with a transfer for each active device of the product in the target, or nothing of it. Which wave a device is in is left to chance,
    /// but the same for the same rollout. Devices that have another transfer are left out.
    /// </summary>
    /// <returns>What became of it, and the rollout that stands there now; null when there is none.</returns>
    Task<(RolloutPlacing Placing, StoredRollout? Rollout)> PlaceAsync(NewRollout rollout, DateTimeOffset now, CancellationToken cancel);

    Task<StoredRollout?> FindAsync(string id, CancellationToken cancel);

    /// <summary>Newest first.</summary>
    Task<Page<StoredRollout>> ListAsync(RolloutPhase? phase, string? cursor, int limit, CancellationToken cancel);

    /// <summary>Ids of rollouts that are not over, oldest first.</summary>
    Task<IReadOnlyList<string>> ListOpenAsync(CancellationToken cancel);

    /// <summary>Its transfers, counted: one figure for each of its waves.</summary>
    Task<ImmutableArray<WaveCount>> CountAsync(long rolloutNumber, CancellationToken cancel);

    /// <summary>
    /// Keeps a rollout's state together with what follows for its transfers. <see cref="RolloutEffect.StartWave"/>: those of the wave that wait are due now.
    /// <see cref="RolloutEffect.CancelTransfers"/>: waiting ones are cancelled; those that are being sent or are ready are due now, and
    /// <see cref="StoredTransfer"/>s of an aborted rollout get <see cref="TransferSignal.Aborted"/> from their driver.
    /// </summary>
    /// <returns>False when somebody else has changed it since it was read: nothing was kept.</returns>
    Task<bool> KeepAsync(StoredRollout rollout, RolloutState next, RolloutEffect effect, DateTimeOffset now, CancellationToken cancel);

    /// <summary>A rollout's transfers in the order of their devices' ids.</summary>
    Task<Page<StoredTransfer>> ListTransfersAsync(long rolloutNumber, TransferPhase? phase, string? cursor, int limit, CancellationToken cancel);

    /// <summary>The newest transfers of a device, newest first.</summary>
    Task<IReadOnlyList<StoredTransfer>> ListOfDeviceAsync(string deviceId, int limit, CancellationToken cancel);

    /// <summary>Removes rollouts that ended before a time, with their transfers, at most so many of these.</summary>
    /// <returns>How many transfers; fewer than the limit when none is left.</returns>
    Task<int> RemoveAsync(DateTimeOffset before, int limit, CancellationToken cancel);
}
