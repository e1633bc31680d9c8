using System.Collections.Immutable;
using static Pumps.Core.Firmware.RolloutPhase;

namespace Pumps.Core.Firmware;

/// <summary>Where a rollout stands. Stored and shown by the names of <see cref="RolloutPhases"/>.</summary>
public enum RolloutPhase : byte
{
    Running,

    /// <summary>By somebody, or because too many devices failed. What a device has begun to start goes on.</summary>
    Paused,

    /// <summary>Devices that have stored something are being told.</summary>
    Aborting,

    /// <summary>All of its transfers are over.</summary>
    Done,
    Aborted,
}

/// <summary>Names of phases as they are stored and shown; they never change their meaning.</summary>
public static class RolloutPhases
{
    private static readonly string[] Names = ["running", "paused", "aborting", "done", "aborted"];

    public static IReadOnlyList<string> All => Names;

    public static string Name(this RolloutPhase phase) => Names[(int)phase];

    public static RolloutPhase Parse(string name) =>
        Array.IndexOf(Names, name) is >= 0 and var i ? (RolloutPhase)i : throw new FormatException($"\"{name}\" is not a phase of a rollout.");

    public static bool IsOver(this RolloutPhase phase) => phase >= Done;
}

/// <summary>What does not change of a rollout.</summary>
/// <param name="Waves">How many percent of its devices are reached with each wave; growing, the last is 100.</param>
/// <param name="SuccessPercent">Of a wave's devices that must be done before the next wave begins.</param>
/// <param name="ErrorPercent">Of a wave's devices that may fail; with one more the rollout pauses.</param>
/// <param name="Soak">How long a wave must have been successful before the next one begins.</param>
public sealed record RolloutTerms(ImmutableArray<int> Waves, int SuccessPercent, int ErrorPercent, TimeSpan Soak)
{
    /// <summary>How many devices are reached with each wave but the last. A wave has one device at least, as long as there are devices.</summary>
    public ImmutableArray<int> Reached(int devices)
    {
        var reached = ImmutableArray.CreateBuilder<int>(Waves.Length - 1);
        var last = 0;
        foreach (var percent in Waves[..^1])
            reached.Add(last = Math.Max(last + 1, (int)((((long)percent * devices) + 99) / 100)));
        return reached.MoveToImmutable();
    }

    /// <summary>In which wave a device is.</summary>
    /// <param name="place">0 to <paramref name="devices"/> - 1, in an order of chance.</param>
    public int WaveOf(int place, int devices) => Reached(devices).Count(reached => place >= reached);
}

/// <summary>The transfers of one wave, counted.</summary>
public readonly record struct WaveCount(int Devices, int Done, int Failed, int Cancelled)
{
    public int Open => Devices - Done - Failed - Cancelled;
}

/// <summary>The state of one rollout, as it is stored.</summary>
/// <param name="Wave">The newest that has begun; -1: none.</param>
public sealed record RolloutState(RolloutPhase Phase, int Wave)
{
    /// <summary>Why it is paused: <see cref="RolloutMachine.ErrorThreshold"/>, or null when somebody wanted it.</summary>
    public string? Reason { get; init; }

    /// <summary>Who has paused, resumed or aborted it last; null: nobody, or it paused by itself since.</summary>
    public string? SteeredBy { get; init; }

    /// <summary>Failures in each wave that somebody has seen, who let the rollout go on.</summary>
    public ImmutableArray<int> Accepted { get; init; } = [];

    /// <summary>When it went on after its newest pause.</summary>
    public DateTimeOffset? ResumedAt { get; init; }

    /// <summary>Since when the newest wave has been successful.</summary>
    public DateTimeOffset? SuccessfulAt { get; init; }

    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>What follows for a rollout's transfers.</summary>
public enum RolloutEffect : byte
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The transfers of <see cref="RolloutState.Wave"/> are due.</summary>
    StartWave,

    /// <summary>Every transfer that can be taken back is.</summary>
    CancelTransfers,
}

/// <summary>Something that has happened to a rollout.</summary>
public abstract record RolloutSignal
{
    private RolloutSignal()
    {
    }

    /// <summary>Its transfers were counted, one figure a wave.</summary>
    public sealed record Counted(ImmutableArray<WaveCount> Waves) : RolloutSignal;

    public sealed record Pause(string By) : RolloutSignal;

    /// <param name="Waves">As they are when somebody lets it go on: their failures are accepted.</param>
    public sealed record Resume(string By, ImmutableArray<WaveCount> Waves) : RolloutSignal;

    public sealed record Abort(string By) : RolloutSignal;
}

/// <summary>The life of one rollout: waves, thresholds, pause and abort.</summary>
/// <remarks>
/// <code>
///            wave successful, soaked: the next          all over
///            ┌──┐
///            ▼  │                                    ┌──────────► Done
///  ────► Running ────────────────────────────────────┘
///          │  ▲ │ abort                  all over
///   pause, │  │ └────────► Aborting ────────────────────────────► Aborted
///   errors ▼  │ resume       ▲
///         Paused ────────────┘ abort
/// </code>
/// A device that is not reached is neither a success nor an error: its wave waits for it until the transfer is given up, or for enough others.
/// </remarks>
public static class RolloutMachine
{
    public const string ErrorThreshold = "error_threshold";

    public static RolloutState Begin { get; } = new(Running, -1);

    /// <summary>A signal that has no arrow in the present phase changes nothing.</summary>
    public static (RolloutState Next, RolloutEffect Effect) Step(RolloutState state, RolloutSignal signal, DateTimeOffset now, RolloutTerms terms) =>
        (state.Phase, signal) switch
        {
            (Running or Paused, RolloutSignal.Counted counted) when counted.Waves.All(w => w.Open == 0) => End(state, Done, now),
            (Running, RolloutSignal.Counted counted) when Fails(state, counted.Waves, terms) =>
                (state with { Phase = Paused, Reason = ErrorThreshold, SteeredBy = null }, RolloutEffect.None),
            (Running, RolloutSignal.Counted counted) => Advance(state, counted.Waves, now, terms),
            (Aborting, RolloutSignal.Counted counted) when counted.Waves.All(w => w.Open == 0) => End(state, Aborted, now),
            (Aborting, RolloutSignal.Counted) => (state, RolloutEffect.CancelTransfers),

            (Running, RolloutSignal.Pause pause) => (state with { Phase = Paused, Reason = null, SteeredBy = pause.By }, RolloutEffect.None),
            (Paused, RolloutSignal.Resume resume) => (
                state with { Phase = Running, Reason = null, SteeredBy = resume.By, ResumedAt = now, Accepted = [.. resume.Waves.Select(w => w.Failed)] }, RolloutEffect.None),
            // From here on nobody sends anything; taking back what waits may take a minute, and whoever aborts must not have to wait for it.
            (Running or Paused, RolloutSignal.Abort abort) => (state with { Phase = Aborting, Reason = null, SteeredBy = abort.By }, RolloutEffect.None),

            _ => (state, RolloutEffect.None),
        };

    private static bool Fails(RolloutState state, ImmutableArray<WaveCount> waves, RolloutTerms terms)
    {
        for (var wave = 0; wave <= state.Wave; wave++)
        {
            var accepted = wave < state.Accepted.Length ? state.Accepted[wave] : 0;
            if ((waves[wave].Failed - accepted) * 100L > (long)terms.ErrorPercent * waves[wave].Devices)
                return true;
        }

        return false;
    }

    private static (RolloutState, RolloutEffect) Advance(RolloutState state, ImmutableArray<WaveCount> waves, DateTimeOffset now, RolloutTerms terms)
    {
        if (state.Wave == terms.Waves.Length - 1)
            return (state, RolloutEffect.None);
        if (state.Wave >= 0)
        {
            var wave = waves[state.Wave];
            // Nobody is left to wait for: enough failures would have paused the rollout, and what was accepted must not hold up the others.
            var successful = wave.Open == 0 || wave.Done * 100L >= (long)terms.SuccessPercent * wave.Devices;
            if (!successful)
                return (state with { SuccessfulAt = null }, RolloutEffect.None);
            state = state with { SuccessfulAt = state.SuccessfulAt ?? now };
            if (now < state.SuccessfulAt + terms.Soak)
                return (state, RolloutEffect.None);
        }

        return (state with { Wave = state.Wave + 1, SuccessfulAt = null }, RolloutEffect.StartWave);
    }

    private static (RolloutState, RolloutEffect) End(RolloutState state, RolloutPhase phase, DateTimeOffset now) =>
        (state with { Phase = phase, Reason = null, EndedAt = now }, RolloutEffect.None);
}
