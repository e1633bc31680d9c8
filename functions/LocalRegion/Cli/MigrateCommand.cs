using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Pumps.Postgres;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps migrate</c>: brings the database of a region in Azure to this version's schema. The local region does so when it starts.</summary>
public static class MigrateCommand
{
    public static Command Create(IAnsiConsole console)
    {
        var connection = new Option<string>("--connection")
        {
            Required = true,
            Description = "Connection string of an administrator, without a password: that is the environment's PGPASSWORD, such as a token of Entra ID.",
        };
        var apps = new Option<string[]>("--apps")
        {
            AllowMultipleArgumentsPerToken = true,
            Description = "Names of the apps' identities, which may then work with the database.",
        };
        var command = new Command("migrate", "Bring a region's database to this version's schema. Safe to repeat, and while the version before runs.") { connection, apps };
        command.SetAction((parsed, cancel) => RunAsync(console, parsed.GetValue(connection)!, parsed.GetValue(apps) ?? [], cancel));
        return command;
    }

    private static async Task<int> RunAsync(IAnsiConsole console, string connection, IReadOnlyList<string> apps, CancellationToken cancel)
    {
        try
        {
            var place = new NpgsqlConnectionStringBuilder(connection);
            if (place.Password is not null)
                return Fail(console, "--connection has a password. Leave it out and set PGPASSWORD: arguments show in the list of processes.");

            await using var database = NpgsqlDataSource.Create(place);
            await using var identities = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connection) { Database = "postgres" });
            await AppRoles.AdmitAsync(database, identities, apps, cancel);

            await using var owner = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connection) { Options = $"-c role={AppRoles.Owner}" });
            var count = await new Migrator(owner, NullLogger<Migrator>.Instance).MigrateAsync(cancel);
            console.MarkupLineInterpolated($"{place.Database} on {place.Host}: {count} migrations applied, {apps.Count} apps admitted");
            return 0;
        }
        catch (Exception fault) when (fault is NpgsqlException or ArgumentException or InvalidOperationException)
        {
            return Fail(console, $"Not migrated: {fault.Message}");
        }
    }

    private static int Fail(IAnsiConsole console, string what)
    {
        console.MarkupLineInterpolated($"[red]{what}[/]");
        return 1;
    }
}
