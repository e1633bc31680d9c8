using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Pumps.Handlers.Observability;

/// <summary>OpenTelemetry as every host has it. The host chooses who gets it: Prometheus in the local region, Azure Monitor in Azure.</summary>
public static class Telemetry
{
    /// <summary>Adds metrics, the ledger and the gauges of a host that has hubs and gateway. It registers <see cref="IRegionStatus"/> and a <see cref="TimeProvider"/>.</summary>
    /// <param name="service">Name of the app in all it sends: <c>local-region</c>.</param>
    /// <param name="metrics">Adds the host's exporter of metrics.</param>
    public static IServiceCollection AddPumpsTelemetry(this IServiceCollection services, string service, Action<MeterProviderBuilder>? metrics = null)
    {
        services.AddTelemetryOptions();
        services.AddSingleton<Ledger>();
        services.AddHostedService<LagGauges>();
        services.AddOpenTelemetry().ConfigureResource(r => r.AddService(service)).WithMetrics(m =>
        {
            m.AddPumpsMeter().AddRuntimeInstrumentation().AddAspNetCoreInstrumentation();
            metrics?.Invoke(m);
        });
        return services;
    }

    /// <summary>Options of sampling, and who chooses the messages to be traced.</summary>
    public static IServiceCollection AddTelemetryOptions(this IServiceCollection services)
    {
        services.AddOptions<TelemetryOptions>().BindConfiguration(TelemetryOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<MessageSampler>();
        return services;
    }

    public static MeterProviderBuilder AddPumpsMeter(this MeterProviderBuilder metrics) => metrics
        .AddMeter(Metrics.Name)
        // Batches take from a millisecond to the seconds of a slow database, events wait from a moment to the hours of an outage; the defaults are
        // made for milliseconds.
        .AddView(Metrics.HandleDuration.Name, Buckets(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30))
        .AddView(Metrics.EventsAge.Name, Buckets(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600));

    /// <summary>Adds the platform's spans and those of requests, and keeps errors and slow ones. Before the exporter, which takes what was chosen.</summary>
    public static TracerProviderBuilder AddPumpsTraces(this TracerProviderBuilder traces) => traces
        .AddSource(Metrics.Name)
        .AddAspNetCoreInstrumentation(o => o.Filter = IsWorthATrace)
        .AddProcessor(services => new KeepErrorsAndSlow(Options(services).SlowSpan));

    /// <summary>Chooses at the start of a trace. After the exporter, which brings a sampler of its own.</summary>
    public static TracerProviderBuilder SetPumpsSampler(this TracerProviderBuilder traces) => traces.SetSampler(services => new EntrySampler(Options(services).RequestShare));

    private static TelemetryOptions Options(IServiceProvider services) => services.GetRequiredService<IOptions<TelemetryOptions>>().Value;

    private static ExplicitBucketHistogramConfiguration Buckets(params double[] boundaries) => new() { Boundaries = boundaries };

    // Probes and scrapes come every few seconds and say nothing.
    private static bool IsWorthATrace(HttpContext http) => !http.Request.Path.StartsWithSegments("/api/health") && !http.Request.Path.StartsWithSegments("/metrics");
}

/// <summary>
/// Where a trace begins in this process: messages and batches were chosen already (<see cref="MessageSampler"/>), requests and invocations by their
/// share. What is not chosen is recorded all the same: how it ends decides whether it is exported (<see cref="KeepErrorsAndSlow"/>).
/// </summary>
public sealed class EntrySampler(double requestShare) : Sampler
{
    private readonly TraceIdRatioBasedSampler _requests = new(requestShare);

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        var parent = samplingParameters.ParentContext;
        var chosen = parent.TraceId != default && !parent.IsRemote ? parent.TraceFlags.HasFlag(ActivityTraceFlags.Recorded)
            : samplingParameters.Name.StartsWith(BatchTrace.Prefix, StringComparison.Ordinal)
            || _requests.ShouldSample(samplingParameters).Decision is SamplingDecision.RecordAndSample;
        return new(chosen ? SamplingDecision.RecordAndSample : SamplingDecision.RecordOnly);
    }
}

/// <summary>Marks a span for export that was not chosen at its start, when it ends with an error or took long. Alone: the rest of its trace is not brought back.</summary>
public sealed class KeepErrorsAndSlow(TimeSpan slow) : BaseProcessor<Activity>
{
    public override void OnEnd(Activity data)
    {
        if (!data.Recorded && (data.Status is ActivityStatusCode.Error || data.Duration >= slow))
            data.ActivityTraceFlags |= ActivityTraceFlags.Recorded;
    }
}
