using Npgsql;
using NpgsqlTypes;
using Pumps.Core.Devices;
using Pumps.Handlers.Devices;

namespace Pumps.Postgres;

/// <summary>Connections of devices, one row each.</summary>
public sealed class ConnectionTable(NpgsqlDataSource database) : IConnectionStore
{
    private static readonly string[] Phases = ["online", "leaving", "offline"];

    public async Task<int> ChangeAsync(IReadOnlyCollection<string> deviceIds, Func<KnownLine, DeviceLine?> step, CancellationToken cancel) =>
        (await ChangeAsync(Sql.HoldConnections, hold => hold.AddWithValue("ids", deviceIds.ToArray()), step, cancel)).Count;

    public async Task<int> ChangeDueAsync(DateTimeOffset now, int limit, Func<KnownLine, DeviceLine?> step, CancellationToken cancel) => (await ChangeAsync(
        Sql.HoldDueConnections,
        hold =>
        {
            hold.AddWithValue("now", now.UtcDateTime);
            hold.AddWithValue("limit", limit);
        },
        step, cancel)).Count;

    public async Task<string?> ChangePresentAsync(string after, int limit, Func<KnownLine, DeviceLine?> step, CancellationToken cancel) => (await ChangeAsync(
        Sql.HoldPresentConnections,
        hold =>
        {
            hold.AddWithValue("after", after);
            hold.AddWithValue("limit", limit);
        },
        step, cancel)).LastOrDefault()?.DeviceId;

    private async Task<List<KnownLine>> ChangeAsync(
        string statement, Action<NpgsqlParameterCollection> parameters, Func<KnownLine, DeviceLine?> step, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        var known = new List<KnownLine>();
        await using (var hold = new NpgsqlCommand(statement, session, transaction))
        {
            parameters(hold.Parameters);
            await using var rows = await hold.ExecuteReaderAsync(cancel);
            while (await rows.ReadAsync(cancel))
                known.Add(Read(rows));
        }

        var changed = known.Select(k => (k.DeviceId, Old: k.Line, New: step(k))).Where(c => c.New is not null && c.New != c.Old).ToList();
        if (changed.Count > 0)
        {
            await using var write = new NpgsqlCommand(Sql.WriteConnections, session, transaction);
            write.Parameters.AddWithValue("ids", changed.ConvertAll(c => c.DeviceId));
            write.Parameters.AddWithValue("phases", changed.ConvertAll(c => Phases[(int)c.New!.Phase]));
            write.Parameters.AddWithValue("sinces", changed.ConvertAll(c => c.New!.Since.UtcDateTime));
            write.Parameters.AddWithValue("lefts", NpgsqlDbType.Array | NpgsqlDbType.TimestampTz, changed.ConvertAll(c => c.New!.LeftAt?.UtcDateTime));
            write.Parameters.AddWithValue("dues", NpgsqlDbType.Array | NpgsqlDbType.TimestampTz, changed.ConvertAll(c => c.New!.DueAt?.UtcDateTime));
            write.Parameters.AddWithValue("sequences", changed.ConvertAll(c => c.New!.Sequence));
            await write.ExecuteNonQueryAsync(cancel);
        }

        await transaction.CommitAsync(cancel);
        return known;
    }

    private static KnownLine Read(NpgsqlDataReader row)
    {
        return new(row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : new(
            (ConnectionPhase)Array.IndexOf(Phases, row.GetString(2)), row.GetFieldValue<DateTimeOffset>(3), Time(4), Time(5), row.GetString(6)));

        DateTimeOffset? Time(int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
    }
}
