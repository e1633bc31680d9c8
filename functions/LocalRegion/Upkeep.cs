using Pumps.Handlers.Devices;
using Pumps.Handlers.Schedules;
using Pumps.Postgres;

namespace Pumps.LocalRegion;

/// <summary>What Azure's timer functions do, on timers of the process: partitions ahead and retention, roll-ups, who is gone for good, schedules.</summary>
internal sealed class Upkeep(
    Partitions partitions, RollUps rollUps, TrackConnections connections, RunSchedules schedules, TimeProvider time, ILogger<Upkeep> log)
{
    private static readonly TimeSpan PartitionsEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan RollUpsEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ConnectionsEvery = TimeSpan.FromSeconds(5);

    // How late a run may begin when all is well.
    private static readonly TimeSpan SchedulesEvery = TimeSpan.FromSeconds(5);

    // Device-hours in one transaction: short enough not to hold up ingest, long enough to be worth its commit.
    private const int MarksAtOnce = 2000;

    public Task RunAsync(CancellationToken cancel) => Task.WhenAll(
        EveryAsync(PartitionsEvery, "Keeping partitions", () => partitions.KeepAsync(time.GetUtcNow(), cancel), cancel),
        EveryAsync(RollUpsEvery, "Rolling up", RollUpAsync(cancel), cancel),
        EveryAsync(ConnectionsEvery, "Settling connections", () => connections.SettleAsync(cancel), cancel),
        EveryAsync(SchedulesEvery, "Running schedules", () => schedules.HandleAsync(cancel), cancel));

    private Func<Task> RollUpAsync(CancellationToken cancel) => async () =>
    {
        while (await rollUps.RunOnceAsync(time.GetUtcNow(), MarksAtOnce, cancel) > 0)
            cancel.ThrowIfCancellationRequested();
    };

    private async Task EveryAsync(TimeSpan interval, string work, Func<Task> run, CancellationToken cancel)
    {
        var fails = false;
        using var timer = new PeriodicTimer(interval, time);
        do
        {
            try
            {
                await run();
                if (fails)
                    log.UpkeepWorks(work);
                fails = false;
            }
            catch (Exception error) when (error is not OperationCanceledException || !cancel.IsCancellationRequested)
            {
                // The timer is the host: the work is safe to repeat, and the next turn brings it again.
                if (!fails)
                    log.UpkeepFails(work, interval, error);
                fails = true;
            }
        }
        while (await timer.WaitForNextTickAsync(cancel));
    }
}
