using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Pumps.Core.Protocols;

namespace Pumps.Core.Firmware;

/// <summary>Where the transfer of an image to a device stands. Stored and shown by the names of <see cref="TransferPhases"/>.</summary>
public enum TransferPhase : byte
{
    /// <summary>Its wave has not begun, or its turn has not come.</summary>
    Waiting,

    /// <summary>Offer, chunks, check: until the device says that it has the whole image.</summary>
    Sending,

    /// <summary>The device has the image and waits for its maintenance window.</summary>
    Ready,

    /// <summary>The device was told to start it.</summary>
    Activating,

    /// <summary>DP2: it runs on trial, and goes back to the old one unless it hears from the cloud.</summary>
    Confirming,

    /// <summary>It is being taken back, and the device told so.</summary>
    Cancelling,

    /// <summary>The device runs the version.</summary>
    Done,

    /// <summary>The device does not run it; the reason says why.</summary>
    Failed,

    /// <summary>Taken back before the device was told to start it.</summary>
    Cancelled,
}

/// <summary>Names of phases as they are stored and shown; they never change their meaning.</summary>
public static class TransferPhases
{
    private static readonly string[] Names =
        ["waiting", "sending", "ready", "activating", "confirming", "cancelling", "done", "failed", "cancelled"];

    public static IReadOnlyList<string> All => Names;

    public static string Name(this TransferPhase phase) => Names[(int)phase];

    public static TransferPhase Parse(string name) =>
        Array.IndexOf(Names, name) is >= 0 and var i ? (TransferPhase)i : throw new FormatException($"\"{name}\" is not a phase of a transfer.");

    public static bool IsOver(this TransferPhase phase) => phase >= TransferPhase.Done;

    /// <summary>Whether a paused rollout holds it back. What a device has begun to start must be brought to its end, or it goes back to the old image.</summary>
    public static bool CanPause(this TransferPhase phase) => phase <= TransferPhase.Ready;
}

/// <summary>Why a transfer failed, where the device has no word of its own for it. Stored, and shown in the portal.</summary>
public static class TransferReasons
{
    /// <summary>Not a failure: the device ran the version already.</summary>
    public const string AlreadyRunning = "already_running";

    /// <summary>It took longer than a device keeps what it has stored.</summary>
    public const string Timeout = "timeout";

    /// <summary>However often it was offered, the device speaks of another image or of none.</summary>
    public const string OfferNotTaken = "offer_not_taken";

    /// <summary>The device has lost what it had stored, too often.</summary>
    public const string Lost = "transfer_lost";

    /// <summary>The device was told to start the image and never said that it runs it.</summary>
    public const string NotStarted = "not_started";

    /// <summary>Not a failure: since the rollout was placed the device has retired or become another product, and the image is not for it.</summary>
    public const string OtherDevice = "other_device";

    /// <summary>The device went back to the old image.</summary>
    public const string RolledBack = "rolled_back";
}

/// <summary>What does not change of a transfer.</summary>
/// <param name="Version">Of the image, as the device says it when it runs.</param>
/// <param name="Chunks">DP1: blocks of 128 bytes.</param>
/// <param name="Number">By which the device knows the transfer. DP1: image id, 1 to 255; DP2: 1 to 2^32 - 1.</param>
public readonly record struct TransferTerms(Protocol Protocol, string Version, int Chunks, uint Number)
{
    /// <summary>When its rollout went on after a pause, in which no time is lost; null: it never was paused.</summary>
    public DateTimeOffset? ResumedAt { get; init; }
}

/// <summary>How long is waited, and how often tried. The figures of the protocols cannot be changed; the others are settings.</summary>
/// <param name="RepeatsMax">Transmissions in a row without an answer before a pause (DP1 section 6: 5).</param>
/// <param name="Pause">After these (DP1 section 6: 10 minutes).</param>
/// <param name="OfflinePause">Before a device that is not connected is tried again; doubled each time, up to <paramref name="OfflinePauseMax"/>.</param>
/// <param name="Look">How often a device that starts an image is asked, and when one that is busy or begins anew.</param>
/// <param name="StartWithin">For the whole start of a device that can be asked; a DP2 device's trial ends after 15 minutes (section 9.5).</param>
/// <param name="GiveUpAfter">Counted from the first offer (DP2 section 9.4: a device gives up after 14 days).</param>
/// <param name="RestartsMax">Times that a transfer begins anew because a device has lost it, or has got it wrong.</param>
/// <param name="WindowMax">Chunks under way at a time; a device may allow fewer. DP1: always 1.</param>
public sealed record TransferLimits(
    int RepeatsMax, TimeSpan Pause, TimeSpan OfflinePause, TimeSpan OfflinePauseMax, TimeSpan Look, TimeSpan StartWithin, TimeSpan GiveUpAfter, int RestartsMax,
    int WindowMax)
{
    public static TransferLimits Default { get; } = new(
        5, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(1), TimeSpan.FromHours(1), TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(20), TimeSpan.FromDays(14), 5, 8);
}

/// <summary>Chunks from the first to the last, both included.</summary>
public readonly record struct ChunkRange(int First, int Last);

/// <summary>The state of one transfer, as it is stored.</summary>
/// <param name="DueAt">When the driver must come back without a signal; null: its wave has not begun, or it is over.</param>
public sealed record TransferState(TransferPhase Phase, DateTimeOffset? DueAt)
{
    /// <summary>Chunks that the device has, as far as it has told.</summary>
    public int Stored { get; init; }

    /// <summary>Transmissions in a row without an answer, or with one that shows that nothing came of them.</summary>
    public int Silences { get; init; }

    /// <summary>Pauses in a row without progress.</summary>
    public int Pauses { get; init; }

    public int Restarts { get; init; }

    /// <summary>Until when the device must run the image, or tell that it does when it can be asked again.</summary>
    public DateTimeOffset? Deadline { get; init; }

    public string? Reason { get; init; }

    public DateTimeOffset? StartedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>
    /// What the device has told in this turn of its driver, null: nothing. Forgotten between turns: what was under way then may have arrived or not, and
    /// the device knows.
    /// </summary>
    [JsonIgnore]
    public ImmutableArray<ChunkRange>? Missing { get; init; }

    /// <summary>Chunks that the device can take now.</summary>
    [JsonIgnore]
    public int Window { get; init; }

    /// <summary>The device was told to check the image since the last chunk.</summary>
    [JsonIgnore]
    public bool IsChecked { get; init; }
}

/// <summary>What is to be sent to the device. Each is safe to repeat: the device knows what it has.</summary>
public enum TransferAct : byte
{
    Offer,
    Chunk,

    /// <summary>DP1: has the device check the image; a DP2 device does that by itself.</summary>
    Verify,
    Activate,

    /// <summary>DP2.</summary>
    Confirm,

    /// <summary>Asks where the transfer stands.</summary>
    Query,
    Cancel,
}

/// <param name="Chunk">Index, for <see cref="TransferAct.Chunk"/>.</param>
public readonly record struct TransferEffect(TransferAct Act, int Chunk = 0);

/// <summary>What a device says of a transfer, in the same words for both protocols.</summary>
public enum TransferWord : byte
{
    /// <summary>It knows nothing of this transfer.</summary>
    Unknown,

    Receiving,

    /// <summary>It has the whole image, and the image is good.</summary>
    Stored,

    Activating,
    Trial,

    /// <summary>The image runs for good.</summary>
    Confirmed,

    RolledBack,
    Failed,
    Cancelled,
}

/// <summary>An answer of a device.</summary>
/// <param name="Result">Its word for what went wrong; null: nothing.</param>
/// <param name="Count">Chunks it has.</param>
/// <param name="Missing">Chunks it has not, in order.</param>
/// <param name="Window">Chunks it can take now; null: it does not say.</param>
public sealed record TransferAnswer(
    TransferWord Word, string? Result = null, int Count = 0, ImmutableArray<ChunkRange> Missing = default, int? Window = null)
{
    public ImmutableArray<ChunkRange> Missing { get; init; } = Missing.IsDefault ? [] : Missing;
}

/// <summary>Something that has happened to a transfer.</summary>
public abstract record TransferSignal
{
    private TransferSignal()
    {
    }

    /// <summary>The time of <see cref="TransferState.DueAt"/> has come.</summary>
    /// <param name="Running">The version that the device last said it runs; null: it never said.</param>
    /// <param name="OpensAt">When its maintenance window opens; null: it is open now.</param>
    public sealed record Due(string? Running, DateTimeOffset? OpensAt) : TransferSignal;

    public sealed record Heard(TransferAnswer Answer) : TransferSignal;

    /// <summary>It was sent, and no answer came; it may have arrived.</summary>
    public sealed record Silent : TransferSignal;

    /// <summary>The device is not connected.</summary>
    public sealed record Offline : TransferSignal;

    /// <summary>The hub will never take it.</summary>
    public sealed record Impossible(string Reason) : TransferSignal;

    /// <summary>The driver's turn ends for a reason of its own.</summary>
    public sealed record Interrupted(DateTimeOffset Until) : TransferSignal;

    /// <summary>The device is not to get the image any more.</summary>
    /// <param name="Reason">Null: the rollout was aborted.</param>
    public sealed record Aborted(string? Reason = null) : TransferSignal;
}
