using Dapper;
using Npgsql;
using Pumps.Handlers.Devices;

namespace Pumps.Postgres;

/// <summary>Clocks of DP1 devices, with what their sites' zones say.</summary>
public sealed class ClockTable(NpgsqlDataSource database) : IClockStore
{
    public async Task<IReadOnlyList<string>> ListZonesAsync(CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return [.. await session.QueryAsync<string>(new CommandDefinition(Sql.ListZones, cancellationToken: cancel))];
    }

    public async Task<int> MarkSitesAsync(IReadOnlyDictionary<string, int> offsets, DateTimeOffset now, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteScalarAsync<int>(new CommandDefinition(
            Sql.MarkSites,
            new { zones = offsets.Keys.ToArray(), offsets = offsets.Values.Select(o => (short)o).ToArray(), now = now.UtcDateTime, limit },
            cancellationToken: cancel));
    }

    public async Task<IReadOnlyList<DueClock>> ClaimAsync(DateTimeOffset now, DateTimeOffset until, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = await session.QueryAsync<(string DeviceId, short? SetTo, string? CommandId, string? TimeZone, bool IsOnline)>(
            new CommandDefinition(Sql.ClaimClocks, new { now = now.UtcDateTime, until = until.UtcDateTime, limit }, cancellationToken: cancel));
        return [.. rows.Select(r => new DueClock(r.DeviceId, r.SetTo, r.CommandId, r.TimeZone, r.IsOnline))];
    }

    public async Task KeepAsync(IReadOnlyList<KnownClock> clocks, DateTimeOffset claimedUntil, CancellationToken cancel)
    {
        if (clocks.Count == 0)
            return;
        await using var session = await database.OpenConnectionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(
            Sql.KeepClocks,
            new
            {
                devices = clocks.Select(c => c.DeviceId).ToArray(),
                offsets = clocks.Select(c => (short?)c.SetTo).ToArray(),
                commands = clocks.Select(c => c.CommandId).ToArray(),
                dues = clocks.Select(c => c.DueAt?.UtcDateTime).ToArray(),
                claimed = claimedUntil.UtcDateTime,
            },
            cancellationToken: cancel));
    }

    public async Task<(string? TimeZone, int? SetTo)> FindAsync(string deviceId, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.QuerySingleOrDefaultAsync<(string? TimeZone, short? SetTo)>(
            new CommandDefinition(Sql.FindClock, new { id = deviceId }, cancellationToken: cancel));
    }
}
