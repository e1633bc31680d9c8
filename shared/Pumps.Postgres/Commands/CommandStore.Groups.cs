using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Portal;

namespace Pumps.Postgres;

/// <content>Groups of commands: each is stored as a whole.</content>
public sealed partial class CommandStore
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public async Task<IReadOnlyList<CommandTarget>> FindTargetsAsync(GroupTarget target, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = await session.QueryAsync<(string Id, string Protocol, string Product, string Customer)>(new CommandDefinition(
            Sql.FindTargets, new { target.Site, target.Tag, target.Customer, devices = target.Devices?.ToArray(), limit }, cancellationToken: cancel));
        return [.. rows.Select(ToTarget)];
    }

    public async Task<(StoredGroup Group, bool IsNew)> AddGroupAsync(
        GroupOrder order, IReadOnlyList<NewCommand> commands, IReadOnlyList<RefusedDevice> refused, DateTimeOffset now, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        await using var add = new NpgsqlCommand(Sql.AddGroup, session, transaction)
        {
            Parameters =
            {
                new("id", order.Id), new("command", order.Command), Document("arguments", NpgsqlDbType.Json, order.Arguments),
                Document("target", NpgsqlDbType.Jsonb, order.Target), new("requested_by", order.RequestedBy), new("origin", order.Origin),
                new("devices", commands.Count + refused.Count), new("now", now.UtcDateTime),
            },
        };
        var isNew = await add.ExecuteNonQueryAsync(cancel) > 0;
        if (isNew)
        {
            HashSet<string> taken = commands.Count == 0 ? [] : await AddAsync(session, transaction, commands, cancel);
            var conflicts = commands.Where(c => !taken.Contains(c.Target.DeviceId))
                .Select(c => new RefusedDevice(c.Target.DeviceId, c.Target.Customer, [SubmitCommand.Conflict(c.Order)]));
            await using var rest = new NpgsqlBatch(session, transaction)
            {
                BatchCommands =
                {
                    Audit(order.For(""), [.. refused, .. conflicts], now),
                    new(Sql.CountGroup) { Parameters = { new("id", order.Id), new("queued", taken.Count) } },
                },
            };
            await rest.ExecuteNonQueryAsync(cancel);
        }

        var group = await session.QuerySingleAsync<GroupRow>(new CommandDefinition(Sql.FindGroup, new { order.Id }, transaction, cancellationToken: cancel));
        await transaction.CommitAsync(cancel);
        return (group.ToGroup(), isNew);
    }

    public async Task<StoredGroup?> FindGroupAsync(string group, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QuerySingleOrDefaultAsync<GroupRow>(new CommandDefinition(Sql.FindGroup, new { id = group }, cancellationToken: cancel)))?.ToGroup();
    }

    public async Task<Page<StoredLine>> ListGroupAsync(string group, string? cursor, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var given = new { group, after = cursor ?? "", limit = limit + 1 };
        var commands = await session.QueryAsync<CommandRow>(new CommandDefinition(Sql.ListGroupCommands, given, cancellationToken: cancel));
        var refusals = await session.QueryAsync<(string Device, string Faults)>(new CommandDefinition(Sql.ListGroupRefusals, given, cancellationToken: cancel));
        var lines = commands.Select(c => new StoredLine(c.Device_Id, c.ToCommand(), null))
            .Concat(refusals.Select(r => new StoredLine(r.Device, null, JsonSerializer.Deserialize<List<Fault>>(r.Faults, Json))))
            .OrderBy(line => line.DeviceId, StringComparer.Ordinal).Take(limit + 1).ToList();
        return lines.Count > limit ? new(lines[..limit], lines[limit - 1].DeviceId) : new(lines, null);
    }

    private static async Task<HashSet<string>> AddAsync(
        NpgsqlConnection session, NpgsqlTransaction transaction, IReadOnlyList<NewCommand> commands, CancellationToken cancel)
    {
        await using var batch = Add(session, transaction, commands);
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        return await ReadTakenAsync(reader, cancel);
    }

    private static NpgsqlParameter Document<T>(string name, NpgsqlDbType type, T value) => new(name, type) { Value = JsonSerializer.Serialize(value, Json) };

    /// <summary>A row of command_group, with the names of its columns.</summary>
    private sealed class GroupRow
    {
        public string Group_Id { get; init; } = "";
        public string Command { get; init; } = "";
        public string Arguments { get; init; } = "";
        public string Target { get; init; } = "";
        public string Requested_By { get; init; } = "";
        public string Origin { get; init; } = "";
        public int Devices { get; init; }
        public int Queued { get; init; }
        public DateTime Created_At { get; init; }

        public StoredGroup ToGroup() => new(
            Group_Id, JsonSerializer.Deserialize<GroupTarget>(Target, Json)!, Command, CommandRow.ReadArguments(Arguments), Requested_By, Origin, Devices, Queued,
            Created_At);
    }
}
