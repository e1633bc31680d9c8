using Azure.Core;
using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.Azure.Devices;
using Microsoft.Azure.Functions.Worker.OpenTelemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OpenTelemetry.Logs;
using OpenTelemetry.Trace;
using Pumps.Azure.Devices;
using Pumps.Azure.EventHubs;
using Pumps.Azure.ServiceBus;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Portal;

namespace Pumps.Azure;

/// <summary>The ports' Azure side. The local region adds its own adapters in the place of these.</summary>
public static class AzureServices
{
    /// <summary>Hubs. No secret anywhere: the app's identity signs in to all of them.</summary>
    public static IServiceCollection AddAzureAdapters(this IServiceCollection services, TokenCredential credential)
    {
        services.AddOptions<FeedHubsOptions>().BindConfiguration(FeedHubsOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        // Not at the start: most apps send nothing there.
        services.AddOptions<RawHubsOptions>().BindConfiguration(RawHubsOptions.Section).ValidateDataAnnotations();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(credential);
        services.AddSingleton<IHubPublisher, EventHubsPublisher>();
        services.AddSingleton<DependencyFault>(AzureFaults.IsTransient);
        return services;
    }

    /// <summary>For the app that replays dead letters: without the raw namespace it does not start.</summary>
    public static IServiceCollection AddReplay(this IServiceCollection services)
    {
        services.AddOptions<RawHubsOptions>().ValidateOnStart();
        return services;
    }

    /// <summary>
    /// The region's IoT Hub with its Device Provisioning Service: device identities, and the way to devices. For the apps that speak with devices.
    /// </summary>
    public static IServiceCollection AddIotHub(this IServiceCollection services)
    {
        services.AddOptions<IotHubOptions>().BindConfiguration(IotHubOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(s => RegistryManager.Create(HostOf(s), s.GetRequiredService<TokenCredential>()));
        services.AddSingleton(s => ServiceClient.Create(HostOf(s), s.GetRequiredService<TokenCredential>()));
        services.AddOptions<ProvisioningServiceOptions>().BindConfiguration(ProvisioningServiceOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ProvisioningRegistrations>();
        services.AddSingleton<IDeviceRegistry, IotHubRegistry>();
        services.AddSingleton<IDeviceMessaging, IotHubMessaging>();
        services.AddSingleton<IotHubFeedback>();
        return services;
    }

    /// <summary>The region's Service Bus. For the apps that give commands or send them, or serve devices.</summary>
    public static IServiceCollection AddServiceBus(this IServiceCollection services)
    {
        services.AddOptions<ServiceBusOptions>().BindConfiguration(ServiceBusOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ICommandBell, CommandBell>();
        services.AddSingleton<ITransferQueue, TransferQueue>();
        return services;
    }

    /// <summary>
    /// Traces, metrics and logs to Azure Monitor, under the names that the local region shows to Prometheus. The connection string is
    /// the setting APPLICATIONINSIGHTS_CONNECTION_STRING; it names a place and is no secret, the identity is what authorizes.
    /// </summary>
    public static IServiceCollection AddAzureTelemetry(this IServiceCollection services)
    {
        services.AddOptions<AzureMonitorExporterOptions>().Configure<TokenCredential>((options, credential) => options.Credential = credential);
        services.AddOpenTelemetry().UseFunctionsWorkerDefaults();
        return services.AddAzureExport();
    }

    /// <summary>What is exported of which kind, for any host.</summary>
    internal static IServiceCollection AddAzureExport(this IServiceCollection services)
    {
        services.AddTelemetryOptions();
        // Errors and slow spans are marked before the exporter looks: it takes its place at the end when the host starts. Its sampler is replaced below.
        services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics.AddPumpsMeter())
            .WithTracing(traces => traces.AddPumpsTraces())
            .UseAzureMonitorExporter(options =>
            {
                // Nobody looks at the live stream of an instance that is gone in minutes, and its connection would cost each of them.
                options.EnableLiveMetrics = false;
                // An error's line in the log must come even where its trace was not chosen.
                options.EnableTraceBasedLogsSampler = false;
            });
        services.ConfigureOpenTelemetryTracerProvider((_, traces) => traces.SetPumpsSampler());
        services.AddLogging(logs => logs
            .AddFilter<OpenTelemetryLoggerProvider>(null, LogLevel.Warning)
            .AddFilter<OpenTelemetryLoggerProvider>("Pumps", LogLevel.Information));
        return services;
    }

    private static string HostOf(IServiceProvider services) => services.GetRequiredService<IOptions<IotHubOptions>>().Value.HostName;
}
