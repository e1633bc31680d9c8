using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Pumps.Handlers.Observability;

/// <summary>OpenTelemetry as every host has it. The host chooses who gets it: Prometheus in the local region, Azure Monitor in Azure.</summary>
public static class Telemetry
{
    /// <summary>Adds metrics, traces, the ledger and the lag gauges. The host registers <see cref="IRegionStatus"/> and a <see cref="TimeProvider"/>.</summary>
    /// <param name="service">Name of the app in all it sends: <c>local-region</c>, <c>decode</c>.</param>
    /// <param name="metrics">Adds the host's exporter of metrics.</param>
    /// <param name="traces">Adds the host's exporter of traces; without one nothing is recorded, and traces cost nothing.</param>
    public static IServiceCollection AddPumpsTelemetry(
        this IServiceCollection services, string service, Action<MeterProviderBuilder>? metrics = null, Action<TracerProviderBuilder>? traces = null)
    {
        services.AddOptions<TelemetryOptions>().BindConfiguration(TelemetryOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<Ledger>();
        services.AddSingleton<MessageSampler>();
        services.AddHostedService<LagGauges>();

        var telemetry = services.AddOpenTelemetry().ConfigureResource(r => r.AddService(service));
        telemetry.WithMetrics(m =>
        {
            m.AddMeter(Metrics.Name).AddRuntimeInstrumentation().AddAspNetCoreInstrumentation();
            // Batches take from a millisecond to the seconds of a slow database; the defaults are made for milliseconds.
            m.AddView(Metrics.HandleDuration.Name, new ExplicitBucketHistogramConfiguration
            {
                Boundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
            });
            metrics?.Invoke(m);
        });
        if (traces is not null)
            telemetry.WithTracing(t =>
            {
                t.AddSource(Metrics.Name).AddAspNetCoreInstrumentation(o => o.Filter = IsWorthATrace);
                t.SetSampler(s => new ParentBasedSampler(new EntrySampler(s.GetRequiredService<IOptions<TelemetryOptions>>().Value.RequestShare)));
                traces(t);
            });
        return services;
    }

    // Probes and scrapes come every few seconds and say nothing.
    private static bool IsWorthATrace(HttpContext http) => !http.Request.Path.StartsWithSegments("/health") && !http.Request.Path.StartsWithSegments("/metrics");

    /// <summary>Where a trace begins: messages and batches were chosen already (<see cref="MessageSampler"/>), requests by their share.</summary>
    private sealed class EntrySampler(double requestShare) : Sampler
    {
        private readonly TraceIdRatioBasedSampler _requests = new(requestShare);

        public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
            samplingParameters.Name.StartsWith(BatchTrace.Prefix, StringComparison.Ordinal)
                ? new(SamplingDecision.RecordAndSample)
                : _requests.ShouldSample(samplingParameters);
    }
}
