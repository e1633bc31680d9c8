using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Pumps.Core.Offerings;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Decoding;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Provisioning;
using Pumps.Handlers.Schedules;

namespace Pumps.Handlers;

/// <summary>The handlers of both worlds. Their ports come from the adapters that the host adds.</summary>
public static class HandlerServices
{
    public static IServiceCollection AddPumpHandlers(this IServiceCollection services, Catalog catalog)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<Ledger>();
        services.AddSingleton(catalog);
        services.AddSingleton<DecodeFrames>();
        services.AddSingleton<KeepLatest>();
        services.AddSingleton<KeepHistory>();
        return services;
    }

    /// <summary>The handlers that speak with devices: for the hosts that can. They need the way to devices and the bell as well.</summary>
    public static IServiceCollection AddDeviceHandlers(this IServiceCollection services)
    {
        services.AddOptions<CommandOptions>().BindConfiguration(CommandOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<AllocateDevice>();
        services.AddSingleton<TakeDeviceResults>();
        services.AddSingleton<SubmitCommand>();
        services.AddSingleton<SubmitGroup>();
        services.AddSingleton<SendCommands>();
        services.AddSingleton<CancelCommand>();
        services.AddSingleton<KeepCommands>();
        services.AddSingleton<TakeAnswers>();
        services.AddSingleton<TakeDeliveries>();
        services.AddSingleton<RunSchedules>();
        services.AddOptions<ProvisioningOptions>().BindConfiguration(ProvisioningOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<FirmwareOptions>().BindConfiguration(FirmwareOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<ImportImage>();
        services.AddSingleton<PlaceRollout>();
        services.AddSingleton<AdvanceRollouts>();
        services.AddSingleton<QueueTransfers>();
        services.AddSingleton<ImageShelf>();
        services.AddSingleton<FirmwareLink>();
        services.AddSingleton<RunTransfer>();
        services.AddSingleton<WakeTransfers>();
        services.AddSingleton<PerformStep>();
        services.AddSingleton<AdvanceOrders>();
        services.AddSingleton<RepairTags>();
        services.AddSingleton<DeviceClocks>();
        services.AddSingleton<FollowClocks>();
        services.AddSingleton<TrackConnections>();
        services.AddSingleton<TakeCensus>();
        return services;
    }
}
