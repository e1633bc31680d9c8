using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Provisioning;

namespace Pumps.Postgres;

/// <summary>Orders in PostgreSQL: one row each, with the machine's state and its inbox.</summary>
public sealed class OrderTable(NpgsqlDataSource database) : IOrderStore
{
    // A row that was in the way may be over the moment after: then there is room.
    private const int PlacingTries = 5;

    /// <summary>How states are stored. A test pins it: a running order must survive a new version.</summary>
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    public async Task<(Placing Placing, StoredOrder Order)> PlaceAsync(NewOrder order, DateTimeOffset at, CancellationToken cancel)
    {
        var state = OrderMachine.Start(order.Kind, at);
        var parameters = new
        {
            order.Id,
            device = order.DeviceId,
            customer = order.Target?.Customer ?? "",
            kind = Name(order.Kind),
            target = order.Target is null ? null : JsonSerializer.Serialize(order.Target, Json),
            order.Origin,
            order.Site,
            phase = Name(state.Phase),
            state = JsonSerializer.Serialize(state, Json),
            at = at.UtcDateTime,
        };
        await using var session = await database.OpenConnectionAsync(cancel);
        for (var i = 0; i < PlacingTries; i++)
        {
            var row = await session.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(Sql.PlaceOrder, parameters, cancellationToken: cancel));
            if (row is null)
                continue;

            var stored = row.ToOrder();
            return (row.Placed ? Placing.Placed
                : stored.Id != order.Id ? Placing.DeviceBusy
                : stored.DeviceId == order.DeviceId && stored.State.Kind == order.Kind && stored.Target == order.Target && stored.Site == order.Site ? Placing.Repeated
                : Placing.IdTaken, stored);
        }

        throw new TimeoutException($"Order {order.Id} met another order of its device that came and went {PlacingTries} times.");
    }

    public async Task<StoredOrder?> FindAsync(string id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(Sql.FindOrder, new { id }, cancellationToken: cancel)))?.ToOrder();
    }

    public async Task<Page<StoredOrder>> ListAsync(string? deviceId, string? phase, string? cursor, int limit, CancellationToken cancel)
    {
        var before = cursor is null ? long.MaxValue : long.Parse(cursor, CultureInfo.InvariantCulture);
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<Row>(
            new CommandDefinition(Sql.ListOrders, new { device = deviceId, phase, before, limit = limit + 1 }, cancellationToken: cancel))).AsList();
        return new([.. rows.Take(limit).Select(r => r.ToOrder())],
            rows.Count > limit ? rows[limit - 1].Order_No.ToString(CultureInfo.InvariantCulture) : null);
    }

    public async Task<IReadOnlyList<StoredOrder>> ClaimAsync(DateTimeOffset now, TimeSpan lease, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = await session.QueryAsync<Row>(new CommandDefinition(
            Sql.ClaimOrders, new { now = now.UtcDateTime, until = (now + lease).UtcDateTime, limit }, cancellationToken: cancel));
        return [.. rows.Select(r => r.ToOrder())];
    }

    public async Task<int> EndLeasesAsync(CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteAsync(new CommandDefinition(Sql.EndLeases, cancellationToken: cancel));
    }

    public async Task<int> CountDueAsync(DateTimeOffset now, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteScalarAsync<int>(new CommandDefinition(Sql.CountDueOrders, new { now = now.UtcDateTime }, cancellationToken: cancel));
    }

    public async Task<IReadOnlyList<StoredOrder>> KeepAsync(
        IReadOnlyList<(StoredOrder Order, OrderState Next)> orders, DateTimeOffset now, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = await session.QueryAsync<Row>(new CommandDefinition(Sql.KeepOrders, new
        {
            ids = orders.Select(o => o.Order.Id).ToArray(),
            versions = orders.Select(o => o.Order.Version).ToArray(),
            phases = orders.Select(o => Name(o.Next.Phase)).ToArray(),
            states = Jsonb(orders.Select(o => JsonSerializer.Serialize(o.Next, Json))),
            dues = orders.Select(o => o.Next.DueAt?.UtcDateTime).ToArray(),
            now = now.UtcDateTime,
        }, cancellationToken: cancel));
        return [.. rows.Select(r => r.ToOrder())];
    }

    public Task<bool> ConfirmAsync(string id, DateTimeOffset now, CancellationToken cancel) => MarkAsync(id, confirmed: true, cancelled: false, now, cancel);

    public Task<bool> CancelAsync(string id, DateTimeOffset now, CancellationToken cancel) => MarkAsync(id, confirmed: false, cancelled: true, now, cancel);

    public async Task TakeHellosAsync(IReadOnlyList<DeviceHello> hellos, DateTimeOffset now, CancellationToken cancel)
    {
        // One row is updated once in a statement: the newest word of each device.
        var newest = hellos.GroupBy(h => h.DeviceId).Select(g => g.Last()).ToList();
        await using var session = await database.OpenConnectionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(Sql.TakeHellos, new
        {
            devices = newest.Select(h => h.DeviceId).ToArray(),
            hellos = Jsonb(newest.Select(h => JsonSerializer.Serialize(h, Json))),
            now = now.UtcDateTime,
        }, cancellationToken: cancel));
    }

    internal static string Name<T>(T value) where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());

    internal static JsonbArray Jsonb(IEnumerable<string?> documents) => new([.. documents]);

    private async Task<bool> MarkAsync(string id, bool confirmed, bool cancelled, DateTimeOffset now, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteAsync(
            new CommandDefinition(Sql.ConfirmOrder, new { id, confirmed, cancelled, now = now.UtcDateTime }, cancellationToken: cancel)) > 0;
    }

    private sealed class Row
    {
        public bool Placed { get; init; }
        public string Order_Id { get; init; } = "";
        public long Order_No { get; init; }
        public string Device_Id { get; init; } = "";
        public string? Target { get; init; }
        public string Origin { get; init; } = "";
        public string State { get; init; } = "";
        public long Version { get; init; }
        public string? Hello { get; init; }
        public bool Confirmed { get; init; }
        public bool Cancelled { get; init; }
        public DateTime Created_At { get; init; }
        public DateTime? Closed_At { get; init; }
        public string? Site_Id { get; init; }

        public StoredOrder ToOrder() => new(
            Order_Id, Device_Id, Target is null ? null : JsonSerializer.Deserialize<DeviceRegistration>(Target, Json), Origin,
            JsonSerializer.Deserialize<OrderState>(State, Json)!, Version, Hello is null ? null : JsonSerializer.Deserialize<DeviceHello>(Hello, Json),
            Confirmed, Cancelled, Created_At, Closed_At, Site_Id);
    }
}

/// <summary>An array of JSON documents as a parameter: without its type it would be an array of texts.</summary>
internal sealed class JsonbArray(string?[] documents) : SqlMapper.ICustomQueryParameter
{
    public void AddParameter(System.Data.IDbCommand command, string name) => command.Parameters.Add(
        new NpgsqlParameter(name, NpgsqlDbType.Array | NpgsqlDbType.Jsonb) { Value = documents });
}
