using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Options;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Handlers.Devices;

namespace Pumps.Handlers.Portal;

/// <summary>What somebody says who registers a device; everything else follows from the id and the catalog.</summary>
/// <param name="UtcOffsetMinutes">DP1 only, and mandatory there: minutes that the site's civil time is ahead of UTC.</param>
public sealed record DeviceOrder(string Id, string Product, string Customer, int? UtcOffsetMinutes);

/// <summary>Registers devices: derives protocol and offering, checks them against the catalog, and gives every device its identity.</summary>
/// <remarks>
/// Safe to repeat: a device that exists keeps its keys and gets the given tags. It is in the directory before it can connect, so what it sends
/// first is shown with its product. In a list every order stands for itself; a port that is away is an exception, and the orders before it stay done.
/// </remarks>
public sealed partial class RegisterDevices(Catalog catalog, IDeviceDirectory directory, IDeviceRegistry registry, IOptions<PortalOptions> options)
{
    /// <summary>Orders in one list: a fleet page. Longer lists hold a connection open for minutes.</summary>
    public const int OrdersMax = 1000;

    // Registries are remote (IoT Hub) or one file (local); more at once gains nothing and meets IoT Hub's throttling.
    private const int AtOnce = 8;

    // Civil time is between UTC-12 and UTC+14; both ends are inhabited.
    private const int OffsetMin = -12 * 60;
    private const int OffsetMax = 14 * 60;

    public async Task<Answer<RegisteredDevice>> HandleAsync(DeviceOrder order, CancellationToken cancel)
    {
        var faults = Check(order, out var device);
        if (device is null)
            return new Answer<RegisteredDevice>.Invalid(faults);

        await directory.StoreAsync(device, cancel);
        return new Answer<RegisteredDevice>.Found(await registry.RegisterAsync(device, cancel));
    }

    /// <returns>One answer per order, in the order given.</returns>
    public async Task<Answer<RegisteredDevice>[]> HandleAsync(IReadOnlyList<DeviceOrder> orders, CancellationToken cancel)
    {
        var answers = new Answer<RegisteredDevice>[orders.Count];
        var seen = new ConcurrentDictionary<string, int>();
        for (var i = 0; i < orders.Count; i++)
            if (!seen.TryAdd(orders[i].Id, i))
                answers[i] = new Answer<RegisteredDevice>.Invalid([new("repeated_device", "id", orders[i].Id, "each device once in a list")]);

        await Parallel.ForAsync(0, orders.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel },
            async (i, stop) => answers[i] ??= await HandleAsync(orders[i], stop));
        return answers;
    }

    private List<Fault> Check(DeviceOrder order, out DeviceRegistration? device)
    {
        device = null;
        var faults = new List<Fault>();

        var protocol = ProtocolOf(order.Id);
        if (protocol is null)
            faults.Add(new("invalid_device_id", "id", order.Id, "dp1-<serial number, 1 to 4294967295> or dp2-<EUI-64, 16 hex digits in lower case>"));

        if (!catalog.Products.TryGetValue(order.Product, out var product))
            faults.Add(new("unknown_product", "product", order.Product, string.Join(", ", catalog.Products.Keys.Order())));
        else if (protocol is not null && product.Protocol != protocol)
            faults.Add(new("protocol_mismatch", "product", order.Product,
                $"a product that speaks {protocol.Value.Name()}, as the id says: " +
                string.Join(", ", catalog.Products.Values.Where(p => p.Protocol == protocol).Select(p => p.Id).Order())));

        if (!Names.IsId(order.Customer))
            faults.Add(new("invalid_customer", "customer", order.Customer, Names.IdAllowed));

        if (protocol is Protocol.Dp1 && order.UtcOffsetMinutes is not (>= OffsetMin and <= OffsetMax))
            faults.Add(new("invalid_utc_offset", "utcOffsetMinutes", order.UtcOffsetMinutes?.ToString(CultureInfo.InvariantCulture),
                $"for a DP1 device, whose clock runs on the site's civil time: minutes ahead of UTC, {OffsetMin} to {OffsetMax}"));
        else if (protocol is Protocol.Dp2 && order.UtcOffsetMinutes is { } needless)
            faults.Add(new("invalid_utc_offset", "utcOffsetMinutes", needless.ToString(CultureInfo.InvariantCulture),
                "absent for a DP2 device, whose clock runs on UTC"));

        if (faults.Count == 0)
            device = new(order.Id, protocol!.Value.Name(), product!.Offering, product.Id, order.Customer, options.Value.Region, order.UtcOffsetMinutes);
        return faults;
    }

    internal static Protocol? ProtocolOf(string id) =>
        Dp1Id().IsMatch(id) && uint.TryParse(id.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out _) ? Protocol.Dp1
        : Dp2Id().IsMatch(id) ? Protocol.Dp2
        : null;

    [GeneratedRegex("^dp1-[1-9][0-9]{0,9}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Dp1Id();

    [GeneratedRegex("^dp2-[0-9a-f]{16}\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Dp2Id();
}
