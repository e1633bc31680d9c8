using Microsoft.Azure.Functions.Worker;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Provisioning;

namespace Pumps.Devices;

/// <summary>Azure's timers for <see cref="RepairTags"/> and <see cref="FollowClocks"/>. The local region's are in OrderLoop.cs.</summary>
public sealed class TagFunctions(RepairTags repair, FollowClocks clocks)
{
    /// <summary>IoT Hub's lists are some seconds old, and a repair that comes twice does no harm.</summary>
    [Function(nameof(RepairDeviceTags))]
    public Task RepairDeviceTags([TimerTrigger("0 */5 * * * *", UseMonitor = false)] TimerInfo timer, FunctionContext context) =>
        repair.HandleAsync(context.CancellationToken);

    /// <summary>At most times it finds in two statements that there is nothing to do.</summary>
    [Function(nameof(FollowSiteClocks))]
    public Task FollowSiteClocks([TimerTrigger("15 * * * * *", UseMonitor = false)] TimerInfo timer, FunctionContext context) =>
        clocks.HandleAsync(context.CancellationToken);
}
