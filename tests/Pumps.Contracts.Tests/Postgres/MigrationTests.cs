using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Pumps.Handlers.Datapoints;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Postgres;

public sealed partial class MigrationTests : PostgresFixture
{
    private static readonly string SchemaFile = Path.Combine(FindRoot(), "shared", "Pumps.Postgres", "Migrations", "schema.txt");

    [Test]
    public async Task Applied_twice_nothing_changes()
    {
        var before = await SchemaAsync();

        Assert.That(await Migrator().MigrateAsync(Cancel), Is.Zero);
        Assert.That(await SchemaAsync(), Is.EqualTo(before));
    }

    [Test]
    public async Task From_empty_the_schema_is_that_of_the_checked_in_file()
    {
        Assume.That(!PostgresSetUp.Timescale, "TimescaleDB adds triggers and tables of its own.");
        var schema = await SchemaAsync();
        if (Environment.GetEnvironmentVariable("PUMPS_WRITE_SCHEMA") is "1")
            await File.WriteAllTextAsync(SchemaFile, schema, Cancel);

        Assert.That(schema, Is.EqualTo(await File.ReadAllTextAsync(SchemaFile, Cancel)), "see Migrations/README.md, 5");
    }

    [Test]
    public async Task A_file_that_changed_after_it_was_applied_is_refused_by_name()
    {
        await using var database = await PostgresSetUp.CreateDatabaseAsync();
        var migrator = new Migrator(database, NullLogger<Migrator>.Instance);
        await migrator.MigrateAsync([("0001_first.sql", "create table a (b int)")], Cancel);

        Assert.That(() => migrator.MigrateAsync([("0001_first.sql", "create table a (b bigint)")], Cancel),
            Throws.InvalidOperationException.With.Message.Contains("0001_first.sql was changed"));
    }

    [Test]
    public async Task A_file_that_was_mended_counts_as_applied_where_its_former_text_was()
    {
        await using var database = await PostgresSetUp.CreateDatabaseAsync();
        var migrator = new Migrator(database, NullLogger<Migrator>.Instance);
        const string Former = "create table a (b int)";
        await migrator.MigrateAsync([("0001_first.sql", Former)], Cancel);

        var mended = $"-- mends: {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Former)))}\ncreate table if not exists a (b int)";
        Assert.That(await migrator.MigrateAsync([("0001_first.sql", mended)], Cancel), Is.Zero);
    }

    [Test]
    public async Task A_migration_that_breaks_leaves_nothing_behind_and_the_next_start_tries_again()
    {
        await using var database = await PostgresSetUp.CreateDatabaseAsync();
        var migrator = new Migrator(database, NullLogger<Migrator>.Instance);

        Assert.That(() => migrator.MigrateAsync([("0001_first.sql", "create table a (b int); select 1/0")], Cancel), Throws.InstanceOf<PostgresException>());
        Assert.That(await migrator.MigrateAsync([("0001_first.sql", "create table a (b int)")], Cancel), Is.EqualTo(1));
    }

    [Test]
    public void A_migration_takes_nothing_from_the_version_that_still_runs_or_says_why_it_may()
    {
        // A deployment migrates before it replaces the apps, and may put the apps of the version before back. Files up to 0008 are older
        // than the first deployment.
        foreach (var name in Sql.MigrationNames.Where(n => string.CompareOrdinal(n["Migrations/".Length..], "0009") >= 0))
        {
            var text = Sql.Load(name);
            Assert.That(
                !TakesAway().IsMatch(text) || text.Contains("-- contracts: ", StringComparison.Ordinal),
                $"{name} drops, renames or narrows something. See Migrations/README.md, 3.");
        }
    }

    [TestCase("alter table device drop column model", true)]
    [TestCase("alter table device rename column model to product", true)]
    [TestCase("alter table device alter column model set not null", true)]
    [TestCase("drop table device", true)]
    [TestCase("alter table device add column model text not null default ''", false)]
    public void Dropping_renaming_and_narrowing_is_taking_away(string sql, bool takesAway) => Assert.That(TakesAway().IsMatch(sql), Is.EqualTo(takesAway));

    [Test]
    public async Task Several_hosts_may_migrate_at_once()
    {
        await using var database = await PostgresSetUp.CreateDatabaseAsync();
        var applied = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => new Migrator(database, NullLogger<Migrator>.Instance).MigrateAsync(Cancel)));

        Assert.That(applied.Sum(), Is.EqualTo(Sql.MigrationNames.Count()));
    }

    [Test]
    public async Task Newest_values_of_before_become_observations()
    {
        await using var database = await PostgresSetUp.CreateDatabaseAsync();
        var migrator = new Migrator(database, NullLogger<Migrator>.Instance);
        (string Name, string Text)[] migrations = [.. Sql.MigrationNames.Select(n => (n["Migrations/".Length..], Sql.Load(n)))];
        await migrator.MigrateAsync(migrations[..3], Cancel);
        await using (var before = database.CreateCommand(
            """
            with d as (insert into device (device_id, protocol, offering) values ('dp2-old', 'dp2', 'irrigation') returning device_key)
            insert into latest (device_key, max_at, max_seq, from_at, seen_at, points)
            select device_key, '2025-06-01T12:00:00Z', 7, '2025-06-01T12:00:00Z', '2025-06-01T12:00:01Z',
                   '{"flow": [24.30, 1748779200000], "soil": [null, 1748779200000, "not_available"], "energy": [5.0, 1748779140000, "out_of_range"]}'
              from d
            """))
            await before.ExecuteNonQueryAsync(Cancel);

        await migrator.MigrateAsync(migrations, Cancel);

        Assert.That((await new DatapointQueries(database, new([])).FindDeviceAsync("dp2-old", Cancel))!.Latest, Is.EquivalentTo(new Dictionary<string, LatestPoint>
        {
            ["flow"] = new("24.30", "good", Noon),
            ["soil"] = new(null, "not_available", Noon),
            ["energy"] = new("5.0", "out_of_range", Noon.AddMinutes(-1)),
        }));
    }

    [Test]
    public void Every_number_of_a_migration_is_there_once() =>
        Assert.That(Sql.MigrationNames.Select(n => n["Migrations/".Length..][..5]), Is.Unique.And.All.Match("^[0-9]{4}_"));

    [Test]
    public void Every_statement_has_a_file_and_every_file_a_statement()
    {
        var files = typeof(Sql).Assembly.GetManifestResourceNames().Where(n => !Sql.MigrationNames.Contains(n)).Select(Sql.Statement);
        var statements = typeof(Sql).GetFields().Where(f => f.FieldType == typeof(string)).Select(f => (string)f.GetValue(null)!);

        Assert.That(statements, Is.EquivalentTo(files));
    }

    [Test]
    public async Task History_is_a_hypertable_with_TimescaleDB_and_partitioned_without()
    {
        Assert.That(await ScalarAsync<char>("select relkind from pg_class where oid = 'history'::regclass"), Is.EqualTo(PostgresSetUp.Timescale ? 'r' : 'p'));
        if (PostgresSetUp.Timescale)
            Assert.That(await ScalarAsync<string>("select hypertable_name::text from timescaledb_information.hypertables"), Is.EqualTo("history"));
    }

    private Migrator Migrator() => new(Database, NullLogger<Migrator>.Instance);

    private async Task<string> SchemaAsync() => await ScalarAsync<string>(await File.ReadAllTextAsync(
        Path.Combine(FindRoot(), "tests", "Pumps.Contracts.Tests", "Postgres", "DescribeSchema.sql"), Cancel)) + "\n";

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Pumps.Functions.sln")))
            folder = folder.Parent;
        return folder.FullName;
    }

    [GeneratedRegex(@"(?i)\b(drop\s+(table|view|column|function|type)|rename\s+(to|column)|alter\s+column\s+\w+\s+(type|set\s+(data\s+type|not\s+null)))\b")]
    private static partial Regex TakesAway();
}
