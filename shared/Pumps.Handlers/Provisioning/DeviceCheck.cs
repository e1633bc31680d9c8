using System.Globalization;
using System.Text.RegularExpressions;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Provisioning;

/// <summary>What somebody says of a device; everything else follows from the id and the catalog. One set of rules for every way in.</summary>
internal static partial class DeviceCheck
{
    public const string IdAllowed = "dp1-<serial number, 1 to 4294967295> or dp2-<EUI-64, 16 hex digits in lower case>";

    // Civil time is between UTC-12 and UTC+14; both ends are inhabited.
    private const int OffsetMin = -12 * 60;
    private const int OffsetMax = 14 * 60;

    /// <param name="idName">How the request calls the id.</param>
    /// <returns>The device, or null when faults were added.</returns>
    public static DeviceRegistration? Check(
        Catalog catalog, string region, string id, string? productId, string? customer, int? utcOffsetMinutes, List<Fault> faults, string idName = "id")
    {
        var before = faults.Count;
        var protocol = ProtocolOf(id);
        if (protocol is null)
            faults.Add(new("invalid_device_id", idName, id, IdAllowed));

        if (productId is null || !catalog.Products.TryGetValue(productId, out var product))
        {
            product = null;
            faults.Add(new("unknown_product", "product", productId, string.Join(", ", catalog.Products.Keys.Order())));
        }
        else if (protocol is not null && product.Protocol != protocol)
            faults.Add(new("protocol_mismatch", "product", productId,
                $"a product that speaks {protocol.Value.Name()}, as the id says: " +
                string.Join(", ", catalog.Products.Values.Where(p => p.Protocol == protocol).Select(p => p.Id).Order())));

        if (!IsCustomer(customer))
            faults.Add(new("invalid_customer", "customer", customer, Names.IdAllowed));

        if (protocol is Protocol.Dp1 && utcOffsetMinutes is not (>= OffsetMin and <= OffsetMax))
            faults.Add(new("invalid_utc_offset", "utcOffsetMinutes", utcOffsetMinutes?.ToString(CultureInfo.InvariantCulture),
                $"for a DP1 device, whose clock runs on the site's civil time: minutes ahead of UTC, {OffsetMin} to {OffsetMax}"));
        else if (protocol is Protocol.Dp2 && utcOffsetMinutes is { } needless)
            faults.Add(new("invalid_utc_offset", "utcOffsetMinutes", needless.ToString(CultureInfo.InvariantCulture),
                "absent for a DP2 device, whose clock runs on UTC"));

        return faults.Count == before
            ? new(id, protocol!.Value.Name(), product!.Offering, product.Id, customer!, region, utcOffsetMinutes)
            : null;
    }

    public static Fault UnknownSite(string site, string customer) => new("unknown_site", "site", site, $"a site of customer {customer}, or none");

    public static bool IsCustomer(string? customer) => customer is not null && Names.IsId(customer);

    public static Protocol? ProtocolOf(string id) =>
        Dp1Id().IsMatch(id) && uint.TryParse(id.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out _) ? Protocol.Dp1
        : Dp2Id().IsMatch(id) ? Protocol.Dp2
        : null;

    [GeneratedRegex("^dp1-[1-9][0-9]{0,9}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Dp1Id();

    [GeneratedRegex("^dp2-[0-9a-f]{16}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Dp2Id();
}
