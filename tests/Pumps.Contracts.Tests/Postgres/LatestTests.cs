using CsCheck;
using Pumps.Handlers.Datapoints;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Postgres;

public sealed class LatestTests : PostgresFixture
{
    private DatapointStore _store = null!;
    private DatapointQueries _queries = null!;

    [SetUp]
    public void CreateStore()
    {
        _store = new(Database, TimeProvider.System);
        _queries = new(Database, new([]));
    }

    [Test]
    public async Task Values_keep_their_digits_and_a_frame_keeps_points_that_it_lacks()
    {
        await _store.KeepLatestAsync("irrigation", [Observe("dp1-A", Noon, 1, """{"flow":24.30,"state":"running","on":true}""")], Cancel);
        await _store.KeepLatestAsync("irrigation", [Observe("dp1-A", Noon.AddMinutes(1), 2, """{"run_hours":100.0}""", """{"soil":"not_available"}""")], Cancel);

        var latest = (await _queries.FindDeviceAsync("dp1-A", Cancel))!.Latest!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(latest["flow"], Is.EqualTo(new LatestPoint("24.30", "good", Noon)));
            Assert.That(latest["state"], Is.EqualTo(new LatestPoint("\"running\"", "good", Noon)));
            Assert.That(latest["on"], Is.EqualTo(new LatestPoint("true", "good", Noon)));
            Assert.That(latest["run_hours"], Is.EqualTo(new LatestPoint("100.0", "good", Noon.AddMinutes(1))));
            Assert.That(latest["soil"], Is.EqualTo(new LatestPoint(null, "not_available", Noon.AddMinutes(1))));
        }
    }

    [Test]
    public async Task An_older_observation_adds_what_is_missing_and_changes_nothing_else()
    {
        await _store.KeepLatestAsync("irrigation", [Observe("dp1-B", Noon, 5, """{"flow":2}""")], Cancel);
        await _store.KeepLatestAsync("irrigation", [Observe("dp1-B", Noon.AddMinutes(-5), 4, """{"flow":1,"level":7}""")], Cancel);

        var latest = (await _queries.FindDeviceAsync("dp1-B", Cancel))!.Latest!;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(latest["flow"], Is.EqualTo(new LatestPoint("2", "good", Noon)));
            Assert.That(latest["level"], Is.EqualTo(new LatestPoint("7", "good", Noon.AddMinutes(-5))));
        }
    }

    [Test]
    public async Task Of_two_at_the_same_time_the_higher_sequence_number_wins_in_any_order([Values] bool swapped, [Values] bool oneBatch)
    {
        var device = $"dp1-tie-{swapped}-{oneBatch}";
        Observation[] both = [Observe(device, Noon, 1, """{"state":"running"}"""), Observe(device, Noon, 2, """{"state":"tripped"}""")];
        if (swapped)
            Array.Reverse(both);

        foreach (var batch in oneBatch ? [both] : both.Select(o => new[] { o }))
            await _store.KeepLatestAsync("irrigation", batch, Cancel);

        Assert.That((await _queries.FindDeviceAsync(device, Cancel))!.Latest!["state"].Value, Is.EqualTo("\"tripped\""));
    }

    /// <summary>Random frames in random order, cut into random batches, some twice: the result is that of the sorted frames.</summary>
    [Test]
    public async Task Any_order_and_any_repeat_give_the_newest_of_every_datapoint()
    {
        var frame = Gen.Select(Gen.Int[0, 3], Gen.Int[0, 40], Gen.Int[0, 15], Gen.Int[0, 99]);
        var run = 0;
        await Gen.Select(frame.List[1, 40], Gen.Int[1, 7], Gen.Int[0, int.MaxValue]).SampleAsync(async (frames, batchSize, shuffle) =>
        {
            var number = Interlocked.Increment(ref run);
            var observations = frames.Select((f, i) => Observe($"dp2-{number}-{f.Item1}", Noon.AddSeconds(f.Item2), f.Item2 * 100 + i,
                "{" + string.Join(",", Enumerable.Range(0, 4).Where(bit => (f.Item3 & 1 << bit) != 0).Select(bit => $"\"p{bit}\":{f.Item4}")) + "}")).ToArray();
            var sent = observations.Concat(observations.Take(5)).ToArray();
            new Random(shuffle).Shuffle(sent);

            foreach (var batch in sent.Chunk(batchSize))
                await _store.KeepLatestAsync("irrigation", batch, CancellationToken.None);

            foreach (var device in observations.GroupBy(o => o.DeviceId))
            {
                var expected = new Dictionary<string, LatestPoint>();
                foreach (var observation in device.OrderBy(o => o.ObservedAt).ThenBy(o => o.Sequence))
                    foreach (var point in System.Text.Json.JsonDocument.Parse(observation.Points).RootElement.EnumerateObject())
                        expected[point.Name] = new(point.Value.GetRawText(), "good", observation.ObservedAt);

                Assert.That((await _queries.FindDeviceAsync(device.Key, CancellationToken.None))!.Latest, Is.EquivalentTo(expected));
            }
        }, iter: 60, threads: 1, seed: "0000000000001");
    }

    /// <summary>Telemetry and events of a device come through two hubs, so two writers meet at its document.</summary>
    [Test]
    public async Task Writers_that_meet_at_one_device_lose_nothing()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            var store = new DatapointStore(Database, TimeProvider.System);
            for (var i = 0; i < 25; i++)
                await store.KeepLatestAsync("irrigation",
                    [.. Enumerable.Range(0, 3).Select(d => Observe($"dp2-meet-{d}", Noon.AddSeconds(i), i, $$"""{"p{{writer}}":{{i}}}"""))], Cancel);
        })));

        for (var d = 0; d < 3; d++)
            Assert.That((await _queries.FindDeviceAsync($"dp2-meet-{d}", Cancel))!.Latest, Is.EquivalentTo(
                Enumerable.Range(0, 4).ToDictionary(writer => $"p{writer}", _ => new LatestPoint("24", "good", Noon.AddSeconds(24)))));
    }

    [Test]
    public async Task A_quality_replaces_a_value_and_a_value_a_quality()
    {
        await _store.KeepLatestAsync("irrigation", [Observe("dp2-Q", Noon, 1, """{"a":1,"b":2,"c":3}""")], Cancel);
        await _store.KeepLatestAsync("irrigation", [Observe("dp2-Q", Noon.AddSeconds(1), 2, """{"b":4}""",
            """{"a":"not_available","c":{"quality":"out_of_range","value":99.50}}""")], Cancel);
        await _store.KeepLatestAsync("irrigation", [Observe("dp2-Q", Noon.AddSeconds(2), 3, "{}", """{"b":{"quality":"type_mismatch","raw":"0102"}}""")], Cancel);
        await _store.KeepLatestAsync("irrigation", [Observe("dp2-Q", Noon.AddSeconds(3), 4, """{"a":5}""")], Cancel);

        Assert.That((await _queries.FindDeviceAsync("dp2-Q", Cancel))!.Latest, Is.EquivalentTo(new Dictionary<string, LatestPoint>
        {
            ["a"] = new("5", "good", Noon.AddSeconds(3)),
            ["b"] = new(null, "type_mismatch", Noon.AddSeconds(2)),
            ["c"] = new("99.50", "out_of_range", Noon.AddSeconds(1)),
        }));
        Assert.That(await ScalarAsync<string>(
            "select string_agg(concat_ws(' ', point, value, quality, observed_at at time zone 'UTC'), '; ' order by point) from latest_point where device_id = 'dp2-Q'"),
            Is.EqualTo("""a 5 "good" 2025-06-01 12:00:03; b {"raw": "0102", "quality": "type_mismatch"} 2025-06-01 12:00:02; c {"value": 99.50, "quality": "out_of_range"} 2025-06-01 12:00:01"""));
    }

    [Test]
    public async Task Devices_come_in_the_order_of_their_ids_page_by_page()
    {
        await _store.KeepLatestAsync("mixing-test", [.. Enumerable.Range(0, 5).Select(i => Observe($"dp2-page-{i}", Noon, 1, """{"flow":1}"""))], Cancel);

        var ids = new List<string>();
        string? cursor = null;
        do
        {
            var page = await _queries.ListDevicesAsync(new("mixing-test"), cursor, 2, withLatest: false, Cancel);
            ids.AddRange(page.Items.Select(d => d.Id));
            cursor = page.Next;
        }
        while (cursor is not null);

        Assert.That(ids, Is.EqualTo(Enumerable.Range(0, 5).Select(i => $"dp2-page-{i}")));
    }

    [Test]
    public async Task What_provisioning_knows_stands_beside_what_the_device_said()
    {
        await _store.KeepLatestAsync("irrigation", [Observe("dp1-P", Noon, 1, """{"flow":1}""")], Cancel);
        await new DeviceTable(Database).StoreAsync(new("dp1-P", "dp1", "irrigation", "brook-200", "acme", "weu", 120), Cancel);

        var device = (await _queries.FindDeviceAsync("dp1-P", Cancel))!;
        Assert.That((device.Product, device.Customer, device.LastSeenAt), Is.EqualTo(("brook-200", "acme", (DateTimeOffset?)Noon.AddSeconds(1))));
    }

    [Test]
    public void Points_that_are_not_an_object_are_refused_with_the_devices_name() =>
        Assert.That(() => _store.KeepLatestAsync("irrigation", [Observe("dp1-X", Noon, 1, "[1]")], Cancel),
            Throws.TypeOf<FormatException>().With.Message.Contains("dp1-X"));
}
