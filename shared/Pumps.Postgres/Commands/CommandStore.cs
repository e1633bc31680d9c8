using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pumps.Core.Protocols;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Datapoints;

namespace Pumps.Postgres;

/// <summary>The queue of commands, in the order of each device.</summary>
public sealed partial class CommandStore(NpgsqlDataSource database) : ICommandStore
{
    // The longest correlation that DP2 carries.
    private const int CorrelationBytes = 16;

    public async Task<CommandTarget?> FindTargetAsync(string deviceId, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var row = await session.QuerySingleOrDefaultAsync<(string Id, string Protocol, string Product, string Customer)?>(
            new CommandDefinition(Sql.FindTarget, new { device = deviceId }, cancellationToken: cancel));
        return row is { } d ? new(d.Id, d.Protocol == "dp1" ? Protocol.Dp1 : Protocol.Dp2, d.Product, d.Customer) : null;
    }

    public async Task<(StoredCommand Command, bool IsNew)> AddAsync(NewCommand command, CancellationToken cancel)
    {
        var (order, target) = (command.Order, command.Target);
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        await using var batch = new NpgsqlBatch(session, transaction)
        {
            BatchCommands =
            {
                new(Sql.MakeTurn) { Parameters = { new("device", order.DeviceId) } },
                new(Sql.TakeTurn) { Parameters = { new("device", order.DeviceId) } },
                new(Sql.AddCommand)
                {
                    Parameters =
                    {
                        new("device", order.DeviceId), new("id", order.Id), new("customer", target.Customer), new("product", target.Product),
                        new("protocol", target.Protocol.Name()), new("command", order.Command), new("arguments", NpgsqlDbType.Jsonb) { Value = command.ArgumentsJson },
                        new("requested_by", order.RequestedBy), new("origin", order.Origin), new("confirmed", order.Confirmed),
                        new("group", NpgsqlDbType.Text) { Value = (object?)order.Group ?? DBNull.Value },
                        new("correlation", NpgsqlDbType.Text) { Value = target.Protocol is Protocol.Dp1 ? DBNull.Value : Correlation(order) },
                        new("now", command.CreatedAt.UtcDateTime), new("expires_at", command.Terms.ExpiresAt.UtcDateTime), new("repeatable", command.Terms.Repeatable),
                    },
                },
            },
        };
        await batch.ExecuteNonQueryAsync(cancel);
        var isNew = batch.BatchCommands[2].RecordsAffected > 0;
        var row = await session.QuerySingleAsync<CommandRow>(new CommandDefinition(
            Sql.FindCommand, new { device = order.DeviceId, id = order.Id }, transaction, cancellationToken: cancel));
        await transaction.CommitAsync(cancel);
        return (row.ToCommand(), isNew);
    }

    public async Task<StoredCommand?> FindAsync(string deviceId, string commandId, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QuerySingleOrDefaultAsync<CommandRow>(
            new CommandDefinition(Sql.FindCommand, new { device = deviceId, id = commandId }, cancellationToken: cancel)))?.ToCommand();
    }

    public async Task<Page<StoredCommand>> ListAsync(string? deviceId, string? cursor, int limit, CancellationToken cancel)
    {
        var (at, device, ordinal) = ReadCursor(cursor);
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<CommandRow>(new CommandDefinition(
            deviceId is null ? Sql.ListCommands : Sql.ListDeviceCommands,
            new { device = deviceId, before = deviceId is null ? (object)at : ordinal, before_device = device, before_ordinal = ordinal, limit = limit + 1 },
            cancellationToken: cancel))).AsList();
        StoredCommand[] items = [.. rows.Take(limit).Select(r => r.ToCommand())];
        return new(items, rows.Count > limit ? WriteCursor(items[^1]) : null);
    }

    public async Task<Page<StoredCommand>> ListGroupAsync(string group, string? cursor, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<CommandRow>(new CommandDefinition(
            Sql.ListGroupCommands, new { group, after = cursor ?? "", limit = limit + 1 }, cancellationToken: cancel))).AsList();
        StoredCommand[] items = [.. rows.Take(limit).Select(r => r.ToCommand())];
        return new(items, rows.Count > limit ? items[^1].Target.DeviceId : null);
    }

    /// <summary>What a DP2 answer carries; made of the order, so that it is the same however often it is asked.</summary>
    private static string Correlation(CommandOrder order) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{order.DeviceId}\n{order.Id}")).AsSpan(0, CorrelationBytes));

    private static string WriteCursor(StoredCommand last) =>
        string.Create(CultureInfo.InvariantCulture, $"{last.CreatedAt.UtcTicks}:{last.Target.DeviceId}:{last.Ordinal}");

    private static (DateTime At, string Device, long Ordinal) ReadCursor(string? cursor)
    {
        if (cursor is null)
            return (DateTime.MaxValue.ToUniversalTime(), "", long.MaxValue);
        if (cursor.Split(':') is [var ticks, var device, var number]
            && long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at <= DateTime.MaxValue.Ticks
            && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal))
            return (new(at, DateTimeKind.Utc), device, ordinal);
        throw new ArgumentException($"\"{cursor}\" is not a cursor of this list. Begin without one.", nameof(cursor));
    }
}
