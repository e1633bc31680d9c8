using Microsoft.Extensions.Options;
using Pumps.Core.Offerings;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Provisioning;

/// <summary>What somebody orders.</summary>
/// <param name="Product">Mandatory to provision; to change, null keeps what the device has. Not for the other kinds. So are the ones after it.</param>
public sealed record OrderRequest(string Id, OrderKind Kind, string Device, string? Product = null, string? Customer = null, int? UtcOffsetMinutes = null,
    string? Site = null);

/// <summary>Takes an order, after checking what can be known at once. The rest is the business of <see cref="AdvanceOrders"/>.</summary>
/// <remarks>Safe to repeat: the same id with the same content is the same order.</remarks>
public sealed class PlaceOrder(
    IOrderStore store, IDeviceRegistry registry, ICustomerDirectory customers, Catalog catalog, IOptions<PortalOptions> portal, TimeProvider time)
{
    /// <summary>An id is a key in lists and logs.</summary>
    public const int IdMax = 64;

    public async Task<Answer<StoredOrder>> HandleAsync(OrderRequest request, string origin, CancellationToken cancel)
    {
        var faults = new List<Fault>();
        if (!IsId(request.Id))
            faults.Add(new("invalid_order_id", "order", request.Id, $"1 to {IdMax} letters, digits, '-', '_' or '.'"));

        DeviceRegistration? target = null;
        if (request.Kind is OrderKind.Provision)
            target = DeviceCheck.Check(catalog, portal.Value.Region, request.Device, request.Product, request.Customer, request.UtcOffsetMinutes, faults, "device");
        else if (DeviceCheck.ProtocolOf(request.Device) is null)
            faults.Add(new("invalid_device_id", "device", request.Device, DeviceCheck.IdAllowed));
        else if (request.Kind is OrderKind.Change)
        {
            if (await registry.FindTagsAsync(request.Device, cancel) is not { } known)
                return new Answer<StoredOrder>.Absent(DeviceRoutes.NoDevice(request.Device));
            target = DeviceCheck.Check(catalog, portal.Value.Region, request.Device, request.Product ?? known.Product, request.Customer ?? known.Customer,
                request.UtcOffsetMinutes ?? known.UtcOffsetMinutes, faults, "device");
        }

        var site = target is null ? null : request.Site;
        if (site is not null && (await customers.FindSiteAsync(site, cancel))?.Customer != target!.Customer)
            faults.Add(DeviceCheck.UnknownSite(site, target.Customer));

        return faults.Count > 0
            ? new Answer<StoredOrder>.Invalid(faults)
            : AnswerOf(await store.PlaceAsync(new(request.Id, request.Device, request.Kind, target, origin, site), time.GetUtcNow(), cancel), request);
    }

    public static bool IsId(string id) => id.Length is > 0 and <= IdMax && id.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static Answer<StoredOrder> AnswerOf((Placing Placing, StoredOrder Order) placed, OrderRequest request) => placed.Placing switch
    {
        Placing.Placed or Placing.Repeated => new Answer<StoredOrder>.Found(placed.Order),
        Placing.IdTaken => new Answer<StoredOrder>.Refused("order_id_taken", $"Order {request.Id} exists and asks for something else. Give another id."),
        Placing.DeviceBusy => new Answer<StoredOrder>.Refused("device_busy",
            $"Device {request.Device} has an order that is not over: {placed.Order.Id}. Wait for it, or cancel it."),
        _ => throw new ArgumentOutOfRangeException(nameof(placed), placed.Placing, "No such placing."),
    };
}
