using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Schedules;

namespace Pumps.Handlers.Firmware;

/// <summary>Serves one device whose transfer is due, for one turn: sends, hears, lets the machine decide, keeps where it stands.</summary>
/// <remarks>
/// Safe to run from several hosts at once and to be killed anywhere: a transfer is in one driver's hands while its lease lasts, and the next one asks the
/// device what it has. An exception of a port goes up; the transfer is taken up again when the lease is over.
/// </remarks>
public sealed class RunTransfer(
    ITransferStore store, ImageShelf shelf, FirmwareLink link, ITransferQueue queue, IOptions<FirmwareOptions> options, IOptions<CommandOptions> commands,
    TimeProvider time, ILogger<RunTransfer> log)
{
    // DP1 image ids are a byte, and 0 is none.
    private const int Dp1Images = 255;

    // A turn ends when it is over and what was under way has been answered.
    private static readonly TimeSpan LeaseBeyondTurn = TimeSpan.FromMinutes(1);

    // Others take turns at the pace meanwhile. The device keeps its place: a wave is served to its end, not begun everywhere.
    private static readonly TimeSpan NoRoom = TimeSpan.FromMilliseconds(500);

    // Where so many methods go a second that asking for each would be the limit, a device takes room for some chunks at once: for a hundredth of a second,
    // and not more than it uses up in a turn. What is left when the turn ends is lost.
    private const int ChunksAheadMax = 16;

    private readonly Pace _methods = new(commands.Value.MethodsPerSecond);
    private readonly int _chunksAhead = Math.Clamp((int)(commands.Value.MethodsPerSecond / 100), 1, ChunksAheadMax);

    /// <summary>By which devices know the transfers of a rollout.</summary>
    public static uint NumberOf(Protocol protocol, long rolloutNumber) =>
        protocol is Protocol.Dp1 ? 1 + (uint)(rolloutNumber % Dp1Images) : checked((uint)rolloutNumber);

    public async Task HandleAsync(string device, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        if (await store.TakeAsync(device, now, options.Value.Turn + LeaseBeyondTurn, cancel) is not { Transfer: var transfer } taken)
            return;

        var (image, content) = await shelf.FindAsync(transfer.ImageId, cancel);
        var terms = new TransferTerms(image.Head.Protocol, image.Head.Version, image.Head.Chunks, NumberOf(image.Head.Protocol, transfer.RolloutNumber))
        {
            ResumedAt = transfer.ResumedAt,
        };
        var state = await ServeAsync(taken, image.Head, content, terms, now + options.Value.Turn, cancel);

        var isDue = await store.KeepAsync(transfer, state, time.GetUtcNow(), QueueTransfers.QueuedFor, cancel);
        if (isDue is not null && state.Phase.IsOver())
            log.TransferEnded(transfer.RolloutId, device, state.Phase, state.Reason);
        if (isDue is true)
            await queue.EnqueueAsync([device], cancel);
    }

    private async Task<TransferState> ServeAsync(
        TakenTransfer taken, FirmwareHead head, byte[] content, TransferTerms terms, DateTimeOffset until, CancellationToken cancel)
    {
        var (transfer, limits) = (taken.Transfer, options.Value.Limits);
        var (state, signal) = (transfer.State, SignalOf(taken));
        var room = new Room();
        while (true)
        {
            var now = time.GetUtcNow();
            var before = state.Phase;
            (state, var effects) = TransferMachine.Step(state, signal, now, terms, limits);
            if (effects.IsEmpty)
            {
                // What has become due by this step is done in this turn, too.
                if (state.Phase == before || state.DueAt is null || state.DueAt > now)
                    return state;
                signal = DueOf(transfer);
                continue;
            }

            // Before the frame leaves: whoever finds the transfer after a crash must know what the device may be at.
            if (state.Phase != before)
                await store.NoteAsync(transfer, state, cancel);
            if (!await HasRoomAsync(room, transfer.DeviceId, head, effects, isUrgent: !state.Phase.CanPause(), until, cancel))
                return TransferMachine.Step(state, new TransferSignal.Interrupted(time.GetUtcNow()), time.GetUtcNow(), terms, limits).Next;
            signal = TransferMachine.Merge(await Task.WhenAll(
                effects.Take(room.Frames).Select(effect => link.SendAsync(transfer.DeviceId, head, content, terms, effect, room.Next(), cancel)).ToList()));
        }
    }

    /// <summary>Waits until the pace has room for one of the effects at least.</summary>
    /// <returns>False when the turn is over before.</returns>
    private async Task<bool> HasRoomAsync(
        Room room, string device, FirmwareHead head, ImmutableArray<TransferEffect> effects, bool isUrgent, DateTimeOffset until, CancellationToken cancel)
    {
        // Several effects are chunks of the same size. What there is for chunks may be too little for anything else.
        var isChunk = effects[0].Act is TransferAct.Chunk;
        var units = FirmwareLink.UnitsOf(head, effects[0]);
        while (!(isChunk && room.Frames > 0))
        {
            if (time.GetUtcNow() >= until)
                return false;
            room.Fill(await store.TakePaceAsync(
                device, isChunk ? Math.Max(effects.Length, _chunksAhead) : 1, units, isUrgent, _methods, time.GetUtcNow(), cancel));
            if (room.Frames > 0)
                return true;
            await Task.Delay(NoRoom, time, cancel);
        }

        return time.GetUtcNow() < until;
    }

    /// <summary>Frames that may go to a device in its turn, with their numbers.</summary>
    private sealed class Room
    {
        private long _next;

        public int Frames { get; private set; }

        public void Fill((int Frames, long Downlink) given) => (Frames, _next) = given;

        public long Next()
        {
            Frames--;
            return _next++;
        }
    }

    private TransferSignal SignalOf(TakenTransfer taken) => taken switch
    {
        { Transfer.State.Phase: var phase } when !phase.CanPause() => DueOf(taken.Transfer),
        { IsForeign: true } => new TransferSignal.Aborted(TransferReasons.OtherDevice),
        { IsAborted: true } => new TransferSignal.Aborted(),
        _ => DueOf(taken.Transfer),
    };

    /// <summary>A device that stands nowhere keeps UTC.</summary>
    private TransferSignal.Due DueOf(StoredTransfer transfer) => new(
        transfer.Running, transfer.Window?.OpensAt(ScheduleClock.Zone(transfer.TimeZone) ?? TimeZoneInfo.Utc, time.GetUtcNow()));
}
