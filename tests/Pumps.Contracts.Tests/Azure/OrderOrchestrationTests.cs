using Microsoft.DurableTask.Client;
using Pumps.Contracts.Tests.Provisioning;
using Pumps.Core.Provisioning;
using Pumps.Devices;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>The orchestrations that bring orders forward, replayed after every answer.</summary>
public sealed class OrderOrchestrationTests : OrderFixture
{
    private static readonly OrderRun Run = new(OrdersPerShard: 10, ShardsMax: 4, RoundsPerHistory: 5);

    [TestCase(0, 1)]
    [TestCase(1, 1)]
    [TestCase(11, 2)]
    [TestCase(40, 4)]
    [TestCase(100_000, 4)]
    public async Task As_many_shards_as_the_due_orders_need_and_never_more_than_the_limit_that_the_run_brought(int due, int shards)
    {
        var run = new ReplayedOrchestration(call => Task.FromResult<object?>(call.Name == nameof(OrderFunctions.CountOrders) ? due : null));

        Assert.That(await run.RunAsync(context => OrderFunctions.RunOrders(context, Run)), Is.Null);
        Assert.That(
            run.Calls.Select(c => (c.Name, c.IsSub)),
            Is.EqualTo(Enumerable.Repeat((nameof(OrderFunctions.RunShard), true), shards).Prepend((nameof(OrderFunctions.CountOrders), false))));
        Assert.That(run.Calls.Select(c => c.Input), Is.All.EqualTo(Run), "limits travel as input: a run keeps its own across a deployment");
    }

    [Test]
    public async Task A_shard_takes_orders_until_none_is_due()
    {
        var due = new Queue<int>([10, 10, 3, 0]);
        var run = new ReplayedOrchestration(_ => Task.FromResult<object?>(due.Dequeue()));

        Assert.That(await run.RunAsync(context => OrderFunctions.RunShard(context, Run)), Is.Null);
        Assert.That((run.Calls.Count(), due.Count, run.Replays), Is.EqualTo((4, 0, 4)));
        Assert.That(run.Calls.Select(c => c.Options?.Retry?.Policy?.MaxNumberOfAttempts), Is.All.EqualTo(3));
    }

    [Test]
    public async Task A_shard_that_has_much_to_do_cuts_its_history_and_goes_on_with_the_same_limits()
    {
        var rounds = 0;
        var inputs = new List<object?>();
        object? next = Run;
        while (next is OrderRun input)
        {
            var history = new ReplayedOrchestration(_ => Task.FromResult<object?>(++rounds < 12 ? 10 : 0));
            next = await history.RunAsync(context => OrderFunctions.RunShard(context, input));
            inputs.Add(next);
            Assert.That(history.Calls.Count(), Is.LessThanOrEqualTo(Run.RoundsPerHistory), "replay reads all of it");
        }

        Assert.That(rounds, Is.EqualTo(12));
        Assert.That(inputs, Is.EqualTo(new object?[] { Run, Run, null }));
    }

    [Test]
    public void A_shard_whose_activity_fails_for_good_fails_and_asks_for_nothing_more()
    {
        var run = new ReplayedOrchestration(_ => Task.FromException<object?>(new TimeoutException("the database is away")));

        Assert.That(async () => await run.RunAsync(context => OrderFunctions.RunShard(context, Run)), Throws.TypeOf<TimeoutException>());
        Assert.That(run.Calls.Count(), Is.EqualTo(1));
    }

    /// <summary>With the handlers behind it, a database and a registry: forward as the machine's steps are, and back in the opposite order.</summary>
    [Test]
    public async Task Orders_go_forward_and_back_as_the_machine_says()
    {
        var (good, bad) = (new List<string>(), NewDevice());
        for (var i = 0; i < 25; i++)
        {
            good.Add(NewDevice());
            await OrderAsync(OrderKind.Provision, good[i]);
        }

        var broken = await OrderAsync(OrderKind.Provision, bad);
        await OrchestrateAsync();
        Registry.Calls.Clear();
        await HelloAsync(bad, "FP-1");
        await OrchestrateAsync();

        var state = await StateAsync(broken);
        Assert.That((state.Phase, state.Reason), Is.EqualTo((OrderPhase.Refused, "product_mismatch")));
        Assert.That((await Rows.FindAsync(bad, Cancel))!.Status, Is.EqualTo("retired"));
        Assert.That(await Registry.FindAsync(bad, Cancel), Is.Null);
        Assert.That(Registry.Calls.Where(c => c.Device == bad).Select(c => c.Method), Is.EqualTo(new[] { "Remove", "Find" }), "the row first, then the identity");
        foreach (var device in good)
            Assert.That((await Rows.FindAsync(device, Cancel))!.Status, Is.EqualTo("ordered"));
    }

    [TestCase(null, true)]
    [TestCase(OrchestrationRuntimeStatus.Completed, true)]
    [TestCase(OrchestrationRuntimeStatus.Failed, true)]
    [TestCase(OrchestrationRuntimeStatus.Terminated, true)]
    [TestCase(OrchestrationRuntimeStatus.Running, false)]
    [TestCase(OrchestrationRuntimeStatus.Pending, false)]
    [TestCase(OrchestrationRuntimeStatus.Suspended, false)]
    public async Task The_timer_starts_a_run_unless_there_is_one_that_has_not_ended(OrchestrationRuntimeStatus? present, bool starts)
    {
        await OrderAsync(OrderKind.Provision, NewDevice());
        var client = new FakeDurableClient(("orders-1", present));
        await new OrderFunctions(Orders).StartAsync(client, Cancel);

        Assert.That(client.Started, Is.EqualTo(starts ? new[] { (nameof(OrderFunctions.RunOrders), (object?)new OrderRun(), "orders-1") } : []));
    }

    [Test]
    public async Task The_timer_starts_nothing_when_nothing_is_due()
    {
        var client = new FakeDurableClient();
        await new OrderFunctions(Orders).StartAsync(client, Cancel);
        await OrderAsync(OrderKind.Provision, NewDevice());
        await RunAsync();
        await new OrderFunctions(Orders).StartAsync(client, Cancel);

        Assert.That(client.Started, Is.Empty, "the order waits for its device");
    }

    private async Task OrchestrateAsync()
    {
        Assert.That(await new ReplayedOrchestration(PerformAsync).RunAsync(context => OrderFunctions.RunOrders(context, Run)), Is.Null);
        return;

        async Task<object?> PerformAsync(DurableCall call)
        {
            switch (call.Name)
            {
                case nameof(OrderFunctions.CountOrders):
                    return await Orders.CountDueAsync(Cancel);
                case nameof(OrderFunctions.AdvanceShard):
                    return await Orders.HandleAsync(((OrderRun)call.Input!).OrdersPerShard, Cancel);
                default:
                    for (var input = call.Input; input is OrderRun run;)
                        input = await new ReplayedOrchestration(PerformAsync).RunAsync(context => OrderFunctions.RunShard(context, run));
                    return null;
            }
        }
    }
}
