using Pumps.Handlers.Commands;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Schedules;
using Pumps.Postgres;

namespace Pumps.LocalRegion;

/// <summary>
/// What Azure's timer functions do, on timers of the process: partitions ahead and retention, roll-ups, who is gone for good, schedules, old
/// commands, the census.
/// </summary>
internal sealed class Upkeep(
    Partitions partitions, RollUps rollUps, TrackConnections connections, RunSchedules schedules, KeepCommands commands, TakeCensus census, TimeProvider time,
    ILogger<Upkeep> log)
{
    private static readonly TimeSpan PartitionsEvery = TimeSpan.FromHours(1);
    private static readonly TimeSpan RollUpsEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan ConnectionsEvery = TimeSpan.FromSeconds(5);

    // How late a run may begin when all is well.
    private static readonly TimeSpan SchedulesEvery = TimeSpan.FromSeconds(5);

    // Commands are kept for months; a day's worth is removed in pieces, soon after each is due.
    private static readonly TimeSpan CommandsEvery = TimeSpan.FromHours(1);

    // A small database is counted in a moment; 100,000 devices take 0.15 s and a million 1.4 s, which may be a fiftieth of the time.
    private static readonly TimeSpan CensusEvery = TimeSpan.FromSeconds(5);
    private const int CensusShare = 50;

    public Task RunAsync(CancellationToken cancel) => Task.WhenAll(
        Recurring.RunAsync("Keeping partitions", PartitionsEvery, () => partitions.KeepAsync(time.GetUtcNow(), cancel), time, log, cancel),
        Recurring.RunAsync("Rolling up", RollUpsEvery, () => rollUps.RunAsync(cancel), time, log, cancel),
        Recurring.RunAsync("Settling connections", ConnectionsEvery, () => connections.SettleAsync(cancel), time, log, cancel),
        Recurring.RunAsync("Running schedules", SchedulesEvery, () => schedules.HandleAsync(cancel), time, log, cancel),
        Recurring.RunAsync("Removing old commands", CommandsEvery, () => commands.HandleAsync(cancel), time, log, cancel),
        Recurring.RunAsync("Taking the census", CensusEvery, TakeCensusAsync(cancel), time, log, cancel));

    private Func<Task> TakeCensusAsync(CancellationToken cancel)
    {
        var (last, pause) = (time.GetTimestamp(), TimeSpan.Zero);
        return async () =>
        {
            if (time.GetElapsedTime(last) < pause)
                return;
            var began = time.GetTimestamp();
            await census.HandleAsync(cancel);
            last = time.GetTimestamp();
            pause = CensusShare * time.GetElapsedTime(began, last);
        };
    }
}
