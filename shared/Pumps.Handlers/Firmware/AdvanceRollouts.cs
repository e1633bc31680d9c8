using Microsoft.Extensions.Logging;
using Pumps.Core.Firmware;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Firmware;

/// <summary>Leads rollouts through their waves, and lets people pause, resume and abort them.</summary>
/// <remarks>
/// Safe to run from several hosts at once: a state that somebody else has changed meanwhile is not overwritten, and a wave that has begun begins once.
/// Both worlds call this; neither decides anything.
/// </remarks>
public sealed class AdvanceRollouts(IRolloutStore store, TimeProvider time, ILogger<AdvanceRollouts> log)
{
    private const int ConflictsMax = 10;

    public Task<IReadOnlyList<string>> ListOpenAsync(CancellationToken cancel) => store.ListOpenAsync(cancel);

    /// <summary>Looks at one rollout, and does what its devices' state asks for.</summary>
    /// <returns>Whether it must be looked at again.</returns>
    public async Task<bool> HandleAsync(string id, CancellationToken cancel)
    {
        if (await store.FindAsync(id, cancel) is not { State.Phase: var phase } rollout || phase.IsOver())
            return false;
        var (kept, next) = await StepAsync(rollout, new RolloutSignal.Counted(await store.CountAsync(rollout.Number, cancel)), cancel);
        return !kept || !next.State.Phase.IsOver();
    }

    public Task<Answer<StoredRollout>> PauseAsync(string id, string by, CancellationToken cancel) =>
        SteerAsync(id, RolloutPhase.Paused, _ => Task.FromResult<RolloutSignal>(new RolloutSignal.Pause(by)), cancel);

    /// <summary>Whoever lets a rollout go on accepts the failures that there are.</summary>
    public Task<Answer<StoredRollout>> ResumeAsync(string id, string by, CancellationToken cancel) =>
        SteerAsync(id, RolloutPhase.Running, async rollout => new RolloutSignal.Resume(by, await store.CountAsync(rollout.Number, cancel)), cancel);

    public Task<Answer<StoredRollout>> AbortAsync(string id, string by, CancellationToken cancel) =>
        SteerAsync(id, RolloutPhase.Aborting, _ => Task.FromResult<RolloutSignal>(new RolloutSignal.Abort(by)), cancel);

    internal static string NoRollout(string id) => $"There is no rollout \"{id}\".";

    private async Task<Answer<StoredRollout>> SteerAsync(
        string id, RolloutPhase wanted, Func<StoredRollout, Task<RolloutSignal>> signal, CancellationToken cancel)
    {
        for (var conflict = 0; conflict < ConflictsMax; conflict++)
        {
            if (await store.FindAsync(id, cancel) is not { } rollout)
                return new Answer<StoredRollout>.Absent(NoRollout(id));
            // Said twice, or done already: that is what was asked for.
            if (rollout.State.Phase == wanted || (wanted, rollout.State.Phase) is (RolloutPhase.Aborting, RolloutPhase.Aborted))
                return new Answer<StoredRollout>.Found(rollout);
            var (kept, next) = await StepAsync(rollout, await signal(rollout), cancel);
            if (!kept)
                continue;
            return next.State.Phase == wanted
                ? new Answer<StoredRollout>.Found(next)
                : new Answer<StoredRollout>.Refused("rollout_phase", $"Rollout {id} is {rollout.State.Phase.Name()}.");
        }

        throw new InvalidOperationException($"Rollout {id} was changed by others {ConflictsMax} times in a row.");
    }

    private async Task<(bool Kept, StoredRollout Rollout)> StepAsync(StoredRollout rollout, RolloutSignal signal, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var (next, effect) = RolloutMachine.Step(rollout.State, signal, now, rollout.Order.Terms);
        if (next == rollout.State && effect is RolloutEffect.None)
            return (true, rollout);
        if (!await store.KeepAsync(rollout, next, effect, now, cancel))
            return (false, rollout);

        if (next is { Phase: RolloutPhase.Paused, Reason: { } reason })
            log.RolloutPaused(rollout.Order.Id, next.Wave, reason);
        else if (next.Phase != rollout.State.Phase || next.Wave != rollout.State.Wave)
            log.RolloutMoved(rollout.Order.Id, next.Phase, next.Wave, next.SteeredBy);
        return (true, rollout with { State = next });
    }
}

/// <summary>Event ids 5200-5299. An id or a field name, once shipped, keeps its meaning: alerts hang on it.</summary>
internal static partial class FirmwareLog
{
    [LoggerMessage(5200, LogLevel.Warning, "Rollout {Rollout} paused in wave {Wave}: {Reason}")]
    public static partial void RolloutPaused(this ILogger log, string rollout, int wave, string reason);

    [LoggerMessage(5201, LogLevel.Information, "Rollout {Rollout} is {Phase} with wave {Wave}; {By} has steered it last")]
    public static partial void RolloutMoved(this ILogger log, string rollout, RolloutPhase phase, int wave, string? by);

    [LoggerMessage(5202, LogLevel.Information, "Transfer of rollout {Rollout} to {Device} ended: {Phase} {Reason}")]
    public static partial void TransferEnded(this ILogger log, string rollout, string device, TransferPhase phase, string? reason);

    [LoggerMessage(5203, LogLevel.Warning, "{Device} answered a firmware frame with something that is not its answer: {Fault}")]
    public static partial void AnswerUnreadable(this ILogger log, string device, string fault);
}
