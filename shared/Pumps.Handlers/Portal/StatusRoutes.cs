using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;

namespace Pumps.Handlers.Portal;

/// <param name="Status"><c>healthy</c>, <c>degraded</c> (works, but look at it) or <c>unhealthy</c>.</param>
public sealed record CheckView(string Name, string Status, string? Detail, double Milliseconds);

public sealed record HealthView(string Status, IReadOnlyList<CheckView> Checks);

/// <summary>One line of the conservation ledger since the process started; <paramref name="Difference"/> other than 0 is a bug.</summary>
public sealed record LedgerView(
    string Service, string Hub, long In, long Out, long DeadLettered, long Duplicate, long Filtered, long Difference);

public sealed record LagView(string Hub, string Group, long Events, double Seconds);

/// <param name="LedgerDifference">Sum of the lines' absolute differences.</param>
/// <param name="DeadLetters">Letters not replayed, by code.</param>
public sealed record StatusView(
    string Region, string Version, DateTimeOffset StartedAt, double UptimeSeconds, int GatewayConnections, long LedgerDifference,
    IReadOnlyList<LedgerView> Ledger, IReadOnlyList<LagView> Lags, IReadOnlyDictionary<string, long> DeadLetters);

internal static class StatusRoutes
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/health/live", () => TypedResults.Ok(new HealthView("healthy", []))).For(PortalRole.Public).WithTags("Operation")
            .WithName("live").WithSummary("Whether the process answers").Produces<HealthView>();

        routes.MapGet("/api/health/ready", ReadyAsync).For(PortalRole.Public).WithTags("Operation").WithName("ready")
            .WithSummary("Whether the region can take and keep messages, check by check")
            .Produces<HealthView>().Produces<HealthView>(StatusCodes.Status503ServiceUnavailable);

        // One process of an app that has many knows neither hubs nor gateway: in Azure the workbooks show the region.
        if (routes.ServiceProvider.GetRequiredService<IServiceProviderIsService>().IsService(typeof(IRegionStatus)))
            routes.MapGet("/api/ops/status", StatusAsync).For(PortalRole.Ops).WithTags("Operation").WithName("readStatus")
                .WithSummary("Ledger, lags, dead letters and connections of this region").Produces<StatusView>().ProducesProblem(503);
    }

    private static async Task<IResult> ReadyAsync(HealthCheckService checks, CancellationToken cancel)
    {
        var report = await checks.CheckHealthAsync(cancel);
        var view = new HealthView(Word(report.Status),
            [.. report.Entries.OrderBy(e => e.Key).Select(e => new CheckView(
                e.Key, Word(e.Value.Status), e.Value.Description, Math.Round(e.Value.Duration.TotalMilliseconds, 1)))]);
        return TypedResults.Json(view, statusCode: report.Status is HealthStatus.Unhealthy ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);
    }

    private static async Task<IResult> StatusAsync(
        IRegionStatus region, Ledger ledger, IDeadLetterQueries letters, TimeProvider time, CancellationToken cancel)
    {
        var snapshot = region.Read();
        LedgerView[] lines =
        [
            .. ledger.Totals.OrderBy(t => t.Key.Service).ThenBy(t => t.Key.Hub).Select(t => new LedgerView(
                t.Key.Service, t.Key.Hub, t.Value.In, t.Value.Out, t.Value.DeadLettered, t.Value.Duplicate, t.Value.Filtered, t.Value.Difference)),
        ];
        return TypedResults.Ok(new StatusView(
            snapshot.Region, snapshot.Version, snapshot.StartedAt, Math.Round((time.GetUtcNow() - snapshot.StartedAt).TotalSeconds, 1),
            snapshot.GatewayConnections, lines.Sum(l => Math.Abs(l.Difference)), lines,
            [.. snapshot.Lags.Select(l => new LagView(l.Hub, l.Group, l.Events, Math.Round(l.Age.TotalSeconds, 1)))],
            await letters.CountByCodeAsync(cancel)));
    }

    private static string Word(HealthStatus status) => status switch
    {
        HealthStatus.Healthy => "healthy",
        HealthStatus.Degraded => "degraded",
        _ => "unhealthy",
    };
}
