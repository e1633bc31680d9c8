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
        return row is { } found ? ToTarget(found) : null;
    }

    public async Task<(StoredCommand Command, bool IsNew)> AddAsync(NewCommand command, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        await using var batch = Add(session, transaction, [command]);
        batch.BatchCommands.Add(new(Sql.FindCommand) { Parameters = { new("device", command.Order.DeviceId), new("id", command.Order.Id) } });
        bool isNew;
        CommandRow row;
        await using (var reader = await batch.ExecuteReaderAsync(cancel))
        {
            isNew = (await ReadTakenAsync(reader, cancel)).Count > 0;
            await reader.NextResultAsync(cancel);
            row = (await ReadAsync(reader, cancel)).Single();
        }

        await transaction.CommitAsync(cancel);
        return (row.ToCommand(), isNew);
    }

    public async Task<StoredCommand?> FindAsync(string deviceId, string commandId, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QuerySingleOrDefaultAsync<CommandRow>(
            new CommandDefinition(Sql.FindCommand, new { device = deviceId, id = commandId }, cancellationToken: cancel)))?.ToCommand();
    }

    public async Task<Page<StoredCommand>> ListAsync(string? deviceId, string? customer, string? cursor, int limit, CancellationToken cancel)
    {
        var (at, device, ordinal) = ReadCursor(cursor);
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<CommandRow>(new CommandDefinition(
            deviceId is null ? Sql.ListCommands : Sql.ListDeviceCommands,
            new { device = deviceId, customer, before = deviceId is null ? (object)at : ordinal, before_device = device, before_ordinal = ordinal, limit = limit + 1 },
            cancellationToken: cancel))).AsList();
        StoredCommand[] items = [.. rows.Take(limit).Select(r => r.ToCommand())];
        return new(items, rows.Count > limit ? WriteCursor(items[^1].CreatedAt, items[^1].Target.DeviceId, items[^1].Ordinal) : null);
    }

    /// <summary>Puts one order behind the commands of each device; <see cref="ReadTakenAsync"/> says of which.</summary>
    private static NpgsqlBatch Add(NpgsqlConnection session, NpgsqlTransaction transaction, IReadOnlyList<NewCommand> commands)
    {
        var order = commands[0].Order;
        var devices = commands.Select(c => c.Target.DeviceId).ToArray();
        return new NpgsqlBatch(session, transaction)
        {
            BatchCommands =
            {
                new(Sql.MakeTurns) { Parameters = { new("devices", devices) } },
                new(Sql.TakeTurns) { Parameters = { new("devices", devices) } },
                new(Sql.AddCommands)
                {
                    Parameters =
                    {
                        new("devices", devices), Texts("customers", commands.Select(c => c.Target.Customer)), Texts("products", commands.Select(c => c.Target.Product)),
                        Texts("protocols", commands.Select(c => c.Target.Protocol.Name())),
                        Texts("correlations", commands.Select(c => c.Target.Protocol is Protocol.Dp1 ? null : Correlation(c.Order))),
                        new("expires", commands.Select(c => c.Terms.ExpiresAt.UtcDateTime).ToArray()), new("repeatable", commands.Select(c => c.Terms.Repeatable).ToArray()),
                        new("id", order.Id), new("command", order.Command), new("arguments", NpgsqlDbType.Jsonb) { Value = commands[0].ArgumentsJson },
                        new("requested_by", order.RequestedBy), new("origin", order.Origin), new("confirmed", order.Confirmed),
                        new("group", NpgsqlDbType.Text) { Value = (object?)order.Group ?? DBNull.Value }, new("now", commands[0].CreatedAt.UtcDateTime),
                    },
                },
            },
        };
    }

    /// <returns>The devices that have got the command; the others have one of its id already.</returns>
    private static async Task<HashSet<string>> ReadTakenAsync(NpgsqlDataReader reader, CancellationToken cancel)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        // The turns come first.
        await reader.NextResultAsync(cancel);
        while (await reader.ReadAsync(cancel))
            taken.Add(reader.GetString(0));
        return taken;
    }

    private static CommandTarget ToTarget((string Id, string Protocol, string Product, string Customer) row) =>
        new(row.Id, row.Protocol == "dp1" ? Protocol.Dp1 : Protocol.Dp2, row.Product, row.Customer);

    /// <summary>What a DP2 answer carries; made of the order, so that it is the same however often it is asked.</summary>
    private static string Correlation(CommandOrder order) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{order.DeviceId}\n{order.Id}")).AsSpan(0, CorrelationBytes));

    private static string WriteCursor(DateTimeOffset at, string device, long ordinal) =>
        string.Create(CultureInfo.InvariantCulture, $"{at.UtcTicks}:{device}:{ordinal}");

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
