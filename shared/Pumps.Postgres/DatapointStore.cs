using System.Collections.Concurrent;
using Npgsql;
using NpgsqlTypes;
using Pumps.Handlers.Datapoints;

namespace Pumps.Postgres;

/// <summary>Keeps newest values and history. Every write is one transaction, safe to repeat, and throws when the database is gone.</summary>
/// <remarks>
/// History goes by binary COPY straight into the table with its key. Repeats are filtered before, by a memory of recent keys; if one
/// is left (after a restart), the key refuses the COPY, and the same batch goes through a stage with ON CONFLICT DO NOTHING.
/// Rows are sorted by device key: two writers that meet wait for each other and do not deadlock.
/// </remarks>
public sealed class DatapointStore(NpgsqlDataSource database, TimeProvider time) : IDatapointStore
{
    // Documents in one statement: 1 MB, which the processor's cache holds on its way through the region and the server.
    private const int DevicesAtOnce = 2000;

    // Buffers of a batch are reused; as many exist as batches ever were written at once.
    private readonly ConcurrentBag<LatestDocuments> _documents = [];
    private readonly ConcurrentBag<CopyWriter> _writers = [];
    private readonly DeviceKeys _devices = new(database);
    private readonly RecentKeys _recent = new();
    private readonly OpenMarks _marks = new(time);
    private readonly Lock _memory = new();

    // After a repeat that memory did not know (a restart, a lease that moved) the next batches are most likely repeats too:
    // they skip the attempt at COPY until one of them brings only news.
    private volatile bool _repeats;

    public async Task KeepLatestAsync(string offering, IReadOnlyList<Observation> observations, CancellationToken cancel)
    {
        if (observations.Count == 0)
            return;

        var keys = await _devices.ResolveAsync(offering, observations, cancel);
        if (!_documents.TryTake(out var documents))
            documents = new();
        documents.Begin(keys, observations);
        while (documents.Next(DevicesAtOnce))
            do
            {
                await ReadLatestAsync(documents, cancel);
                documents.Merge();
            }
            while (await WriteLatestAsync(documents, cancel) < documents.Keys.Count); // Another writer was faster with one of the devices.
        _documents.Add(documents);
    }

    public async Task<int> AppendHistoryAsync(string offering, IReadOnlyList<Observation> observations, CancellationToken cancel)
    {
        if (observations.Count == 0)
            return 0;

        var keys = await _devices.ResolveAsync(offering, observations, cancel);
        var rows = SortedNews(keys, observations);
        if (rows.Count == 0)
            return 0;

        if (!_writers.TryTake(out var writer))
            writer = new();
        Task CopyAsync(NpgsqlConnection session, string copy) => writer.SendAsync(session, copy, rows, (to, row) => Write(to, row.Key, observations[row.Index]), cancel);
        var marks = _marks.Due(rows);

        await using var session = await database.OpenConnectionAsync(cancel);
        var added = _repeats ? null : await TryCopyAsync(session, CopyAsync, rows.Count, marks, cancel);
        if (added is null)
        {
            added = await StageAsync(session, CopyAsync, marks, cancel);
            _repeats = added < rows.Count;
        }

        _marks.Written(marks);
        lock (_memory)
            foreach (var (key, _) in rows)
                _recent.Add(key);
        _writers.Add(writer);
        return added.Value;
    }

    private async Task ReadLatestAsync(LatestDocuments documents, CancellationToken cancel)
    {
        documents.Forget();
        await using var read = database.CreateCommand(Sql.ReadLatest);
        read.Parameters.Add(new() { Value = documents.Keys, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        await using var rows = await read.ExecuteReaderAsync(cancel);
        while (await rows.ReadAsync(cancel))
            documents.Store(rows.GetInt64(0), rows.GetInt32(1), rows.GetFieldValue<byte[]>(2));
    }

    private async Task<int> WriteLatestAsync(LatestDocuments documents, CancellationToken cancel)
    {
        await using var write = database.CreateCommand(Sql.WriteLatest);
        write.Parameters.Add(new() { Value = documents.Keys, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Bigint });
        write.Parameters.Add(new() { Value = documents.Versions, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Integer });
        write.Parameters.Add(new() { Value = documents.Seen, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        write.Parameters.Add(new() { Value = documents.Documents, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Json });
        return await write.ExecuteNonQueryAsync(cancel);
    }

    /// <summary>The observations that are neither twice in the batch nor known from a batch before, by key.</summary>
    private List<(HistoryKey Key, int Index)> SortedNews(long[] keys, IReadOnlyList<Observation> observations)
    {
        var rows = new List<(HistoryKey Key, int Index)>(keys.Length);
        lock (_memory)
            for (var i = 0; i < keys.Length; i++)
            {
                // The database keeps microseconds: finer digits do not make another observation.
                var ticks = observations[i].ObservedAt.UtcTicks;
                var key = new HistoryKey(keys[i], ticks - ticks % TimeSpan.TicksPerMicrosecond, observations[i].Sequence);
                if (!_recent.Contains(key))
                    rows.Add((key, i));
            }

        rows.Sort(static (a, b) => a.Key.CompareTo(b.Key) is var order and not 0 ? order : a.Index.CompareTo(b.Index));

        var kept = 0;
        for (var i = 0; i < rows.Count; i++)
            if (kept == 0 || rows[kept - 1].Key != rows[i].Key)
                rows[kept++] = rows[i];
        rows.RemoveRange(kept, rows.Count - kept);
        return rows;
    }

    private static void Write(CopyWriter writer, HistoryKey key, in Observation observation)
    {
        writer.Row(8);
        writer.Long(key.Device);
        writer.Timestamp(observation.ObservedAt);
        writer.Long(key.Sequence);
        writer.Timestamp(observation.ReceivedAt);
        writer.Boolean(observation.Historical);
        if (observation.Clock is "ok")
            writer.Null();
        else
            writer.Text(observation.Clock);
        writer.Jsonb(observation.Points.Span);
        if (observation.Quality.IsEmpty)
            writer.Null();
        else
            writer.Jsonb(observation.Quality.Span);
    }

    /// <returns>Null when one of the rows is there already; then nothing was written.</returns>
    private static async Task<int?> TryCopyAsync(
        NpgsqlConnection session, Func<NpgsqlConnection, string, Task> copy, int count, IReadOnlyList<HourMark> marks, CancellationToken cancel)
    {
        await using var transaction = await session.BeginTransactionAsync(cancel);
        try
        {
            await copy(session, Sql.CopyHistory);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            await transaction.RollbackAsync(cancel);
            return null;
        }

        await InsertMarksAsync(session, marks, cancel);
        await transaction.CommitAsync(cancel);
        return count;
    }

    private static async Task<int> StageAsync(
        NpgsqlConnection session, Func<NpgsqlConnection, string, Task> copy, IReadOnlyList<HourMark> marks, CancellationToken cancel)
    {
        await using var transaction = await session.BeginTransactionAsync(cancel);
        await using (var stage = new NpgsqlCommand(Sql.StageHistory, session))
            await stage.ExecuteNonQueryAsync(cancel);
        await copy(session, Sql.CopyStage);

        await using var insert = new NpgsqlCommand(Sql.InsertStaged, session);
        var added = await insert.ExecuteNonQueryAsync(cancel);
        await InsertMarksAsync(session, marks, cancel);
        await transaction.CommitAsync(cancel);
        return added;
    }

    private static async Task InsertMarksAsync(NpgsqlConnection session, IReadOnlyList<HourMark> marks, CancellationToken cancel)
    {
        if (marks.Count == 0)
            return;

        await using var insert = new NpgsqlCommand(Sql.InsertMarks, session);
        insert.Parameters.AddWithValue("keys", marks.Select(m => m.Device).ToArray());
        insert.Parameters.AddWithValue("hours", marks.Select(m => m.Hour.UtcDateTime).ToArray());
        await insert.ExecuteNonQueryAsync(cancel);
    }
}
