using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Handlers.Datapoints;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Postgres;

public sealed class HistoryTests : PostgresFixture
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
    public async Task A_batch_that_comes_again_adds_nothing_whoever_brings_it([Values(3, 1500)] int size)
    {
        var batch = Enumerable.Range(0, size).Select(i => Observe($"dp1-again-{size}", Noon.AddSeconds(i), i, """{"flow":1.0}""")).ToArray();
        var another = new DatapointStore(Database, TimeProvider.System);
        Observation more = Observe($"dp1-again-{size}", Noon.AddDays(2), 1, """{"flow":2.0}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(await _store.AppendHistoryAsync("irrigation", batch, Cancel), Is.EqualTo(size));
            Assert.That(await _store.AppendHistoryAsync("irrigation", batch, Cancel), Is.Zero, "known by memory");
            Assert.That(await another.AppendHistoryAsync("irrigation", [.. batch, more, more], Cancel), Is.EqualTo(1), "known by the key alone");
            Assert.That(await another.AppendHistoryAsync("irrigation", [Observe($"dp1-again-{size}", Noon.AddDays(3), 1, "{}")], Cancel), Is.EqualTo(1));
        }
    }

    [Test]
    public async Task A_document_is_kept_as_it_came_with_quality_clock_and_digits()
    {
        var observation = Observe("dp2-doc", Noon, 9, """{"flow":24.30,"name":"Süd","on":false}""", """{"soil":"out_of_range"}""") with { Clock = "estimated", Historical = true };
        await _store.AppendHistoryAsync("irrigation", [observation], Cancel);

        var row = await ScalarAsync<string>("""
            select concat_ws('|', observed_at, seq, received_at, historical, clock, points, quality)
              from history where device_key = (select device_key from device where device_id = 'dp2-doc')
            """);
        Assert.That(row, Is.EqualTo(
            """2025-06-01 12:00:00+00|9|2025-06-01 12:00:01+00|t|estimated|{"on": false, "flow": 24.30, "name": "Süd"}|{"soil": "out_of_range"}"""));
    }

    [Test]
    public async Task Rows_without_a_partition_wait_and_move_when_their_day_gets_one()
    {
        var now = Noon.AddYears(1);
        var options = new PostgresOptions { HistoryKept = TimeSpan.FromDays(30) };
        var partitions = new Partitions(Database, options, NullLogger<Partitions>.Instance);
        await _store.AppendHistoryAsync("irrigation",
        [
            Observe("dp1-days", now.AddDays(-40), 1, """{"flow":1}"""),      // older than kept
            Observe("dp1-days", now.AddDays(-3), 2, """{"flow":2}"""),       // late
            Observe("dp1-days", now, 3, """{"flow":3}"""),
            Observe("dp1-days", now.AddYears(50), 4, """{"flow":4}"""),      // a lying clock
        ], Cancel);

        await partitions.KeepAsync(now, Cancel);
        await partitions.KeepAsync(now, Cancel);

        var query = new HistoryQuery("dp1-days", "flow", now.AddYears(-10), now.AddYears(100), null, Aggregate.Last, 10);
        using (Assert.EnterMultipleScope())
        {
            Assert.That((await _queries.QueryHistoryAsync(query, Cancel)).Select(p => p.Value), Is.EqualTo(new[] { "2", "3", "4" }));
            if (!PostgresSetUp.Timescale)
            {
                Assert.That(await PartitionOf(now.AddDays(-3)), Is.EqualTo("history_p20260529"));
                Assert.That(await PartitionOf(now), Is.EqualTo("history_p20260601"));
                Assert.That(await PartitionOf(now.AddYears(50)), Is.EqualTo("history_default"));
            }
        }

        await partitions.KeepAsync(now.AddDays(29), Cancel);
        Assert.That((await _queries.QueryHistoryAsync(query, Cancel)).Select(p => p.Value), Is.EqualTo(new[] { "3", "4" }));
        Assert.That(await ScalarAsync<bool>("select to_regclass('history_p20260529') is null"));

        async Task<string> PartitionOf(DateTimeOffset at) =>
            await ScalarAsync<string>($"select tableoid::regclass::text from history where observed_at = '{at:O}' and points ? 'flow'");
    }

    [Test]
    public async Task Raw_values_come_in_order_of_time_up_to_the_limit_and_before_the_end()
    {
        await _store.AppendHistoryAsync("irrigation",
            [.. Enumerable.Range(0, 6).Reverse().Select(i => Observe("dp1-raw", Noon.AddSeconds(i), i, i == 2 ? """{"other":1}""" : $$"""{"flow":{{i}}.50}"""))], Cancel);

        var query = new HistoryQuery("dp1-raw", "flow", Noon.AddSeconds(1), Noon.AddSeconds(5), null, Aggregate.Last, 2);
        Assert.That(await _queries.QueryHistoryAsync(query, Cancel), Is.EqualTo(new HistoryPoint[]
        {
            new(Noon.AddSeconds(1), "1.50"), new(Noon.AddSeconds(3), "3.50"),
        }));
    }

    [Test]
    public async Task An_unknown_device_has_no_past() =>
        Assert.That(await _queries.QueryHistoryAsync(new("dp1-nobody", "flow", Noon, Noon.AddDays(1), null, Aggregate.Last, 10), Cancel), Is.Empty);

    [Test]
    public void A_bucket_of_ninety_minutes_is_refused() =>
        Assert.That(() => _queries.QueryHistoryAsync(new("dp1-x", "flow", Noon, Noon.AddDays(1), TimeSpan.FromMinutes(90), Aggregate.Mean, 10), Cancel),
            Throws.ArgumentException.With.Message.Contains("whole hours"));
}
