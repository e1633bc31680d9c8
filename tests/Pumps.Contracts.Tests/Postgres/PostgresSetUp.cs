using Npgsql;
using Pumps.LocalRegion.Database;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests;

/// <summary>
/// One PostgreSQL server for all fixtures of this run, from the system's binaries. A missing one fails, it does not skip. With
/// <c>PUMPS_TIMESCALEDB=1</c> it runs TimescaleDB, as in Azure: the same tests, with history as a hypertable.
/// </summary>
[SetUpFixture]
public sealed class PostgresSetUp
{
    public static readonly bool Timescale = Environment.GetEnvironmentVariable("PUMPS_TIMESCALEDB") == "1";

    private static string _folder = "";
    private static PostgresServer? _server;
    private static int _databases;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _folder = Path.Combine(Path.GetTempPath(), $"pumps-tests-{Environment.ProcessId}");
        _server = await PostgresServer.StartAsync(
            new() { Folder = _folder, SharedBuffersMegabytes = 128, PreloadLibrary = Timescale ? "timescaledb" : "" }, log: null, CancellationToken.None);
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Another pool on a database, as another process has.</summary>
    public static NpgsqlDataSource Again(NpgsqlDataSource database) => PostgresServices.CreateDataSource(
        _server!.ConnectionString(new NpgsqlConnectionStringBuilder(database.ConnectionString).Database!));

    /// <summary>A pool on a new, empty database.</summary>
    public static async Task<NpgsqlDataSource> CreateDatabaseAsync()
    {
        var name = $"test_{Interlocked.Increment(ref _databases)}";
        await _server!.CreateDatabaseAsync(name, CancellationToken.None);
        return PostgresServices.CreateDataSource(_server.ConnectionString(name));
    }
}
