using Microsoft.Extensions.Time.Testing;
using Pumps.Core.Devices;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Offerings;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Postgres;

/// <summary>Customers, sites, owners and connections in PostgreSQL.</summary>
public sealed class RegistryTests : PostgresFixture
{
    private const string Hub = "device-connections";

    private FakeTimeProvider _time = null!;
    private DeviceTable _devices = null!;
    private CustomerTables _customers = null!;
    private DatapointQueries _queries = null!;
    private ConnectionTable _connections = null!;
    private TrackConnections _track = null!;
    private long _sequence;

    [SetUp]
    public async Task Start()
    {
        _time = new(Noon);
        (_devices, _customers, _queries, _connections) = (new(Database), new(Database), new(Database, new([])), new(Database));
        _track = new(_connections, Transfers(), CatalogLoader.Load(CatalogLoader.DefaultFolder), new Ledger(_time), _time);
        await using var empty = Database.CreateCommand("delete from device; delete from ownership; delete from site; delete from customer; delete from device_connection");
        await empty.ExecuteNonQueryAsync(Cancel);
    }

    [Test]
    public async Task A_customer_is_there_from_the_first_mention_and_keeps_the_name_it_is_given()
    {
        await StoreAsync("dp2-1", "green-valley");
        Assert.That((await _customers.FindCustomerAsync("green-valley", Cancel))!.Name, Is.EqualTo("green-valley"));

        await _customers.StoreCustomerAsync("green-valley", "Green Valley Farms", Cancel);
        await StoreAsync("dp2-2", "green-valley");
        Assert.That((await _customers.FindCustomerAsync("green-valley", Cancel))!.Name, Is.EqualTo("Green Valley Farms"));
    }

    [Test]
    public async Task Who_owned_a_device_is_written_down_whoever_changes_it()
    {
        await StoreAsync("dp2-1", "first");
        await StoreAsync("dp2-1", "first");
        await using (var other = Database.CreateCommand("update device set customer = 'second' where device_id = 'dp2-1'"))
            await other.ExecuteNonQueryAsync(Cancel);
        await StoreAsync("dp2-1", "");
        await StoreAsync("dp2-1", "first");

        var owners = await _devices.ListOwnersAsync("dp2-1", Cancel);
        Assert.That(owners.Select(o => o.Customer), Is.EqualTo(new[] { "first", "second", "first" }));
        Assert.That(owners.Select(o => o.To is null), Is.EqualTo(new[] { true, false, false }));
        Assert.That(owners[2].To, Is.EqualTo(owners[1].From));
        Assert.That((await _queries.FindDeviceAsync("dp2-1", Cancel))!.OwnedSince, Is.EqualTo(owners[0].From));
        Assert.That((await _queries.ListDevicesAsync(new(), null, 1, false, Cancel)).Items[0].OwnedSince, Is.EqualTo(owners[0].From));
    }

    [Test]
    public async Task A_device_that_changes_its_customer_leaves_site_and_tags_behind()
    {
        await StoreAsync("dp2-1", "first");
        await _customers.StoreSiteAsync(Site("field", "first"), Cancel);
        await _devices.ChangeAsync("dp2-1", new() { Site = "field", Tags = ["north"] }, Cancel);
        await StoreAsync("dp2-1", "first");
        var same = await _queries.FindDeviceAsync("dp2-1", Cancel);
        await StoreAsync("dp2-1", "second");
        var sold = await _queries.FindDeviceAsync("dp2-1", Cancel);

        Assert.That((same!.Site, string.Join(',', same.Tags)), Is.EqualTo(("field", "north")));
        Assert.That((sold!.Site, sold.Tags.Count), Is.EqualTo(((string?)null, 0)));
    }

    [Test]
    public async Task A_device_stands_at_a_site_of_its_own_customer_or_at_none()
    {
        await StoreAsync("dp2-1", "first");
        await StoreAsync("dp2-2", "second");
        await _customers.StoreSiteAsync(Site("field", "first"), Cancel);

        Assert.That(await _devices.ChangeAsync("dp2-2", new() { Site = "field" }, Cancel), Is.EqualTo(DeviceChanged.UnknownSite));
        Assert.That(await _devices.ChangeAsync("dp2-1", new() { Site = "nowhere" }, Cancel), Is.EqualTo(DeviceChanged.UnknownSite));
        Assert.That(await _devices.ChangeAsync("dp2-3", new() { Site = "field" }, Cancel), Is.EqualTo(DeviceChanged.UnknownDevice));
        Assert.That(await _devices.ChangeAsync("dp2-1", new() { Site = "field" }, Cancel), Is.EqualTo(DeviceChanged.Done));
        Assert.That(await _customers.RemoveSiteAsync("field", Cancel), Is.EqualTo(Removal.InUse));
        Assert.That(await _devices.ChangeAsync("dp2-1", new() { Site = "" }, Cancel), Is.EqualTo(DeviceChanged.Done));
        Assert.That(await _customers.RemoveSiteAsync("field", Cancel), Is.EqualTo(Removal.Done));
        Assert.That(await _customers.RemoveSiteAsync("field", Cancel), Is.EqualTo(Removal.Absent));
    }

    [Test]
    public async Task A_site_keeps_its_customer_and_a_customer_with_anything_stays()
    {
        await _customers.StoreCustomerAsync("first", "First", Cancel);
        await _customers.StoreCustomerAsync("second", "Second", Cancel);
        var made = await _customers.StoreSiteAsync(Site("field", "first"), Cancel);
        var renamed = await _customers.StoreSiteAsync(Site("field", "first") with { Name = "New", Latitude = 1.5, Longitude = -2 }, Cancel);

        Assert.That(renamed, Is.EqualTo(made! with { Name = "New", Latitude = 1.5, Longitude = -2 }));
        Assert.That(await _customers.StoreSiteAsync(Site("field", "second"), Cancel), Is.Null);
        Assert.That(await _customers.RemoveCustomerAsync("first", Cancel), Is.EqualTo(Removal.InUse));
        Assert.That(await _customers.RemoveCustomerAsync("second", Cancel), Is.EqualTo(Removal.Done));
        Assert.That(await _customers.RemoveCustomerAsync("third", Cancel), Is.EqualTo(Removal.Absent));
    }

    [Test]
    public async Task Customers_and_sites_come_in_pages()
    {
        for (var i = 0; i < 5; i++)
        {
            await _customers.StoreCustomerAsync($"c{i}", "C", Cancel);
            await _customers.StoreSiteAsync(Site($"s{i}", $"c{i % 2}"), Cancel);
        }

        var first = await _customers.ListCustomersAsync(null, 3, Cancel);
        var second = await _customers.ListCustomersAsync(first.Next, 3, Cancel);
        Assert.That(first.Items.Concat(second.Items).Select(c => c.Id), Is.EqualTo(new[] { "c0", "c1", "c2", "c3", "c4" }));
        Assert.That(second.Next, Is.Null);
        Assert.That((await _customers.ListSitesAsync("c1", null, 10, Cancel)).Items.Select(s => s.Id), Is.EqualTo(new[] { "s1", "s3" }));
        Assert.That((await _customers.ListSitesAsync(null, "s2", 10, Cancel)).Items.Select(s => s.Id), Is.EqualTo(new[] { "s3", "s4" }));
    }

    [Test]
    public async Task Lists_are_filtered_by_customer_site_tag_and_status()
    {
        await StoreAsync("dp2-1", "first");
        await StoreAsync("dp2-2", "first");
        await StoreAsync("dp2-3", "second");
        await _customers.StoreSiteAsync(Site("field", "first"), Cancel);
        await _devices.ChangeAsync("dp2-1", new() { Site = "field", Tags = ["north", "old"], Model = "IP-9", Firmware = "1.2" }, Cancel);
        await _devices.ChangeAsync("dp2-3", new() { Status = DeviceStatus.Retired }, Cancel);

        Assert.That(await Ids(new(Customer: "first")), Is.EqualTo(new[] { "dp2-1", "dp2-2" }));
        Assert.That(await Ids(new(Site: "field")), Is.EqualTo(new[] { "dp2-1" }));
        Assert.That(await Ids(new(Tag: "old")), Is.EqualTo(new[] { "dp2-1" }));
        Assert.That(await Ids(new(Customer: "second", Tag: "old")), Is.Empty);
        Assert.That(await Ids(new(Status: DeviceStatus.Active)), Is.EqualTo(new[] { "dp2-1", "dp2-2" }));
        var retired = await _queries.FindDeviceAsync("dp2-3", Cancel);
        Assert.That((retired!.Status, retired.RetiredAt is null), Is.EqualTo((DeviceStatus.Retired, false)));
        Assert.That((await _queries.FindDeviceAsync("dp2-1", Cancel))!.Model, Is.EqualTo("IP-9"));

        async Task<IEnumerable<string>> Ids(Handlers.Datapoints.DeviceFilter filter) =>
            (await _queries.ListDevicesAsync(filter, null, 10, false, Cancel)).Items.Select(d => d.Id);
    }

    [Test]
    public async Task A_device_is_online_through_a_short_absence_and_offline_after_its_grace()
    {
        await StoreAsync("dp2-1", "first");
        await TakeAsync(Event("dp2-1", true));
        Pass(TimeSpan.FromSeconds(60));
        await TakeAsync(Event("dp2-1", false));
        Assert.That(await ShownAsync("dp2-1"), Is.EqualTo(("online", Noon)));

        Pass(TimeSpan.FromSeconds(149));
        await _track.SettleAsync(Cancel);
        Assert.That(await ShownAsync("dp2-1"), Is.EqualTo(("online", Noon)));
        Pass(TimeSpan.FromSeconds(1));
        await _track.SettleAsync(Cancel);
        Assert.That(await ShownAsync("dp2-1"), Is.EqualTo(("offline", Noon.AddSeconds(60))));

        await TakeAsync(Event("dp2-1", true));
        Assert.That(await ShownAsync("dp2-1"), Is.EqualTo(("online", Noon.AddSeconds(210))));
    }

    [Test]
    public async Task The_grace_follows_the_product()
    {
        await StoreAsync("dp2-1", "first");
        await _devices.StoreAsync(new("dp1-1", "dp1", "irrigation", "irrigation-pump-v1", "first", "local", 0), Cancel);
        await TakeAsync(Event("dp2-1", true), Event("dp1-1", true), Event("dp2-1", false), Event("dp1-1", false));
        Pass(TimeSpan.FromSeconds(629));
        await _track.SettleAsync(Cancel);

        Assert.That(((await ShownAsync("dp2-1")).State, (await ShownAsync("dp1-1")).State), Is.EqualTo(("offline", "online")));
    }

    [Test]
    public async Task After_a_restart_of_the_region_nobody_who_comes_back_in_time_goes_offline()
    {
        string[] ids = [.. Enumerable.Range(0, 2500).Select(i => $"dp2-{i:0000}")];
        foreach (var id in ids)
            await StoreAsync(id, "first");
        await TakeAsync([.. ids.Select(id => Event(id, true))]);
        Pass(TimeSpan.FromHours(1));
        await _track.RestartAsync(ConnectionEvent.SequenceAt(_time.GetUtcNow().UtcTicks, 0), Cancel);
        Pass(TimeSpan.FromSeconds(100));
        await TakeAsync([.. ids.Skip(1).Select(id => Event(id, true))]);
        Pass(TimeSpan.FromHours(1));
        await _track.SettleAsync(Cancel);

        Assert.That(await ScalarAsync<long>("select count(*) from device_connection where phase = 'online'"), Is.EqualTo(2499));
        Assert.That(await ShownAsync(ids[0]), Is.EqualTo(("offline", Noon.AddHours(1))));
        Assert.That(await ShownAsync(ids[1]), Is.EqualTo(("online", Noon)));
    }

    [Test]
    public async Task Who_came_before_a_restart_and_is_heard_of_after_it_has_the_grace_to_come_back_and_no_more()
    {
        string[] ids = ["dp2-new", "dp2-offline", "dp2-returns"];
        foreach (var id in ids)
            await StoreAsync(id, "first");
        await TakeAsync(Event("dp2-offline", true), Event("dp2-offline", false));
        Pass(TimeSpan.FromHours(1));
        await _track.SettleAsync(Cancel);
        HubEvent[] unhandled = [.. ids.Select(id => Event(id, true))];
        Pass(TimeSpan.FromSeconds(1));
        await _track.RestartAsync(ConnectionEvent.SequenceAt(_time.GetUtcNow().UtcTicks, 0), Cancel);
        var restartedAt = _time.GetUtcNow();

        await TakeAsync(unhandled);
        Assert.That((await Task.WhenAll(ids.Select(ShownAsync))).Select(s => s.State), Is.All.EqualTo("online"));
        await TakeAsync(Event("dp2-returns", true));
        await TakeAsync(unhandled);
        Pass(TimeSpan.FromSeconds(150));
        await _track.SettleAsync(Cancel);

        Assert.That((await ShownAsync("dp2-new"), await ShownAsync("dp2-offline")), Is.EqualTo((("offline", restartedAt), ("offline", restartedAt))));
        Assert.That((await ShownAsync("dp2-returns")).State, Is.EqualTo("online"));
    }

    [Test]
    public async Task A_batch_that_comes_twice_or_after_a_newer_one_changes_nothing()
    {
        await StoreAsync("dp2-1", "first");
        HubEvent[] batch = [Event("dp2-1", true), Event("dp2-1", false)];
        await TakeAsync(batch);
        Pass(TimeSpan.FromSeconds(10));
        await TakeAsync(Event("dp2-1", true));
        await TakeAsync(batch);
        Pass(TimeSpan.FromHours(1));
        await _track.SettleAsync(Cancel);

        Assert.That(await ShownAsync("dp2-1"), Is.EqualTo(("online", Noon)));
    }

    [Test]
    public async Task What_is_no_event_of_a_known_device_is_filtered_and_counted()
    {
        await StoreAsync("dp2-1", "first");
        var ledger = new Ledger(_time);
        var track = new TrackConnections(_connections, Transfers(), CatalogLoader.Load(CatalogLoader.DefaultFolder), ledger, _time);
        var good = Event("dp2-1", true);
        await track.HandleAsync(new(Hub, "0",
        [
            good, Event("dp2-stranger", true), good with { Properties = EventProperties.None }, good with { Body = "nonsense"u8.ToArray() },
            good with { Body = """{"sequenceNumber":7}"""u8.ToArray() },
        ]), Cancel);

        var line = ledger.Totals.Single().Value;
        Assert.That((line.In, line.Out, line.Filtered, line.Difference), Is.EqualTo((5L, 1L, 4L, 0L)));
        Assert.That(await ScalarAsync<long>("select count(*) from device_connection"), Is.EqualTo(1));
    }

    [Test]
    public async Task Two_processes_at_once_lose_no_event()
    {
        await StoreAsync("dp2-1", "first");
        var events = Enumerable.Range(0, 40).Select(i => Event("dp2-1", i % 2 == 1)).ToList();
        await Task.WhenAll(events.Select(e => TakeAsync(e)).Append(_track.SettleAsync(Cancel)));

        Assert.That((await ShownAsync("dp2-1")).State, Is.EqualTo("online"));
        Assert.That(await ScalarAsync<string>("select sequence from device_connection"), Does.EndWith($"{_sequence:X8}"));
    }

    private Task StoreAsync(string id, string customer) =>
        _devices.StoreAsync(new(id, "dp2", "irrigation", "irrigation-pump-v2", customer, "local", null), Cancel);

    private WakeTransfers Transfers() => new(new RolloutStore(Database), _time);

    private Task TakeAsync(params HubEvent[] events) => _track.HandleAsync(new(Hub, "0", events), Cancel);

    private void Pass(TimeSpan time) => _time.Advance(time);

    private HubEvent Event(string device, bool connected)
    {
        var sequence = ++_sequence;
        var e = ConnectionEvent.Of(device, connected, _time.GetUtcNow(), ConnectionEvent.SequenceAt(_time.GetUtcNow().UtcTicks, (uint)sequence));
        return new(sequence, _time.GetUtcNow(), e.Key, e.Properties, e.Body);
    }

    private async Task<(string State, DateTimeOffset Since)> ShownAsync(string id)
    {
        var connection = (await _queries.FindDeviceAsync(id, Cancel))!.Connection!;
        return (connection.Online ? "online" : "offline", connection.Since);
    }

    private static Site Site(string id, string customer) => new(id, customer, "A field", "Europe/Berlin", null, null);
}
