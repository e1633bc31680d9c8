using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace Pumps.LocalRegion.Database;

/// <summary>A PostgreSQL server of the region's own, from the system's binaries: made on first start, watched while it runs.</summary>
/// <remarks>
/// It listens on a Unix socket in the region's data folder and nowhere else, and the kernel vouches for who connects (peer). A server that
/// a killed region left behind is stopped and started anew: only a child can be watched. When the server dies it is started again, with
/// growing pauses; clients see failing commands meanwhile, and their pool recovers by itself.
/// </remarks>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Superuser = "pumps";

    // The name of the socket ends in it; nothing listens on TCP.
    private const int Port = 5432;

    private static readonly TimeSpan PauseFirst = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(30);

    private readonly PostgresFolder _folder;
    private readonly PostgresProgram _program;
    private readonly FileStream _claim;
    private readonly ILogger _log;
    private readonly ConcurrentQueue<string> _complaint = new();
    private readonly CancellationTokenSource _stopping = new();
    private Process _postmaster = null!;
    private Task _watch = Task.CompletedTask;

    private PostgresServer(PostgresFolder folder, PostgresProgram program, FileStream claim, ILogger log) =>
        (_folder, _program, _claim, _log) = (folder, program, claim, log);

    /// <summary>The server's process; it changes when the server had to be started again.</summary>
    public int ProcessId { get; private set; }

    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = _folder.Sockets,
        Port = Port,
        Username = Superuser,
        Database = database,
        MaxPoolSize = 40,
    }.ConnectionString;

    /// <summary>Starts the server on a folder, making it first if need be; returns when it answers.</summary>
    /// <exception cref="InvalidOperationException">No PostgreSQL here, a folder that cannot be used, or a server that does not start; says what to do.</exception>
    public static async Task<PostgresServer> StartAsync(PostgresServerOptions options, ILogger? log, CancellationToken cancel)
    {
        log ??= NullLogger.Instance;
        var program = PostgresProgram.Find();
        var folder = PostgresFolder.Prepare(options.Folder, program.Account);
        var server = new PostgresServer(folder, program, folder.Claim(), log);
        try
        {
            if (!folder.HasCluster)
            {
                await program.RunAsync("initdb", cancel, "--pgdata", folder.Cluster, "--username", Superuser, "--auth-local=peer", "--auth-host=reject",
                    "--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions");
                log.ClusterMade(folder.Cluster);
            }

            folder.WriteSettings(PostgresSettings.For(options, folder, program), PostgresSettings.Access, PostgresSettings.Identities(Superuser, program.Account));
            await server.StopLeftoverAsync(cancel);
            server.StartPostmaster();
            await server.WaitUntilItAnswersAsync(cancel);
            await server.CreateDatabaseAsync(options.Database, cancel);
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }

        server._watch = server.WatchAsync();
        return server;
    }

    /// <summary>Makes a database unless it is there.</summary>
    public async Task CreateDatabaseAsync(string name, CancellationToken cancel)
    {
        await using var admin = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(ConnectionString("postgres")) { Pooling = false });
        await using var command = admin.CreateCommand($"create database \"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
        try
        {
            await command.ExecuteNonQueryAsync(cancel);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DuplicateDatabase)
        {
            _log.DatabaseFound(name);
        }
    }

    /// <summary>Stops the server, ending open sessions; what was committed is on disk.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopping.IsCancellationRequested)
            return;
        await _stopping.CancelAsync();
        await _watch;

        try
        {
            if (_postmaster is { HasExited: false })
                await _program.RunAsync("pg_ctl", CancellationToken.None, "stop", "--pgdata", _folder.Cluster, "--mode=fast", "--wait", "--timeout=120");
        }
        catch (InvalidOperationException) when (_postmaster.WaitForExit(TimeSpan.FromSeconds(1)))
        {
            _log.GoneAlready(_folder.Cluster);   // it died just now
        }

        _postmaster?.Dispose();
        _stopping.Dispose();
        await _claim.DisposeAsync();
        _log.Stopped(_folder.Cluster);
    }

    // The claim on the folder says that no other region is alive here: what still runs was left behind by one that was killed.
    private async Task StopLeftoverAsync(CancellationToken cancel)
    {
        if (_folder.ReadPostmasterId() is not { } id)
            return;

        if (PostgresFolder.IsPostgres(id))
        {
            _log.LeftoverStopped(id, _folder.Cluster);
            await _program.RunAsync("pg_ctl", cancel, "stop", "--pgdata", _folder.Cluster, "--mode=fast", "--wait", "--timeout=120");
        }
        else if (PostgresFolder.IsAlive(id))
        {
            // The id belongs to somebody else now (a container that was started again). PostgreSQL would refuse to start.
            _log.StaleIdRemoved(id, _folder.Cluster);
            _folder.RemovePostmasterId();
        }
    }

    private void StartPostmaster()
    {
        _postmaster = _program.Start("postgres", "-D", _folder.Cluster);
        // Its first words, before its own log takes over; what they say of a refused start is worth reading.
        _complaint.Clear();
        _postmaster.ErrorDataReceived += (_, line) => _complaint.Enqueue(line.Data ?? "");
        _postmaster.BeginErrorReadLine();
        ProcessId = _postmaster.Id;
        _log.Started(ProcessId, _folder.Cluster);
    }

    // No time limit of its own: recovery after a crash takes as long as it takes, and a process that gives up exits.
    private async Task WaitUntilItAnswersAsync(CancellationToken cancel)
    {
        await using var admin = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(ConnectionString("postgres")) { Pooling = false });
        while (true)
        {
            try
            {
                await using var session = await admin.OpenConnectionAsync(cancel);
                return;
            }
            catch (NpgsqlException e) when (!_postmaster.HasExited
                && (e is not PostgresException || e.SqlState is PostgresErrorCodes.CannotConnectNow))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50), cancel);
            }
            catch (NpgsqlException e) when (_postmaster.HasExited)
            {
                throw new InvalidOperationException(
                    $"PostgreSQL did not start (exit code {_postmaster.ExitCode.ToString(CultureInfo.InvariantCulture)}). Its log is in {_folder.Logs}. {string.Join(' ', _complaint)}", e);
            }
        }
    }

    private async Task WatchAsync()
    {
        var pause = PauseFirst;
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _postmaster.WaitForExitAsync(_stopping.Token);
                _log.Died(_postmaster.ExitCode, pause.TotalSeconds, _folder.Logs);
                await Task.Delay(pause, _stopping.Token);
                _postmaster.Dispose();
                StartPostmaster();
                await WaitUntilItAnswersAsync(_stopping.Token);
                pause = PauseFirst;
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (InvalidOperationException e)
            {
                _log.StartRefused(e.Message);
                pause = pause * 2 < PauseMax ? pause * 2 : PauseMax;
            }
        }
    }
}
