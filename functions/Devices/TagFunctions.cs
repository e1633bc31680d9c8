using Microsoft.Azure.Functions.Worker;
using Pumps.Handlers.Provisioning;

namespace Pumps.Devices;

/// <summary>Azure's timer for <see cref="RepairTags"/>. The local region's is in OrderLoop.cs.</summary>
public sealed class TagFunctions(RepairTags handler)
{
    /// <summary>IoT Hub's lists are some seconds old, and a repair that comes twice does no harm.</summary>
    [Function(nameof(RepairDeviceTags))]
    public Task RepairDeviceTags([TimerTrigger("0 */5 * * * *", UseMonitor = false)] TimerInfo timer, FunctionContext context) =>
        handler.HandleAsync(context.CancellationToken);
}
