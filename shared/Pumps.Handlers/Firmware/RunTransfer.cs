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

    // The pace has saved up enough by then for a burst of several devices.
    private static readonly TimeSpan NoRoom = TimeSpan.FromSeconds(1);

    private readonly Pace _methods = new(commands.Value.MethodsPerSecond);

    /// <summary>By which devices know the transfers of a rollout.</summary>
    public static uint NumberOf(Protocol protocol, long rolloutNumber) =>
        protocol is Protocol.Dp1 ? 1 + (uint)(rolloutNumber % Dp1Images) : checked((uint)rolloutNumber);

    public async Task HandleAsync(string device, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        if (await store.TakeAsync(device, now, options.Value.Turn + LeaseBeyondTurn, cancel) is not var (transfer, isAborted))
            return;

        var (image, content) = await shelf.FindAsync(transfer.ImageId, cancel);
        var terms = new TransferTerms(image.Head.Protocol, image.Head.Version, image.Head.Chunks, NumberOf(image.Head.Protocol, transfer.RolloutNumber));
        var state = await ServeAsync(transfer, isAborted, image.Head, content, terms, now + options.Value.Turn, cancel);

        var isDue = await store.KeepAsync(transfer, state, time.GetUtcNow(), QueueTransfers.QueuedFor, cancel);
        if (state.Phase.IsOver())
            log.TransferEnded(transfer.RolloutId, device, state.Phase, state.Reason);
        if (isDue)
            await queue.EnqueueAsync([device], cancel);
    }

    private async Task<TransferState> ServeAsync(
        StoredTransfer transfer, bool isAborted, FirmwareHead head, byte[] content, TransferTerms terms, DateTimeOffset until, CancellationToken cancel)
    {
        var (state, limits) = (transfer.State, options.Value.Limits);
        TransferSignal signal = isAborted && state.Phase.CanPause() ? new TransferSignal.Aborted() : DueOf(transfer);
        while (true)
        {
            var now = time.GetUtcNow();
            var (next, effects) = TransferMachine.Step(state, signal, now, terms, limits);
            if (effects.IsEmpty)
            {
                // What has become due by this step is done in this turn, too.
                if (next == state || next.DueAt is null || next.DueAt > now)
                    return next;
                (state, signal) = (next, DueOf(transfer));
                continue;
            }

            state = next;
            if (now >= until)
                return Interrupted(now);
            var (room, downlink) = await RoomAsync(transfer.DeviceId, head, effects, cancel);
            if (room.IsEmpty)
                return Interrupted(time.GetUtcNow() + NoRoom);
            signal = TransferMachine.Merge(await Task.WhenAll(
                room.Select((effect, i) => link.SendAsync(transfer.DeviceId, head, content, terms, effect, downlink + i, cancel))));
        }

        TransferState Interrupted(DateTimeOffset when) => TransferMachine.Step(state, new TransferSignal.Interrupted(when), time.GetUtcNow(), terms, limits).Next;
    }

    /// <returns>Of the effects as many as the pace has room for, and the number of the first frame.</returns>
    private async Task<(ImmutableArray<TransferEffect> Effects, long Downlink)> RoomAsync(
        string device, FirmwareHead head, ImmutableArray<TransferEffect> effects, CancellationToken cancel)
    {
        var (units, downlink) = await store.TakePaceAsync(device, effects.Sum(e => FirmwareLink.UnitsOf(head, e)), _methods, time.GetUtcNow(), cancel);
        var count = 0;
        while (count < effects.Length && (units -= FirmwareLink.UnitsOf(head, effects[count])) >= 0)
            count++;
        return (effects[..count], downlink);
    }

    /// <summary>A device that stands nowhere keeps UTC.</summary>
    private TransferSignal.Due DueOf(StoredTransfer transfer) => new(
        transfer.Running, transfer.Window?.OpensAt(ScheduleClock.Zone(transfer.TimeZone) ?? TimeZoneInfo.Utc, time.GetUtcNow()));
}
