using System.Collections.Concurrent;
using System.Data.Common;
using System.Text.Json;
using Azure;
using Azure.Messaging.EventHubs;
using Azure.Messaging.ServiceBus;
using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Devices.Common.Exceptions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Pumps.Azure;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Portal;

namespace Pumps.Contracts.Tests.Portal;

public sealed class PipelineTests
{
    private static readonly TestCaseData<Exception, int>[] AzureErrors =
    [
        new(new IotHubException("slow down", isTransient: true), 503),
        new(new ServiceBusException(true, "busy"), 503),
        new(new EventHubsException(true, "raw-telemetry-dp1", "busy"), 503),
        new(new RequestFailedException(429, "slow down"), 503),
        new(new TaskCanceledException("a client's time-out"), 503),
        new(new RequestFailedException(403, "not yours"), 500),
    ];

    private PortalHost _host = null!;

    [SetUp]
    public async Task Start() => _host = await PortalHost.StartAsync();

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task An_unknown_route_is_a_problem()
    {
        var problem = await _host.GetAsync("/api/toasters", 404);

        Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:unknown_route"));
        Assert.That(problem.GetProperty("detail").GetString(), Does.Contain("/api/toasters"));
    }

    [Test]
    public async Task A_wrong_method_is_a_problem_that_names_the_right_ones()
    {
        var problem = await _host.SendAsync(HttpMethod.Post, "/api/catalog", 405);

        Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:method_not_allowed"));
        Assert.That(problem.GetProperty("detail").GetString(), Does.Contain("GET"));
    }

    [Test]
    public async Task A_body_that_somebody_has_written_wrongly_is_no_error_in_the_log_and_a_broken_region_is_one()
    {
        var log = new Errors();
        await using var host = await PortalHost.StartAsync(change: services => services.AddSingleton<ILoggerProvider>(log));
        await host.SendAsync(HttpMethod.Put, "/api/devices/dp1-1", 400, "{ \"tims\": 1 }");
        Assert.That(log.Logged, Is.Empty);

        host.Ports.Broken = new InvalidOperationException("a bug");
        await host.GetAsync("/api/devices", 500);
        Assert.That(log.Logged, Is.EqualTo(new[] { "GET /api/devices met an unexpected error" }), "once");
    }

    private sealed class Errors : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Logged { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                Logged.Enqueue(formatter(state, exception));
        }

        public void Dispose()
        {
            // It holds nothing.
        }
    }

    [Test]
    public async Task A_body_of_another_media_type_is_a_problem()
    {
        using var answer = await _host.Http.PutAsync(new Uri("/api/devices/dp1-1", UriKind.Relative), new StringContent("a=b"));
        var problem = JsonElement.Parse(await answer.Content.ReadAsStringAsync());

        Assert.That((int)answer.StatusCode, Is.EqualTo(415));
        Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:media_type"));
    }

    [Test]
    public async Task A_body_that_is_too_large_is_a_problem()
    {
        var problem = await _host.SendAsync(HttpMethod.Post, "/api/devices", 413, "[" + new string(' ', 1 << 20) + "]");

        Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:body_too_large"));
    }

    [Test]
    public async Task A_bug_is_a_500_without_internals()
    {
        _host.Ports.Broken = new InvalidOperationException("the password is hunter2");

        var problem = await _host.GetAsync("/api/devices", 500);

        Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:internal_error"));
        Assert.That(problem.ToString(), Does.Not.Contain("hunter2").And.Not.Contain("Exception"));
    }

    [Test]
    public async Task A_database_that_is_away_is_a_503_that_says_when_to_come_back()
    {
        _host.Ports.Broken = new DatabaseAway();

        using var answer = await _host.Http.GetAsync(new Uri("/api/devices", UriKind.Relative));
        var problem = JsonElement.Parse(await answer.Content.ReadAsStringAsync());

        Assert.Multiple(() =>
        {
            Assert.That((int)answer.StatusCode, Is.EqualTo(503));
            Assert.That(answer.Headers.RetryAfter!.Delta, Is.EqualTo(TimeSpan.FromSeconds(5)));
            Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:dependency_unavailable"));
            Assert.That(problem.ToString(), Does.Not.Contain("db.internal"));
        });
    }

    [TestCaseSource(nameof(AzureErrors))]
    public async Task What_passes_by_itself_in_Azure_is_a_503_and_the_rest_our_fault(Exception error, int status)
    {
        await using var host = await PortalHost.StartAsync(change: services => services.AddSingleton<DependencyFault>(AzureFaults.IsTransient));
        host.Ports.Broken = error;

        using var answer = await host.Http.GetAsync(new Uri("/api/devices", UriKind.Relative));

        Assert.That((int)answer.StatusCode, Is.EqualTo(status));
        Assert.That(answer.Headers.RetryAfter is not null, Is.EqualTo(status == 503));
        Assert.That(answer.Headers.GetValues("X-Content-Type-Options"), Is.EqualTo(new[] { "nosniff" }), "Also on an answer that was made of an exception.");
    }

    [Test]
    public async Task A_guard_is_asked_with_the_role_of_the_route_and_can_end_the_request()
    {
        var asked = new List<PortalRole>();
        await using var guarded = await PortalHost.StartAsync((_, role) =>
        {
            asked.Add(role);
            return ValueTask.FromResult(role is PortalRole.Ops ? Results.Problem(statusCode: 403, type: "urn:pumps:forbidden") : null);
        });

        await guarded.GetAsync("/api/health/live");
        await guarded.GetAsync("/api/devices");
        await guarded.SendAsync(HttpMethod.Delete, "/api/devices/dp1-1", 404);
        var refused = await guarded.GetAsync("/api/ops/status", 403);
        await guarded.GetAsync("/api/unknown", 404);

        Assert.That(asked, Is.EqualTo(new[] { PortalRole.Public, PortalRole.Viewer, PortalRole.Operator, PortalRole.Ops }));
        Assert.That(refused.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:forbidden"));
    }

    [Test]
    public async Task The_catalog_lists_offerings_products_and_the_points_of_dictionaries()
    {
        var catalog = await _host.GetAsync("/api/catalog");

        var pump = catalog.GetProperty("products").EnumerateArray().Single(p => p.GetProperty("id").GetString() == "irrigation-pump-v1");
        var dictionary = catalog.GetProperty("dictionaries").EnumerateArray()
            .Single(d => d.GetProperty("id").GetInt32() == pump.GetProperty("dictionary").GetInt32());
        var flow = dictionary.GetProperty("points").EnumerateArray().Single(p => p.GetProperty("name").GetString() == "flow");
        Assert.Multiple(() =>
        {
            Assert.That(catalog.GetProperty("offerings").EnumerateArray().Select(o => o.GetProperty("id").GetString()),
                Is.EqualTo(new[] { "fire-protection", "irrigation", "water-mixing" }));
            Assert.That(pump.GetProperty("protocol").GetString(), Is.EqualTo("dp1"));
            Assert.That(flow.GetProperty("unit").GetString(), Is.EqualTo("m3/h"));
            Assert.That(flow.GetProperty("type").GetString(), Is.EqualTo("decimal"));
        });
    }

    [Test]
    public async Task Ready_names_every_check()
    {
        var ready = await _host.GetAsync("/api/health/ready");

        Assert.That(ready.GetProperty("status").GetString(), Is.EqualTo("healthy"));
        Assert.That(ready.GetProperty("checks").EnumerateArray().Select(c => $"{c.GetProperty("name")}: {c.GetProperty("detail")}"),
            Is.EqualTo(new[] { "database: answers", "hubs: writable", "lag: up to date", "time_zones: known" }));
    }

    [Test]
    public async Task Ready_is_503_without_database_or_hubs_and_degraded_when_behind()
    {
        _host.Ports.Snapshot = _host.Ports.Snapshot with { Lags = [new("raw-telemetry-dp1", "decode", 1200, TimeSpan.FromSeconds(61))] };
        var behind = await _host.GetAsync("/api/health/ready");

        _host.Ports.Snapshot = _host.Ports.Snapshot with { UnwritableHubs = new Dictionary<string, string> { ["raw-event-dp1"] = "disk full" } };
        var unwritable = await _host.GetAsync("/api/health/ready", 503);

        _host.Ports.Broken = new DatabaseAway();
        var away = await _host.GetAsync("/api/health/ready", 503);

        Assert.Multiple(() =>
        {
            Assert.That(behind.GetProperty("status").GetString(), Is.EqualTo("degraded"));
            Assert.That(behind.ToString(), Does.Contain("raw-telemetry-dp1/decode by 1200 events, 61 s"));
            Assert.That(unwritable.ToString(), Does.Contain("not writable: raw-event-dp1"));
            Assert.That(away.ToString(), Does.Contain("does not answer").And.Not.Contain("db.internal"));
        });
        await _host.GetAsync("/api/health/live");
    }

    [Test]
    public async Task Status_shows_the_ledger_with_its_difference_and_the_lags()
    {
        _host.Ledger.Record("decode", "raw-telemetry-dp1", new LedgerEntry(10, 6, 1, 2, 1));
        _host.Ledger.Record("latest", "irrigation-telemetry", new LedgerEntry(6, 5, 0, 0, 0));
        _host.Ports.Snapshot = _host.Ports.Snapshot with { Lags = [new("irrigation-telemetry", "latest", 3, TimeSpan.FromSeconds(1.5))], GatewayConnections = 7 };

        var status = await _host.GetAsync("/api/ops/status");

        Assert.Multiple(() =>
        {
            Assert.That(status.GetProperty("ledger").EnumerateArray().Select(l => l.GetProperty("difference").GetInt64()), Is.EqualTo(new[] { 0L, 1L }));
            Assert.That(status.GetProperty("ledgerDifference").GetInt64(), Is.EqualTo(1));
            Assert.That(status.GetProperty("gatewayConnections").GetInt32(), Is.EqualTo(7));
            Assert.That(status.GetProperty("uptimeSeconds").GetDouble(), Is.EqualTo(7200));
            Assert.That(status.GetProperty("lags")[0].ToString(),
                Is.EqualTo("""{"hub":"irrigation-telemetry","group":"latest","events":3,"seconds":1.5}"""));
        });
    }

    private sealed class DatabaseAway() : DbException("connection to db.internal refused")
    {
        public override bool IsTransient => true;
    }
}
