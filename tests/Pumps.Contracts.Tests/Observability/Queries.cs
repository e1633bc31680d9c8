using System.Text.Json;
using System.Text.RegularExpressions;
using Pumps.Contracts.Tests.Bicep;
using Pumps.Handlers.Observability;

namespace Pumps.Contracts.Tests.Observability;

/// <summary>A query somewhere in bicep/: of the health between rings, of an alert, of a workbook, of the local dashboard.</summary>
internal sealed record Query(string Place, string Text)
{
    public override string ToString() => Place;
}

/// <summary>An alert as alerts.json has it.</summary>
internal sealed record Alert(string Id, string Title, int Severity, int Threshold, string Unit, string Window, string Frequency, string[] Kql, string Hold, string PromQl)
{
    public string Kusto => string.Join('\n', Kql).Replace("{threshold}", $"{Threshold}", StringComparison.Ordinal);

    public string Prometheus => PromQl.Replace("{threshold}", $"{Threshold}", StringComparison.Ordinal);

    public override string ToString() => Id;
}

/// <summary>All queries of the repository, and the names that they may use.</summary>
internal static partial class Queries
{
    // Seconds are the one unit that the exporter spells out; what is counted, in braces, it leaves away.
    private const string Seconds = "_seconds";

    public static readonly string Local = Path.Combine(Infrastructure.Folder, "local");

    public static readonly Alert[] Alerts = JsonSerializer.Deserialize<Alert[]>(
        File.ReadAllText(Path.Combine(Infrastructure.Folder, "alerts.json")), JsonSerializerOptions.Web)!;

    public static IEnumerable<Query> Kusto =>
    [
        new("health.kql", File.ReadAllText(Path.Combine(Infrastructure.Folder, "health.kql"))),
        .. Alerts.Select(a => new Query($"alert {a.Id}", a.Kusto)),
        .. Directory.GetFiles(Path.Combine(Infrastructure.Folder, "workbooks"), "*.json").Order().SelectMany(WorkbookQueries),
    ];

    public static IEnumerable<Query> PromQl =>
    [
        .. Alerts.Select(a => new Query($"alert {a.Id}", a.Prometheus)),
        .. JsonElement.Parse(File.ReadAllText(Path.Combine(Local, "dashboard.json"))).GetProperty("panels").EnumerateArray().SelectMany(p =>
            p.GetProperty("targets").EnumerateArray().Select(t => new Query($"panel {p.GetProperty("title").GetString()}", t.GetProperty("expr").GetString()!))),
    ];

    /// <summary>Names under which Prometheus gets a metric.</summary>
    public static IEnumerable<string> PrometheusNames(Metric metric)
    {
        var name = metric.Name.Replace('.', '_') + (metric.Unit == "s" ? Seconds : "");
        return metric.Kind switch
        {
            MetricKind.Counter => [name + "_total"],
            MetricKind.Histogram => [name + "_bucket", name + "_sum", name + "_count"],
            _ => [name],
        };
    }

    /// <summary>The platform's metrics that a query asks for, in either language.</summary>
    public static IEnumerable<string> MetricsIn(Query query) => MetricName().Matches(query.Text).Select(m => m.Value.Trim('"')).Distinct();

    private static IEnumerable<Query> WorkbookQueries(string file) =>
        JsonElement.Parse(File.ReadAllText(file)).GetProperty("items").EnumerateArray().Where(i => i.GetProperty("type").GetInt32() == 3)
            .Select(i => new Query($"{Path.GetFileName(file)}: {i.GetProperty("name").GetString()}", i.GetProperty("content").GetProperty("query").GetString()!));

    [GeneratedRegex("\"pumps\\.[a-z_.]+\"|\\bpumps_[a-z_]+")]
    private static partial Regex MetricName();
}
