using Pumps.Handlers.Devices;
using Pumps.Handlers.Provisioning;

namespace Pumps.LocalRegion;

/// <summary>
/// What Azure's timers and orchestrations of orders do, in the process: brings orders forward when they are due, repairs tags, and keeps devices' clocks
/// at their sites' civil time.
/// </summary>
internal sealed class OrderLoop(AdvanceOrders orders, RepairTags tags, FollowClocks clocks, TimeProvider time, ILogger<OrderLoop> log)
{
    // One probe of an index; somebody may be waiting at a screen.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan RepairEvery = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan ClocksEvery = TimeSpan.FromMinutes(1);

    // One transaction, and a few seconds of effects: a stop of the region waits for no more.
    private const int OrdersAtOnce = 200;

    public Task RunAsync(CancellationToken cancel) => Task.WhenAll(
        Recurring.RunAsync("Bringing orders forward", LookEvery, AdvanceAsync(cancel), time, log, cancel),
        Recurring.RunAsync("Repairing tags", RepairEvery, () => tags.HandleAsync(cancel), time, log, cancel),
        Recurring.RunAsync("Following the clocks of sites", ClocksEvery, () => clocks.HandleAsync(cancel), time, log, cancel));

    private Func<Task> AdvanceAsync(CancellationToken cancel) => async () =>
    {
        while (await orders.HandleAsync(OrdersAtOnce, cancel) > 0)
            cancel.ThrowIfCancellationRequested();
    };
}
