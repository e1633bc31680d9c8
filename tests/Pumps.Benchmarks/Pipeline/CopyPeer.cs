using System.Diagnostics;
using Npgsql;

namespace Pumps.Benchmarks.Pipeline;

/// <summary>The limit that the pipeline is held against: a bare binary COPY of the same rows into a table without index, and nothing else.</summary>
/// <remarks>
/// The hardest form of this peer: the bytes of PostgreSQL's own format are ready in memory, only sending them is timed, and every chunk is one
/// COPY, durable like the pipeline's.
/// </remarks>
internal static class CopyPeer
{
    private const int Chunks = 10;
    private const int ChunkRows = 50_000;

    private const string Create = "create table copy_peer (like history)";
    private const string Copy = "copy copy_peer from stdin (format binary)";
    private const string Drop = "drop table copy_peer";

    /// <returns>Rows per second with one session and with two, one for each processor of the smallest machine that is measured.</returns>
    public static async Task<(double One, double Two)> RunAsync(NpgsqlDataSource database, CancellationToken cancel)
    {
        await ExecuteAsync(database, Create, cancel);
        var chunks = new List<(byte[] Bytes, long Rows)>();
        for (var i = 0; i < Chunks; i++)
            chunks.Add(await ReadAsync(database, i, cancel));
        var rows = chunks.Sum(c => c.Rows);

        await SendAsync(database, chunks.Take(1), cancel); // the first pages and the compiler's time
        var one = await TimeAsync(() => SendAsync(database, chunks, cancel));
        var two = await TimeAsync(() => Task.WhenAll(
            Task.Run(() => SendAsync(database, chunks.Where((_, i) => i % 2 == 0), cancel), cancel),
            Task.Run(() => SendAsync(database, chunks.Where((_, i) => i % 2 == 1), cancel), cancel)));
        await ExecuteAsync(database, Drop, cancel);
        return (rows / one.TotalSeconds, rows / two.TotalSeconds);
    }

    private static async Task<(byte[] Bytes, long Rows)> ReadAsync(NpgsqlDataSource database, int chunk, CancellationToken cancel)
    {
        var select = $"select * from history where device_key % {Chunks} = {chunk} limit {ChunkRows}";
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var count = new NpgsqlCommand($"select count(*) from ({select}) rows", session) { CommandTimeout = 0 };
        var rows = (long)(await count.ExecuteScalarAsync(cancel))!;
        using var bytes = new MemoryStream();
        await using var source = await session.BeginRawBinaryCopyAsync($"copy ({select}) to stdout (format binary)", cancel);
        await source.CopyToAsync(bytes, cancel);
        return (bytes.ToArray(), rows);
    }

    private static async Task SendAsync(NpgsqlDataSource database, IEnumerable<(byte[] Bytes, long Rows)> chunks, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        foreach (var (bytes, _) in chunks)
        {
            await using var target = await session.BeginRawBinaryCopyAsync(Copy, cancel);
            await target.WriteAsync(bytes, cancel);
        }
    }

    private static async Task<TimeSpan> TimeAsync(Func<Task> work)
    {
        var began = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(began);
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql, CancellationToken cancel)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(cancel);
    }
}
