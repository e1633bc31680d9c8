using Dapper;
using Npgsql;

namespace Pumps.Postgres;

/// <summary>
/// Who works with a region's database in Azure: one role owns the schema, and administrator and apps work as that role
/// (<c>Options=-c role=pumps_owner</c> in their connection strings). The local region's server has one user and needs none of it.
/// </summary>
/// <remarks>Safe to repeat.</remarks>
public static class AppRoles
{
    public const string Owner = "pumps_owner";

    /// <summary>Makes the owner and lets each app's identity work as it.</summary>
    /// <param name="database">The region's database, as an administrator.</param>
    /// <param name="identities">The server's database <c>postgres</c>, as an administrator: identities are made there.</param>
    public static async Task AdmitAsync(NpgsqlDataSource database, NpgsqlDataSource identities, IEnumerable<string> apps, CancellationToken cancel)
    {
        await using (var session = await database.OpenConnectionAsync(cancel))
            await session.ExecuteAsync(new CommandDefinition(Sql.PrepareOwner, cancellationToken: cancel));

        await using var admission = await identities.OpenConnectionAsync(cancel);
        foreach (var name in apps)
        {
            await using var transaction = await admission.BeginTransactionAsync(cancel);
            await admission.ExecuteAsync(new CommandDefinition(Sql.AdmitApp, new { name }, transaction, cancellationToken: cancel));
            await transaction.CommitAsync(cancel);
        }
    }
}
