using System.Globalization;
using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Pumps.Handlers.Datapoints;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Postgres;

public sealed class RollUpTests : PostgresFixture
{
    private static readonly DateTimeOffset Later = Noon.AddDays(10);

    private static readonly Counters Counters = new(
    [
        new("dp1", "run_hours", 1677721.5m),
        new("dp1", "small", 10m),
        new("dp1", "total", null),
    ]);

    private DatapointStore _store = null!;
    private DatapointQueries _queries = null!;
    private RollUps _rollUps = null!;

    [SetUp]
    public void CreateStore()
    {
        _store = new(Database, TimeProvider.System);
        _queries = new(Database, Counters);
        _rollUps = new(Database, Counters, new() { HistoryKept = TimeSpan.FromDays(3650) }, new FakeTimeProvider(Later));
    }

    [Test]
    public async Task An_hour_has_its_mean_ends_last_and_count_and_a_day_those_of_its_hours()
    {
        await AppendAsync(
            Observe("dp1-basic", Noon, 1, """{"flow":1.50,"state":"on"}"""),
            Observe("dp1-basic", Noon.AddMinutes(59), 2, """{"flow":4.00,"state":"off"}"""),
            Observe("dp1-basic", Noon.AddMinutes(60), 3, """{"flow":9.10}"""));
        await DrainAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await HoursAsync("dp1-basic", "flow", Aggregate.Mean), Is.EqualTo(new[] { "2.75", "9.1" }));
            Assert.That(await HoursAsync("dp1-basic", "flow", Aggregate.Min), Is.EqualTo(new[] { "1.50", "9.10" }));
            Assert.That(await HoursAsync("dp1-basic", "flow", Aggregate.Max), Is.EqualTo(new[] { "4.00", "9.10" }));
            Assert.That(await HoursAsync("dp1-basic", "flow", Aggregate.Last), Is.EqualTo(new[] { "4.00", "9.10" }));
            Assert.That(await HoursAsync("dp1-basic", "flow", Aggregate.Count), Is.EqualTo(new[] { "2", "1" }));
            Assert.That(await HoursAsync("dp1-basic", "state", Aggregate.Last), Is.EqualTo(new[] { "\"off\"" }));
            Assert.That(await HoursAsync("dp1-basic", "state", Aggregate.Mean), Is.Empty);
            Assert.That(await QueryAsync("dp1-basic", "flow", Aggregate.Mean, TimeSpan.FromDays(1)), Is.EqualTo(new[] { "4.866667" }));
            Assert.That(await QueryAsync("dp1-basic", "flow", Aggregate.Last, TimeSpan.FromDays(1)), Is.EqualTo(new[] { "9.10" }));
        }
    }

    [Test]
    public async Task A_counter_grows_over_the_border_of_hours_and_days_and_over_its_wrap()
    {
        var midnight = new DateTimeOffset(2025, 6, 3, 0, 0, 0, TimeSpan.Zero);
        await AppendAsync(
            Observe("dp1-wrap", midnight.AddMinutes(-5), 1, """{"pumps[1].run_hours":1677721.0,"total":50}"""),
            Observe("dp1-wrap", midnight.AddMinutes(5), 2, """{"pumps[1].run_hours":0.5,"total":3}"""),
            Observe("dp1-wrap", midnight.AddMinutes(125), 3, """{"pumps[1].run_hours":2.0,"total":4}"""));
        await DrainAsync();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await HoursAsync("dp1-wrap", "pumps[1].run_hours", Aggregate.Increase), Is.EqualTo(new[] { "0", "1.0", "1.5" }));
            Assert.That(await HoursAsync("dp1-wrap", "total", Aggregate.Increase), Is.EqualTo(new[] { "0", "3", "1" }));
            Assert.That(await QueryAsync("dp1-wrap", "pumps[1].run_hours", Aggregate.Increase, TimeSpan.FromDays(1)), Is.EqualTo(new[] { "0", "2.5" }));
        }
    }

    [Test]
    public async Task Late_data_changes_its_hour_and_the_first_step_of_the_next()
    {
        await AppendAsync(Observe("dp1-late", Noon, 1, """{"small":1}"""), Observe("dp1-late", Noon.AddHours(5), 3, """{"small":3}"""));
        await DrainAsync();
        Assert.That(await HoursAsync("dp1-late", "small", Aggregate.Increase), Is.EqualTo(new[] { "0", "2" }));

        await AppendAsync(Observe("dp1-late", Noon.AddHours(2), 2, """{"small":9}"""));
        await DrainAsync();
        Assert.That(await HoursAsync("dp1-late", "small", Aggregate.Increase), Is.EqualTo(new[] { "0", "8", "4" }));
    }

    [Test]
    public async Task An_hour_that_is_not_rolled_up_yet_is_not_a_hole()
    {
        await AppendAsync(Observe("dp1-open", Noon, 1, """{"small":1}"""));
        await _rollUps.RunOnceAsync(Noon.AddMinutes(70), 100, Cancel);
        await AppendAsync(Observe("dp1-open", Noon.AddMinutes(61), 2, """{"small":4}"""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await HoursAsync("dp1-open", "small", Aggregate.Increase), Is.EqualTo(new[] { "0", "3" }));
            Assert.That(await QueryAsync("dp1-open", "small", Aggregate.Count, TimeSpan.FromDays(1)), Is.EqualTo(new[] { "2" }));
            Assert.That(await QueryAsync("dp1-open", "small", Aggregate.Count, TimeSpan.FromDays(7)), Is.EqualTo(new[] { "2" }));
        }
    }

    [Test]
    public async Task An_open_hour_is_left_alone_until_the_grace_after_its_end()
    {
        await DrainAsync();
        await AppendAsync(Observe("dp1-grace", Noon.AddMinutes(10), 1, """{"small":1}"""));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await _rollUps.RunOnceAsync(Noon.AddHours(1) + RollUps.Grace - TimeSpan.FromMilliseconds(1), 100, Cancel), Is.Zero);
            Assert.That(await _rollUps.RunOnceAsync(Noon.AddHours(1) + RollUps.Grace, 100, Cancel), Is.EqualTo(1));
            Assert.That(await _rollUps.RunOnceAsync(Noon.AddHours(1) + RollUps.Grace, 100, Cancel), Is.Zero);
        }
    }

    [Test]
    public async Task A_run_takes_all_that_is_due_step_by_step()
    {
        const int Devices = 130;
        await DrainAsync();
        await AppendAsync([.. Enumerable.Range(0, Devices).Select(i => Observe($"dp1-run-{i}", Noon.AddMinutes(i % 50), 1, """{"small":1}"""))]);

        await _rollUps.RunAsync(Cancel);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await _rollUps.RunOnceAsync(Later, 1, Cancel), Is.Zero);
            Assert.That(await HoursAsync("dp1-run-129", "small", Aggregate.Count), Is.EqualTo(new[] { "1" }));
        }
    }

    [TestCase(100, 250, 100)]
    [TestCase(100, 500, 50)]
    [TestCase(100, 125, 200)]
    [TestCase(100, 1, 200)]
    [TestCase(100, 0, 200)]
    [TestCase(100, 60_000, 10)]
    [TestCase(2000, 1, 2000)]
    public void A_step_is_sized_by_how_long_the_last_one_took(int hours, int tookMs, int next) =>
        Assert.That(RollUps.NextHours(hours, TimeSpan.FromMilliseconds(tookMs)), Is.EqualTo(next));

    [Test]
    public async Task A_counter_that_was_no_number_for_a_while_goes_on_from_the_number_before()
    {
        await AppendAsync(
            Observe("dp1-gap", Noon, 1, """{"small":1}"""),
            Observe("dp1-gap", Noon.AddMinutes(10), 2, """{"small":"off"}"""),
            Observe("dp1-gap", Noon.AddMinutes(20), 3, """{"small":4}"""));
        await DrainAsync();

        Assert.That(await HoursAsync("dp1-gap", "small", Aggregate.Increase), Is.EqualTo(new[] { "3" }));
    }

    /// <summary>Random readings in random order with repeats, rolled up in between in steps of random size: as a plain walk over the sorted readings.</summary>
    [Test]
    public async Task Any_order_gives_what_a_plain_walk_gives()
    {
        var reading = Gen.Select(Gen.Int[0, 60 * 60 * 1], Gen.Int[0, 9], Gen.Bool);
        var run = 0;
        var wraps = 0;
        await Gen.Select(reading.List[2, 40], Gen.Int[1, 12], Gen.Int[1, 5], Gen.Int[0, int.MaxValue]).SampleAsync(async (readings, batchSize, step, shuffle) =>
        {
            var device = $"dp1-walk-{Interlocked.Increment(ref run)}";
            // Minutes up to 60 hours: over two midnights. A time occurs once.
            var all = readings.DistinctBy(r => r.Item1).Select((r, i) => Observe(device, Noon.AddMinutes(r.Item1), i,
                r.Item3 ? $$"""{"small":{{r.Item2}},"level":{{r.Item2 * 0.25m}}}""" : $$"""{"level":{{r.Item2 * 0.25m}}}""")).ToArray();
            var sent = all.Concat(all.Take(3)).ToArray();
            new Random(shuffle).Shuffle(sent);
            foreach (var batch in sent.Chunk(batchSize))
            {
                await _store.AppendHistoryAsync("irrigation", batch, CancellationToken.None);
                await _rollUps.RunOnceAsync(Later, step, CancellationToken.None);
            }

            await DrainAsync();
            foreach (var width in new[] { TimeSpan.FromHours(1), TimeSpan.FromHours(6), TimeSpan.FromDays(1) })
            {
                var steps = Walk(all, width, ref wraps);
                Assert.That(await NumbersAsync(device, "small", Aggregate.Increase, width), Is.EqualTo(steps));
                Assert.That(await NumbersAsync(device, "level", Aggregate.Max, width), Is.EqualTo(all.GroupBy(o => Bucket(o.ObservedAt, width))
                    .OrderBy(g => g.Key).Select(g => g.Max(o => Value(o, "level")!.Value))));
            }
        }, iter: 60, threads: 1, seed: "0000000000001");

        Assert.That(wraps, Is.GreaterThan(20), "the generator must reach wraps");
    }

    private static decimal[] Walk(Observation[] observations, TimeSpan width, ref int wraps)
    {
        var sums = new SortedDictionary<long, decimal>();
        decimal? before = null;
        foreach (var observation in observations.OrderBy(o => o.ObservedAt))
        {
            if (Value(observation, "small") is not { } value)
                continue;
            if (value < before)
                wraps++;
            var bucket = Bucket(observation.ObservedAt, width);
            sums[bucket] = sums.GetValueOrDefault(bucket) + (before is { } b ? (value - b + 10) % 10 : 0);
            before = value;
        }

        return [.. sums.Values];
    }

    private static long Bucket(DateTimeOffset at, TimeSpan width) => (at.UtcTicks - new DateTime(2001, 1, 1).Ticks) / width.Ticks;

    private static decimal? Value(Observation observation, string name) =>
        System.Text.Json.JsonDocument.Parse(observation.Points).RootElement.TryGetProperty(name, out var value) ? value.GetDecimal() : null;

    private async Task AppendAsync(params Observation[] observations) => await _store.AppendHistoryAsync("irrigation", observations, Cancel);

    private async Task DrainAsync()
    {
        while (await _rollUps.RunOnceAsync(Later, 1000, CancellationToken.None) == 1000)
        {
        }
    }

    private Task<string[]> HoursAsync(string device, string point, Aggregate aggregate) => QueryAsync(device, point, aggregate, TimeSpan.FromHours(1));

    private async Task<string[]> QueryAsync(string device, string point, Aggregate aggregate, TimeSpan width) =>
        [.. (await _queries.QueryHistoryAsync(new(device, point, Noon.AddDays(-1), Later, width, aggregate, 1000), CancellationToken.None)).Select(p => p.Value)];

    private async Task<decimal[]> NumbersAsync(string device, string point, Aggregate aggregate, TimeSpan width) =>
        [.. (await QueryAsync(device, point, aggregate, width)).Select(v => decimal.Parse(v, CultureInfo.InvariantCulture))];
}
