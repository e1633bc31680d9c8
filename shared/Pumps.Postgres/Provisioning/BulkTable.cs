using System.Globalization;
using System.Text.Json;
using Dapper;
using Npgsql;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Provisioning;

namespace Pumps.Postgres;

/// <summary>Bulk orders and the receipts of their lines in PostgreSQL.</summary>
public sealed class BulkTable(NpgsqlDataSource database) : IBulkStore
{
    public async Task OpenAsync(string id, DateTimeOffset at, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(Sql.InsertBulk, new { id, at = at.UtcDateTime }, cancellationToken: cancel));
    }

    public async Task<int?> KeepAsync(string id, IReadOnlyList<BulkEntry> lines, DateTimeOffset at, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(Sql.LockBulk, new { id }, transaction, cancellationToken: cancel));

        var known = (await session.QueryAsync<(int Line, string Device, string Outcome)>(new CommandDefinition(
            Sql.KnownLines, new { id, lines = lines.Select(l => l.Line.Line).ToArray(), devices = lines.Select(l => l.Line.Device).ToArray() },
            transaction, cancellationToken: cancel))).AsList();
        var stored = known.ToDictionary(k => k.Line, k => k.Device);
        foreach (var entry in lines)
            if (stored.TryGetValue(entry.Line.Line, out var device) && device != entry.Line.Device)
                return entry.Line.Line;

        var fresh = lines.Where(l => !stored.ContainsKey(l.Line.Line)).ToList();
        if (fresh.Count == 0)
            return null;

        var taken = known.Where(k => k.Outcome == OrderTable.Name(LineOutcome.Accepted)).ToDictionary(k => k.Device, k => k.Line);
        var receipts = new List<BulkEntry>(fresh.Count);
        foreach (var entry in fresh)
            receipts.Add(entry.Order is null || taken.TryAdd(entry.Line.Device, entry.Line.Line)
                ? entry
                : new(Duplicate(entry.Line, string.Create(CultureInfo.InvariantCulture, $"Line {taken[entry.Line.Device]} orders the same device."))));

        var orders = receipts.Where(r => r.Order is not null).Select(r => r.Order!).ToList();
        var placed = orders.Count == 0 ? [] : (await InsertAsync(session, transaction, orders, at, cancel)).ToHashSet();
        BulkLine[] final =
        [
            .. receipts.Select(r => r.Order is null || placed.Contains(r.Order.Id) ? r.Line : Duplicate(r.Line, "The device has an order that is not over.")),
        ];
        var claims = receipts.Where(r => r.Claim is not null && placed.Contains(r.Order!.Id)).AsParallel().Select(r => r.Claim!()).ToList();
        if (claims.Count > 0)
            await ClaimTable.IssueAsync(session, transaction, claims, at, cancel);
        var customers = receipts.Select(r => r.Order?.Target?.Customer ?? "").ToArray();
        await session.ExecuteAsync(new CommandDefinition(Sql.InsertBulkLines, new
        {
            id,
            lines = final.Select(l => l.Line).ToArray(),
            devices = final.Select(l => l.Device).ToArray(),
            customers,
            orders = final.Select(l => l.OrderId).ToArray(),
            outcomes = final.Select(l => OrderTable.Name(l.Outcome)).ToArray(),
            reasons = final.Select(l => l.Reason).ToArray(),
            details = final.Select(l => l.Detail).ToArray(),
        }, transaction, cancellationToken: cancel));
        await transaction.CommitAsync(cancel);
        return null;
    }

    public async Task CompleteAsync(string id, DateTimeOffset at, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(Sql.CompleteBulk, new { id, at = at.UtcDateTime }, cancellationToken: cancel));
    }

    public async Task<BulkSummary?> FindAsync(string id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<(DateTime CreatedAt, DateTime? ReceivedAt, string? Outcome, string? Phase, int Lines)>(
            new CommandDefinition(Sql.FindBulk, new { id }, cancellationToken: cancel))).AsList();
        if (rows.Count == 0)
            return null;

        int Of(LineOutcome outcome) => rows.Where(r => r.Outcome == OrderTable.Name(outcome)).Sum(r => r.Lines);
        return new(id, rows[0].CreatedAt, rows[0].ReceivedAt, rows.Sum(r => r.Lines), Of(LineOutcome.Accepted), Of(LineOutcome.Duplicate), Of(LineOutcome.Refused),
            rows.Where(r => r.Phase is not null).GroupBy(r => r.Phase!).ToDictionary(g => g.Key, g => g.Sum(r => r.Lines)));
    }

    public async Task<Page<BulkLine>> ListAsync(string id, LineOutcome? outcome, int after, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<Row>(new CommandDefinition(
            Sql.ListBulkLines, new { id, outcome = outcome is { } only ? OrderTable.Name(only) : null, after, limit = limit + 1 }, cancellationToken: cancel))).AsList();
        return new([.. rows.Take(limit).Select(r => r.ToLine())], rows.Count > limit ? rows[limit - 1].Line.ToString(CultureInfo.InvariantCulture) : null);
    }

    private static BulkLine Duplicate(BulkLine line, string detail) =>
        line with { OrderId = null, Outcome = LineOutcome.Duplicate, Reason = "duplicate_device", Detail = detail };

    private static Task<IEnumerable<string>> InsertAsync(
        NpgsqlConnection session, NpgsqlTransaction transaction, List<NewOrder> orders, DateTimeOffset at, CancellationToken cancel)
    {
        var states = orders.Select(o => OrderMachine.Start(o.Kind, at)).ToList();
        return session.QueryAsync<string>(new CommandDefinition(Sql.InsertOrders, new
        {
            ids = orders.Select(o => o.Id).ToArray(),
            devices = orders.Select(o => o.DeviceId).ToArray(),
            customers = orders.Select(o => o.Target?.Customer ?? "").ToArray(),
            kinds = orders.Select(o => OrderTable.Name(o.Kind)).ToArray(),
            origins = orders.Select(o => o.Origin).ToArray(),
            sites = orders.Select(o => o.Site).ToArray(),
            phases = states.Select(s => OrderTable.Name(s.Phase)).ToArray(),
            targets = OrderTable.Jsonb(orders.Select(o => o.Target is null ? null : JsonSerializer.Serialize(o.Target, OrderTable.Json))),
            states = OrderTable.Jsonb(states.Select(s => JsonSerializer.Serialize(s, OrderTable.Json))),
            at = at.UtcDateTime,
        }, transaction, cancellationToken: cancel));
    }

    private sealed class Row
    {
        public int Line { get; init; }
        public string Device_Id { get; init; } = "";
        public string? Order_Id { get; init; }
        public string Outcome { get; init; } = "";
        public string? Reason { get; init; }
        public string? Detail { get; init; }
        public string? Phase { get; init; }

        public BulkLine ToLine() => new(
            Line, Device_Id, Order_Id, Parse<LineOutcome>(Outcome), Reason, Detail, Phase is null ? null : Parse<OrderPhase>(Phase));

        // The stored names are those of the enumerations, whose words are single.
        private static T Parse<T>(string name) where T : struct, Enum => Enum.Parse<T>(name, ignoreCase: true);
    }
}
