using Pumps.Core.Provisioning;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Devices;

namespace Pumps.Handlers.Provisioning;

/// <summary>An order to be placed.</summary>
/// <param name="Id">Given by whoever orders; the same id is the same order.</param>
/// <param name="Target">What the device is to be; null where the kind does not say.</param>
/// <param name="Origin">Who ordered: <c>api</c>, <c>claim</c>, <c>bulk:&lt;id&gt;</c>.</param>
/// <param name="Site">Where the device is to stand, a site of the target's customer; null where the order does not say.</param>
public sealed record NewOrder(string Id, string DeviceId, OrderKind Kind, DeviceRegistration? Target, string Origin, string? Site = null);

/// <summary>An order as it is stored.</summary>
/// <param name="Version">Changes with every write: who has read an older one cannot overwrite a newer one.</param>
/// <param name="Hello">What the device has said since the order was placed.</param>
public sealed record StoredOrder(
    string Id, string DeviceId, DeviceRegistration? Target, string Origin, OrderState State, long Version, DeviceHello? Hello, bool IsConfirmed,
    bool IsCancelled, DateTimeOffset CreatedAt, DateTimeOffset? ClosedAt, string? Site);

/// <summary>What became of an order that was placed.</summary>
public enum Placing
{
    Placed,

    /// <summary>The order was there already, with the same content.</summary>
    Repeated,

    /// <summary>The id belongs to an order with another content.</summary>
    IdTaken,

    /// <summary>The device has another order that is not over.</summary>
    DeviceBusy,
}

/// <summary>Orders: what is to be done with devices, and where that stands. PostgreSQL in both worlds.</summary>
public interface IOrderStore
{
    /// <returns>What became of it, and the order that stands there now: the one given, or the one in its way.</returns>
    Task<(Placing Placing, StoredOrder Order)> PlaceAsync(NewOrder order, DateTimeOffset at, CancellationToken cancel);

    Task<StoredOrder?> FindAsync(string id, CancellationToken cancel);

    /// <summary>Newest first.</summary>
    Task<Page<StoredOrder>> ListAsync(string? deviceId, string? phase, string? cursor, int limit, CancellationToken cancel);

    /// <summary>Orders that are due, for this caller alone until the lease ends.</summary>
    Task<IReadOnlyList<StoredOrder>> ClaimAsync(DateTimeOffset now, TimeSpan lease, int limit, CancellationToken cancel);

    /// <summary>Ends every lease: whoever held one is gone.</summary>
    /// <returns>How many there were.</returns>
    Task<int> EndLeasesAsync(CancellationToken cancel);

    Task<int> CountDueAsync(DateTimeOffset now, CancellationToken cancel);

    /// <summary>Keeps new states in one transaction. The lease of an order that is not due any more ends.</summary>
    /// <returns>The orders as they are now; without those that somebody else has changed since they were read.</returns>
    Task<IReadOnlyList<StoredOrder>> KeepAsync(IReadOnlyList<(StoredOrder Order, OrderState Next)> orders, DateTimeOffset now, CancellationToken cancel);

    /// <summary>Marks an open order as confirmed and makes it due. Safe to repeat.</summary>
    /// <returns>False when there is no such order, or it is over.</returns>
    Task<bool> ConfirmAsync(string id, DateTimeOffset now, CancellationToken cancel);

    /// <summary>As <see cref="ConfirmAsync"/>.</summary>
    Task<bool> CancelAsync(string id, DateTimeOffset now, CancellationToken cancel);

    /// <summary>Keeps what devices said of themselves, and makes the orders due that wait for it. Safe to repeat.</summary>
    Task TakeHellosAsync(IReadOnlyList<DeviceHello> hellos, DateTimeOffset now, CancellationToken cancel);
}

/// <summary>The rows of devices, as orders change them. PostgreSQL in both worlds.</summary>
public interface IDeviceRows
{
    Task<RowBefore?> FindAsync(string deviceId, CancellationToken cancel);

    /// <summary>Devices of a customer that are not retired, and those that open orders older than the given one bring to them.</summary>
    Task<int> CountAsync(string customer, string orderId, CancellationToken cancel);

    /// <summary>Writes product, customer and status, and the history of ownership with it. Safe to repeat.</summary>
    /// <param name="status">Null keeps the row's own.</param>
    /// <param name="site">Null keeps the row's own, unless the customer is another one.</param>
    Task KeepAsync(DeviceRegistration device, string? status, string? site, CancellationToken cancel);

    /// <summary>Writes the status and nothing else. Safe to repeat.</summary>
    /// <returns>False when there is no such device.</returns>
    Task<bool> MarkAsync(string deviceId, string status, CancellationToken cancel);

    /// <summary>Makes the row as it was; a row that was not there stays as <c>retired</c> and belongs to nobody: what the device may have sent hangs on it.</summary>
    /// <param name="withSite">The site, too. It comes back with its customer anyway.</param>
    Task RestoreAsync(string deviceId, RowBefore? before, bool withSite, CancellationToken cancel);

    /// <summary>
    /// Has <see cref="FollowClocks"/> look at the device's clock and tag, as each change of the row does: for whoever writes tags after it. Safe to repeat.
    /// </summary>
    Task LookAtClockAsync(string deviceId, CancellationToken cancel);
}
