using System.Text.Json;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Portal;

namespace Pumps.Postgres;

/// <content>The audit: what was asked, by whom, from where, and what came of it; longer than the commands themselves.</content>
public sealed partial class CommandStore
{
    // Of what is no command anybody may have written anything.
    private const int NameMax = 100;

    public async Task RefuseAsync(CommandOrder order, RefusedDevice refused, DateTimeOffset now, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var batch = new NpgsqlBatch(session) { BatchCommands = { Audit(order, [refused], now) } };
        await batch.ExecuteNonQueryAsync(cancel);
    }

    public async Task<Page<AuditEntry>> ListAuditAsync(string deviceId, string? customer, string? cursor, int limit, CancellationToken cancel)
    {
        var (before, _, number) = ReadCursor(cursor);
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<AuditRow>(new CommandDefinition(
            Sql.ListAudit, new { device = deviceId, customer, before, before_number = number, limit = limit + 1 }, cancellationToken: cancel))).AsList();
        return new([.. rows.Take(limit).Select(r => r.ToEntry())], rows.Count > limit ? WriteCursor(rows[limit - 1].At, deviceId, rows[limit - 1].Number) : null);
    }

    public async Task<int> RetireAsync(DateTimeOffset before, int limit, CancellationToken cancel)
    {
        var given = new { before = before.UtcDateTime, limit };
        await using var session = await database.OpenConnectionAsync(cancel);
        var commands = await session.ExecuteAsync(new CommandDefinition(Sql.RetireCommands, given, cancellationToken: cancel));
        return Math.Max(commands, await session.ExecuteAsync(new CommandDefinition(Sql.RemoveGroups, given, cancellationToken: cancel)));
    }

    public async Task<int> RemoveAuditAsync(DateTimeOffset before, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteAsync(new CommandDefinition(Sql.RemoveAudit, new { before = before.UtcDateTime, limit }, cancellationToken: cancel));
    }

    private static NpgsqlBatchCommand Audit(CommandOrder order, IReadOnlyList<RefusedDevice> refused, DateTimeOffset now) => new(Sql.AddAudit)
    {
        Parameters =
        {
            Texts("devices", refused.Select(r => r.DeviceId)), Texts("customers", refused.Select(r => r.Customer)),
            Texts("reasons", refused.Select(r => r.Faults[0].Rule)),
            new("faults", NpgsqlDbType.Array | NpgsqlDbType.Json) { Value = refused.Select(r => JsonSerializer.Serialize(r.Faults, Json)).ToArray() },
            new("id", Printable(order.Id)), new("command", Printable(order.Command)), Document("arguments", NpgsqlDbType.Json, order.Arguments),
            new("requested_by", order.RequestedBy), new("origin", order.Origin),
            new("group", NpgsqlDbType.Text) { Value = (object?)order.Group ?? DBNull.Value }, new("now", now.UtcDateTime),
        },
    };

    /// <summary>The database's text takes no character 0.</summary>
    private static string Printable(string given) => string.Concat(given.Take(NameMax).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));

    /// <summary>A row of ListAudit.sql, with the names of its columns.</summary>
    private sealed class AuditRow
    {
        public DateTime At { get; init; }
        public long Number { get; init; }
        public string Command_Id { get; init; } = "";
        public string Command { get; init; } = "";
        public string Arguments { get; init; } = "";
        public string Requested_By { get; init; } = "";
        public string Origin { get; init; } = "";
        public string? Group_Id { get; init; }
        public string Result { get; init; } = "";
        public string? Reason { get; init; }
        public string? Faults { get; init; }

        public AuditEntry ToEntry() => new(
            At, Command_Id, Command, CommandRow.ReadArguments(Arguments), Requested_By, Origin, Group_Id, Result, Reason,
            Faults is null ? null : JsonSerializer.Deserialize<List<Fault>>(Faults, Json));
    }
}
