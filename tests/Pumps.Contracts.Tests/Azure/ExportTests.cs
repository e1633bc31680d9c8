using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using Azure.Core.Pipeline;
using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Pumps.Azure;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>What the real exporter sends to Azure Monitor, taken off in front of the network.</summary>
[NonParallelizable]
public sealed class ExportTests
{
    private static readonly DateTimeOffset Noon = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);

    // A line of usual length, with what it names.
    private static readonly Action<ILogger, string, int, string, Exception?> FrameSetAside =
        LoggerMessage.Define<string, int, string>(LogLevel.Warning, new(1, nameof(FrameSetAside)), "Set aside a frame of {Device}, {FrameBytes} bytes: {Code}");

    private readonly Ingestion _ingestion = new();
    private ServiceProvider _services = null!;

    [SetUp]
    public async Task StartAsync()
    {
        _ingestion.Clear();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(
            new Dictionary<string, string?> { ["Telemetry:RequestShare"] = "0", ["Telemetry:MessagesPerTrace"] = "1" }).Build());
        services.AddAzureExport();
        services.Configure<AzureMonitorExporterOptions>(options =>
        {
            options.ConnectionString = $"InstrumentationKey={Guid.NewGuid()};IngestionEndpoint=https://ingestion.invalid/";
            options.Transport = new HttpClientTransport(new HttpClient(_ingestion, disposeHandler: false));
            options.DisableOfflineStorage = true;
        });
        _services = services.BuildServiceProvider();
        // The exporter takes its place behind all others when the host starts.
        foreach (var service in _services.GetServices<IHostedService>())
            await service.StartAsync(CancellationToken.None);
    }

    [TearDown]
    public async Task StopAsync() => await _services.DisposeAsync();

    [OneTimeTearDown]
    public void Close() => _ingestion.Dispose();

    [Test]
    public void What_was_not_chosen_is_exported_only_when_it_ends_with_an_error_or_took_long()
    {
        Span("quick", TimeSpan.FromSeconds(1), ActivityStatusCode.Unset);
        Span("wrong", TimeSpan.FromSeconds(1), ActivityStatusCode.Error);
        Span("slow", TimeSpan.FromSeconds(6), ActivityStatusCode.Ok);

        Assert.That(Spans(), Is.EquivalentTo(new[] { "wrong", "slow" }));
    }

    [Test]
    public void A_callers_choice_does_not_decide_and_its_trace_goes_on()
    {
        var caller = ActivityContext.Parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", null);
        Span("quick", TimeSpan.FromSeconds(1), ActivityStatusCode.Unset, new(caller.TraceId, caller.SpanId, caller.TraceFlags, isRemote: true));
        Span("wrong", TimeSpan.FromSeconds(1), ActivityStatusCode.Error, new(caller.TraceId, caller.SpanId, caller.TraceFlags, isRemote: true));

        Assert.That(Spans(), Is.EqualTo(new[] { "wrong" }));
        Assert.That(_ingestion.Items.Single(i => Data(i).TryGetProperty("duration", out _)).GetProperty("tags").GetProperty("ai.operation.id").GetString(), Is.EqualTo("0af7651916cd43dd8448eb211c80319c"));
    }

    [Test]
    public async Task A_message_that_was_chosen_is_followed_through_its_services()
    {
        using var invocation = Metrics.Activities.StartActivity("invocation");
        var batch = Traced();
        Assert.That(Activity.Current, Is.SameAs(invocation));
        await HandleAsync("decode", "raw-telemetry-dp2", batch);

        Assert.That(Spans(), Is.EquivalentTo(new[] { "pumps.enter", "pumps.decode", "pumps.decode.batch" }), "The invocation was not chosen, and does not choose.");
    }

    [Test]
    public async Task The_spans_of_a_batch_that_failed_say_so()
    {
        var batch = Traced();
        Assert.That(async () => await HandleAsync("decode", "raw-telemetry-dp2", batch, fail: true), Throws.TypeOf<IOException>());

        Spans();
        Assert.That(
            _ingestion.Items.Where(i => Data(i).TryGetProperty("success", out var success) && !success.GetBoolean()).Select(i => Data(i).GetProperty("name").GetString()),
            Is.EquivalentTo(new[] { "pumps.decode", "pumps.decode.batch" }));
    }

    [Test]
    public async Task A_metric_arrives_with_its_name_and_its_attributes()
    {
        await HandleAsync("decode", "raw-telemetry-dp2", Traced());

        var metric = Exported().First(i => Metric(i).GetProperty("name").GetString() == Metrics.EventsIn.Name && Property(i, "hub") == "raw-telemetry-dp2");
        Assert.That(Property(metric, "service"), Is.EqualTo("decode"));
        foreach (var item in Exported().Where(i => Metrics.Catalog.Any(m => m.Name == Metric(i).GetProperty("name").GetString())))
            Assert.That(
                Data(item).GetProperty("properties").EnumerateObject().Select(p => p.Name).Where(n => !n.StartsWith("_MS.", StringComparison.Ordinal)),
                Is.EquivalentTo(Metrics.Catalog.Single(m => m.Name == Metric(item).GetProperty("name").GetString()).Attributes));
    }

    [Test]
    public void A_line_of_the_log_comes_whether_its_trace_was_chosen_or_not_and_the_libraries_small_talk_does_not()
    {
        var loggers = _services.GetRequiredService<ILoggerFactory>();
        using (Metrics.Activities.StartActivity("quick"))
        {
            Say(loggers.CreateLogger("Pumps.Handlers"), LogLevel.Information, "ours");
            Say(loggers.CreateLogger("Azure.Core"), LogLevel.Information, "theirs");
            Say(loggers.CreateLogger("Azure.Core"), LogLevel.Warning, "their warning");
        }

        _services.GetRequiredService<LoggerProvider>().ForceFlush();
        Assert.That(
            _ingestion.Items.Where(i => Data(i).TryGetProperty("message", out _)).Select(i => Data(i).GetProperty("message").GetString()),
            Is.EquivalentTo(new[] { "ours", "their warning" }));
    }

    /// <summary>The figures from which bicep/README.md estimates what telemetry costs.</summary>
    [Test]
    public async Task An_item_is_not_larger_than_the_estimate_of_its_cost_says()
    {
        for (var i = 0; i < 10; i++)
            await HandleAsync("decode", "raw-telemetry-dp2", Traced());
        Spans();
        var spans = _ingestion.Items.Where(i => Data(i).TryGetProperty("duration", out _)).Select(i => i.ToString().Length).Average();
        FrameSetAside(_services.GetRequiredService<ILoggerFactory>().CreateLogger("Pumps.Handlers.Decoding.DecodeFrames"), "dp2-70b3d57ed0000001", 48, "E_CRC", null);
        _services.GetRequiredService<LoggerProvider>().ForceFlush();
        var lines = _ingestion.Items.Where(i => Data(i).TryGetProperty("message", out _)).Select(i => i.ToString().Length).Average();
        var metrics = Exported().Select(i => i.ToString().Length).Average();
        TestContext.Out.WriteLine($"span {spans:0} bytes, metric {metrics:0} bytes, line {lines:0} bytes");

        Assert.That(spans, Is.InRange(600, 850), "bytes of a span: 721");
        Assert.That(metrics, Is.InRange(400, 550), "bytes of one value of one metric: 473");
        Assert.That(lines, Is.InRange(400, 1000), "bytes of a line of the log");
    }

    private HubBatch Traced() => new("raw-telemetry-dp2", "0",
        [Pumps.Azure.EventHubs.HubBatches.Enter(
            _services.GetRequiredService<MessageSampler>(),
            new(1, Noon, "dp2-1", new EventProperties(new KeyValuePair<string, string>(PropertyNames.DeviceId, "dp2-1")), new byte[] { 1 }))]);

    private static async Task HandleAsync(string service, string hub, HubBatch batch, bool fail = false)
    {
        using var handling = new Ledger(TimeProvider.System).Begin(service, batch with { Hub = hub }, CancellationToken.None);
        await Task.Yield();
        if (fail)
            throw new IOException("the hub is full");
        handling.Done(new(1, 1, 0, 0, 0));
    }

    private static void Span(string name, TimeSpan duration, ActivityStatusCode status, ActivityContext parent = default)
    {
        using var span = Metrics.Activities.StartActivity(name, ActivityKind.Server, parent)!;
        span.SetStatus(status);
        span.SetEndTime(span.StartTimeUtc + duration);
    }

    private static void Say(ILogger log, LogLevel level, string text) => log.Log(level, default, text, null, static (state, _) => state);

    private IEnumerable<string?> Spans()
    {
        _services.GetRequiredService<TracerProvider>().ForceFlush();
        return _ingestion.Items.Where(i => Data(i).TryGetProperty("duration", out _)).Select(i => Data(i).GetProperty("name").GetString()).ToList();
    }

    private IEnumerable<JsonElement> Exported()
    {
        _services.GetRequiredService<MeterProvider>().ForceFlush();
        return _ingestion.Items.Where(i => i.GetProperty("data").GetProperty("baseType").GetString() == "MetricData").ToList();
    }

    private static JsonElement Data(JsonElement item) => item.GetProperty("data").GetProperty("baseData");

    private static JsonElement Metric(JsonElement item) => Data(item).GetProperty("metrics")[0];

    private static string? Property(JsonElement item, string name) => Data(item).GetProperty("properties").TryGetProperty(name, out var value) ? value.GetString() : null;

    /// <summary>Takes what would go to Azure Monitor.</summary>
    private sealed class Ingestion : HttpMessageHandler
    {
        private readonly Lock _lock = new();
        private readonly List<JsonElement> _items = [];

        public IReadOnlyList<JsonElement> Items
        {
            get
            {
                lock (_lock)
                    return [.. _items];
            }
        }

        public void Clear()
        {
            lock (_lock)
                _items.Clear();
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var body = await request.Content!.ReadAsStreamAsync(cancellationToken);
            if (request.Content.Headers.ContentEncoding.Contains("gzip"))
                body = new GZipStream(body, CompressionMode.Decompress);
            using var reader = new StreamReader(body);
            var lines = (await reader.ReadToEndAsync(cancellationToken)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            lock (_lock)
                _items.AddRange(lines.Select(l => JsonElement.Parse(l)));
            return new() { Content = new StringContent($$"""{"itemsReceived":{{lines.Length}},"itemsAccepted":{{lines.Length}},"errors":[]}""") };
        }

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            SendAsync(request, cancellationToken).GetAwaiter().GetResult();
    }
}
