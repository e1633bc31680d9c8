using System.Globalization;
using System.Text.Json;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Hubs;

namespace Pumps.Postgres;

/// <summary>Keeps messages that could not be handled, and lists them for people who repair.</summary>
public sealed class DeadLetters(NpgsqlDataSource database) : IDeadLetters, IDeadLetterQueries
{
    public async Task StoreAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel)
    {
        if (letters.Count == 0)
            return;

        await using var store = database.CreateCommand(Sql.StoreDeadLetters);
        store.Parameters.AddWithValue("device_ids", letters.Select(l => l.DeviceId).ToArray());
        store.Parameters.AddWithValue("hubs", letters.Select(l => l.Hub).ToArray());
        store.Parameters.AddWithValue("partitions", letters.Select(l => l.Partition).ToArray());
        store.Parameters.AddWithValue("sequences", letters.Select(l => l.Sequence).ToArray());
        store.Parameters.AddWithValue("enqueued", letters.Select(l => l.EnqueuedAt.UtcDateTime).ToArray());
        store.Parameters.AddWithValue("codes", letters.Select(l => l.Code).ToArray());
        store.Parameters.AddWithValue("details", letters.Select(l => Storable(l.Detail)).ToArray());
        store.Parameters.AddWithValue("properties", NpgsqlDbType.Array | NpgsqlDbType.Jsonb, letters.Select(l => ToJson(l.Properties)).ToArray());
        store.Parameters.AddWithValue("bodies", letters.Select(l => l.Body.ToArray()).ToArray());
        await store.ExecuteNonQueryAsync(cancel);
    }

    public async Task<Page<StoredDeadLetter>> ListAsync(string? code, string? cursor, int limit, CancellationToken cancel)
    {
        var before = cursor is null ? long.MaxValue
            : long.TryParse(cursor, CultureInfo.InvariantCulture, out var id) ? id
            : throw new ArgumentException($"\"{cursor}\" is not a cursor of this list. Begin without one.", nameof(cursor));

        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<Row>(
            new CommandDefinition(Sql.ListDeadLetters, new { code, before, limit = limit + 1 }, cancellationToken: cancel))).AsList();
        StoredDeadLetter[] items = [.. rows.Take(limit).Select(r => r.ToLetter())];
        return new(items, rows.Count > limit ? items[^1].Id.ToString(CultureInfo.InvariantCulture) : null);
    }

    public async Task<StoredDeadLetter?> FindAsync(long id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(Sql.FindDeadLetter, new { id }, cancellationToken: cancel)))?.ToLetter();
    }

    public async Task MarkReplayedAsync(long id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(Sql.MarkReplayed, new { id }, cancellationToken: cancel));
    }

    public async Task<IReadOnlyDictionary<string, long>> CountByCodeAsync(CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QueryAsync<(string Code, long Count)>(new CommandDefinition(Sql.CountByCode, cancellationToken: cancel)))
            .ToDictionary(row => row.Code, row => row.Count);
    }

    // PostgreSQL's text has no zero character; a letter of a broken message must still be kept.
    private static string Storable(string text) => text.Replace('\0', '\uFFFD');

    private static string ToJson(EventProperties properties)
    {
        var pairs = new string[properties.Items.Length][];
        for (var i = 0; i < pairs.Length; i++)
            pairs[i] = [Storable(properties.Items[i].Key), Storable(properties.Items[i].Value)];
        return JsonSerializer.Serialize(pairs);
    }

    private sealed class Row
    {
        public long Id { get; init; }
        public string Device_Id { get; init; } = "";
        public string Hub { get; init; } = "";
        public string Partition { get; init; } = "";
        public long Sequence { get; init; }
        public DateTime Enqueued_At { get; init; }
        public string Code { get; init; } = "";
        public string Detail { get; init; } = "";
        public string Properties { get; init; } = "";
        public byte[] Body { get; init; } = [];
        public DateTime Stored_At { get; init; }
        public DateTime? Replayed_At { get; init; }

        public StoredDeadLetter ToLetter() => new(
            Id,
            new(Hub, Partition, Sequence, Enqueued_At, Device_Id, Code, Detail,
                new([.. JsonSerializer.Deserialize<string[][]>(Properties)!.Select(p => KeyValuePair.Create(p[0], p[1]))]), Body),
            Stored_At, Replayed_At);
    }
}
