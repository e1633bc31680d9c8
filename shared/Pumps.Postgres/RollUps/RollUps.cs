using Dapper;
using Npgsql;

namespace Pumps.Postgres;

/// <summary>Computes hours and days anew for which history has arrived.</summary>
/// <remarks>Safe to repeat, and to run anywhere as often as one likes: steps wait for each other. History that arrives during a step keeps its mark for the next.</remarks>
public sealed class RollUps(NpgsqlDataSource database, Counters counters, PostgresOptions options, TimeProvider time)
{
    /// <summary>How long after its end an hour is left alone: see <see cref="OpenMarks"/>, and clocks of several hosts may differ.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(2);

    // While a step's transaction is open, nothing that was updated meanwhile can be cleaned up, and every second each row of latest is
    // updated again: steps are as large as fits into this time, whatever an hour of a device holds.
    private static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(250);
    private const int HoursMin = 10;
    private const int HoursMax = 2000;

    private int _hours = 50;

    /// <summary>Takes all that is due, in steps, oldest hours first.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        while (true)
        {
            var (hours, began) = (_hours, time.GetTimestamp());
            if (await RunOnceAsync(time.GetUtcNow(), hours, cancel) < hours)
                return;
            _hours = NextHours(hours, time.GetElapsedTime(began));
        }
    }

    /// <summary>One step.</summary>
    /// <returns>How many hours of devices were taken; fewer than <paramref name="limit"/> when no more are due.</returns>
    public async Task<int> RunOnceAsync(DateTimeOffset now, int limit, CancellationToken cancel)
    {
        var parameters = new
        {
            // The last hour that ended a grace ago is closed.
            closed = (now - Grace - TimeSpan.FromHours(1)).UtcDateTime.AddMicroseconds(1),
            keep_from = (now - options.HistoryKept).UtcDateTime,
            limit,
            protocols = counters.Protocols,
            points = counters.Points,
            moduli = counters.Moduli,
        };
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteScalarAsync<int>(new CommandDefinition(Sql.RollUp, parameters, commandTimeout: 0, cancellationToken: cancel));
    }

    /// <summary>How many fit into the time, by how long the last took: at most twice as many.</summary>
    internal static int NextHours(int hours, TimeSpan took) =>
        (int)Math.Clamp(Math.Min(2.0 * hours, hours * (StepTime / took)), HoursMin, HoursMax);
}
