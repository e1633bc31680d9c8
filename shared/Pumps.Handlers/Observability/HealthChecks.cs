using System.Data.Common;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Pumps.Handlers.Hubs;

namespace Pumps.Handlers.Observability;

/// <summary>The checks behind <c>/api/health/ready</c>: each names what it looked at.</summary>
public static class HealthChecks
{
    // An orchestrator asks every few seconds; a check that takes longer than this is an answer too.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    /// <summary>For a host that has its hubs in the process and registers <see cref="IRegionStatus"/>.</summary>
    public static IHealthChecksBuilder AddRegionChecks(this IHealthChecksBuilder checks) => checks
        .AddAppChecks()
        .AddCheck<HubsCheck>("hubs", timeout: Patience)
        .AddCheck<LagCheck>("lag", timeout: Patience);

    /// <summary>For one app of many: what it needs itself.</summary>
    public static IHealthChecksBuilder AddAppChecks(this IHealthChecksBuilder checks) => checks
        .AddCheck<DatabaseCheck>("database", timeout: Patience)
        .AddCheck<TimeZoneCheck>("time_zones", timeout: Patience);
}

/// <summary>Reads from the database as every handler does, through its port.</summary>
internal sealed class DatabaseCheck(IDeadLetterQueries letters) : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            // Waited for from outside: a server that hangs holds up even the cancelling of a command.
            await letters.ListAsync(code: null, cursor: null, limit: 1, CancellationToken.None).WaitAsync(Patience, cancellationToken);
            return HealthCheckResult.Healthy("answers");
        }
        catch (Exception error) when (error is DbException or SocketException or TimeoutException or IOException)
        {
            // The message can hold addresses and names; the health page is public.
            return HealthCheckResult.Unhealthy("does not answer", error);
        }
    }
}

internal sealed class HubsCheck(IRegionStatus region) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var broken = region.Read().UnwritableHubs;
        return Task.FromResult(broken.Count == 0
            ? HealthCheckResult.Healthy("writable")
            : HealthCheckResult.Unhealthy("not writable: " + string.Join(", ", broken.Keys.Order())));
    }
}

/// <summary>A region that is behind works; taking it out of service would not help it to catch up. So: degraded.</summary>
internal sealed class LagCheck(IRegionStatus region) : IHealthCheck
{
    /// <summary>Older than this, a fire event would have been late.</summary>
    internal static readonly TimeSpan AgeMax = TimeSpan.FromMinutes(1);

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var late = region.Read().Lags.Where(l => l.Age > AgeMax + l.AgeExpected)
            .Select(l => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{l.Hub}/{l.Group} by {l.Events} events, {l.Age.TotalSeconds:0} s")).ToList();
        return Task.FromResult(late.Count == 0 ? HealthCheckResult.Healthy("up to date") : HealthCheckResult.Degraded("behind: " + string.Join("; ", late)));
    }
}

/// <summary>Schedules run on the civil time of sites; a minimal image has no tables of time zones. Everything else works without: degraded.</summary>
internal sealed class TimeZoneCheck : IHealthCheck
{
    // Two hours ahead in summer, one in winter: known only to a machine that has the tables.
    private const string Known = "Europe/Berlin";

    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(TimeZoneInfo.TryFindSystemTimeZoneById(Known, out _)
            ? HealthCheckResult.Healthy("known")
            : HealthCheckResult.Degraded("the system has no IANA time zones, so no schedule can run; install them (Debian, Ubuntu, Alpine: package tzdata)"));
}
