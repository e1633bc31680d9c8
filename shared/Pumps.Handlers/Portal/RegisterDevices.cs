using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Provisioning;

namespace Pumps.Handlers.Portal;

/// <summary>What somebody says who registers a device; everything else follows from the id and the catalog.</summary>
/// <param name="UtcOffsetMinutes">DP1 only, and mandatory there: minutes that the site's civil time is ahead of UTC.</param>
public sealed record DeviceOrder(string Id, string Product, string Customer, int? UtcOffsetMinutes);

/// <summary>
/// Registers devices at once: the door of tools and simulated fleets, which want a key and no questions. Devices of customers are ordered
/// (<see cref="PlaceOrder"/>): that waits for the device, checks plans, and can be taken back.
/// </summary>
/// <remarks>
/// Safe to repeat: a device that exists keeps its keys and gets the given tags. It is in the directory before it can connect, so what it sends
/// first is shown with its product. In a list every order stands for itself; a port that is away is an exception, and the orders before it stay done.
/// </remarks>
public sealed class RegisterDevices(Catalog catalog, IDeviceDirectory directory, IDeviceRegistry registry, IOptions<PortalOptions> options)
{
    /// <summary>Orders in one list: a fleet page. Longer lists hold a connection open for minutes.</summary>
    public const int OrdersMax = 1000;

    // Registries are remote (IoT Hub) or one file (local); more at once gains nothing and meets IoT Hub's throttling.
    private const int AtOnce = 8;

    public async Task<Answer<RegisteredDevice>> HandleAsync(DeviceOrder order, CancellationToken cancel)
    {
        var faults = new List<Fault>();
        if (DeviceCheck.Check(catalog, options.Value.Region, order.Id, order.Product, order.Customer, order.UtcOffsetMinutes, faults) is not { } device)
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

    internal static Protocol? ProtocolOf(string id) => DeviceCheck.ProtocolOf(id);
}
