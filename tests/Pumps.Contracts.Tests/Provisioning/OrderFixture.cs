using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Pumps.Contracts.Tests.Postgres;
using Pumps.Core.Offerings;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;
using Pumps.LocalRegion.Gateway;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Provisioning;

/// <summary>Everything that works on orders: a real database, the gateway's registry, and a clock that the test moves.</summary>
public abstract class OrderFixture : PostgresFixture
{
    private protected static readonly Catalog Catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);
    private static int _devices;
    private string _folder = "";

    private protected FakeTimeProvider Time { get; private set; } = null!;

    private protected FaultyRegistry Registry { get; private set; } = null!;

    private protected FaultyRows Rows { get; private set; } = null!;

    private protected OrderTable Store { get; private set; } = null!;

    private protected ProvisioningOptions Options { get; } = new() { ClaimPepper = Convert.ToBase64String(new byte[32]) };

    private protected PlaceOrder Place => new(Store, Registry, new CustomerTables(Database), Catalog, Portal, Time);

    private protected AdvanceOrders Orders => new(
        Store, new PerformStep(Registry, Rows, Catalog, Of(Options), NullLogger<PerformStep>.Instance), Of(Options), Time, NullLogger<AdvanceOrders>.Instance);

    private protected static IOptions<PortalOptions> Portal => Of(new PortalOptions { Region = "test" });

    [SetUp]
    public async Task OpenAsync()
    {
        _folder = Directory.CreateTempSubdirectory("pumps-orders-").FullName;
        Time = new(Noon);
        Registry = new(await DeviceRegistry.OpenAsync(Path.Combine(_folder, "devices.db"), Cancel));
        Rows = new(new DeviceRows(Database));
        Store = new(Database);
        await ExecuteAsync("delete from device_order");
    }

    [TearDown]
    public async Task CloseAsync()
    {
        await Registry.Inner.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private protected static IOptions<T> Of<T>(T options) where T : class => Microsoft.Extensions.Options.Options.Create(options);

    private protected static string NewDevice() => $"dp2-{Interlocked.Increment(ref _devices):x16}";

    private protected async Task<StoredOrder> OrderAsync(
        OrderKind kind, string device, string? id = null, string? product = "irrigation-pump-v2", string? customer = "green-valley")
    {
        var answer = await Place.HandleAsync(
            kind is OrderKind.Provision or OrderKind.Change ? new(id ?? $"{kind}-{device}", kind, device, product, customer) : new(id ?? $"{kind}-{device}", kind, device),
            "test", Cancel);
        Assert.That(answer, Is.TypeOf<Answer<StoredOrder>.Found>(), answer.ToString());
        return ((Answer<StoredOrder>.Found)answer).Value;
    }

    /// <summary>Lets the driver run, and time pass by its pauses, until nothing is due within an hour.</summary>
    private protected async Task RunAsync()
    {
        for (var i = 0; i < 30; i++)
        {
            while (await Orders.HandleAsync(100, Cancel) > 0)
            {
                // More is due.
            }

            Time.Advance(TimeSpan.FromMinutes(6));
        }
    }

    private protected Task HelloAsync(string device, string? model = "IP-200") =>
        Store.TakeHellosAsync([new(device, model, "1.4.2", null)], Time.GetUtcNow(), Cancel);

    /// <summary>A device that works: ordered, connected, active.</summary>
    private protected async Task<string> ActiveAsync(string customer = "green-valley")
    {
        var device = NewDevice();
        var order = await OrderAsync(OrderKind.Provision, device, customer: customer);
        await RunAsync();
        await HelloAsync(device);
        await RunAsync();
        Assert.That((await Store.FindAsync(order.Id, Cancel))!.State.Phase, Is.EqualTo(OrderPhase.Done));
        return device;
    }

    private protected async Task<OrderState> StateAsync(StoredOrder order) => (await Store.FindAsync(order.Id, Cancel))!.State;
}

/// <summary>The gateway's registry, which fails when the test says so: before or after it has done what it was asked.</summary>
internal sealed class FaultyRegistry(DeviceRegistry inner) : IDeviceRegistry
{
    public DeviceRegistry Inner => inner;

    /// <summary>Name of the method that fails, and whether its effect is there nevertheless.</summary>
    public (string Method, bool After)? Fault { get; set; }

    /// <summary>What was asked of it, in order.</summary>
    public ConcurrentQueue<(string Method, string Device)> Calls { get; } = new();

    public Task<RegisteredDevice> RegisterAsync(DeviceRegistration device, string? desired, CancellationToken cancel) =>
        CallAsync("Register", device.Id, () => inner.RegisterAsync(device, desired, cancel));

    public Task<RegisteredDevice?> FindAsync(string deviceId, CancellationToken cancel) => CallAsync("Find", deviceId, () => inner.FindAsync(deviceId, cancel));

    public Task<DeviceRegistration?> FindTagsAsync(string deviceId, CancellationToken cancel) =>
        CallAsync("FindTags", deviceId, () => inner.FindTagsAsync(deviceId, cancel));

    public Task<bool> UpdateTagsAsync(string deviceId, TagChange change, CancellationToken cancel) =>
        CallAsync("UpdateTags", deviceId, () => inner.UpdateTagsAsync(deviceId, change, cancel));

    public Task<bool> SetEnabledAsync(string deviceId, bool enabled, CancellationToken cancel) =>
        CallAsync("SetEnabled", deviceId, () => inner.SetEnabledAsync(deviceId, enabled, cancel));

    public Task<bool> SetKeyAsync(string deviceId, DeviceKeySlot slot, string key, CancellationToken cancel) =>
        CallAsync("SetKey" + slot, deviceId, () => inner.SetKeyAsync(deviceId, slot, key, cancel));

    public Task<IReadOnlyList<string>> ListUntaggedAsync(int limit, CancellationToken cancel) => inner.ListUntaggedAsync(limit, cancel);

    public Task<bool> RemoveAsync(string deviceId, CancellationToken cancel) => CallAsync("Remove", deviceId, () => inner.RemoveAsync(deviceId, cancel));

    private async Task<T> CallAsync<T>(string method, string device, Func<Task<T>> call)
    {
        Calls.Enqueue((method, device));
        if (Fault is { After: false } before && before.Method == method)
            throw new TaskCanceledException("the registry is away, which its client tells like this");
        var answer = await call();
        return Fault is { After: true } after && after.Method == method ? throw new TimeoutException("the registry's answer was lost") : answer;
    }
}

/// <summary>As <see cref="FaultyRegistry"/>, for rows.</summary>
internal sealed class FaultyRows(IDeviceRows inner) : IDeviceRows
{
    /// <summary>The status whose writing fails, and whether it is written nevertheless.</summary>
    public (string? Status, bool After)? Fault { get; set; }

    public Task<RowBefore?> FindAsync(string deviceId, CancellationToken cancel) => inner.FindAsync(deviceId, cancel);

    public Task<int> CountAsync(string customer, string orderId, CancellationToken cancel) => inner.CountAsync(customer, orderId, cancel);

    public async Task KeepAsync(DeviceRegistration device, string? status, string? site, CancellationToken cancel)
    {
        Throw(status, after: false);
        await inner.KeepAsync(device, status, site, cancel);
        Throw(status, after: true);
    }

    public async Task<bool> MarkAsync(string deviceId, string status, CancellationToken cancel)
    {
        Throw(status, after: false);
        var known = await inner.MarkAsync(deviceId, status, cancel);
        Throw(status, after: true);
        return known;
    }

    public Task RestoreAsync(string deviceId, RowBefore? before, bool withSite, CancellationToken cancel) =>
        inner.RestoreAsync(deviceId, before, withSite, cancel);

    public Task LookAtClockAsync(string deviceId, CancellationToken cancel) => inner.LookAtClockAsync(deviceId, cancel);

    private void Throw(string? status, bool after)
    {
        if (Fault is { } fault && fault.Status == status && fault.After == after)
            throw new TimeoutException("the rows are away");
    }
}
