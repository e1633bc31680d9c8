using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Pumps.Postgres;

/// <summary>Makes partitions ahead of time and drops what is older than it must be kept. Run at start and every few hours.</summary>
/// <remarks>
/// Safe to repeat and to run from several hosts. Observations of a day without partition wait in the default one and are moved here.
/// </remarks>
public sealed class Partitions(NpgsqlDataSource database, PostgresOptions options, ILogger<Partitions> log)
{
    public Task KeepAsync(DateTimeOffset now, CancellationToken cancel) => KeepAsync(now, now, cancel);

    /// <summary>Also makes those from <paramref name="from"/> on, for a bulk load.</summary>
    public async Task KeepAsync(DateTimeOffset from, DateTimeOffset now, CancellationToken cancel)
    {
        await KeepAsync("history", "observed_at", "day", from, now, options.HistoryKept, cancel);
        await KeepAsync("rollup_hour", "hour", "month", from, now, options.HoursKept, cancel);
        await KeepAsync("rollup_day", "day", "year", from, now, options.DaysKept, cancel);
    }

    private async Task KeepAsync(
        string table, string column, string width, DateTimeOffset from, DateTimeOffset now, TimeSpan kept, CancellationToken cancel)
    {
        var keepFrom = (now - kept).UtcDateTime;
        await using var session = await database.OpenConnectionAsync(cancel);
        var made = await session.ExecuteScalarAsync<int>(new CommandDefinition(
            Sql.EnsurePartitions,
            new { table, column, width, from = from.UtcDateTime, to = (now + options.PartitionsAhead).UtcDateTime, keep_from = keepFrom },
            commandTimeout: 0, cancellationToken: cancel));
        var dropped = await session.ExecuteScalarAsync<int>(new CommandDefinition(
            Sql.DropPartitions, new { table, keep_from = keepFrom }, commandTimeout: 0, cancellationToken: cancel));
        if (made + dropped > 0)
            log.PartitionsKept(made, dropped, table);
    }
}
