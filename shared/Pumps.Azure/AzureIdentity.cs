using Azure.Core;
using Azure.Identity;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Pumps.Azure;

/// <summary>The app's managed identity: its only credential, for every service it talks to.</summary>
public static class AzureIdentity
{
    // Entra ID's name for Azure Database for PostgreSQL, the same in all regions.
    private const string PostgresScope = "https://ossrdbms-aad.database.windows.net/.default";

    // A token is valid for an hour at least; a new connection must never get one that is about to end.
    private static readonly TimeSpan TokenRenewed = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan TokenRetried = TimeSpan.FromSeconds(10);

    /// <summary>The user-assigned identity that the setting AZURE_CLIENT_ID names; without it the system-assigned one.</summary>
    public static TokenCredential Credential(IConfiguration configuration) => new ManagedIdentityCredential(
        configuration["AZURE_CLIENT_ID"] is { Length: > 0 } clientId
            ? ManagedIdentityId.FromUserAssignedClientId(clientId)
            : ManagedIdentityId.SystemAssigned);

    /// <summary>The region's database, from the connection string <c>Postgres</c>. It names the identity's role and has no password: that is a token.</summary>
    public static NpgsqlDataSource Database(IConfiguration configuration, TokenCredential credential)
    {
        var connectionString = configuration.GetConnectionString("Postgres") is { Length: > 0 } text
            ? text
            : throw new InvalidOperationException(
                "The setting ConnectionStrings__Postgres is missing: Host=...;Database=...;Username=<role of the app's identity>;SSL Mode=VerifyFull.");
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        builder.UsePeriodicPasswordProvider(
            async (_, cancel) => (await credential.GetTokenAsync(new TokenRequestContext([PostgresScope]), cancel)).Token, TokenRenewed, TokenRetried);
        return builder.Build();
    }
}
