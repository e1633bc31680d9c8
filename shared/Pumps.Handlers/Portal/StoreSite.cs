using System.Globalization;
using System.Text.RegularExpressions;
using Pumps.Handlers.Devices;

namespace Pumps.Handlers.Portal;

/// <summary>Creates a site, or changes one.</summary>
/// <remarks>Safe to repeat: the newest word wins. A site never changes its customer: its devices would go with it.</remarks>
public sealed partial class StoreSite(ICustomerDirectory directory)
{
    public async Task<Answer<Site>> HandleAsync(Site site, CancellationToken cancel)
    {
        var faults = Check(site);
        if (faults.Count == 0 && await directory.FindCustomerAsync(site.Customer, cancel) is null)
            faults.Add(new("unknown_customer", "customer", site.Customer, "a customer of this region; PUT /api/customers/{id} makes one"));
        if (faults.Count > 0)
            return new Answer<Site>.Invalid(faults);

        return await directory.StoreSiteAsync(site, cancel) is { } stored
            ? new Answer<Site>.Found(stored)
            : new Answer<Site>.Refused("site_id_taken", $"The id \"{site.Id}\" is taken. Choose another one.");
    }

    private static List<Fault> Check(Site site)
    {
        var faults = new List<Fault>();
        if (!Names.IsId(site.Id))
            faults.Add(new("invalid_site_id", "id", site.Id, Names.IdAllowed));
        if (!Names.IsId(site.Customer))
            faults.Add(new("invalid_customer", "customer", site.Customer, Names.IdAllowed));
        if (!Names.IsName(site.Name))
            faults.Add(new("invalid_name", "name", site.Name, Names.NameAllowed));
        if (!IsTimeZone(site.TimeZone))
            faults.Add(new("unknown_time_zone", "timeZone", site.TimeZone, "an IANA time zone such as Europe/Berlin or UTC"));
        if (site.Latitude is null != site.Longitude is null)
            faults.Add(new("incomplete_location", site.Latitude is null ? "latitude" : "longitude", null, "both latitude and longitude, or neither"));
        Range("latitude", site.Latitude, 90);
        Range("longitude", site.Longitude, 180);
        return faults;

        void Range(string name, double? degrees, double max)
        {
            if (degrees is { } value && !(Math.Abs(value) <= max))
                faults.Add(new("invalid_" + name, name, value.ToString(CultureInfo.InvariantCulture), $"degrees from -{max} to {max}"));
        }
    }

    // The form first: an id becomes the name of a file of the system's time zone database.
    private static bool IsTimeZone(string id) => ZoneForm().IsMatch(id) && TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone) && zone.HasIanaId;

    [GeneratedRegex("^[A-Za-z][A-Za-z0-9_+-]{0,31}(/[A-Za-z0-9_+-]{1,31}){0,2}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex ZoneForm();
}

/// <summary>What ids, names and tags may be, wherever the API takes them.</summary>
internal static partial class Names
{
    public const string IdAllowed = "1 to 64 of a-z, 0-9 and -";
    public const string NameAllowed = "1 to 100 printable characters";
    public const string TagAllowed = "1 to 32 of a-z, 0-9, - and _";

    private const int NameMax = 100;

    public static bool IsId(string id) => Id().IsMatch(id);

    public static bool IsName(string name) => name.Length <= NameMax && !string.IsNullOrWhiteSpace(name) && !name.Any(char.IsControl);

    public static bool IsTag(string tag) => Tag().IsMatch(tag);

    [GeneratedRegex("^[a-z0-9-]{1,64}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Id();

    [GeneratedRegex("^[a-z0-9_-]{1,32}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Tag();
}
