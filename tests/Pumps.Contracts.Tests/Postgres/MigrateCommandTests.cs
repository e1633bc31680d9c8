using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Pumps.LocalRegion.Cli;
using Pumps.Postgres;
using Spectre.Console;

namespace Pumps.Contracts.Tests.Postgres;

/// <summary>The migration step of a deployment, by an administrator who is no superuser, with a stand-in for Azure's function that makes identities.</summary>
public sealed class MigrateCommandTests
{
    private const string App = "pumps-tst-datapoints-irrigation";
    private const string Administrator = "azure_pg_admin";

    private NpgsqlDataSource _database = null!;
    private string _asAdministrator = "";

    private static CancellationToken Cancel => TestContext.CurrentContext.CancellationToken;

    [OneTimeSetUp]
    public async Task CreateAsync()
    {
        _database = await PostgresSetUp.CreateDatabaseAsync();
        await using var identities = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(_database.ConnectionString) { Database = "postgres" });
        await ExecuteAsync(identities, """
            create or replace function pgaadauth_create_principal(name text, is_admin boolean, is_mfa boolean) returns text language plpgsql as
            $$ begin execute format('create role %I login', name); return name; end $$
            """);
        var name = new NpgsqlConnectionStringBuilder(_database.ConnectionString).Database;
        await ExecuteAsync(identities, $"create role {Administrator} createrole; alter database {name} owner to {Administrator}");
        _asAdministrator = new NpgsqlConnectionStringBuilder(_database.ConnectionString) { Options = $"-c role={Administrator}" }.ConnectionString;
    }

    [OneTimeTearDown]
    public async Task CloseAsync() => await _database.DisposeAsync();

    [Test]
    public async Task A_migrated_database_lets_an_app_do_its_work_as_the_owner_and_the_step_can_be_repeated()
    {
        var (first, said) = await MigrateAsync(_asAdministrator, App);
        var (second, saidAgain) = await MigrateAsync(_asAdministrator, App);

        Assert.That(first, Is.Zero, said);
        Assert.That(second, Is.Zero, saidAgain);
        Assert.That(saidAgain, Does.Contain("0 migrations applied, 1 apps admitted"));
        await using var administrator = NpgsqlDataSource.Create(_asAdministrator);
        Assert.That(await CountAsync(administrator, $"select count(*) from pg_roles where rolname = '{AppRoles.Owner}' and pg_has_role(oid, 'usage')"), Is.EqualTo(1));

        // What an app does at its start, with the role that its connection string names.
        await using var app = As(App, AppRoles.Owner);
        Assert.That(await new Migrator(app, NullLogger<Migrator>.Instance).MigrateAsync(Cancel), Is.Zero);
        await new Partitions(app, new(), NullLogger<Partitions>.Instance).KeepAsync(new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero), Cancel);
        Assert.That(await CountAsync(app, $"select count(*) from pg_tables where schemaname = 'public' and tableowner <> '{AppRoles.Owner}'"), Is.Zero);
    }

    [Test]
    public async Task An_identity_that_was_not_admitted_reads_nothing()
    {
        await MigrateAsync(_asAdministrator, App);
        await ExecuteAsync(_database, "create role stranger login");
        await using var stranger = As("stranger", "none");

        var refused = await Assert.ThrowsAsync<PostgresException>(() => CountAsync(stranger, "select count(*) from device"));

        Assert.That(refused!.SqlState, Is.EqualTo(PostgresErrorCodes.InsufficientPrivilege));
    }

    [Test]
    public async Task A_password_among_the_arguments_is_refused()
    {
        var (status, said) = await MigrateAsync("Host=db.example;Username=admin;Password=geheim");

        Assert.That(status, Is.EqualTo(1));
        Assert.That(said, Does.Contain("PGPASSWORD").And.Not.Contain("geheim"));
    }

    /// <summary>Sessions of an identity. The server of the tests lets only its own user in, who then becomes the other.</summary>
    private NpgsqlDataSource As(string identity, string role)
    {
        var builder = new NpgsqlDataSourceBuilder(new NpgsqlConnectionStringBuilder(_database.ConnectionString) { NoResetOnClose = true }.ConnectionString);
        var become = $"set session authorization \"{identity}\"; set role {role}";
        builder.UsePhysicalConnectionInitializer(
            session => new NpgsqlCommand(become, session).ExecuteNonQuery(), session => new NpgsqlCommand(become, session).ExecuteNonQueryAsync());
        return builder.Build();
    }

    private static async Task<(int Status, string Said)> MigrateAsync(string connection, params string[] apps)
    {
        var output = new StringWriter();
        var console = AnsiConsole.Create(new() { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 400;
        var status = await MigrateCommand.Create(console).Parse(["--connection", connection, .. apps.SelectMany(a => new[] { "--apps", a })]).InvokeAsync(cancellationToken: Cancel);
        return (status, output.ToString());
    }

    private static async Task ExecuteAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancel);
    }

    private static async Task<long> CountAsync(NpgsqlDataSource database, string sql)
    {
        await using var command = database.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync(Cancel))!;
    }
}
