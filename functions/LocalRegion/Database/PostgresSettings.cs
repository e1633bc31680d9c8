using System.Globalization;

namespace Pumps.LocalRegion.Database;

/// <summary>What the server is told, with reasons. The files are written at every start: they belong to the region.</summary>
internal static class PostgresSettings
{
    /// <summary>Only the Unix socket, only who the kernel says it is.</summary>
    public const string Access = "local all all peer map=region\n";

    public static string For(PostgresServerOptions options, PostgresFolder folder, PostgresProgram program) => string.Create(CultureInfo.InvariantCulture, $"""
        # Written by the region at every start.
        listen_addresses = ''                   # not reachable from outside, nor by other accounts
        unix_socket_directories = '{Quoted(folder.Sockets)}'
        unix_socket_permissions = 0700
        max_connections = 60
        shared_preload_libraries = '{options.PreloadLibrary}'

        # Durable: what was acknowledged survives a crash.
        fsync = on
        synchronous_commit = on

        shared_buffers = {options.SharedBuffersMegabytes}MB
        work_mem = 16MB                         # roll-ups sort device hours
        maintenance_work_mem = 128MB
        jit = off                               # statements are short
        random_page_cost = 1.1                  # solid state
        effective_io_concurrency = 64

        # Few checkpoints: the first change of a page after one logs the whole page.
        wal_compression = {(program.HasLz4 ? "lz4" : "on")}
        default_toast_compression = {(program.HasLz4 ? "lz4" : "pglz")}
        max_wal_size = {options.WalMegabytesMax}MB
        min_wal_size = 512MB
        checkpoint_timeout = 15min
        wal_level = minimal                     # no replica is fed from here
        max_wal_senders = 0

        autovacuum_naptime = 30s
        timezone = 'UTC'

        logging_collector = on                  # outlives a region that was killed
        log_directory = '{Quoted(folder.Logs)}'
        log_filename = 'postgres-%a.log'        # a week, then over again
        log_rotation_age = 1d
        log_truncate_on_rotation = on
        log_line_prefix = '%m [%p] '
        log_min_duration_statement = 5s

        """);

    /// <summary>The server's account and the region's may be the superuser; nobody else connects.</summary>
    public static string Identities(string superuser, string? account) => string.Join('\n',
        new[] { Environment.UserName, account }.OfType<string>().Distinct().Select(name => $"region {name} {superuser}").Append(""));

    private static string Quoted(string path) => path.Replace("'", "''", StringComparison.Ordinal);
}
