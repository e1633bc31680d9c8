using Azure.Core;
using Azure.Monitor.OpenTelemetry.Exporter;
using Microsoft.Azure.Devices;
using Microsoft.Azure.Functions.Worker.OpenTelemetry;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Pumps.Azure.Devices;
using Pumps.Azure.EventHubs;
using Pumps.Azure.ServiceBus;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;

namespace Pumps.Azure;

/// <summary>The ports' Azure side. The local region adds its own adapters in the place of these.</summary>
public static class AzureServices
{
    /// <summary>Hubs. No secret anywhere: the app's identity signs in to all of them.</summary>
    public static IServiceCollection AddAzureAdapters(this IServiceCollection services, TokenCredential credential)
    {
        services.AddOptions<FeedHubsOptions>().BindConfiguration(FeedHubsOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(credential);
        services.AddSingleton<IHubPublisher, EventHubsPublisher>();
        return services;
    }

    /// <summary>The region's IoT Hub: device identities, and the way to devices. For the apps that speak with devices.</summary>
    public static IServiceCollection AddIotHub(this IServiceCollection services)
    {
        services.AddOptions<IotHubOptions>().BindConfiguration(IotHubOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(s => RegistryManager.Create(HostOf(s), s.GetRequiredService<TokenCredential>()));
        services.AddSingleton(s => ServiceClient.Create(HostOf(s), s.GetRequiredService<TokenCredential>()));
        services.AddSingleton<IDeviceRegistry, IotHubRegistry>();
        services.AddSingleton<IDeviceMessaging, IotHubMessaging>();
        services.AddSingleton<IotHubFeedback>();
        return services;
    }

    /// <summary>The region's Service Bus. For the apps that give commands or send them.</summary>
    public static IServiceCollection AddServiceBus(this IServiceCollection services)
    {
        services.AddOptions<ServiceBusOptions>().BindConfiguration(ServiceBusOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ICommandBell, CommandBell>();
        return services;
    }

    /// <summary>
    /// Traces, metrics and logs to Azure Monitor, under the names that the local region shows to Prometheus. The connection string is
    /// the setting APPLICATIONINSIGHTS_CONNECTION_STRING; it names a place and is no secret, the identity is what authorizes.
    /// </summary>
    public static IServiceCollection AddAzureTelemetry(this IServiceCollection services)
    {
        services.AddOpenTelemetry()
            .WithMetrics(metrics => metrics.AddMeter(Metrics.Name))
            .WithTracing(traces => traces.AddSource(Metrics.Name))
            .UseFunctionsWorkerDefaults()
            .UseAzureMonitorExporter();
        services.AddOptions<AzureMonitorExporterOptions>().Configure<TokenCredential>((options, credential) => options.Credential = credential);
        return services;
    }

    private static string HostOf(IServiceProvider services) => services.GetRequiredService<IOptions<IotHubOptions>>().Value.HostName;
}
