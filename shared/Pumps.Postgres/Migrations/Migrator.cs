using System.Security.Cryptography;
using System.Text;
using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Pumps.Postgres;

/// <summary>Brings a database to the schema of this version. Rules for new files: Migrations/README.md.</summary>
/// <remarks>Safe to repeat and to run from several processes at once: an advisory lock lets one work, and the others find nothing to do.</remarks>
public sealed class Migrator(NpgsqlDataSource database, ILogger<Migrator> log)
{
    /// <returns>How many migrations were applied.</returns>
    public Task<int> MigrateAsync(CancellationToken cancel) =>
        MigrateAsync([.. Sql.MigrationNames.Select(name => (name["Migrations/".Length..], Sql.Load(name)))], cancel);

    internal async Task<int> MigrateAsync(IReadOnlyList<(string Name, string Text)> migrations, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var count = 0;

        foreach (var (name, text) in migrations)
        {
            // The lock is the transaction's: it ends with it, however it ends.
            await using var transaction = await session.BeginTransactionAsync(cancel);
            await session.ExecuteAsync(new CommandDefinition(Sql.MigrationLog, transaction: transaction, commandTimeout: 0, cancellationToken: cancel));

            var checksum = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
            var applied = await session.QuerySingleOrDefaultAsync<string>(
                new CommandDefinition(Sql.SelectMigration, new { name }, transaction, cancellationToken: cancel));
            if (applied is not null && applied != checksum && !text.Contains("-- mends: " + applied, StringComparison.Ordinal))
                throw new InvalidOperationException(
                    $"Migration {name} was changed after it had been applied to database {session.Database}. Restore the file and write a new migration.");
            if (applied is not null)
                continue;

            await session.ExecuteAsync(new CommandDefinition(text, transaction: transaction, commandTimeout: 0, cancellationToken: cancel));
            await session.ExecuteAsync(new CommandDefinition(Sql.RecordMigration, new { name, checksum }, transaction, cancellationToken: cancel));
            await transaction.CommitAsync(cancel);
            log.MigrationApplied(name, session.Database);
            count++;
        }

        return count;
    }
}
