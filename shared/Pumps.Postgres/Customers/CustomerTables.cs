using Dapper;
using Npgsql;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Devices;

namespace Pumps.Postgres;

/// <summary>Customers and their sites.</summary>
public sealed class CustomerTables(NpgsqlDataSource database) : ICustomerDirectory
{
    public async Task<Page<Customer>> ListCustomersAsync(string? cursor, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<CustomerRow>(
            new CommandDefinition(Sql.ListCustomers, new { after = cursor ?? "", limit = limit + 1 }, cancellationToken: cancel))).AsList();
        Customer[] items = [.. rows.Take(limit).Select(r => r.ToCustomer())];
        return new(items, rows.Count > limit ? items[^1].Id : null);
    }

    public async Task<Customer?> FindCustomerAsync(string id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QuerySingleOrDefaultAsync<CustomerRow>(
            new CommandDefinition(Sql.FindCustomer, new { id }, cancellationToken: cancel)))?.ToCustomer();
    }

    public async Task<Customer> StoreCustomerAsync(string id, string name, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QuerySingleAsync<CustomerRow>(
            new CommandDefinition(Sql.StoreCustomer, new { id, name }, cancellationToken: cancel))).ToCustomer();
    }

    public Task<Removal> RemoveCustomerAsync(string id, CancellationToken cancel) => RemoveAsync(Sql.RemoveCustomer, id, cancel);

    public async Task<Page<Site>> ListSitesAsync(string? customer, string? cursor, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<SiteRow>(
            new CommandDefinition(Sql.ListSites, new { customer, after = cursor ?? "", limit = limit + 1 }, cancellationToken: cancel))).AsList();
        Site[] items = [.. rows.Take(limit).Select(r => r.ToSite())];
        return new(items, rows.Count > limit ? items[^1].Id : null);
    }

    public async Task<Site?> FindSiteAsync(string id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QuerySingleOrDefaultAsync<SiteRow>(new CommandDefinition(Sql.FindSite, new { id }, cancellationToken: cancel)))?.ToSite();
    }

    public async Task<Site?> StoreSiteAsync(Site site, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QuerySingleOrDefaultAsync<SiteRow>(new CommandDefinition(
            Sql.StoreSite, new { site.Id, site.Customer, site.Name, time_zone = site.TimeZone, site.Latitude, site.Longitude }, cancellationToken: cancel)))
            ?.ToSite();
    }

    public Task<Removal> RemoveSiteAsync(string id, CancellationToken cancel) => RemoveAsync(Sql.RemoveSite, id, cancel);

    private async Task<Removal> RemoveAsync(string statement, string id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        try
        {
            return await session.QuerySingleAsync<string>(new CommandDefinition(statement, new { id }, cancellationToken: cancel)) switch
            {
                "done" => Removal.Done,
                "in_use" => Removal.InUse,
                _ => Removal.Absent,
            };
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            // Something has come to belong to it between the look and the removal.
            return Removal.InUse;
        }
    }

    private sealed class CustomerRow
    {
        public string Customer_Id { get; init; } = "";
        public string Name { get; init; } = "";
        public DateTime Created_At { get; init; }

        public Customer ToCustomer() => new(Customer_Id, Name, Created_At);
    }

    private sealed class SiteRow
    {
        public string Site_Id { get; init; } = "";
        public string Customer { get; init; } = "";
        public string Name { get; init; } = "";
        public string Time_Zone { get; init; } = "";
        public double? Latitude { get; init; }
        public double? Longitude { get; init; }
        public DateTime Created_At { get; init; }

        public Site ToSite() => new(Site_Id, Customer, Name, Time_Zone, Latitude, Longitude, Created_At);
    }
}
