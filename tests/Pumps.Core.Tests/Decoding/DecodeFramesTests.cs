using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Core.Offerings;
using Pumps.Handlers.Decoding;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Offerings;

namespace Pumps.Core.Tests.Decoding;

public sealed class DecodeFramesTests
{
    // DP1 specification, examples 1 (STATUS), 2 (BATCH with a gap), 4 (ALARM) and 10 (example 1 with one bit changed).
    private const string Status = "B5241011 0047E25911 2FCF1960 021200F30195FFEB0092FF0A960476025167120F91000002009A00";
    private const string Batch =
        "B53611110047E259122FCEFD402FCEF6380258032200F101920E3F046A66116CFFFFFFFFFFFFFFFFFFFFFFFF000000000CFF4000005100002A50";
    private const string Alarm = "B51C2011 0047E25914 2FCEFD40 00000001000000010000020005019A6F051077";
    private const string BrokenStatus = "B5241011 0047E25911 2FCF1960 021201F30195FFEB0092FF0A960476025167120F91000002009A00";

    // DP2 specification, examples 1 (telemetry) and 7 (event).
    private const string Dp2Telemetry =
        "D732201C0001170000A1B2C3D4E5F60700EE5C2B970100003412000008810210031F108101FC25910129AE0101B80102D802001C881823";
    private const string Dp2Event =
        "D732201C0402270000A1B2C3D4E5F60700EE5C2B970100000C000000088102100318102004280131 87273A0C73756374696F6E206C6F73744707810100D101B80648 4DDE40C477";

    private const string Dp1Device = "dp1-4711001";
    private const string Dp2Device = "dp2-00a1b2c3d4e5f607";

    private static readonly Catalog Catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);
    private static readonly DateTimeOffset ReceivedAt = DateTimeOffset.FromUnixTimeMilliseconds(1748779201500);

    private Published _feeds = null!;
    private Letters _letters = null!;
    private Ledger _ledger = null!;
    private DecodeFrames _decode = null!;

    [SetUp]
    public void Start()
    {
        _feeds = new();
        _letters = new();
        _ledger = new(TimeProvider.System);
        _decode = new(Catalog, _feeds, _letters, _ledger, NullLogger<DecodeFrames>.Instance);
    }

    [Test]
    public async Task A_status_telegram_becomes_one_observation_with_the_digits_of_the_protocol()
    {
        await Handle(Dp1(Status));

        var (hub, e) = _feeds.Single();
        Assert.That(hub, Is.EqualTo("irrigation-telemetry"));
        Assert.That(e.Key, Is.EqualTo(Dp1Device));
        Assert.That(e.Body, Is.EqualTo(
            """
            {"device":"dp1-4711001","observedAt":"2025-06-01T12:00:00.000Z","receivedAt":"2025-06-01T12:00:01.500Z","sequence":17,"clock":"ok","historical":false,"points":{"flow":24.3,"power":5.93,"speed":2710,"alarm_mask":512,"motor_temp":63,"pump_state":"running","water_temp":14.6,"pressure_in":-0.21,"valve_state":"open","control_mode":"auto","pressure_out":4.05,"motor_current":11.42,"vibration_rms":1.8,"supply_voltage":398.5},"quality":{"soil_moisture":"not_available"}}
            """));
        Assert.That(e.Properties[PropertyNames.CloudEventType], Is.EqualTo("pumps.telemetry.v1"));
        Assert.That(e.Properties[PropertyNames.CloudEventId], Is.EqualTo("raw-telemetry-dp1:0:1"));
        Assert.That(e.Properties[PropertyNames.CloudEventTime], Is.EqualTo("2025-06-01T12:00:00.000Z"));
        Assert.That(e.Properties[PropertyNames.Dictionary], Is.EqualTo("257"));
    }

    [Test]
    public async Task A_batch_becomes_one_observation_per_sample_each_with_an_id_of_its_own()
    {
        await Handle(Dp1(Batch));

        Assert.That(_feeds.Events.Select(e => e.Event.Properties[PropertyNames.CloudEventId]),
            Is.EqualTo(["raw-telemetry-dp1:0:1/0", "raw-telemetry-dp1:0:1/1"]));
        Assert.That(_feeds.Events[0].Event.Body, Does.Contain("\"observedAt\":\"2025-06-01T09:30:00.000Z\"").And.Contain("\"soil_moisture\":31.5"));
        Assert.That(_feeds.Events[1].Event.Body, Does.Contain("\"observedAt\":\"2025-06-01T09:50:00.000Z\"").And.Contain("\"water_temp\":-1"));
    }

    [Test]
    public async Task Alarms_of_both_protocols_are_events_in_the_same_words()
    {
        await Handle(Dp1(Alarm), Dp2(Dp2Event));

        Assert.That(_feeds.Events.Select(e => e.Hub), Is.All.EqualTo("irrigation-events"));
        Assert.That(_feeds.Events[0].Event.Body, Does.Contain("""
            "events":[{"name":"dry_run","severity":"critical","phase":"raised"}],"points":{"flow":0.2
            """));
        Assert.That(_feeds.Events[1].Event.Body, Does.Contain("""
            "events":[{"name":"dry_run","severity":"critical","phase":"raised","eventId":"77","text":"suction lost"}],"points":{"flow":0.00
            """).And.Contain("\"observedAt\":\"2025-06-01T11:59:57.500Z\""));
    }

    [Test]
    public async Task A_broken_frame_goes_to_the_dead_letters_with_its_body_and_the_others_go_on()
    {
        await Handle(Dp1(BrokenStatus), Dp1(Status, 2));

        var letter = _letters.Stored.Single();
        Assert.That((letter.Code, letter.Hub, letter.Sequence, letter.DeviceId), Is.EqualTo(("E_CRC", "raw-telemetry-dp1", 1L, Dp1Device)));
        Assert.That(letter.Body.ToArray(), Is.EqualTo(Hex(BrokenStatus)));
        Assert.That(_feeds.Events, Has.Count.EqualTo(1));
        AssertBalanced("raw-telemetry-dp1", new(2, 1, 1, 0, 0));
    }

    [TestCase("protocol", "$twin.tags.protocol", "untagged_device")]
    [TestCase("offering", "$twin.tags.offering", "untagged_device")]
    [TestCase("utcOffset", "$twin.tags.utcOffset", "untagged_device")]
    [TestCase("offering", "gardening", "unknown_offering")]
    [TestCase("iothub-connection-device-id", "dp1-12", "E_IDENTITY")]
    [TestCase("iothub-connection-device-id", "toaster", "foreign_device_id")]
    public async Task Only_tags_are_trusted(string property, string value, string code)
    {
        await Handle(Dp1(Status) with { Properties = Tags("dp1", Dp1Device, property, value) });

        Assert.That(_letters.Stored.Single().Code, Is.EqualTo(code));
        Assert.That(_feeds.Events, Is.Empty);
        AssertBalanced("raw-telemetry-dp1", new(1, 0, 1, 0, 0));
    }

    [Test]
    public async Task What_no_route_took_is_set_aside_with_the_reason()
    {
        await _decode.HandleAsync(new("raw-unrouted", "0", [
            Dp1(Status) with { Properties = Tags("dp1", Dp1Device, "protocol", "$twin.tags.protocol") },
            Dp1(Status, 2) with { Properties = Tags("dp1", Dp1Device, "headerType", "chatter") },
        ]), default);

        Assert.That(_letters.Stored.Select(l => l.Code), Is.EqualTo(["untagged_device", "no_route"]));
        Assert.That(_letters.Stored[1].Detail, Does.Contain("chatter"));
    }

    [Test]
    public async Task A_repeated_frame_is_a_duplicate_within_a_batch_and_after_it()
    {
        await Handle(Dp1(Status), Dp1(Status, 2));
        await Handle(Dp1(Status, 3));

        Assert.That(_feeds.Events, Has.Count.EqualTo(1));
        AssertBalanced("raw-telemetry-dp1", new(3, 1, 0, 2, 0));
    }

    [Test]
    public async Task A_batch_that_could_not_be_published_comes_again_whole()
    {
        _feeds.Fails = true;
        await Assert.ThrowsAsync<IOException>(() => Handle(Dp1(Status)));
        Assert.That(_ledger.Totals, Is.Empty);

        _feeds.Fails = false;
        await Handle(Dp1(Status));
        Assert.That(_feeds.Events, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_replayed_frame_keeps_its_identity_and_time_and_is_no_duplicate()
    {
        await Handle(Dp1(Status));
        await Handle(Dp1(Status, 9) with
        {
            EnqueuedAt = ReceivedAt.AddDays(30),
            Properties = Tags("dp1", Dp1Device, PropertyNames.ReplayOf, "raw-telemetry-dp1:0:1", PropertyNames.ReplayEnqueuedTime, "2025-06-01T12:00:01.5Z"),
        });

        Assert.That(_feeds.Events, Has.Count.EqualTo(2));
        Assert.That(_feeds.Events[1].Event.Body, Is.EqualTo(_feeds.Events[0].Event.Body));
        Assert.That(_feeds.Events[1].Event.Properties[PropertyNames.CloudEventId], Is.EqualTo("raw-telemetry-dp1:0:1"));
    }

    private Task Handle(params HubEvent[] events) => _decode.HandleAsync(new("raw-telemetry-dp1", "0", events), default);

    private void AssertBalanced(string hub, LedgerEntry expected)
    {
        Assert.That(_ledger.Totals[("decode", hub)], Is.EqualTo(expected));
        Assert.That(expected.Difference, Is.Zero);
    }

    private static HubEvent Dp1(string hex, long sequence = 1) => new(sequence, ReceivedAt, Dp1Device, Tags("dp1", Dp1Device), Hex(hex));

    private static HubEvent Dp2(string hex, long sequence = 1) => new(sequence, ReceivedAt, Dp2Device, Tags("dp2", Dp2Device), Hex(hex));

    private static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    private static EventProperties Tags(string protocol, string device, params string[] others)
    {
        var tags = new Dictionary<string, string>
        {
            ["iothub-connection-device-id"] = device,
            ["headerType"] = "telemetry",
            ["protocol"] = protocol,
            ["offering"] = "irrigation",
            ["product"] = protocol == "dp1" ? "irrigation-pump-v1" : "irrigation-pump-v2",
            ["customer"] = "c-1",
            ["utcOffset"] = "120",
        };
        for (var i = 0; i < others.Length; i += 2)
            tags[others[i]] = others[i + 1];
        return new([.. tags]);
    }

    private sealed record Event(string Key, EventProperties Properties, string Body);

    private sealed class Published : IHubPublisher
    {
        public List<(string Hub, Event Event)> Events { get; } = [];

        public bool Fails { get; set; }

        public (string Hub, Event Event) Single() => Events.Single();

        public Task PublishAsync(string hub, IReadOnlyList<OutgoingEvent> events, CancellationToken cancel)
        {
            if (Fails)
                return Task.FromException(new IOException("disk full"));
            Events.AddRange(events.Select(e => (hub, new Event(e.Key, e.Properties, Encoding.UTF8.GetString(e.Body.Span)))));
            return Task.CompletedTask;
        }
    }

    private sealed class Letters : IDeadLetters
    {
        public List<DeadLetter> Stored { get; } = [];

        public Task StoreAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel)
        {
            Stored.AddRange(letters.Select(l => l with { Body = l.Body.ToArray() }));
            return Task.CompletedTask;
        }
    }
}
