using System.Collections.Immutable;
using Pumps.Core.Protocols;
using static Pumps.Core.Firmware.TransferPhase;

namespace Pumps.Core.Firmware;

/// <summary>The cloud's side of a firmware transfer to one device, for both protocols (DP1 section 6, DP2 section 9).</summary>
/// <remarks>
/// <code>
///           due              image complete        window open          runs the version
///  Waiting ─────► Sending ─────────────────► Ready ────────────► Activating ───────────► Done            DP1
///                  │  ▲ ▲ lost, wrong: anew    │                  │       ▲ │
///                  │  └─┘                      │             trial│       │ │ trial: confirm
///                  │                           │                  ▼       │ ▼
///                  │                           │                Confirming ─────────────► Done            DP2
///                  ├───────────────────────────┴── aborted ──► Cancelling ──────────────► Cancelled
///                  └── refused, given up ────────────────────────────────────────────────► Failed
/// </code>
/// Not drawn: a device that has not begun to start the image goes back to Ready, and one that has lost it to Sending, from wherever it is.
/// The device is the truth about what it has: every turn begins with asking it, and goes on from its answer. So nothing is lost with a driver that is
/// killed, and nothing is sent twice that the device would not recognise. Chunks go in their order; a DP1 device gets one at a time.
/// </remarks>
public static class TransferMachine
{
    // What no repetition mends. The other results (power, a lost or damaged image) may be different next time.
    private static readonly ImmutableHashSet<string> Final =
    [
        "no_space", "bad_signature", "wrong_product", "wrong_hardware", "downgrade_refused", "flash_error", "user_denied", "unknown_key", "bad_manifest", "bad_block",
    ];

    private static readonly ImmutableHashSet<string> Power = ["low_supply", "power_low"];

    public static TransferState Begin { get; } = new(Waiting, null);

    /// <summary>
    /// Delivery is at least once and may be out of order. A signal that has no arrow in the present phase is a duplicate or a straggler: the transfer
    /// stays as it is, and nothing is to be done. Without an effect the driver's turn ends, unless the transfer is due.
    /// </summary>
    public static (TransferState Next, ImmutableArray<TransferEffect> Effects) Step(
        TransferState state, TransferSignal signal, DateTimeOffset now, in TransferTerms terms, TransferLimits limits) => (state.Phase, signal) switch
        {
            (Done or Failed or Cancelled, _) => (state, []),

            (Waiting, TransferSignal.Due due) when due.Running == terms.Version && terms.Protocol is Protocol.Dp1 =>
                End(state with { Reason = TransferReasons.AlreadyRunning }, Done, now),
            // It may run on trial, because of a driver that was killed before it could say so.
            (Waiting, TransferSignal.Due due) when due.Running == terms.Version =>
                (Starting(state with { StartedAt = now, DueAt = now, Reason = TransferReasons.AlreadyRunning }, Confirming, now, limits), [new(TransferAct.Confirm)]),
            (Waiting, TransferSignal.Due) => Ask(state with { Phase = Sending, StartedAt = now, DueAt = now }, terms),
            (Waiting, TransferSignal.Aborted aborted) => End(state with { Reason = aborted.Reason }, Cancelled, now),

            // A DP1 device has no other word for it than its IDENT; a DP2 device wants to be confirmed.
            (not Confirming, TransferSignal.Due due) when due.Running == terms.Version && terms.Protocol is Protocol.Dp1 =>
                End(state with { Reason = null }, Done, now),
            (Sending or Ready, TransferSignal.Due) when now >= GiveUpAt(state, terms, limits) => Fail(state, TransferReasons.Timeout, now),
            (Activating or Confirming, TransferSignal.Due) when now >= GiveUpAt(state, terms, limits) && now >= state.Deadline =>
                Fail(state, TransferReasons.NotStarted, now),
            (Sending, TransferSignal.Due) => Ask(state, terms),
            // It may have been told to start all the same, by a driver that did not hear it: a DP2 device's trial would end badly.
            (Ready, TransferSignal.Due { OpensAt: { } opens }) => (Rest(state, opens), terms.Protocol is Protocol.Dp1 ? [] : [new(TransferAct.Query)]),
            // Whether it hears that or not: from here on it may start, and a pause must not keep a DP2 device from being confirmed.
            (Ready, TransferSignal.Due) => (
                terms.Protocol is Protocol.Dp1 ? state : Starting(state, Activating, now, limits) with { Pauses = state.Pauses }, [new(TransferAct.Activate)]),
            (Activating, TransferSignal.Due) when terms.Protocol is Protocol.Dp1 && now < state.Deadline => (Rest(state, now + limits.Look), []),
            (Activating, TransferSignal.Due) => (state, [new(TransferAct.Query)]),
            (Confirming, TransferSignal.Due) => (state, [new(TransferAct.Confirm)]),
            (Cancelling, TransferSignal.Due) when now >= state.Deadline => End(state, Cancelled, now),
            (Cancelling, TransferSignal.Due) => (state, [new(TransferAct.Cancel)]),

            // Whoever has been told to start it starts it; before that it can be taken back.
            (Sending or Ready, TransferSignal.Aborted aborted) =>
                (Rest(state with { Phase = Cancelling, Deadline = now + limits.Pause, Silences = 0, Reason = aborted.Reason }, now), []),

            (Sending or Ready or Activating or Confirming, TransferSignal.Heard { Answer: var answer }) => Hear(state, answer, now, terms, limits),
            (Cancelling, TransferSignal.Heard { Answer.Word: TransferWord.Activating or TransferWord.Trial or TransferWord.Confirmed } late) =>
                Hear(state, late.Answer, now, terms, limits),
            (Cancelling, TransferSignal.Heard) => End(state, Cancelled, now),

            // The device drops what it has by itself, after 14 days or with the next offer.
            (Cancelling, TransferSignal.Offline or TransferSignal.Impossible) => End(state, Cancelled, now),

            (Waiting, _) => (state, []),
            (_, TransferSignal.Silent) when state.Silences + 1 < limits.RepeatsMax => Repeat(state with { Silences = state.Silences + 1 }, now, terms, limits),
            (_, TransferSignal.Silent) => Pause(state, limits.Pause, now, limits),
            (_, TransferSignal.Offline) => Pause(state, Doubled(limits.OfflinePause, state.Pauses, limits), now, limits),
            (_, TransferSignal.Impossible { Reason: var reason }) => Fail(state, reason, now),
            (_, TransferSignal.Interrupted { Until: var until }) => (Rest(state, until), []),

            _ => (state, []),
        };

    /// <summary>What follows from several chunks that were under way together: the worst that was said, else the newest.</summary>
    public static TransferSignal Merge(IReadOnlyList<TransferSignal> signals)
    {
        var best = signals[0];
        foreach (var signal in signals.Skip(1))
            if (Weight(signal) > Weight(best))
                best = signal;
        return best;

        static long Weight(TransferSignal signal) => signal switch
        {
            TransferSignal.Impossible => long.MaxValue,
            TransferSignal.Heard { Answer.Word: not TransferWord.Receiving } => long.MaxValue - 1,
            TransferSignal.Heard { Answer.Count: var count } => 2L + count,
            TransferSignal.Silent => 1,
            _ => 0,
        };
    }

    /// <summary>A DP1 device keeps what it has only while nobody begins anew (section 6), so it is asked; a DP2 device resumes with the same offer (section 9.4).</summary>
    private static (TransferState, ImmutableArray<TransferEffect>) Ask(TransferState state, in TransferTerms terms) =>
        (state with { Missing = null }, [new(terms.Protocol is Protocol.Dp1 && state.Stored > 0 ? TransferAct.Query : TransferAct.Offer)]);

    private static (TransferState, ImmutableArray<TransferEffect>) Hear(
        TransferState state, TransferAnswer answer, DateTimeOffset now, in TransferTerms terms, TransferLimits limits)
    {
        var heard = state with { Silences = 0, Pauses = answer.Count > state.Stored ? 0 : state.Pauses };
        return answer switch
        {
            { Word: TransferWord.Receiving } when state.Phase is Sending => Receive(state, answer, now, terms, limits),
            { Word: TransferWord.Stored } when state.Phase is Sending => (Rest(heard with { Phase = Ready, Stored = terms.Chunks, Pauses = 0 }, now), []),
            // It has not begun to start it, whatever it was told; or nobody has told it because its window is closed.
            { Word: TransferWord.Stored } => (
                Rest(heard with { Phase = Ready, Deadline = null, Pauses = state.Pauses + 1 }, Later(state.DueAt, now + Doubled(limits.Look, state.Pauses, limits))), []),
            { Word: TransferWord.Activating or TransferWord.Trial } when state.Phase is Activating or Confirming && now >= state.Deadline =>
                Fail(heard, TransferReasons.NotStarted, now),
            { Word: TransferWord.Activating } => (Rest(Starting(heard, Activating, now, limits), now + limits.Look), []),
            { Word: TransferWord.Trial } when state.Phase is Confirming => (Rest(heard, now + limits.Look), []),
            { Word: TransferWord.Trial } => (Starting(heard, Confirming, now, limits), [new(TransferAct.Confirm)]),
            { Word: TransferWord.Confirmed } => End(heard with { Reason = null }, Done, now),
            { Word: TransferWord.RolledBack } => Fail(heard, TransferReasons.RolledBack, now),
            { Word: TransferWord.Failed, Result: { } result } when Final.Contains(result) => Fail(heard, result, now),
            // Only an offer makes a device forget that it has failed.
            { Word: TransferWord.Failed, Result: { } result } when Power.Contains(result) =>
                Pause(heard with { Phase = Sending, Stored = 0, Deadline = null, Reason = result }, limits.Pause, now, limits),
            { Word: TransferWord.Unknown } when state is { Phase: Confirming, Reason: TransferReasons.AlreadyRunning } => End(heard, Done, now),
            // A DP1 device that forgets a whole image has restarted, maybe with that image: its IDENT says which one it runs.
            { Word: TransferWord.Unknown } when terms.Protocol is Protocol.Dp1 && (state.Phase is Ready || (state.Phase is Activating && now < state.Deadline)) =>
                (Rest(Starting(heard, Activating, now, limits), now + limits.Look), []),
            _ => Restart(heard, answer.Result ?? ReasonOf(state), now, limits),
        };
    }

    private static (TransferState, ImmutableArray<TransferEffect>) Receive(
        TransferState state, TransferAnswer answer, DateTimeOffset now, in TransferTerms terms, TransferLimits limits)
    {
        var progress = answer.Count > state.Stored;
        // Chunks that were sent and are not stored are as good as lost, whatever it answers.
        var inVain = !progress && state.Missing is { Length: > 0 };
        var told = state with
        {
            Stored = answer.Count,
            Missing = answer.Missing,
            Window = answer.Window ?? limits.WindowMax,
            Silences = inVain ? state.Silences + 1 : 0,
            Pauses = progress ? 0 : state.Pauses,
            Reason = progress ? null : state.Reason,
        };
        if (told.Silences >= limits.RepeatsMax)
            return Pause(told, limits.Pause, now, limits);
        if (answer.Missing.Length > 0)
            return told.Window == 0 ? Pause(told, limits.Look, now, limits) : Burst(told, terms, limits);
        if (terms.Protocol is Protocol.Dp1 && !state.IsChecked)
            return (told with { IsChecked = true }, [new(TransferAct.Verify)]);

        // It is at it, and says when it is through.
        return (Rest(told, now + limits.Look), []);
    }

    private static (TransferState, ImmutableArray<TransferEffect>) Burst(TransferState state, in TransferTerms terms, TransferLimits limits)
    {
        var window = terms.Protocol is Protocol.Dp1 ? 1 : Math.Min(state.Window, limits.WindowMax);
        var chunks = ImmutableArray.CreateBuilder<TransferEffect>(window);
        foreach (var (first, last) in state.Missing!.Value)
            for (var chunk = first; chunk <= last && chunks.Count < window; chunk++)
                chunks.Add(new(TransferAct.Chunk, chunk));
        return (state with { IsChecked = false }, chunks.ToImmutable());
    }

    private static (TransferState, ImmutableArray<TransferEffect>) Repeat(TransferState state, DateTimeOffset now, in TransferTerms terms, TransferLimits limits) =>
        state.Phase switch
        {
            Sending when state.Missing is { Length: > 0 } => Burst(state, terms, limits),
            Sending => Ask(state with { IsChecked = false }, terms),
            // Whether it has begun to start shows in what it says next.
            _ => (Rest(state, now + limits.Look), []),
        };

    /// <summary>From the offer on, but after a while: what a device runs that has restarted is known by then, and no device is asked without a break.</summary>
    private static (TransferState, ImmutableArray<TransferEffect>) Restart(TransferState state, string reason, DateTimeOffset now, TransferLimits limits) =>
        state.Restarts < limits.RestartsMax
            ? (Rest(state with { Phase = Sending, Restarts = state.Restarts + 1, Stored = 0, Deadline = null, Reason = reason }, now + limits.Look), [])
            : Fail(state, reason, now);

    private static string ReasonOf(TransferState state) => state switch
    {
        { Phase: Activating or Confirming } => TransferReasons.NotStarted,
        { Stored: > 0 } => TransferReasons.Lost,
        _ => TransferReasons.OfferNotTaken,
    };

    private static TransferState Starting(TransferState state, TransferPhase phase, DateTimeOffset now, TransferLimits limits) => state with
    {
        Phase = phase,
        Deadline = state.Phase is Activating or Confirming ? state.Deadline : now + limits.StartWithin,
        Pauses = 0,
    };

    /// <summary>While an image starts there is no time for long pauses.</summary>
    private static (TransferState, ImmutableArray<TransferEffect>) Pause(TransferState state, TimeSpan pause, DateTimeOffset now, TransferLimits limits)
    {
        var longest = state.Phase is Activating or Confirming && now < state.Deadline ? limits.Look : limits.OfflinePauseMax;
        return (Rest(state with { Silences = 0, Pauses = state.Pauses + 1 }, now + (pause < longest ? pause : longest)), []);
    }

    private static DateTimeOffset? GiveUpAt(TransferState state, in TransferTerms terms, TransferLimits limits) =>
        (terms.ResumedAt > state.StartedAt ? terms.ResumedAt : state.StartedAt) + limits.GiveUpAfter;

    private static TimeSpan Doubled(TimeSpan pause, int times, TransferLimits limits)
    {
        // Bounded, so that the product cannot overflow.
        var doubled = pause * Math.Pow(2, Math.Min(times, 16));
        return doubled < limits.OfflinePauseMax ? doubled : limits.OfflinePauseMax;
    }

    private static DateTimeOffset Later(DateTimeOffset? one, DateTimeOffset other) => one > other ? one.Value : other;

    private static TransferState Rest(TransferState state, DateTimeOffset until) =>
        state with { DueAt = until, Missing = null, IsChecked = false };

    private static (TransferState, ImmutableArray<TransferEffect>) Fail(TransferState state, string reason, DateTimeOffset now) =>
        End(state with { Reason = reason }, Failed, now);

    private static (TransferState, ImmutableArray<TransferEffect>) End(TransferState state, TransferPhase phase, DateTimeOffset now) =>
        (state with { Phase = phase, DueAt = null, EndedAt = now, Deadline = null, Missing = null, IsChecked = false }, []);
}
