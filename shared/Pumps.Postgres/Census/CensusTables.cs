using Dapper;
using Npgsql;
using Pumps.Core.Firmware;
using Pumps.Handlers.Observability;

namespace Pumps.Postgres;

/// <summary>Counts for the metrics: nothing of a single device or customer leaves here.</summary>
public sealed class CensusTables(NpgsqlDataSource database) : ICensus
{
    // More in an hour than this is a flood, and its newest part says the same.
    private const long LettersMax = 100_000;

    public async Task<IReadOnlyList<DeviceCount>> CountDevicesAsync(
        IReadOnlyDictionary<string, DateTimeOffset> silentBefore, DateTimeOffset otherwise, CancellationToken cancel) =>
        await ReadAsync<DeviceCount>(
            Sql.CensusDevices,
            new { products = silentBefore.Keys.ToArray(), silent_before = silentBefore.Values.Select(t => t.UtcDateTime).ToArray(), otherwise = otherwise.UtcDateTime }, cancel);

    public async Task<IReadOnlyList<UnreadableCount>> CountUnreadableAsync(DateTimeOffset since, int limit, CancellationToken cancel) =>
        await ReadAsync<UnreadableCount>(Sql.CensusUnreadable, new { since = since.UtcDateTime, letters = LettersMax, limit }, cancel);

    public async Task<IReadOnlyList<CommandCount>> CountCommandsAsync(DateTimeOffset since, CancellationToken cancel) =>
        await ReadAsync<CommandCount>(Sql.CensusCommands, new { since = since.UtcDateTime }, cancel);

    public async Task<IReadOnlyList<TransferCount>> CountTransfersAsync(DateTimeOffset since, CancellationToken cancel) =>
        await ReadAsync<TransferCount>(Sql.CensusTransfers, new { since = since.UtcDateTime }, cancel);

    public async Task<IReadOnlyList<RolloutCount>> CountRolloutsAsync(CancellationToken cancel) =>
        await ReadAsync<RolloutCount>(Sql.CensusRollouts, new { failing = RolloutCount.Failing, reason = RolloutMachine.ErrorThreshold }, cancel);

    private async Task<IReadOnlyList<T>> ReadAsync<T>(string statement, object parameters, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return [.. await session.QueryAsync<T>(new CommandDefinition(statement, parameters, cancellationToken: cancel))];
    }
}
