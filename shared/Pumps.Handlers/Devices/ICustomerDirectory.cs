using Pumps.Handlers.Datapoints;

namespace Pumps.Handlers.Devices;

public sealed record Customer(string Id, string Name, DateTimeOffset CreatedAt);

/// <summary>A place where devices stand.</summary>
/// <param name="TimeZone">IANA; the clock of its schedules.</param>
/// <param name="Latitude">Degrees, WGS 84; null together with the longitude when nobody has said.</param>
public sealed record Site(string Id, string Customer, string Name, string TimeZone, double? Latitude, double? Longitude, DateTimeOffset CreatedAt = default);

/// <summary>What became of a removal.</summary>
public enum Removal
{
    Done,
    Absent,

    /// <summary>Something still belongs to it.</summary>
    InUse,
}

/// <summary>Customers and their sites. PostgreSQL in both worlds.</summary>
public interface ICustomerDirectory
{
    /// <summary>In the order of the ids, after <paramref name="cursor"/>.</summary>
    Task<Page<Customer>> ListCustomersAsync(string? cursor, int limit, CancellationToken cancel);

    Task<Customer?> FindCustomerAsync(string id, CancellationToken cancel);

    /// <summary>Safe to repeat: the newest name wins.</summary>
    Task<Customer> StoreCustomerAsync(string id, string name, CancellationToken cancel);

    /// <returns><see cref="Removal.InUse"/> while the customer has devices or sites.</returns>
    Task<Removal> RemoveCustomerAsync(string id, CancellationToken cancel);

    /// <summary>In the order of the ids, after <paramref name="cursor"/>.</summary>
    Task<Page<Site>> ListSitesAsync(string? customer, string? cursor, int limit, CancellationToken cancel);

    Task<Site?> FindSiteAsync(string id, CancellationToken cancel);

    /// <summary>Safe to repeat: the newest word wins. The customer must be there.</summary>
    /// <returns>The site as it is now; null when its id is taken by another customer.</returns>
    Task<Site?> StoreSiteAsync(Site site, CancellationToken cancel);

    /// <returns><see cref="Removal.InUse"/> while a device stands there.</returns>
    Task<Removal> RemoveSiteAsync(string id, CancellationToken cancel);
}
