using Pumps.Core.Protocols;

namespace Pumps.Core.Commands;

/// <summary>Where a command is. Stored and shown by the names of <see cref="CommandPhases"/>.</summary>
public enum CommandPhase : byte
{
    Queued,
    Sent,
    Acknowledged,

    /// <summary>The device says that it has done it.</summary>
    Done,

    /// <summary>The device says that it does not do it, and why.</summary>
    Refused,

    /// <summary>The device could not do it, or nobody knows what became of it (<c>no_answer</c>).</summary>
    Failed,

    /// <summary>Its time ran out before it reached the device, as far as hub and device have told: it will not be executed.</summary>
    Expired,

    /// <summary>Taken back before it was sent.</summary>
    Cancelled,
}

/// <summary>Names of phases as they are stored and shown; they never change their meaning.</summary>
public static class CommandPhases
{
    private static readonly string[] Names = ["queued", "sent", "acknowledged", "done", "refused", "failed", "expired", "cancelled"];

    public static string Name(this CommandPhase phase) => Names[(int)phase];

    public static CommandPhase Parse(string name) =>
        Array.IndexOf(Names, name) is >= 0 and var i ? (CommandPhase)i : throw new FormatException($"\"{name}\" is not a phase of a command.");

    public static bool IsFinal(this CommandPhase phase) => phase >= CommandPhase.Done;
}

/// <summary>What decides how long a command is waited for. The figures of the protocols cannot be changed; the others are settings.</summary>
/// <param name="AnswerTimeout">How long a device may be silent after a command was sent (DP1 section 7: 30 s).</param>
/// <param name="FinishTimeout">How long it may take to finish after it has said that it will, counted from its last word.</param>
/// <param name="AttemptsMax">Transmissions of one command, at most.</param>
/// <param name="Pause">Wait before trying again when a queue is full.</param>
public sealed record CommandLimits(TimeSpan AnswerTimeout, TimeSpan FinishTimeout, int AttemptsMax, TimeSpan Pause)
{
    /// <summary>A DP1 telegram carries no expiry, so it is sent within a minute of the order or not at all (PROTOCOL.md, section 10).</summary>
    public static readonly TimeSpan Dp1TimeToLiveMax = TimeSpan.FromSeconds(60);

    /// <summary>That long a DP2 device knows what it has executed (section 8.1), so that long the same command may be repeated.</summary>
    public static readonly TimeSpan Dp2TimeToLiveMax = TimeSpan.FromHours(24);

    public static TimeSpan TimeToLiveMax(Protocol protocol) => protocol is Protocol.Dp1 ? Dp1TimeToLiveMax : Dp2TimeToLiveMax;
}

/// <summary>How a command is on its way.</summary>
public enum CommandRoute : byte
{
    /// <summary>Not sent yet.</summary>
    None,

    /// <summary>Direct method of a connected device.</summary>
    Method,

    /// <summary>The hub's cloud-to-device queue.</summary>
    Queue,
}

/// <summary>Names of routes as they are stored and shown.</summary>
public static class CommandRoutes
{
    private static readonly string[] Names = ["none", "method", "queue"];

    public static string Name(this CommandRoute route) => Names[(int)route];

    public static CommandRoute Parse(string name) =>
        Array.IndexOf(Names, name) is >= 0 and var i ? (CommandRoute)i : throw new FormatException($"\"{name}\" is not a route of a command.");
}

/// <summary>What does not change of a command.</summary>
/// <param name="ExpiresAt">After this nothing is sent.</param>
/// <param name="Repeatable">Whether the device recognises a second transmission and does not execute it again.</param>
public readonly record struct CommandTerms(DateTimeOffset ExpiresAt, bool Repeatable);

/// <summary>Where a command stands.</summary>
public sealed record CommandState
{
    public CommandPhase Phase { get; init; }

    /// <summary>Number of the newest transmission; 0 before the first.</summary>
    public int Attempt { get; init; }

    /// <summary>Transmissions of which nobody knows whether they reached the device. While there is one, the command may have been executed.</summary>
    public int Doubts { get; init; }

    public CommandRoute Route { get; init; }

    /// <summary>The hub's queue may hold a copy, which is delivered whenever the device connects, until it expires.</summary>
    public bool MayBeHeld { get; init; }

    /// <summary>When <see cref="CommandSignal.Due"/> must come; null when there is nothing to wait for.</summary>
    public DateTimeOffset? DueAt { get; init; }

    public DateTimeOffset? SentAt { get; init; }

    public DateTimeOffset? AcknowledgedAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Why it was refused or failed: the device's word, or one of <see cref="CommandReasons"/>.</summary>
    public string? Reason { get; init; }

    /// <summary>The device's newest answer.</summary>
    public CommandAnswer? Answer { get; init; }

    /// <summary>The device's answer came after it had been given up.</summary>
    public bool Late { get; init; }

    /// <summary>Whether nothing is known yet of this transmission: what is said of it twice must not take away the doubt about another.</summary>
    public bool IsOpen(int attempt) => attempt == Attempt && Route is not CommandRoute.None;

    public bool InFlight => Phase is CommandPhase.Sent or CommandPhase.Acknowledged;

    /// <summary>
    /// Ended without a clear word of the device: only such an end may still be corrected by one. A hub that drops a message from its queue may have
    /// handed it over before and missed the acknowledgement.
    /// </summary>
    public bool Unconfirmed =>
        (Phase is CommandPhase.Expired or CommandPhase.Cancelled && Attempt > 0 && Answer is null) ||
        (Phase is CommandPhase.Failed && Reason == CommandReasons.NoAnswer) || (Phase is CommandPhase.Done && Answer?.Outcome is CommandOutcome.Repeated);
}

/// <summary>Reasons that the platform gives; a device's own are those of its protocol.</summary>
public static class CommandReasons
{
    /// <summary>It was sent and no answer came. It may have been executed.</summary>
    public const string NoAnswer = "no_answer";

    /// <summary>The device's method <c>command</c> answered with an error: it does not take commands.</summary>
    public const string NoMethod = "command_method_refused";

    /// <summary>The catalog of today does not know the command or its arguments any more.</summary>
    public const string UnknownCommand = "unknown_command";

    /// <summary>Nobody has said how far the device's clock is ahead of UTC, so nobody can set it.</summary>
    public const string NoUtcOffset = "missing_utc_offset";
}

/// <summary>What a device's answer means for the command.</summary>
public enum CommandOutcome : byte
{
    /// <summary>It will do it, and say so when it has.</summary>
    Accepted,
    Done,
    Refused,
    Failed,

    /// <summary>It had expired when the device looked at it.</summary>
    Expired,

    /// <summary>The device has met it before, and did not refuse it then. It does not say how it ended.</summary>
    Repeated,
}

/// <summary>A device's answer, in the same words for both protocols.</summary>
/// <param name="Status">The device's own word: <c>done</c>, <c>busy</c>, <c>rejected</c>, ...</param>
/// <param name="Reason">DP2's reason; null where there is none.</param>
/// <param name="Detail">What it adds: DP1's detail where it is not 0, DP2's text.</param>
/// <param name="Value">DP1's value where it is not 0 (<c>read_param</c>).</param>
/// <param name="Progress">DP2: percent.</param>
public sealed record CommandAnswer(
    string Correlation, CommandOutcome Outcome, string Status, string? Reason = null, string? Detail = null, long? Value = null, int? Progress = null);

/// <summary>What happens to a command. Signals of a transmission carry its number: what is said of an earlier one is old.</summary>
public abstract record CommandSignal
{
    private CommandSignal()
    {
    }

    /// <summary>The time that the state asked for has come.</summary>
    public sealed record Due : CommandSignal;

    public sealed record Cancel : CommandSignal;

    /// <summary>The device is not connected: the transmission did not reach it.</summary>
    public sealed record Offline(int Attempt) : CommandSignal;

    /// <summary>The hub cannot take it now (queue full, throttled): the transmission did not reach the device.</summary>
    public sealed record Busy(int Attempt) : CommandSignal;

    /// <summary>The hub will never take it (no such device, ...).</summary>
    public sealed record Impossible(int Attempt, string Reason) : CommandSignal;

    /// <summary>The hub holds it in the device's queue.</summary>
    public sealed record Held(int Attempt) : CommandSignal;

    /// <summary>The device has the frame; its answer comes by itself.</summary>
    public sealed record Delivered(int Attempt) : CommandSignal;

    /// <summary>The hub has dropped it from the device's queue.</summary>
    public sealed record Dropped(int Attempt) : CommandSignal;

    public sealed record Answered(CommandAnswer Answer) : CommandSignal;
}

/// <summary>A transmission to be made. It is made after the state that asked for it is stored, so a crash between the two loses a try and no knowledge.</summary>
public sealed record Transmit(CommandRoute Route, int Attempt);

/// <summary>The life of one command.</summary>
/// <remarks>
/// <code>
///            cancel                     accepted, delivered
///  Cancelled ◄──── Queued ─────► Sent ──────────────────► Acknowledged
///                    │ expires     │ answer, silence           │ answer, silence
///                    ▼             ▼                           ▼
///                 Expired     Done, Refused, Failed, Expired
/// </code>
/// Never executed twice: a transmission whose fate is unknown is repeated only while the device would recognise it, and only where the product
/// calls the command repeatable. Expired is said only when no transmission can have reached the device; otherwise it is Failed, <c>no_answer</c>.
/// </remarks>
public static class CommandMachine
{
    public static CommandState Begin(DateTimeOffset now) => new() { DueAt = now };

    /// <summary>
    /// Delivery is at least once and may be out of order. A signal that has no arrow in the present phase is a duplicate or a straggler:
    /// the command stays as it is and nothing is to be done.
    /// </summary>
    public static (CommandState Next, Transmit? Effect) Step(
        CommandState state, CommandSignal signal, DateTimeOffset now, in CommandTerms terms, CommandLimits limits) => (state.Phase, signal) switch
        {
            (CommandPhase.Queued, CommandSignal.Due) when now < terms.ExpiresAt => Send(state, CommandRoute.Method, now, limits),
            (CommandPhase.Queued, CommandSignal.Due) => End(state, CommandPhase.Expired, now),
            (CommandPhase.Queued, CommandSignal.Cancel) => End(state, CommandPhase.Cancelled, now),

            (CommandPhase.Sent, CommandSignal.Cancel) when state.Doubts == 0 => End(state, CommandPhase.Cancelled, now),
            // A queue delivers again when an acknowledgement is lost; what must not be repeated waits for the connection instead.
            (CommandPhase.Sent, CommandSignal.Offline s) when state.IsOpen(s.Attempt) && terms.Repeatable && now < terms.ExpiresAt =>
                Send(Resolved(state), CommandRoute.Queue, now, limits),
            (CommandPhase.Sent, CommandSignal.Offline s) when state.IsOpen(s.Attempt) => Pause(Resolved(state), now, terms, limits),
            (CommandPhase.Sent, CommandSignal.Busy s) when state.IsOpen(s.Attempt) => Pause(Resolved(state), now, terms, limits),
            (CommandPhase.Sent, CommandSignal.Dropped s) when state.IsOpen(s.Attempt) => Pause(Resolved(state), now, terms, limits),
            (CommandPhase.Sent, CommandSignal.Impossible s) when state.IsOpen(s.Attempt) => GiveUp(Resolved(state), s.Reason, now),
            // The hub keeps it until it expires; from then on the answer has as much time as any.
            (CommandPhase.Sent, CommandSignal.Held s) when s.Attempt == state.Attempt => (state with { DueAt = terms.ExpiresAt + limits.AnswerTimeout }, null),
            (CommandPhase.Sent, CommandSignal.Delivered s) when s.Attempt == state.Attempt => Acknowledge(state, now, limits.AnswerTimeout),

            (CommandPhase.Sent, CommandSignal.Due) => Silence(state, now, terms, limits),
            (CommandPhase.Acknowledged, CommandSignal.Due) => GiveUp(state, CommandReasons.NoAnswer, now),

            (CommandPhase.Sent or CommandPhase.Acknowledged, CommandSignal.Answered { Answer: var answer }) => Hear(state, answer, now, limits),
            // A late word of the device is the truth where there was only a guess.
            (_, CommandSignal.Answered { Answer: { Outcome: not (CommandOutcome.Accepted or CommandOutcome.Repeated) } answer }) when state.Unconfirmed =>
                Hear(state with { Late = true }, answer, now, limits),

            _ => (state, null),
        };

    private static (CommandState, Transmit?) Send(CommandState state, CommandRoute route, DateTimeOffset now, CommandLimits limits)
    {
        var attempt = state.Attempt + 1;
        return (
            state with
            {
                Phase = CommandPhase.Sent,
                Route = route,
                Attempt = attempt,
                Doubts = state.Doubts + 1,
                MayBeHeld = state.MayBeHeld || route is CommandRoute.Queue,
                SentAt = state.SentAt ?? now,
                DueAt = now + limits.AnswerTimeout,
            },
            new(route, attempt));
    }

    /// <summary>The newest transmission is known not to have reached the device.</summary>
    private static CommandState Resolved(CommandState state) =>
        state with { Doubts = state.Doubts - 1, Route = CommandRoute.None, MayBeHeld = state.MayBeHeld && state.Doubts > 1 };

    private static (CommandState, Transmit?) Pause(CommandState state, DateTimeOffset now, in CommandTerms terms, CommandLimits limits)
    {
        if (now >= terms.ExpiresAt)
            return Unanswered(state, now, terms, limits);
        var next = now + limits.Pause;
        return (state with { DueAt = next < terms.ExpiresAt ? next : terms.ExpiresAt }, null);
    }

    private static (CommandState, Transmit?) Silence(CommandState state, DateTimeOffset now, in CommandTerms terms, CommandLimits limits) =>
        now < terms.ExpiresAt && (state.Doubts == 0 || (terms.Repeatable && state.Doubts < limits.AttemptsMax))
            ? Send(state, CommandRoute.Method, now, limits)
            : Unanswered(state, now, terms, limits);

    /// <summary>Nothing more is sent. While the hub may still deliver it, it is not over: the next command would overtake it.</summary>
    private static (CommandState, Transmit?) Unanswered(CommandState state, DateTimeOffset now, in CommandTerms terms, CommandLimits limits)
    {
        var last = terms.ExpiresAt + limits.AnswerTimeout;
        return state.MayBeHeld && now < last ? (state with { DueAt = last }, null)
            : state.Doubts == 0 ? End(state, CommandPhase.Expired, now)
            : GiveUp(state, CommandReasons.NoAnswer, now);
    }

    /// <summary>An earlier transmission may have arrived: then nobody knows, whatever has become of the newest.</summary>
    private static (CommandState, Transmit?) GiveUp(CommandState state, string reason, DateTimeOffset now) =>
        End(state with { Reason = state.Doubts == 0 ? reason : CommandReasons.NoAnswer }, CommandPhase.Failed, now);

    private static (CommandState, Transmit?) Acknowledge(CommandState state, DateTimeOffset now, TimeSpan patience) =>
        (state with { Phase = CommandPhase.Acknowledged, AcknowledgedAt = state.AcknowledgedAt ?? now, DueAt = now + patience }, null);

    private static (CommandState, Transmit?) Hear(CommandState state, CommandAnswer answer, DateTimeOffset now, CommandLimits limits)
    {
        var heard = state with { Answer = answer, Reason = null };
        return answer.Outcome switch
        {
            CommandOutcome.Accepted => Acknowledge(heard, now, limits.FinishTimeout),
            CommandOutcome.Done => End(heard, CommandPhase.Done, now),
            // It has said that it is at it, and will say when it has finished.
            CommandOutcome.Repeated when state.Answer?.Outcome is CommandOutcome.Accepted => (state, null),
            CommandOutcome.Repeated => End(heard, CommandPhase.Done, now),
            // Another copy may have come in time.
            CommandOutcome.Expired when state.Doubts > 1 => GiveUp(heard, CommandReasons.NoAnswer, now),
            CommandOutcome.Expired => End(heard, CommandPhase.Expired, now),
            CommandOutcome.Refused => End(heard with { Reason = answer.Reason ?? answer.Status }, CommandPhase.Refused, now),
            _ => End(heard with { Reason = answer.Reason ?? answer.Status }, CommandPhase.Failed, now),
        };
    }

    private static (CommandState, Transmit?) End(CommandState state, CommandPhase phase, DateTimeOffset now) =>
        (state with { Phase = phase, DueAt = null, EndedAt = now }, null);
}
