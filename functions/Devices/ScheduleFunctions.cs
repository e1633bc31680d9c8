using Microsoft.Azure.Functions.Worker;
using Pumps.Handlers.Schedules;

namespace Pumps.Devices;

/// <summary>Azure's timer for <see cref="RunSchedules"/>. The local region has a timer of its own for it, in Upkeep.cs.</summary>
/// <remarks>A turn that fails or is missed does no harm: the next one finds the same rows. Several hosts may take turns at the same time.</remarks>
public sealed class ScheduleFunctions(RunSchedules handler)
{
    [Function(nameof(RunDueSchedules))]
    public Task RunDueSchedules([TimerTrigger("*/10 * * * * *", UseMonitor = false)] TimerInfo timer, FunctionContext context) =>
        handler.HandleAsync(context.CancellationToken);
}
