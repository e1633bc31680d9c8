using System.Collections.Concurrent;
using System.Globalization;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Portal;

namespace Pumps.Contracts.Tests.Portal;

/// <summary>The ports of one portal in memory: what the API does with them is under test here; their adapters have suites of their own.</summary>
internal sealed class MemoryPorts : IDeviceRegistry, IDeviceDirectory, ICustomerDirectory, IDatapointQueries, IDeadLetterQueries, IHubPublisher, IRegionStatus, IRequestAudit
{
    public ConcurrentQueue<RefusedRequest> Refused { get; } = new();

    public ConcurrentDictionary<string, RegisteredDevice> Registry { get; } = new();

    public ConcurrentDictionary<string, DeviceSummary> Devices { get; } = new();

    public ConcurrentDictionary<string, Customer> Customers { get; } = new();

    public ConcurrentDictionary<string, Site> Sites { get; } = new();

    public SortedList<DateTimeOffset, string> History { get; } = [];

    public List<StoredDeadLetter> Letters { get; } = [];

    public List<(string Hub, string Key, Dictionary<string, string> Properties, byte[] Body)> Published { get; } = [];

    public HistoryQuery? LastQuery { get; private set; }

    /// <summary>Thrown by everything that reads or writes, while it is set.</summary>
    public Exception? Broken { get; set; }

    /// <summary>Called with a device's id before its tags are read or written: may throw, or let time pass.</summary>
    public Action<string>? BeforeTags { get; set; }

    public RegionSnapshot Snapshot { get; set; } = new("test", "1.2.3", PortalHost.Now.AddHours(-2), new Dictionary<string, string>(), [], 0);

    public Task AddAsync(RefusedRequest request, CancellationToken cancel)
    {
        ThrowIfBroken();
        Refused.Enqueue(request);
        return Task.CompletedTask;
    }

    Task<Page<RefusedRequest>> IRequestAudit.ListAsync(string? cursor, int limit, CancellationToken cancel) =>
        Task.FromResult(new Page<RefusedRequest>([.. Refused.Reverse().Take(limit)], null));

    Task<int> IRequestAudit.RemoveAsync(DateTimeOffset before, int limit, CancellationToken cancel) => throw new NotSupportedException();

    public Task<RegisteredDevice> RegisterAsync(DeviceRegistration device, string? desired, CancellationToken cancel)
    {
        ThrowIfBroken();
        return Task.FromResult(Registry.AddOrUpdate(device.Id,
            _ => new(device, Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes("first key of " + device.Id)), "second", true),
            (_, old) => old with { Device = device }));
    }

    public Task<RegisteredDevice?> FindAsync(string deviceId, CancellationToken cancel) => Task.FromResult(Registry.GetValueOrDefault(deviceId));

    public Task<DeviceRegistration?> FindTagsAsync(string deviceId, CancellationToken cancel)
    {
        BeforeTags?.Invoke(deviceId);
        return Task.FromResult(Registry.GetValueOrDefault(deviceId)?.Device);
    }

    public Task<bool> UpdateTagsAsync(string deviceId, TagChange change, CancellationToken cancel)
    {
        BeforeTags?.Invoke(deviceId);
        return ChangeAsync(deviceId, d => d with { Device = change.ApplyTo(d.Device) });
    }

    public Task<bool> SetEnabledAsync(string deviceId, bool enabled, CancellationToken cancel) => ChangeAsync(deviceId, d => d with { Enabled = enabled });

    public Task<bool> SetKeyAsync(string deviceId, DeviceKeySlot slot, string key, CancellationToken cancel) =>
        ChangeAsync(deviceId, d => slot is DeviceKeySlot.Primary ? d with { PrimaryKey = key } : d with { SecondaryKey = key });

    public Task<IReadOnlyList<string>> ListUntaggedAsync(int limit, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<string>>([.. Registry.Values.Where(d => d.Device.Protocol == "" || d.Device.Offering == "").Select(d => d.Device.Id).Take(limit)]);

    public Task<bool> RemoveAsync(string deviceId, CancellationToken cancel) => Task.FromResult(Registry.TryRemove(deviceId, out _));

    public Task StoreAsync(DeviceRegistration device, CancellationToken cancel)
    {
        ThrowIfBroken();
        Devices[device.Id] = new(device.Id, device.Protocol, device.Offering, device.Product, device.Customer, null, new Dictionary<string, LatestPoint>());
        return Task.CompletedTask;
    }

    public Task<DeviceChanged> ChangeAsync(string deviceId, DeviceChange change, CancellationToken cancel)
    {
        ThrowIfBroken();
        if (!Devices.TryGetValue(deviceId, out var device))
            return Task.FromResult(DeviceChanged.UnknownDevice);
        if (change.Site is { Length: > 0 } site && (!Sites.TryGetValue(site, out var place) || place.Customer != device.Customer))
            return Task.FromResult(DeviceChanged.UnknownSite);
        Devices[deviceId] = device with
        {
            Site = change.Site is null ? device.Site : change.Site is "" ? null : change.Site,
            Tags = change.Tags ?? device.Tags,
            Status = change.Status ?? device.Status,
        };
        return Task.FromResult(DeviceChanged.Done);
    }

    public Task<IReadOnlyList<Ownership>> ListOwnersAsync(string deviceId, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<Ownership>>(Devices.TryGetValue(deviceId, out var d) ? [new(d.Customer, PortalHost.Now, null)] : []);

    public Task<Page<Customer>> ListCustomersAsync(string? cursor, int limit, CancellationToken cancel) =>
        Task.FromResult(new Page<Customer>([.. Customers.Values.OrderBy(c => c.Id, StringComparer.Ordinal).Take(limit)], null));

    public Task<Customer?> FindCustomerAsync(string id, CancellationToken cancel) => Task.FromResult(Customers.GetValueOrDefault(id));

    public Task<Customer> StoreCustomerAsync(string id, string name, CancellationToken cancel)
    {
        ThrowIfBroken();
        return Task.FromResult(Customers[id] = new(id, name, PortalHost.Now));
    }

    public Task<Removal> RemoveCustomerAsync(string id, CancellationToken cancel) => Task.FromResult(
        Sites.Values.Any(s => s.Customer == id) || Devices.Values.Any(d => d.Customer == id) ? Removal.InUse
        : Customers.TryRemove(id, out _) ? Removal.Done
        : Removal.Absent);

    public Task<Page<Site>> ListSitesAsync(string? customer, string? cursor, int limit, CancellationToken cancel) =>
        Task.FromResult(new Page<Site>([.. Sites.Values.Where(s => (customer ?? s.Customer) == s.Customer).OrderBy(s => s.Id, StringComparer.Ordinal).Take(limit)], null));

    public Task<Site?> FindSiteAsync(string id, CancellationToken cancel) => Task.FromResult(Sites.GetValueOrDefault(id));

    public Task<Site?> StoreSiteAsync(Site site, CancellationToken cancel)
    {
        ThrowIfBroken();
        if (Sites.TryGetValue(site.Id, out var taken) && taken.Customer != site.Customer)
            return Task.FromResult<Site?>(null);
        return Task.FromResult<Site?>(Sites[site.Id] = site with { CreatedAt = PortalHost.Now });
    }

    public Task<Removal> RemoveSiteAsync(string id, CancellationToken cancel) => Task.FromResult(
        Devices.Values.Any(d => d.Site == id) ? Removal.InUse : Sites.TryRemove(id, out _) ? Removal.Done : Removal.Absent);

    public Task<Page<DeviceSummary>> ListDevicesAsync(DeviceFilter filter, string? cursor, int limit, bool withLatest, CancellationToken cancel)
    {
        ThrowIfBroken();
        var rest = Devices.Values.Where(d =>
                (filter.Offering ?? d.Offering) == d.Offering && (filter.Customer ?? d.Customer) == d.Customer && (filter.Site ?? d.Site) == d.Site
                && (filter.Tag is null || d.Tags.Contains(filter.Tag)) && (filter.Status ?? d.Status) == d.Status)
            .Where(d => cursor is null || string.CompareOrdinal(d.Id, cursor) > 0).OrderBy(d => d.Id, StringComparer.Ordinal).ToList();
        return Task.FromResult(new Page<DeviceSummary>(
            [.. rest.Take(limit).Select(d => withLatest ? d : d with { Latest = null })], rest.Count > limit ? rest[limit - 1].Id : null));
    }

    public Task<DeviceSummary?> FindDeviceAsync(string deviceId, CancellationToken cancel)
    {
        ThrowIfBroken();
        return Task.FromResult(Devices.GetValueOrDefault(deviceId));
    }

    public Task<IReadOnlyList<HistoryPoint>> QueryHistoryAsync(HistoryQuery query, CancellationToken cancel)
    {
        ThrowIfBroken();
        LastQuery = query;
        return Task.FromResult<IReadOnlyList<HistoryPoint>>(
            [.. History.Where(h => h.Key >= query.From && h.Key < query.To).Take(query.Limit).Select(h => new HistoryPoint(h.Key, h.Value))]);
    }

    public Task<Page<StoredDeadLetter>> ListAsync(string? code, string? cursor, int limit, CancellationToken cancel)
    {
        ThrowIfBroken();
        var before = cursor is null ? long.MaxValue : long.Parse(cursor, CultureInfo.InvariantCulture);
        var rest = Letters.Where(l => l.Id < before && (code is null || l.Letter.Code == code)).OrderByDescending(l => l.Id).ToList();
        return Task.FromResult(new Page<StoredDeadLetter>(
            [.. rest.Take(limit)], rest.Count > limit ? rest[limit - 1].Id.ToString(CultureInfo.InvariantCulture) : null));
    }

    public Task<StoredDeadLetter?> FindAsync(long id, CancellationToken cancel) => Task.FromResult(Letters.Find(l => l.Id == id));

    public Task MarkReplayedAsync(long id, CancellationToken cancel)
    {
        var at = Letters.FindIndex(l => l.Id == id);
        Letters[at] = Letters[at] with { ReplayedAt = PortalHost.Now };
        return Task.CompletedTask;
    }

    public Task<IReadOnlyDictionary<string, long>> CountByCodeAsync(CancellationToken cancel)
    {
        ThrowIfBroken();
        return Task.FromResult<IReadOnlyDictionary<string, long>>(
            Letters.Where(l => l.ReplayedAt is null).GroupBy(l => l.Letter.Code).ToDictionary(g => g.Key, g => g.LongCount()));
    }

    public Task PublishAsync(string hub, IReadOnlyList<OutgoingEvent> events, CancellationToken cancel)
    {
        ThrowIfBroken();
        foreach (var e in events)
            Published.Add((hub, e.Key, e.Properties.Items.ToArray().ToDictionary(), e.Body.ToArray()));
        return Task.CompletedTask;
    }

    public RegionSnapshot Read() => Snapshot;

    private Task<bool> ChangeAsync(string deviceId, Func<RegisteredDevice, RegisteredDevice> change)
    {
        ThrowIfBroken();
        return Task.FromResult(Registry.TryGetValue(deviceId, out var device) && Registry.TryUpdate(deviceId, change(device), device));
    }

    private void ThrowIfBroken()
    {
        if (Broken is { } broken)
            throw broken;
    }
}
