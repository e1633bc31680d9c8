using System.Globalization;
using Microsoft.Extensions.Options;
using Pumps.Core.Offerings;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Provisioning;

/// <summary>Reads the CSV file of a bulk order: its header, and of each line its order or what is wrong with it.</summary>
public sealed class BulkFile(
    Catalog catalog, ICustomerDirectory customers, ClaimHasher hasher, IOptions<PortalOptions> portal, IOptions<ProvisioningOptions> provisioning)
{
    /// <summary>The columns, for people.</summary>
    public const string Columns =
        $"{Device},{Product},{Customer} and, where wanted, {UtcOffset} (for DP1 devices), {Site} and {ClaimCodeColumn} (for devices of the stock), in any order";

    private const string Device = "device";
    private const string Product = "product";
    private const string Customer = "customer";
    private const string UtcOffset = "utc_offset_minutes";
    private const string Site = "site";
    private const string ClaimCodeColumn = "claim_code";

    private static readonly string[] Needed = [Device, Product, Customer];
    private static readonly string[] Known = [.. Needed, UtcOffset, Site, ClaimCodeColumn];

    /// <returns>Where each column stands, or null when faults were added.</returns>
    public static Dictionary<string, int>? ReadHeader(string? line, List<Fault> faults)
    {
        var names = line is null ? null : CsvLine.Split(line.TrimStart('\uFEFF'));
        if (names is null || names.Distinct(StringComparer.Ordinal).Count() != names.Count)
        {
            faults.Add(new("invalid_header", "line 1", line, Columns));
            return null;
        }

        foreach (var name in names.Except(Known))
            faults.Add(new("unknown_column", "line 1", name, Columns));
        foreach (var name in Needed.Except(names))
            faults.Add(new("missing_column", "line 1", name, Columns));
        return faults.Count > 0 ? null : names.Select((name, i) => (name, i)).ToDictionary(c => c.name, c => c.i);
    }

    /// <param name="owners">Customers of the sites that this file has named so far; null where there is no such site.</param>
    public async Task<BulkEntry> ReadAsync(
        string id, int number, string text, Dictionary<string, int> columns, Dictionary<string, string?> owners, CancellationToken cancel)
    {
        if (CsvLine.Split(text) is not { } fields)
            return Refuse(number, "", "malformed_line", "A quote is not closed, or stands inside a field without quotes.");
        if (fields.Count != columns.Count)
            return Refuse(number, "", "malformed_line", $"The line has {fields.Count} fields, the header {columns.Count}.");

        var device = fields[columns[Device]];
        int? offset = null;
        if (Optional(UtcOffset) is { } minutes)
        {
            if (!int.TryParse(minutes, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed))
                return Refuse(number, device, "invalid_utc_offset", $"\"{Shorten(minutes)}\" is not a number of minutes.");
            offset = parsed;
        }

        var faults = new List<Fault>();
        var target = DeviceCheck.Check(catalog, portal.Value.Region, device, fields[columns[Product]], fields[columns[Customer]], offset, faults, Device);
        var site = Optional(Site);
        if (target is not null && site is not null && await OwnerAsync(site, owners, cancel) != target.Customer)
            faults.Add(DeviceCheck.UnknownSite(Shorten(site), target.Customer));
        if (target is null || faults.Count > 0)
            return Refuse(number, device, faults[0].Rule, string.Join(" ", faults.Select(f => $"{f.Parameter} is \"{f.Given}\"; allowed: {f.Allowed}.")));

        // The code itself is repeated nowhere.
        string? code = null;
        if (Optional(ClaimCodeColumn) is { } typed)
        {
            if (!ClaimCode.TryNormalize(typed, out code))
                return Refuse(number, device, "invalid_claim_code", "The claim code is not twelve letters and digits as on a label, XXXX-XXXX-XXXX.");
            if (target.Customer != provisioning.Value.StockCustomer)
                return Refuse(number, device, "device_not_in_stock",
                    $"Only a device of customer \"{provisioning.Value.StockCustomer}\" can be claimed; this one has an owner from the start.");
        }

        var order = string.Create(CultureInfo.InvariantCulture, $"{id}.{number}");
        return new(
            new(number, device, order, LineOutcome.Accepted, null, null), new(order, device, OrderKind.Provision, target, $"bulk:{id}", site),
            code is null ? null : () => hasher.Of(device, code));

        string? Optional(string column) => columns.TryGetValue(column, out var at) && fields[at] is { Length: > 0 } given ? given : null;
    }

    private async Task<string?> OwnerAsync(string site, Dictionary<string, string?> owners, CancellationToken cancel)
    {
        if (!Names.IsId(site))
            return null;
        if (!owners.TryGetValue(site, out var owner))
            owners[site] = owner = (await customers.FindSiteAsync(site, cancel))?.Customer;
        return owner;
    }

    private static BulkEntry Refuse(int number, string device, string reason, string detail) =>
        new(new(number, Shorten(device), null, LineOutcome.Refused, reason, detail));

    // PostgreSQL's text has no zero character; what cannot be a device id is shown, not kept whole.
    private static string Shorten(string text) => (text.Length > Fault.GivenMax ? text[..Fault.GivenMax] : text).Replace('\0', '\uFFFD');
}
