using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Commands;

/// <summary>Which devices something is for: those in a list; or all at a site, with a tag, of a customer, as far as each is named.</summary>
/// <param name="Devices">In the order of the ids, each once; null when the region is to find them.</param>
public sealed record GroupTarget(string? Site = null, string? Tag = null, string? Customer = null, IReadOnlyList<string>? Devices = null)
{
    /// <summary>Devices in a list.</summary>
    public const int ListMax = 1000;

    // IoT Hub's limit.
    private const int DeviceIdMax = 128;

    /// <summary>For people.</summary>
    public string Describe() => string.Join(", ", new[]
    {
        Site is null ? null : "site " + Site, Tag is null ? null : "tag " + Tag, Customer is null ? null : "customer " + Customer,
        Devices is null ? null : $"{Devices.Count} devices",
    }.OfType<string>());

    /// <summary>Finds what is wrong with it; which of its parts must be there is its user's affair.</summary>
    public void Check(List<Fault> faults)
    {
        if (Devices is { } devices)
        {
            if ((Site ?? Tag ?? Customer) is not null)
                faults.Add(new("ambiguous_target", "devices", $"{devices.Count} devices", "devices, or site, tag and customer; not both"));
            if (devices.Count is 0 or > ListMax)
                faults.Add(new("invalid_list", "devices", $"{devices.Count} devices", $"1 to {ListMax} devices"));
            foreach (var odd in devices.Where(d => d is null or { Length: 0 or > DeviceIdMax } || d.Any(char.IsControl)).Take(1))
                faults.Add(new("invalid_device", "devices", odd, "ids of devices"));
            if (devices.GroupBy(d => d).FirstOrDefault(g => g.Count() > 1) is { Key: var twice })
                faults.Add(new("repeated_device", "devices", twice, "each device once in a list"));
        }

        if (Site is { } site && !Names.IsId(site))
            faults.Add(new("invalid_site", "site", site, Names.IdAllowed));
        if (Tag is { } tag && !Names.IsTag(tag))
            faults.Add(new("invalid_tag", "tag", tag, Names.TagAllowed));
        if (Customer is { } customer && !Names.IsId(customer))
            faults.Add(new("invalid_customer", "customer", customer, Names.IdAllowed));
    }
}
