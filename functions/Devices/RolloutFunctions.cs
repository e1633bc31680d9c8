using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Pumps.Handlers.Firmware;

namespace Pumps.Devices;

/// <summary>One rollout, and the limits of the run that leads it. They travel as input, so that a run keeps its own across a deployment.</summary>
/// <param name="SecondsBetweenLooks">Each look counts the rollout's transfers: a wave ends, and too many failures are seen, so much later at most.</param>
/// <param name="LooksPerHistory">Looks after which the run begins a new history: replay reads all of it.</param>
public sealed record RolloutRun(string Rollout, int SecondsBetweenLooks = 15, int LooksPerHistory = 100);

/// <summary>
/// Azure's doors to <see cref="AdvanceRollouts"/>: a timer, an orchestration for each rollout that is not over, one activity. The local region's is
/// FirmwareLoop.cs.
/// </summary>
/// <remarks>
/// Rollouts and their states are rows in PostgreSQL, and the machine decides what becomes of them; here is only who looks when. A run that breaks loses
/// nothing, the next turn of the timer starts another one. The instance's name has the version of the orchestration's code: a change of its steps
/// gets another name. Runs of the old name fail at their next look, or lead their rollouts together with those of the new one; neither does harm.
/// </remarks>
public sealed class RolloutFunctions(AdvanceRollouts handler)
{
    // With the longest id of a rollout far below the 100 characters that an instance's id may have.
    private const string Instance = "rollout-1-";

    private static readonly TaskOptions Retry = TaskOptions.FromRetryPolicy(new RetryPolicy(3, TimeSpan.FromSeconds(5), 2));

    [Function(nameof(StartRollouts))]
    public Task StartRollouts(
        [TimerTrigger("*/30 * * * * *", UseMonitor = false)] TimerInfo timer, [DurableClient] DurableTaskClient client, FunctionContext context) =>
        StartAsync(client, context.CancellationToken);

    /// <summary>
    /// Starts a run for each open rollout unless it has one that is at work, waits to begin, or was suspended by somebody: by the host's setting, starting it
    /// anew is refused or terminates that one.
    /// </summary>
    public async Task StartAsync(DurableTaskClient client, CancellationToken cancel)
    {
        foreach (var rollout in await handler.ListOpenAsync(cancel))
            if (await client.GetInstanceAsync(Instance + rollout, getInputsAndOutputs: false, cancel) is not { IsCompleted: false })
                await client.ScheduleNewOrchestrationInstanceAsync(
                    nameof(LeadRollout), new RolloutRun(rollout), new StartOrchestrationOptions(Instance + rollout), cancel);
    }

    /// <summary>Looks at the rollout until it is over.</summary>
    [Function(nameof(LeadRollout))]
    public static async Task LeadRollout([OrchestrationTrigger] TaskOrchestrationContext context, RolloutRun run)
    {
        for (var look = 0; look < run.LooksPerHistory; look++)
        {
            if (!await context.CallActivityAsync<bool>(nameof(AdvanceRollout), run.Rollout, Retry))
                return;
            await context.CreateTimer(TimeSpan.FromSeconds(run.SecondsBetweenLooks), CancellationToken.None);
        }

        context.ContinueAsNew(run);
    }

    /// <summary>Safe to repeat: a rollout's state is kept with what follows from it, and a wave that has begun begins once.</summary>
    /// <returns>Whether it must be looked at again.</returns>
    [Function(nameof(AdvanceRollout))]
    public Task<bool> AdvanceRollout([ActivityTrigger] string rollout, FunctionContext context) => handler.HandleAsync(rollout, context.CancellationToken);
}
