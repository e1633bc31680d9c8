using System.Globalization;
using Dapper;
using Npgsql;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Portal;

namespace Pumps.Postgres;

/// <summary>Requests that were refused and have no device to be kept with.</summary>
public sealed class RequestAuditTable(NpgsqlDataSource database) : IRequestAudit
{
    public async Task AddAsync(RefusedRequest request, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(Sql.AddRequest, new
        {
            at = request.At.UtcDateTime,
            request.Customer,
            requested_by = request.RequestedBy,
            request.Origin,
            request.Action,
            request.Target,
            request.Command,
            request.Rule,
            request.Detail,
        }, cancellationToken: cancel));
    }

    public async Task<Page<RefusedRequest>> ListAsync(string? cursor, int limit, CancellationToken cancel)
    {
        var before = cursor is null ? long.MaxValue : long.Parse(cursor, NumberStyles.None, CultureInfo.InvariantCulture);
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<Row>(
            new CommandDefinition(Sql.ListRequests, new { before, limit = limit + 1 }, cancellationToken: cancel))).AsList();
        return new(
            [.. rows.Take(limit).Select(r => new RefusedRequest(r.At, r.Requested_By, r.Origin, r.Action, r.Target, r.Command, r.Customer, r.Rule, r.Detail))],
            rows.Count > limit ? rows[limit - 1].Number.ToString(CultureInfo.InvariantCulture) : null);
    }

    public async Task<int> RemoveAsync(DateTimeOffset before, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteAsync(new CommandDefinition(Sql.RemoveRequests, new { before = before.UtcDateTime, limit }, cancellationToken: cancel));
    }

    /// <summary>A row of request_audit, with the names of its columns.</summary>
    private sealed record Row(
        long Number, DateTime At, string Requested_By, string Origin, string Action, string Target, string Command, string Customer, string Rule, string Detail);
}
