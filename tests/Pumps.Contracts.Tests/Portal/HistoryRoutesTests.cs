using Microsoft.AspNetCore.Http;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Portal;

namespace Pumps.Contracts.Tests.Portal;

public sealed class HistoryRoutesTests
{
    private const string Device = "dp2-00124b0001020304";

    private PortalHost _host = null!;

    [SetUp]
    public async Task Start()
    {
        _host = await PortalHost.StartAsync();
        _host.Ports.Devices[Device] = new(Device, "dp2", "irrigation", "irrigation-station", "a", null, null);
    }

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task Without_bucket_the_answer_is_single_observations_of_the_last_day()
    {
        _host.Ports.History.Add(PortalHost.Now.AddHours(-25), "1");
        _host.Ports.History.Add(PortalHost.Now.AddHours(-1), "24.30");

        var history = await _host.GetAsync($"/api/devices/{Device}/history/pumps[1].flow");

        Assert.Multiple(() =>
        {
            Assert.That(history.ToString(), Does.Contain("""
                "points":[{"at":"2025-06-01T11:00:00.000Z","value":24.30}]
                """.Trim()));
            Assert.That(history.GetProperty("unit").GetString(), Is.EqualTo("m3/h"));
            Assert.That(history.GetProperty("from").GetString(), Is.EqualTo("2025-05-31T12:00:00.000Z"));
            Assert.That(history.GetProperty("to").GetString(), Is.EqualTo("2025-06-01T12:00:00.000Z"));
            Assert.That(history.GetProperty("next").GetString(), Is.Null);
            Assert.That(_host.Ports.LastQuery!.Point, Is.EqualTo("pumps[1].flow"));
            Assert.That(_host.Ports.LastQuery!.Bucket, Is.Null);
        });
    }

    [Test]
    public async Task Following_next_gives_every_observation_exactly_once()
    {
        for (var i = 0; i < 25; i++)
            _host.Ports.History.Add(PortalHost.Now.AddSeconds(-100 + i), i.ToString(System.Globalization.CultureInfo.InvariantCulture));

        var seen = new List<int>();
        var from = "-1h";
        while (from is not null)
        {
            var page = await _host.GetAsync($"/api/devices/{Device}/history/flow?limit=7&from={from}");
            seen.AddRange(page.GetProperty("points").EnumerateArray().Select(p => p.GetProperty("value").GetInt32()));
            from = page.GetProperty("next").GetString();
        }

        Assert.That(seen, Is.EqualTo(Enumerable.Range(0, 25)));
    }

    [TestCase("1m", "-90m", "2025-06-01T10:30:00Z", "2025-06-01T12:00:00Z")]
    [TestCase("1h", "2025-06-01T09:20:00Z", "2025-06-01T09:00:00Z", "2025-06-01T12:00:00Z")]
    [TestCase("1d", "-30h", "2025-05-31T00:00:00Z", "2025-06-02T00:00:00Z")]
    [TestCase("7d", "2025-05-26T00:00:00Z", "2025-05-26T00:00:00Z", "2025-06-02T00:00:00Z")]
    [TestCase("6h", "2025-06-01T02:00:00%2B02:00", "2025-06-01T00:00:00Z", "2025-06-01T12:00:00Z")]
    public async Task With_buckets_the_range_grows_to_whole_buckets(string bucket, string from, string first, string end)
    {
        var history = await _host.GetAsync($"/api/devices/{Device}/history/flow?bucket={bucket}&from={from}&aggregate=max");

        Assert.Multiple(() =>
        {
            Assert.That(_host.Ports.LastQuery!.From, Is.EqualTo(DateTimeOffset.Parse(first, System.Globalization.CultureInfo.InvariantCulture)));
            Assert.That(_host.Ports.LastQuery!.To, Is.EqualTo(DateTimeOffset.Parse(end, System.Globalization.CultureInfo.InvariantCulture)));
            Assert.That(_host.Ports.LastQuery!.Aggregate, Is.EqualTo(Aggregate.Max));
            Assert.That(history.GetProperty("bucket").GetString(), Is.EqualTo(bucket));
            Assert.That(history.GetProperty("aggregate").GetString(), Is.EqualTo("max"));
        });
    }

    [TestCase("mean", Aggregate.Mean)]
    [TestCase("min", Aggregate.Min)]
    [TestCase("max", Aggregate.Max)]
    [TestCase("last", Aggregate.Last)]
    [TestCase("count", Aggregate.Count)]
    [TestCase("increase", Aggregate.Increase)]
    public async Task Every_aggregate_has_a_name(string name, Aggregate expected)
    {
        await _host.GetAsync($"/api/devices/{Device}/history/flow?bucket=15m&aggregate={name}");

        Assert.That(_host.Ports.LastQuery!.Aggregate, Is.EqualTo(expected));
    }

    [TestCase("from=yesterday", "invalid_from", "from", "yesterday")]
    [TestCase("from=1850-01-01", "invalid_from", "from", "1850-01-01")]
    [TestCase("from=2025-06-01T12:00:00+02:00", "invalid_from", "from", "2025-06-01T12:00:00 02:00")]
    [TestCase("from=-999999999d", "invalid_from", "from", "-999999999d")]
    [TestCase("to=2025-02-30", "invalid_to", "to", "2025-02-30")]
    [TestCase("from=-1h&to=-2h", "empty_range", "to", "-2h")]
    [TestCase("from=-1h&to=-1h", "empty_range", "to", "-1h")]
    [TestCase("from=2010-01-01", "range_too_long", "from", "2010-01-01")]
    [TestCase("bucket=7m", "invalid_bucket", "bucket", "7m")]
    [TestCase("bucket=5h", "invalid_bucket", "bucket", "5h")]
    [TestCase("bucket=90m", "invalid_bucket", "bucket", "90m")]
    [TestCase("bucket=0s", "invalid_bucket", "bucket", "0s")]
    [TestCase("bucket=367d", "invalid_bucket", "bucket", "367d")]
    [TestCase("bucket=hour", "invalid_bucket", "bucket", "hour")]
    [TestCase("bucket=1s", "too_many_points", "bucket", "1s")]
    [TestCase("bucket=1m&limit=100", "too_many_points", "bucket", "1m")]
    [TestCase("bucket=1h&aggregate=median", "invalid_aggregate", "aggregate", "median")]
    [TestCase("aggregate=mean", "aggregate_without_bucket", "aggregate", "mean")]
    [TestCase("limit=10001", "invalid_limit", "limit", "10001")]
    [TestCase("limit=0", "invalid_limit", "limit", "0")]
    [TestCase("buckets=1h", "unknown_parameter", "buckets", "1h")]
    public async Task A_wrong_question_is_refused_by_the_rule_it_breaks(string query, string rule, string parameter, string given)
    {
        ProblemAssert.Names(await _host.GetAsync($"/api/devices/{Device}/history/flow?{query}", 400), rule, parameter, given);
        Assert.That(_host.Ports.LastQuery, Is.Null, "the store was not asked");
    }

    [TestCase("flow';drop table history;--")]
    [TestCase("flow\"}")]
    [TestCase("$.*")]
    [TestCase("pumps[1")]
    [TestCase("pumps[-1].flow")]
    [TestCase("flow ")]
    [TestCase("<script>")]
    public async Task A_name_that_no_datapoint_can_have_never_reaches_the_store(string point)
    {
        ProblemAssert.Names(await _host.GetAsync($"/api/devices/{Device}/history/{Uri.EscapeDataString(point)}", 400), "invalid_point", "point", point);
        Assert.That(_host.Ports.LastQuery, Is.Null);
    }

    [TestCase("flow")]
    [TestCase("pumps[1].flow")]
    [TestCase("zones[4].probes[1].moisture")]
    [TestCase("#900")]
    [TestCase("#900[2].#17")]
    public async Task A_name_with_path_reaches_the_store_as_it_is(string point)
    {
        await _host.GetAsync($"/api/devices/{Device}/history/{Uri.EscapeDataString(point)}");

        Assert.That(_host.Ports.LastQuery!.Point, Is.EqualTo(point));
    }

    /// <summary>It began to work for its owner at 10:40; the range asked for begins before.</summary>
    [TestCase("viewer", null, "2025-06-01T10:40:00.000Z", "2")]
    [TestCase("viewer", "1h", "2025-06-01T11:00:00.000Z", "2", Description = "the first whole bucket")]
    [TestCase("operator", null, "2025-06-01T10:40:00.000Z", "2")]
    [TestCase("ops", null, "2025-06-01T09:00:00.000Z", "1,2")]
    public async Task What_a_device_observed_for_an_owner_before_is_for_ops_only(string role, string? bucket, string from, string values)
    {
        await using var host = await StartForAsync(role, PortalHost.Now.AddMinutes(-80));
        host.Ports.History.Add(PortalHost.Now.AddMinutes(-90), "1");
        host.Ports.History.Add(PortalHost.Now.AddMinutes(-30), "2");

        var history = await host.GetAsync($"/api/devices/{Device}/history/flow?from=-3h{(bucket is null ? "" : "&bucket=" + bucket)}");
        var latest = (await host.GetAsync($"/api/devices/{Device}")).GetProperty("latest");
        var list = (await host.GetAsync("/api/devices?latest=true")).GetProperty("items")[0].GetProperty("latest");

        Assert.That(history.GetProperty("from").GetString(), Is.EqualTo(from));
        Assert.That(string.Join(',', history.GetProperty("points").EnumerateArray().Select(p => p.GetProperty("value").GetRawText())), Is.EqualTo(values));
        Assert.That(latest.EnumerateObject().Select(p => p.Name), Is.EqualTo(role == "ops" ? new[] { "flow", "speed" } : ["speed"]));
        Assert.That(list.GetRawText(), Is.EqualTo(latest.GetRawText()));
    }

    [TestCase("viewer")]
    [TestCase("operator")]
    public async Task Of_a_device_that_does_not_work_for_its_customer_yet_nothing_is_shown(string role)
    {
        await using var host = await StartForAsync(role, null);
        host.Ports.History.Add(PortalHost.Now.AddMinutes(-30), "2");

        Assert.That((await host.GetAsync($"/api/devices/{Device}/history/flow?bucket=1h")).GetProperty("points").GetArrayLength(), Is.Zero);
        Assert.That((await host.GetAsync($"/api/devices/{Device}")).GetProperty("latest").EnumerateObject(), Is.Empty);
    }

    private static async Task<PortalHost> StartForAsync(string role, DateTimeOffset? since)
    {
        var host = await PortalHost.StartAsync((_, asked) => new(asked <= Enum.Parse<PortalRole>(role, ignoreCase: true) ? null : TypedResults.Problem(statusCode: 403)));
        host.Ports.Devices[Device] = new(Device, "dp2", "irrigation", "irrigation-pump-v2", "a", null, new Dictionary<string, LatestPoint>
        {
            ["flow"] = new("1", "good", PortalHost.Now.AddMinutes(-90)), ["speed"] = new("2", "good", PortalHost.Now.AddMinutes(-30)),
        })
        {
            OwnedSince = since,
        };
        return host;
    }

    [Test]
    public async Task The_past_of_an_unknown_device_is_absent() => await _host.GetAsync("/api/devices/dp1-9/history/flow", 404);

    [Test]
    public void A_page_is_cut_between_instants()
    {
        HistoryPoint[] points = [new(PortalHost.Now, "1"), new(PortalHost.Now.AddSeconds(1), "2"), new(PortalHost.Now.AddSeconds(1), "3"), new(PortalHost.Now.AddSeconds(2), "4")];

        var (page, next) = Handlers.Portal.ReadHistory.Cut(points, 2);

        Assert.That(page.Select(p => p.Value), Is.EqualTo(new[] { "1" }));
        Assert.That(next, Is.EqualTo(PortalHost.Now.AddSeconds(1)));
    }
}
