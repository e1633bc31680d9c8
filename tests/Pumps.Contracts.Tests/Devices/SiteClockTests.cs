using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Pumps.Contracts.Tests.Commands;
using Pumps.Contracts.Tests.Portal;
using Pumps.Contracts.Tests.Postgres;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Provisioning;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Devices;

/// <summary>DP1 devices at sites whose clocks change: database, commands and codec are real, the devices' clocks are those that their telegrams carry.</summary>
public sealed class SiteClockTests : PostgresFixture
{
    private static readonly Catalog Catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);
    private static readonly IOptions<CommandOptions> Options =
        Microsoft.Extensions.Options.Options.Create(new CommandOptions { MethodsPerSecond = 100_000, MessagesPerSecond = 100_000 });

    private static readonly DateTimeOffset Winter = new(2027, 1, 15, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Forward = new(2027, 3, 28, 1, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Back = new(2027, 10, 31, 1, 0, 0, TimeSpan.Zero);

    private static int _devices;
    private FakeTimeProvider _time = null!;
    private FieldDevices _field = null!;
    private MemoryPorts _registry = null!;
    private string _device = "";

    [SetUp]
    public async Task Begin()
    {
        _time = new(Winter);
        _field = new(Catalog.Dictionaries, _time);
        _registry = new();
        _device = $"dp1-{4_713_000 + ++_devices}";
        await ExecuteAsync(
            """
            delete from device_clock; delete from command; delete from device; delete from site;
            insert into customer (customer_id, name) values ('valley', 'Valley') on conflict do nothing;
            insert into site (site_id, customer, name, time_zone)
            values ('berlin', 'valley', 'B', 'Europe/Berlin'), ('lisbon', 'valley', 'L', 'Europe/Lisbon'), ('accra', 'valley', 'A', 'Africa/Accra');
            """);
        await new DeviceTable(Database).StoreAsync(Registration, Cancel);
        await _registry.RegisterAsync(Registration, null, Cancel);
        await ConnectAsync(true);
    }

    private DeviceRegistration Registration => new(_device, "dp1", "irrigation", "irrigation-pump-v1", "valley", "test", 60);

    private int? Tag => _registry.Registry[_device].Device.UtcOffsetMinutes;

    private int ClocksSet => _field.Obeyed.Count(o => o.Command == "set_clock");

    /// <summary>Turn by turn through the change: whenever the device speaks, its time is right.</summary>
    [TestCase(60, 120)]
    [TestCase(120, 60)]
    public async Task At_a_change_of_the_clocks_times_stay_right_and_clock_and_tag_follow_the_site(int before, int after)
    {
        var change = after > before ? Forward : Back;
        _time.SetUtcNow(change.AddDays(-1));
        await PlaceAsync("berlin");
        await TurnAsync(10);
        Assert.That((Tag, ClockOffset(), ClocksSet), Is.EqualTo((before, before, 1)), "a device that gets a site gets its time");

        _time.SetUtcNow(change.AddMinutes(-3));
        var replaced = await TurnAsync(20);

        Assert.That((Tag, ClockOffset(), ClocksSet), Is.EqualTo((after, after, 2)));
        Assert.That(replaced, Is.InRange(1, 8), "minutes in which the time of reception stood for the device's own");
        Assert.That(SpeakQuality(), Is.EqualTo(ClockQuality.Ok));
        Assert.That(await Handler().HandleAsync(Cancel), Is.Zero, "nothing is left to do");
    }

    [Test]
    public async Task A_device_that_is_away_keeps_clock_and_tag_and_follows_when_it_is_back()
    {
        await PlaceAsync("berlin");
        await TurnAsync(10);
        await ConnectAsync(false);
        _time.SetUtcNow(Forward.AddMinutes(-1));
        await TurnAsync(60);
        Assert.That((Tag, ClockOffset(), SpeakQuality()), Is.EqualTo((60, 60, ClockQuality.Ok)), "what it has kept meanwhile is read right");

        await ConnectAsync(true);
        await TurnAsync(30);
        Assert.That((Tag, ClockOffset()), Is.EqualTo((120, 120)));
    }

    [Test]
    public async Task A_device_whose_clock_does_not_let_itself_be_set_keeps_its_tag()
    {
        await PlaceAsync("berlin");
        await TurnAsync(10);
        const byte notPermittedLocal = 5;
        _field.Result = notPermittedLocal;
        _time.SetUtcNow(Forward);
        await TurnAsync(40, obeys: false);
        Assert.That((Tag, ClocksSet), Is.EqualTo((60, 3)), "tried again, and not every minute");

        _field.Result = 0;
        await TurnAsync(30);
        Assert.That((Tag, ClockOffset()), Is.EqualTo((120, 120)));
    }

    [Test]
    public async Task A_device_that_always_refuses_is_asked_less_and_less_often()
    {
        await PlaceAsync("berlin");
        const byte notPermittedLocal = 5;
        _field.Result = notPermittedLocal;
        var asked = new List<DateTimeOffset>();
        while (asked.Count < 10)
        {
            var before = ClocksSet;
            await Handler().HandleAsync(Cancel);
            await Sender().HandleAsync(100, TimeSpan.Zero, Cancel);
            if (ClocksSet > before)
                asked.Add(_time.GetUtcNow());
            _time.SetUtcNow(await ScalarAsync<DateTime>("select due_at from device_clock"));
        }

        Assert.That(asked.Zip(asked.Skip(1), (a, b) => (b - a).TotalMinutes), Is.EqualTo([15, 30, 60, 120, 240, 480, 960, 1440, 1440]).Within(0.1));
    }

    [Test]
    public async Task A_device_without_a_site_keeps_the_offset_that_was_given()
    {
        _time.SetUtcNow(Forward.AddMinutes(-1));
        await TurnAsync(10);
        Assert.That((Tag, ClocksSet), Is.EqualTo((60, 0)));
    }

    [Test]
    public async Task A_device_that_is_brought_to_another_zone_follows_and_so_does_one_whose_site_is_corrected()
    {
        await PlaceAsync("berlin");
        await TurnAsync(10);
        await PlaceAsync("lisbon");
        await TurnAsync(15);
        Assert.That((Tag, ClockOffset()), Is.EqualTo((0, 0)));

        await new CustomerTables(Database).StoreSiteAsync(new("lisbon", "valley", "L", "Atlantic/Azores", null, null), Cancel);
        await TurnAsync(15);
        Assert.That((Tag, ClockOffset()), Is.EqualTo((-60, -60)));
    }

    [Test]
    public async Task An_order_that_gives_another_offset_is_corrected_by_the_site()
    {
        await PlaceAsync("berlin");
        await TurnAsync(10);
        await _registry.UpdateTagsAsync(_device, new() { UtcOffsetMinutes = 330 }, Cancel);
        await new DeviceRows(Database).KeepAsync(Registration with { UtcOffsetMinutes = 330 }, null, null, Cancel);
        await TurnAsync(15);
        Assert.That((Tag, ClockOffset()), Is.EqualTo((60, 60)));
    }

    [Test]
    public async Task A_device_with_which_the_registry_fails_takes_nothing_from_its_neighbours()
    {
        await PlaceAsync("berlin");
        var (neighbour, bad) = (_device, $"dp1-{4_713_000 + ++_devices}");
        await new DeviceTable(Database).StoreAsync(Registration with { Id = bad }, Cancel);
        await _registry.RegisterAsync(Registration with { Id = bad }, null, Cancel);
        await ExecuteAsync(
            $"""
            update device set site_id = 'berlin' where device_id = '{bad}';
            insert into device_connection (device_id, phase, since, sequence) values ('{bad}', 'online', now(), '0');
            """);
        _registry.BeforeTags = device =>
        {
            if (device == bad)
                throw new TaskCanceledException("the registry is away, which its client tells like this");
        };

        Assert.That(await Handler().HandleAsync(Cancel), Is.EqualTo(1));
        Assert.That(
            await ScalarAsync<string>("select string_agg(device_id || ':' || (command_id is not null), ' ' order by device_id) from device_clock"),
            Is.EqualTo($"{neighbour}:true {bad}:false"));

        _registry.BeforeTags = null;
        await TurnAsync(20);
        Assert.That(_field.Obeyed.Select(o => o.DeviceId), Is.EqualTo([neighbour, bad]));
        Assert.That(await Handler().HandleAsync(Cancel), Is.Zero, "nothing is left to do");
    }

    [Test]
    public async Task Somebody_who_sets_a_clock_just_after_its_tag_went_back_leaves_it_where_messages_are_still_read()
    {
        _time.SetUtcNow(Back.AddDays(-1));
        await PlaceAsync("berlin");
        await TurnAsync(10);
        _time.SetUtcNow(Back);
        await TurnAsync(2);
        Assert.That((Tag, ClockOffset()), Is.EqualTo((60, 120)));

        var commands = new CommandStore(Database);
        await new SubmitCommand(Catalog, commands, new CountingBell(), _time).HandleAsync(
            new("by-hand", _device, "set_clock", new Dictionary<string, System.Text.Json.JsonElement>(), "operator", "portal", false, null), Cancel);
        await Sender().HandleAsync(100, TimeSpan.Zero, Cancel);
        Assert.That((ClocksSet, ClockOffset()), Is.EqualTo((2, 120)), "its messages may carry 120 for five minutes");

        await TurnAsync(10);
        Assert.That((ClocksSet, ClockOffset()), Is.EqualTo((3, 60)));
    }

    /// <summary>IoT Hub may stamp messages with the old tag for five minutes after it was written, not after the turn began.</summary>
    [Test]
    public async Task What_is_waited_for_counts_from_when_a_slow_registry_has_written_it()
    {
        await PlaceAsync("berlin");
        await TurnAsync(10);
        _registry.Registry[_device] = _registry.Registry[_device] with { Device = Registration with { UtcOffsetMinutes = 120 } };
        await new DeviceRows(Database).KeepAsync(Registration, null, null, Cancel);
        _registry.BeforeTags = _ => _time.Advance(TimeSpan.FromMinutes(4));

        await Handler().HandleAsync(Cancel);
        Assert.That((Tag, await WaitAsync()), Is.EqualTo((60, TimeSpan.FromMinutes(6))));
        _time.Advance(TimeSpan.FromMinutes(7));
        await Handler().HandleAsync(Cancel);
        Assert.That(await WaitAsync(), Is.EqualTo(TimeSpan.FromMinutes(2)), "for the command to end");

        async Task<TimeSpan> WaitAsync() => await ScalarAsync<DateTime>("select due_at from device_clock") - _time.GetUtcNow().UtcDateTime;
    }

    [Test]
    public async Task Two_hosts_at_once_set_a_clock_once()
    {
        await PlaceAsync("berlin");
        await Task.WhenAll(Handler().HandleAsync(Cancel), Handler().HandleAsync(Cancel));
        await Sender().HandleAsync(100, TimeSpan.Zero, Cancel);
        Assert.That(ClocksSet, Is.EqualTo(1));
    }

    /// <summary>The other host's turn began before the change: it knows of no other offset, and finds that there is nothing to do.</summary>
    [TestCase(true, TestName = "A change of the clocks is not lost on a host that has a device in hand")]
    [TestCase(false, TestName = "A change of the clocks is not lost on a host that is late to take a device")]
    public async Task A_change_is_not_lost_between_two_hosts(bool claimedBefore)
    {
        var store = new ClockTable(Database);
        var (before, after) = (Forward.AddSeconds(-1), Forward.AddSeconds(1));
        var until = before.AddMinutes(15);
        await PlaceAsync("berlin");

        var inHand = claimedBefore ? await store.ClaimAsync(before, until, 100, Cancel) : [];
        Assert.That(await store.MarkSitesAsync(new Dictionary<string, int> { ["Europe/Berlin"] = 120 }, after, 100, Cancel), Is.EqualTo(1));
        if (!claimedBefore)
            inHand = await store.ClaimAsync(before, until, 100, Cancel);
        await store.KeepAsync([.. inHand.Select(c => new KnownClock(c.DeviceId, 60, null, null))], until, Cancel);

        var due = claimedBefore ? until.AddSeconds(1) : after;
        Assert.That((await store.ClaimAsync(due, due.AddMinutes(15), 100, Cancel)).Select(c => c.DeviceId), Is.EqualTo([_device]));
    }

    [Test]
    public async Task Nothing_is_looked_at_where_the_clocks_have_not_changed()
    {
        await PlaceAsync("accra");
        await TurnAsync(10);
        _time.SetUtcNow(Forward.AddMinutes(1));
        await Handler().HandleAsync(Cancel);
        Assert.That(
            await ScalarAsync<string>("select string_agg(site_id || ':' || utc_offset, ' ' order by site_id) from site"), Is.EqualTo("accra:0 berlin:120 lisbon:60"));
        Assert.That(await ScalarAsync<long>("select count(*) from device_clock where due_at is not null"), Is.Zero);
    }

    [Test]
    public async Task Lost_tags_come_back_with_the_offset_to_which_the_clock_was_set()
    {
        await PlaceAsync("berlin");
        _time.SetUtcNow(Forward.AddMinutes(1));
        await TurnAsync(10);
        _registry.Registry[_device] = _registry.Registry[_device] with { Device = Registration with { Protocol = "", Offering = "", UtcOffsetMinutes = null } };

        Assert.That(await new RepairTags(_registry, new DeviceRows(Database), NullLogger<RepairTags>.Instance).HandleAsync(Cancel), Is.EqualTo(1));
        Assert.That((_registry.Registry[_device].Device.Protocol, Tag), Is.EqualTo(("dp1", 120)));
    }

    /// <summary>Turns of a minute; the device speaks after each thing that may have changed something.</summary>
    /// <returns>How many times its own clock could not be used.</returns>
    private async Task<int> TurnAsync(int turns, bool obeys = true)
    {
        var replaced = 0;
        for (var turn = 0; turn < turns; turn++)
        {
            await Handler().HandleAsync(Cancel);
            Count();
            await Sender().HandleAsync(100, TimeSpan.Zero, Cancel);
            if (obeys)
                Count();
            _time.Advance(TimeSpan.FromMinutes(1));
        }

        return replaced / 2;

        void Count() => replaced += SpeakQuality() is ClockQuality.Future ? 1 : 0;
    }

    /// <summary>The device sends a telegram, which is read with its tag: the time must be the present one, by its own clock or by the time of reception.</summary>
    private ClockQuality SpeakQuality()
    {
        var now = _time.GetUtcNow();
        var bytes = new byte[Dp1Encoder.SizeMax];
        var size = Dp1Encoder.StateChange(bytes, new(uint.Parse(_device.AsSpan(4), CultureInfo.InvariantCulture), 1, Dp1Encoder.ClockAt(now, ClockOffset())), new(0, 2, 0, 1, 0));
        var telegram = new Dp1Telegram();
        var context = new DecodeContext(Direction.Up, now.ToUnixTimeMilliseconds(), Tag!.Value, null, Catalog.Dictionaries);
        Assert.That(Dp1Decoder.TryDecode(bytes.AsSpan(0, size), context, telegram), Is.EqualTo(DecodeError.None));
        Assert.That(telegram.EffectiveMs, Is.EqualTo(now.ToUnixTimeMilliseconds()).Within(1000), $"tag {Tag}, clock {ClockOffset()}");
        return telegram.Clock;
    }

    private readonly Dictionary<string, (int Commands, int Offset)> _clocks = [];

    /// <summary>How far the device's clock is ahead of UTC: as whoever mounted it has set it (60), or as the newest command did.</summary>
    private int ClockOffset()
    {
        var (known, offset) = _clocks.GetValueOrDefault(_device, (0, 60));
        if (ClocksSet > known && _field.Result == 0)
            offset = (int)Math.Round((_field.Obeyed.Last().Number - (double)Dp1Encoder.ClockAt(_time.GetUtcNow(), 0)) / 60);
        _clocks[_device] = (ClocksSet, offset);
        return offset;
    }

    private FollowClocks Handler()
    {
        var commands = new CommandStore(Database);
        return new(
            new ClockTable(Database), _registry, new SubmitCommand(Catalog, commands, new CountingBell(), _time), commands, _time, NullLogger<FollowClocks>.Instance);
    }

    private SendCommands Sender() => new(
        Catalog, new CommandStore(Database), _field, new(_registry, new ClockTable(Database), _time), new CountingBell(), Options, _time,
        NullLogger<SendCommands>.Instance);

    private Task PlaceAsync(string site) => new DeviceTable(Database).ChangeAsync(_device, new() { Site = site }, Cancel);

    private async Task ConnectAsync(bool online)
    {
        _field.Online = online;
        await ExecuteAsync(
            $"""
            insert into device_connection (device_id, phase, since, sequence) values ('{_device}', '{(online ? "online" : "offline")}', now(), '0')
                on conflict (device_id) do update set phase = excluded.phase
            """);
    }
}
