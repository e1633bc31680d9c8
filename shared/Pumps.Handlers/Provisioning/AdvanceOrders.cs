using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Pumps.Core.Provisioning;

namespace Pumps.Handlers.Provisioning;

/// <summary>Brings orders forward that are due: carries out their effects, lets the machine decide, keeps its states.</summary>
/// <remarks>
/// Safe to run from several hosts at once and to be killed anywhere: a state is kept before its effect is carried out, every effect is safe to
/// repeat, and a state that somebody else has changed meanwhile is not overwritten. Both worlds call this; neither decides anything.
/// </remarks>
public sealed class AdvanceOrders(
    IOrderStore store, PerformStep perform, IOptions<ProvisioningOptions> options, TimeProvider time, ILogger<AdvanceOrders> log)
{
    // Longer than the effects of a batch take; after a crash its orders wait that long, unless a start takes them over. One that lasts longer is
    // done twice, which is once.
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    // Registries are remote (IoT Hub) or one file (local); more at once gains nothing and meets IoT Hub's throttling.
    private const int AtOnce = 16;

    /// <summary>
    /// Takes over what a host had under lease that is gone: for the start of a region in which one process does all. Safe even when it is not gone:
    /// what both do is done once, and the state of whoever comes second is not kept.
    /// </summary>
    public Task<int> TakeOverAsync(CancellationToken cancel) => store.EndLeasesAsync(cancel);

    public Task<int> CountDueAsync(CancellationToken cancel) => store.CountDueAsync(time.GetUtcNow(), cancel);

    /// <returns>How many orders were due; 0: there is nothing to do now.</returns>
    public async Task<int> HandleAsync(int limit, CancellationToken cancel)
    {
        var orders = await store.ClaimAsync(time.GetUtcNow(), Lease, limit, cancel);
        var count = orders.Count;
        while (orders.Count > 0)
        {
            var next = new (StoredOrder Order, OrderState Next)[orders.Count];
            var present = orders;
            await Parallel.ForAsync(0, present.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (i, stop) =>
            {
                var signal = await perform.HandleAsync(present[i], stop);
                next[i] = (present[i], OrderMachine.Step(present[i].State, signal, time.GetUtcNow(), options.Value.Limits).Next);
            });

            var now = time.GetUtcNow();
            var kept = await store.KeepAsync(next, now, cancel);
            foreach (var order in kept)
                if (order.State.IsOver)
                    log.OrderEnded(order.Id, order.DeviceId, order.State.Kind, order.State.Phase, order.State.Reason);
            orders = [.. kept.Where(o => o.State.DueAt <= now)];
        }

        return count;
    }
}

/// <summary>Event ids 5000-5099. An id or a field name, once shipped, keeps its meaning: alerts hang on it.</summary>
internal static partial class ProvisioningLog
{
    [LoggerMessage(5000, LogLevel.Information, "Order {Order} of device {Device} ({Kind}) ended: {Phase} {Reason}")]
    public static partial void OrderEnded(this ILogger log, string order, string device, OrderKind kind, OrderPhase phase, string? reason);

    [LoggerMessage(5001, LogLevel.Warning, "Order {Order} of device {Device}: step {Step} met trouble and will be tried again")]
    public static partial void StepMetTrouble(this ILogger log, string order, string device, OrderStep step, Exception trouble);

    [LoggerMessage(5002, LogLevel.Information, "Bulk order {Bulk}: {Lines} lines received, {Accepted} accepted, {Duplicate} duplicate, {Refused} refused")]
    public static partial void BulkReceived(this ILogger log, string bulk, int lines, int accepted, int duplicate, int refused);

    [LoggerMessage(5003, LogLevel.Warning, "A claim of device {Device} by {Customer} was not accepted")]
    public static partial void ClaimNotAccepted(this ILogger log, string device, string customer);

    [LoggerMessage(5004, LogLevel.Warning, "Device {Device} had no tags and got them back from the register")]
    public static partial void TagsRepaired(this ILogger log, string device);

    [LoggerMessage(5005, LogLevel.Warning, "Device {Device} has no tags, and nobody has ordered it: it stays mute")]
    public static partial void TagsUnknown(this ILogger log, string device);
}
