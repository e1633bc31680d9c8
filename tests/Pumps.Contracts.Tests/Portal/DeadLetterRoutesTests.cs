using Pumps.Handlers.Hubs;

namespace Pumps.Contracts.Tests.Portal;

public sealed class DeadLetterRoutesTests
{
    private PortalHost _host = null!;

    [SetUp]
    public async Task Start()
    {
        _host = await PortalHost.StartAsync();
        for (var id = 1; id <= 5; id++)
            _host.Ports.Letters.Add(Letter(id, id % 2 == 0 ? "E_CRC" : "untagged_device"));
    }

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task Paging_gives_every_letter_exactly_once_newest_first()
    {
        var ids = new List<long>();
        string? next = null;
        do
        {
            var page = await _host.GetAsync("/api/dead-letters?limit=2" + (next is null ? "" : "&cursor=" + next));
            ids.AddRange(page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetInt64()));
            next = page.GetProperty("next").GetString();
        }
        while (next is not null);

        Assert.That(ids, Is.EqualTo(new[] { 5, 4, 3, 2, 1 }));
    }

    [Test]
    public async Task A_list_can_be_of_one_code()
    {
        var page = await _host.GetAsync("/api/dead-letters?code=E_CRC");

        Assert.That(page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("code").GetString()), Is.EqualTo(new[] { "E_CRC", "E_CRC" }));
    }

    [Test]
    public async Task A_letter_shows_its_properties_and_its_body_as_hex()
    {
        var letter = await _host.GetAsync("/api/dead-letters/2");

        Assert.Multiple(() =>
        {
            Assert.That(letter.GetProperty("body").GetString(), Is.EqualTo("0047e202"));
            Assert.That(letter.GetProperty("properties").GetProperty("protocol").GetString(), Is.EqualTo("dp1"));
            Assert.That(letter.GetProperty("letter").GetProperty("detail").GetString(), Is.EqualTo("4 bytes"));
            Assert.That(letter.GetProperty("letter").GetProperty("bodyBytes").GetInt32(), Is.EqualTo(4));
            Assert.That(letter.GetProperty("letter").GetProperty("hub").GetString(), Is.EqualTo("raw-telemetry-dp1"));
        });
    }

    [Test]
    public async Task A_replayed_letter_goes_to_its_hub_with_the_identity_of_the_original()
    {
        var report = await _host.SendAsync(HttpMethod.Post, "/api/dead-letters/2/replay", 200);

        var (hub, key, properties, body) = _host.Ports.Published.Single();
        Assert.Multiple(() =>
        {
            Assert.That(report.GetProperty("replayed").GetInt32(), Is.EqualTo(1));
            Assert.That(hub, Is.EqualTo("raw-telemetry-dp1"));
            Assert.That(key, Is.EqualTo("dp1-2"));
            Assert.That(body, Is.EqualTo(new byte[] { 0x00, 0x47, 0xE2, 0x02 }));
            Assert.That(properties["protocol"], Is.EqualTo("dp1"));
            Assert.That(properties[PropertyNames.ReplayOf], Is.EqualTo("raw-telemetry-dp1:0:102"));
            Assert.That(properties[PropertyNames.ReplayEnqueuedTime], Is.EqualTo("2025-06-01T11:00:02.0000000Z"));
        });

        var again = await _host.SendAsync(HttpMethod.Post, "/api/dead-letters/2/replay", 409);
        Assert.That(again.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:letter_replayed"));
        Assert.That(_host.Ports.Published, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task A_replay_that_fails_again_keeps_the_identity_of_the_first_original()
    {
        var first = Letter(6, "E_CRC");
        _host.Ports.Letters.Add(first with
        {
            Letter = first.Letter with { Properties = new(new(PropertyNames.ReplayOf, "raw-telemetry-dp1:0:7"), new(PropertyNames.ReplayEnqueuedTime, "2025-05-01T00:00:00Z")) },
        });

        await _host.SendAsync(HttpMethod.Post, "/api/dead-letters/6/replay", 200);

        Assert.That(_host.Ports.Published.Single().Properties[PropertyNames.ReplayOf], Is.EqualTo("raw-telemetry-dp1:0:7"));
        Assert.That(_host.Ports.Published.Single().Properties[PropertyNames.ReplayEnqueuedTime], Is.EqualTo("2025-05-01T00:00:00Z"));
    }

    [Test]
    public async Task All_letters_of_a_code_are_replayed_once_oldest_first()
    {
        var report = await _host.SendAsync(HttpMethod.Post, "/api/dead-letters/replay?code=untagged_device", 200);
        var again = await _host.SendAsync(HttpMethod.Post, "/api/dead-letters/replay?code=untagged_device", 200);

        Assert.Multiple(() =>
        {
            Assert.That(report.GetProperty("replayed").GetInt32(), Is.EqualTo(3));
            Assert.That(report.GetProperty("more").GetBoolean(), Is.False);
            Assert.That(again.GetProperty("replayed").GetInt32(), Is.Zero);
            Assert.That(_host.Ports.Published.Select(p => p.Key), Is.EqualTo(new[] { "dp1-1", "dp1-3", "dp1-5" }));
        });
    }

    [Test]
    public async Task A_hub_that_is_away_leaves_the_letter_to_be_replayed_again()
    {
        _host.Ports.Broken = new TimeoutException("secret-host:5671 timed out");
        var problem = await _host.SendAsync(HttpMethod.Post, "/api/dead-letters/2/replay", 503);
        _host.Ports.Broken = null;

        Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:dependency_unavailable"));
        Assert.That(problem.ToString(), Does.Not.Contain("secret-host"));
        await _host.SendAsync(HttpMethod.Post, "/api/dead-letters/2/replay", 200);
    }

    [Test]
    public async Task A_replay_of_everything_must_name_a_code() =>
        ProblemAssert.Names(await _host.SendAsync(HttpMethod.Post, "/api/dead-letters/replay", 400), "missing_parameter", "code", null);

    [Test]
    public async Task A_cursor_that_is_none_is_refused() =>
        ProblemAssert.Names(await _host.GetAsync("/api/dead-letters?cursor=first", 400), "invalid_cursor", "cursor", "first");

    [Test]
    public async Task An_unknown_letter_is_absent()
    {
        await _host.GetAsync("/api/dead-letters/99", 404);
        await _host.SendAsync(HttpMethod.Post, "/api/dead-letters/99/replay", 404);
        await _host.GetAsync("/api/dead-letters/x", 404);
    }

    private static StoredDeadLetter Letter(int id, string code) => new(
        id,
        new("raw-telemetry-dp1", "0", 100 + id, PortalHost.Now.AddHours(-1).AddSeconds(id), $"dp1-{id}", code, "4 bytes",
            new(new(PropertyNames.DeviceId, $"dp1-{id}"), new(PropertyNames.Protocol, "dp1")), new byte[] { 0x00, 0x47, 0xE2, (byte)id }),
        PortalHost.Now.AddHours(-1), null);
}
