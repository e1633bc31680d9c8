using System.Diagnostics;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pumps.Contracts.Tests.Azure;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Offerings;

namespace Pumps.Contracts.Tests.Observability;

/// <summary>Queries ask for what code emits: metrics, attributes, tables, columns. That code emits the catalog is what the journey of Prometheus shows.</summary>
public sealed partial class QueryTests
{
    private static readonly string Here = Path.Combine(FunctionApp.Repository, "tests", "Pumps.Contracts.Tests", "Observability", "kusto");

    // Of the runtime's own meter.
    private static readonly string[] RuntimeMetrics =
        ["dotnet_process_memory_working_set_bytes", "dotnet_gc_last_collection_heap_size_bytes", "dotnet_process_cpu_time_seconds_total"];

    // What the services of Azure send to AzureMetrics.
    private static readonly string[] MetricsOfAzure =
    [
        "ThrottledRequests", "QuotaExceededErrors", "IncomingBytes", "OutgoingBytes", "OutgoingMessages", "d2c.telemetry.ingress.sendThrottle", "d2c.telemetry.egress.dropped",
        "dailyMessageQuotaUsed", "cpu_percent", "memory_percent", "storage_percent",
    ];

    private static readonly Dictionary<string, Metric> ByName = Metrics.Catalog.ToDictionary(m => m.Name);

    private static readonly Dictionary<string, Metric> ByPrometheusName =
        Metrics.Catalog.SelectMany(m => Queries.PrometheusNames(m).Select(n => (n, m))).ToDictionary(p => p.n, p => p.m);

    [Test]
    public void A_metric_has_a_name_of_its_own_and_says_what_it_counts()
    {
        Assert.That(Metrics.Catalog.Select(m => m.Name), Is.Unique.And.All.Match("^pumps\\.[a-z_]+(\\.[a-z_]+)*$"));
        Assert.That(Metrics.Catalog.SelectMany(Queries.PrometheusNames), Is.Unique);
        Assert.That(Metrics.Catalog.Select(m => m.Unit), Has.All.Match("^(s|\\{[a-z]+\\})$"), "Another unit needs its spelling in Queries.PrometheusNames.");
        Assert.That(Metrics.Catalog.Select(m => m.Description), Has.All.Not.Empty);
    }

    [TestCaseSource(typeof(Queries), nameof(Queries.Kusto))]
    public void A_metric_and_its_attributes_in_a_query_of_Azure_are_those_that_code_emits(object query)
    {
        var it = (Query)query;
        var asked = Queries.MetricsIn(it).ToList();
        Assert.That(asked, Is.SubsetOf(ByName.Keys), "Metrics.cs");

        var keys = Key().Matches(it.Text).Select(m => m.Groups[1].Value + m.Groups[2].Value).Distinct();
        Assert.That(keys, Is.SubsetOf(asked.SelectMany(a => ByName[a].Attributes)), "attributes of these metrics in Metrics.cs");
        if (it.Text.Contains("AzureMetrics", StringComparison.Ordinal))
            Assert.That(MetricsOf(it.Text).Where(m => !m.StartsWith("pumps.", StringComparison.Ordinal)), Is.Not.Empty.And.SubsetOf(MetricsOfAzure));
    }

    [TestCaseSource(typeof(Queries), nameof(Queries.PromQl))]
    public void A_metric_and_its_labels_in_a_query_of_Prometheus_are_those_that_code_emits(object query)
    {
        var it = (Query)query;
        var asked = Queries.MetricsIn(it).ToList();
        Assert.That(asked, Is.SubsetOf(ByPrometheusName.Keys), "Metrics.cs");
        Assert.That(RuntimeMetric().Matches(it.Text).Select(m => m.Value), Is.SubsetOf(RuntimeMetrics));

        var labels = Selector().Matches(it.Text).SelectMany(m => Label().Matches(m.Groups[1].Value)).Select(m => m.Groups[1].Value)
            .Concat(Grouping().Matches(it.Text).SelectMany(m => m.Groups[1].Value.Split(", "))).Distinct();
        Assert.That(labels, Is.SubsetOf(asked.SelectMany(a => ByPrometheusName[a].Attributes).Append("le")), "attributes of these metrics in Metrics.cs");
    }

    [Test]
    public void Every_metric_is_shown_in_a_dashboard_or_a_workbook()
    {
        var shown = Queries.Kusto.SelectMany(Queries.MetricsIn).Concat(Queries.PromQl.SelectMany(Queries.MetricsIn).Where(ByPrometheusName.ContainsKey).Select(n => ByPrometheusName[n].Name));

        Assert.That(ByName.Keys.Except(shown).Except([Metrics.GatewayRegistrations.Name]), Is.Empty, "A metric that nobody looks at costs and says nothing.");
    }

    /// <summary>What partners have read is what left the feeds less what the region's services have read of feeds, of all of them and of no raw hub.</summary>
    [Test]
    public void The_workbook_of_partners_takes_feeds_and_raw_hubs_apart_as_the_catalog_does()
    {
        var query = Queries.Kusto.Single(q => q.Text.Contains("ReadByPartners", StringComparison.Ordinal)).Text;
        var prefixes = NotStartingWith().Matches(query).Select(m => m.Groups[1].Value).ToList();
        var names = NotNamed().Matches(query).Select(m => m.Groups[1].Value).ToList();
        var routes = CatalogLoader.Load(CatalogLoader.DefaultFolder).Routes;
        bool IsLeftOut(string hub) => names.Contains(hub) || prefixes.Any(p => hub.StartsWith(p, StringComparison.Ordinal));

        Assert.That(routes.RawHubs.Select(h => h.Name).Where(h => !IsLeftOut(h)), Is.Empty, "raw hubs that are counted as feeds");
        Assert.That(routes.FeedHubs.Select(h => h.Name).Where(IsLeftOut), Is.Empty, "feeds that are left out");
    }

    [Test]
    public async Task Kusto_has_nothing_to_say_against_any_query()
    {
        var tables = JsonElement.Parse(await File.ReadAllTextAsync(Path.Combine(Here, "tables.json")));
        Assert.That(await CheckAsync(tables, Queries.Kusto), Is.Empty);
    }

    [TestCase("AppMetrics | where Nmae == \"x\"", "Nmae")]
    [TestCase("AppMetric | count", "AppMetric")]
    [TestCase("AppMetrics | where Sum = 1", "Sum = 1")]
    [TestCase("AppMetrics | summarize Value = summ(Sum)", "summ")]
    public async Task Kusto_names_what_it_does_not_know(string query, string at)
    {
        var tables = JsonElement.Parse(await File.ReadAllTextAsync(Path.Combine(Here, "tables.json")));
        Assert.That(await CheckAsync(tables, [new("a", query)]), Has.Some.Contains($"\"at\":\"{at}\""));
    }

    private static IEnumerable<string> MetricsOf(string text) =>
        MetricOfAzure().Matches(text).SelectMany(m => Quoted().Matches(m.Value)).Select(m => m.Groups[1].Value);

    private static async Task<IEnumerable<string>> CheckAsync(JsonElement tables, IEnumerable<Query> queries)
    {
        if (!Directory.Exists(Path.Combine(Here, "node_modules")))
            await RunAsync("npm", "", "ci", "--no-audit", "--no-fund");
        var said = await RunAsync("node", JsonSerializer.Serialize(new { tables, queries = queries.ToDictionary(q => q.Place, q => q.Text) }), "check.js");
        return said.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static async Task<string> RunAsync(string program, string input, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Here, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.Zero, await errors);
        return await output;
    }

    [GeneratedRegex("Properties\\.hub\\) !startswith \"([^\"]+)\"")]
    private static partial Regex NotStartingWith();

    [GeneratedRegex("Properties\\.hub\\) != \"([^\"]+)\"")]
    private static partial Regex NotNamed();

    [GeneratedRegex("Properties\\.(\\w+)|Properties\\[\"(\\w+)\"\\]")]
    private static partial Regex Key();

    [GeneratedRegex("MetricName (?:==|in|in~) (?:\"[^\"]+\"|\\([^)]*\\))")]
    private static partial Regex MetricOfAzure();

    [GeneratedRegex("\"([^\"]+)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex("\\bdotnet_[a-z_]+")]
    private static partial Regex RuntimeMetric();

    [GeneratedRegex("\\{([^}]*)\\}")]
    private static partial Regex Selector();

    [GeneratedRegex("(\\w+)(?:=~|!~|!=|=)")]
    private static partial Regex Label();

    [GeneratedRegex("\\bby \\(([^)]*)\\)")]
    private static partial Regex Grouping();
}
