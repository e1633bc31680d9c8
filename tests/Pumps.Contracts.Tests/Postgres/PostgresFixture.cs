using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Pumps.Handlers.Datapoints;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Postgres;

/// <summary>A migrated database of the fixture's own.</summary>
public abstract class PostgresFixture
{
    protected static readonly DateTimeOffset Noon = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private protected NpgsqlDataSource Database { get; private set; } = null!;

    protected CancellationToken Cancel => TestContext.CurrentContext.CancellationToken;

    [OneTimeSetUp]
    public async Task CreateDatabaseAsync()
    {
        Database = await PostgresSetUp.CreateDatabaseAsync();
        await new Migrator(Database, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
    }

    [OneTimeTearDown]
    public async Task CloseDatabaseAsync() => await Database.DisposeAsync();

    protected static Observation Observe(string device, DateTimeOffset at, long sequence, string points, string quality = "") =>
        new(device, at, at.AddSeconds(1), sequence, "ok", false, Encoding.UTF8.GetBytes(points), Encoding.UTF8.GetBytes(quality));

    protected async Task ExecuteAsync(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    protected async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = Database.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync(Cancel))!;
    }
}
