using System.Diagnostics;
using Npgsql;
using Pumps.LocalRegion.Database;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Postgres;

/// <summary>A server's life: made, killed, left behind, stopped. Each test has a folder of its own.</summary>
public sealed class PostgresServerTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private string _folder = "";

    [SetUp]
    public void NameFolder() => _folder = Path.Combine(Path.GetTempPath(), $"pumps-server-{Environment.ProcessId}-{TestContext.CurrentContext.Test.ID}");

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public async Task What_was_stored_is_there_after_a_stop_and_one_pool_lives_through_it()
    {
        var server = await StartAsync();
        await using var pool = PostgresServices.CreateDataSource(server.ConnectionString("pumps"));
        await ExecuteAsync(pool, "create table kept as select 7 as seven");
        await server.DisposeAsync();
        Assert.That(() => ExecuteAsync(pool, "select 1"), Throws.InstanceOf<NpgsqlException>(), "a lost database is an exception");

        await using var again = await StartAsync();
        Assert.That(await AnswersAsync(pool, "select seven from kept"), Is.EqualTo(7));
    }

    [Test]
    public async Task A_server_that_dies_is_started_again()
    {
        await using var server = await StartAsync();
        await using var pool = PostgresServices.CreateDataSource(server.ConnectionString("pumps"));
        await ExecuteAsync(pool, "create table kept as select 7 as seven");
        var killed = server.ProcessId;
        Process.GetProcessById(killed).Kill();

        // A session of the killed server may answer for a moment more.
        for (var patience = Stopwatch.StartNew(); server.ProcessId == killed; await Task.Delay(20))
            Assert.That(patience.Elapsed, Is.LessThan(Patience));
        Assert.That(await AnswersAsync(pool, "select seven from kept"), Is.EqualTo(7));
    }

    [Test]
    public async Task Two_regions_do_not_share_a_folder()
    {
        await using var server = await StartAsync();
        Assert.That(StartAsync, Throws.InvalidOperationException.With.Message.Contains("Another region uses"));
    }

    [Test]
    public async Task A_postmaster_file_that_names_a_stranger_does_not_stop_the_start()
    {
        await (await StartAsync()).DisposeAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder, "cluster", "postmaster.pid"), $"{Environment.ProcessId}\n{_folder}/cluster\n");

        await using var server = await StartAsync();
        Assert.That(server.ProcessId, Is.Positive);
    }

    [Test]
    public async Task A_server_without_a_region_is_stopped_and_replaced()
    {
        await (await StartAsync()).DisposeAsync();
        using var leftover = PostgresProgram.Find().Start("postgres", "-D", Path.Combine(_folder, "cluster"));
        var pidFile = Path.Combine(_folder, "cluster", "postmaster.pid");
        var patience = Stopwatch.StartNew();
        while (!File.Exists(pidFile) || !(await File.ReadAllTextAsync(pidFile)).Contains("ready", StringComparison.Ordinal))
        {
            Assert.That(patience.Elapsed, Is.LessThan(Patience));
            await Task.Delay(20);
        }

        await using var server = await StartAsync();
        Assert.That((server.ProcessId, leftover.HasExited), Is.EqualTo((server.ProcessId, true)));
        Assert.That(server.ProcessId, Is.Not.EqualTo(leftover.Id));
    }

    private Task<PostgresServer> StartAsync() =>
        PostgresServer.StartAsync(new() { Folder = _folder, SharedBuffersMegabytes = 16 }, log: null, TestContext.CurrentContext.CancellationToken);

    private static async Task<object?> ExecuteAsync(NpgsqlDataSource pool, string sql)
    {
        await using var command = pool.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    private static async Task<object?> AnswersAsync(NpgsqlDataSource pool, string sql)
    {
        for (var patience = Stopwatch.StartNew(); ;)
            try
            {
                return await ExecuteAsync(pool, sql);
            }
            catch (NpgsqlException) when (patience.Elapsed < Patience)
            {
                await Task.Delay(50);
            }
    }
}
