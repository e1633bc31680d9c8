using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Pumps.Fleet;
using Pumps.Fleet.Mqtt;
using Pumps.Handlers.Observability;

namespace Pumps.Journeys.Tests;

/// <summary>A real Prometheus scrapes a region with a fleet: code emits what the catalog of metrics says, and every query of alerts and dashboard works on it.</summary>
[NonParallelizable]
public sealed class PrometheusJourney
{
    private static readonly string Local = Path.Combine(Repository(), "bicep", "local");

    // They say that something has gone wrong, or that devices have registered, which those of this journey need not.
    private static readonly string[] Absent = [Metrics.HandleFailures.Name, Metrics.GatewayRegistrations.Name];

    private static readonly string[] LabelsOfTheScrape = ["__name__", "instance", "job", "le", "otel_scope_name", "otel_scope_version", "otel_scope_schema_url"];

    private static readonly FleetOptions Options = new()
    {
        Devices = 15, TelemetryInterval = TimeSpan.FromSeconds(1), SpeedUp = 300, IncidentsPerSiteDay = 20, ConnectsPerSecond = 1000, Seed = 31,
        Faults = new() { BitFlip = 0.2, Truncate = 0.2 },
    };

    private readonly CancellationTokenSource _enough = new();
    private HostedRegion _region = null!;
    private Process _prometheus = null!;
    private HttpClient _http = null!;
    private string _folder = "";
    private Task _fleet = Task.CompletedTask;

    [OneTimeSetUp]
    public async Task Start()
    {
        _region = await HostedRegion.StartAsync();
        _folder = Directory.CreateTempSubdirectory("pumps-prometheus-").FullName;
        var port = RunningRegion.FreePort();
        // The scrape is what differs: a port of the test, and an interval for a journey of seconds.
        var config = Path.Combine(_folder, "prometheus.yml");
        await File.WriteAllTextAsync(config, (await File.ReadAllTextAsync(Path.Combine(Local, "prometheus.yml")))
            .Replace("localhost:8080", $"127.0.0.1:{_region.Url.Port}", StringComparison.Ordinal).Replace("10s", "1s", StringComparison.Ordinal)
            .Replace("[alerts.yml]", $"[{Path.Combine(Local, "alerts.yml")}]", StringComparison.Ordinal));
        _prometheus = Process.Start(new ProcessStartInfo(
            "prometheus",
            [$"--config.file={config}", $"--storage.tsdb.path={Path.Combine(_folder, "data")}", $"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]))!;
        _http = new() { BaseAddress = new($"http://127.0.0.1:{port}/"), Timeout = Patience.Usual };

        var stranger = new DeviceCredentials("localhost", "dp2-ffffffffffffffff", Convert.ToBase64String(new byte[32]));
        await FieldDevice.TryConnectAsync(_region.Mqtt, stranger);
        using var refused = await _region.Http.PostAsJsonAsync($"api/devices/{stranger.DeviceId}/commands", new { command = "start", arguments = new { } });
        Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
        _fleet = new Fleet.Fleet(
            Options, new FleetConnection(_region.Mqtt.Address.ToString(), _region.Mqtt.Port, Plain: true), new HttpProvisioner(_region.Http),
            RunningRegion.Catalog.Dictionaries, TimeProvider.System).RunAsync(_enough.Token);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await _enough.CancelAsync();
        await _fleet;
        _http.Dispose();
        _prometheus.Kill();
        await _prometheus.WaitForExitAsync();
        _prometheus.Dispose();
        await _region.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
        _enough.Dispose();
    }

    [Test]
    public async Task The_region_emits_every_metric_of_the_catalog_with_its_attributes_and_no_other()
    {
        var expected = Metrics.Catalog.Where(m => !Absent.Contains(m.Name)).SelectMany(Series).ToHashSet();

        HashSet<string> seen = [];
        await Patience.UntilAsync(
            async () => string.Join(' ', expected.Except(seen = await SeriesAsync())), missing => missing.Length == 0, "metrics of the catalog that are missing");
        Assert.That(seen.Except(Metrics.Catalog.SelectMany(Series)), Is.Empty, "Metrics.cs does not know these.");
    }

    [Test]
    public async Task Every_alert_is_evaluated()
    {
        var rules = await Patience.UntilAsync(RulesAsync, r => r.Count > 0 && r.All(rule => rule.GetProperty("health").GetString() != "unknown"), "all rules evaluated");

        Assert.That(rules.Select(r => r.GetProperty("name").GetString()), Is.EquivalentTo(
            JsonElement.Parse(await File.ReadAllTextAsync(Path.Combine(Local, "..", "alerts.json"))).EnumerateArray().Select(a => a.GetProperty("id").GetString())));
        Assert.That(rules.Where(r => r.GetProperty("health").GetString() != "ok").Select(r => r.ToString()), Is.Empty);
    }

    [Test]
    public async Task Every_query_of_the_dashboard_returns_data()
    {
        using var dashboard = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Local, "dashboard.json")));
        foreach (var target in dashboard.RootElement.GetProperty("panels").EnumerateArray().SelectMany(p => p.GetProperty("targets").EnumerateArray()))
        {
            // Grafana sets the interval by the scrapes; here they come every second.
            var query = target.GetProperty("expr").GetString()!.Replace("$__rate_interval", "30s", StringComparison.Ordinal);
            await Patience.UntilAsync(() => QueryAsync(query), r => r.GetArrayLength() > 0, query);
        }
    }

    private async Task<HashSet<string>> SeriesAsync()
    {
        // OpenMetrics says beside each counter when it began.
        var answer = await GetAsync("api/v1/series?match[]={__name__=~\"pumps_.%2B\",__name__!~\".%2B_created\"}");
        return [.. answer.EnumerateArray().Select(s =>
            $"{s.GetProperty("__name__").GetString()}({string.Join(", ", s.EnumerateObject().Select(l => l.Name).Except(LabelsOfTheScrape).Order())})")];
    }

    private static IEnumerable<string> Series(Metric metric) => Names(metric).Select(n => $"{n}({string.Join(", ", metric.Attributes.Order())})");

    private async Task<List<JsonElement>> RulesAsync() =>
        [.. (await GetAsync("api/v1/rules")).GetProperty("groups").EnumerateArray().SelectMany(g => g.GetProperty("rules").EnumerateArray())];

    private async Task<JsonElement> QueryAsync(string query) => (await GetAsync($"api/v1/query?query={Uri.EscapeDataString(query)}")).GetProperty("result");

    private async Task<JsonElement> GetAsync(string path)
    {
        // It takes a moment until Prometheus listens, and another until it has read its own storage.
        using var answer = await Patience.UntilAsync(
            async () =>
            {
                try
                {
                    return await _http.GetAsync(new Uri(path, UriKind.Relative));
                }
                catch (HttpRequestException) when (!_prometheus.HasExited)
                {
                    return null;
                }
            }, a => a is not null && a.StatusCode is not System.Net.HttpStatusCode.ServiceUnavailable, $"Prometheus answers {path}");
        var body = await answer!.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That(body.GetProperty("status").GetString(), Is.EqualTo("success"), body.ToString());
        return body.GetProperty("data");
    }

    private static IEnumerable<string> Names(Metric metric)
    {
        var name = metric.Name.Replace('.', '_') + (metric.Unit == "s" ? "_seconds" : "");
        return metric.Kind switch
        {
            MetricKind.Counter => [name + "_total"],
            MetricKind.Histogram => [name + "_bucket", name + "_sum", name + "_count"],
            _ => [name],
        };
    }

    private static string Repository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Pumps.Functions.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException($"No Pumps.Functions.sln above {AppContext.BaseDirectory}.");
    }
}
