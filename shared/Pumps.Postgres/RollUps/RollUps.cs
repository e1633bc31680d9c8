using Dapper;
using Npgsql;

namespace Pumps.Postgres;

/// <summary>Computes hours and days anew for which history has arrived.</summary>
/// <remarks>Safe to repeat, and to run anywhere as often as one likes: steps wait for each other. History that arrives during a step keeps its mark for the next.</remarks>
public sealed class RollUps(NpgsqlDataSource database, Counters counters, PostgresOptions options)
{
    /// <summary>How long after its end an hour is left alone: see <see cref="OpenMarks"/>, and clocks of several hosts may differ.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(2);

    /// <summary>One step, oldest hours first.</summary>
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
}
