using Npgsql;

namespace Pumps.Benchmarks.Pipeline;

/// <summary>What PostgreSQL has on its disk.</summary>
internal static class StoredSize
{
    private const string History = "select coalesce(sum(pg_total_relation_size(relid)), 0)::bigint from pg_partition_tree('history') where isleaf";
    private const string Keys = "select coalesce(sum(pg_indexes_size(relid)), 0)::bigint from pg_partition_tree('history') where isleaf";
    private const string Latest = "select pg_total_relation_size('latest')";
    private const string Log = "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint";

    /// <summary>Bytes of history with its key and its large values.</summary>
    public static Task<long> OfHistoryAsync(NpgsqlDataSource database, CancellationToken cancel) => ReadAsync(database, History, cancel);

    /// <summary>Bytes of its keys, which every write looks into.</summary>
    public static Task<long> OfKeysAsync(NpgsqlDataSource database, CancellationToken cancel) => ReadAsync(database, Keys, cancel);

    /// <summary>Bytes of the newest values.</summary>
    public static Task<long> OfLatestAsync(NpgsqlDataSource database, CancellationToken cancel) => ReadAsync(database, Latest, cancel);

    /// <summary>Bytes of write-ahead log since the server was made.</summary>
    public static Task<long> LogAsync(NpgsqlDataSource database, CancellationToken cancel) => ReadAsync(database, Log, cancel);

    private static async Task<long> ReadAsync(NpgsqlDataSource database, string sql, CancellationToken cancel)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(cancel))!;
    }
}
