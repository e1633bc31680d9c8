using Microsoft.Azure.Functions.Worker;
using Pumps.Postgres;

namespace Pumps.Datapoints;

/// <summary>Azure's timers for <see cref="RollUps"/> and <see cref="Partitions"/>. The local region has timers of its own for both.</summary>
/// <remarks>Each offering's deployment runs them; both are safe to run from several hosts at once.</remarks>
public sealed class UpkeepFunctions(RollUps rollUps, Partitions partitions, TimeProvider time)
{
    [Function(nameof(RollUp))]
    public Task RollUp([TimerTrigger("0 */5 * * * *", UseMonitor = false)] TimerInfo timer, FunctionContext context) =>
        rollUps.RunAsync(context.CancellationToken);

    /// <summary>Four times a day: partitions are made days ahead, so a missed run does no harm.</summary>
    [Function(nameof(KeepPartitions))]
    public Task KeepPartitions([TimerTrigger("0 15 */6 * * *", UseMonitor = true)] TimerInfo timer, FunctionContext context) =>
        partitions.KeepAsync(time.GetUtcNow(), context.CancellationToken);
}
