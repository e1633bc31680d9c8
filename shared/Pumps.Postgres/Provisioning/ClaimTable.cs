using Dapper;
using Npgsql;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Provisioning;

namespace Pumps.Postgres;

/// <summary>Hashes of claim codes, and tries of codes, in PostgreSQL: all hosts of a region count together.</summary>
public sealed class ClaimTable(NpgsqlDataSource database) : IClaimStore
{
    public async Task IssueAsync(NewClaim claim, DateTimeOffset at, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await IssueAsync(session, null, [claim], at, cancel);
    }

    internal static async Task IssueAsync(
        NpgsqlConnection session, NpgsqlTransaction? transaction, IReadOnlyList<NewClaim> claims, DateTimeOffset at, CancellationToken cancel)
    {
        await using var issue = new NpgsqlCommand(Sql.IssueClaimCodes, session, transaction);
        issue.Parameters.AddWithValue("devices", claims.Select(c => c.DeviceId).ToArray());
        issue.Parameters.AddWithValue("salts", claims.Select(c => c.Salt).ToArray());
        issue.Parameters.AddWithValue("hashes", claims.Select(c => c.Hash).ToArray());
        issue.Parameters.AddWithValue("at", at.UtcDateTime);
        await issue.ExecuteNonQueryAsync(cancel);
    }

    public async Task<ClaimHash?> FindAsync(string deviceId, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.QuerySingleOrDefaultAsync<ClaimHash>(new CommandDefinition(Sql.FindClaimCode, new { device = deviceId }, cancellationToken: cancel));
    }

    public async Task<ClaimAttempts> AttemptsAsync(string subject, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var row = await session.QuerySingleOrDefaultAsync<(int Failures, DateTime LastAt, DateTime? LockedUntil)?>(
            new CommandDefinition(Sql.FindAttempts, new { subject }, cancellationToken: cancel));
        return row is { } found ? new(found.Failures, found.LastAt, found.LockedUntil) : ClaimAttempts.None;
    }

    public async Task<bool> KeepAttemptsAsync(string subject, ClaimAttempts before, ClaimAttempts after, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteAsync(new CommandDefinition(Sql.KeepAttempts, new
        {
            subject,
            before = before.Failures,
            last_before = before.LastAt.UtcDateTime,
            after.Failures,
            last = after.LastAt.UtcDateTime,
            until = after.LockedUntil?.UtcDateTime,
        }, cancellationToken: cancel)) > 0;
    }

    public async Task ForgetAttemptsAsync(string subject, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(Sql.ForgetAttempts, new { subject }, cancellationToken: cancel));
    }
}
