using Microsoft.Azure.Functions.Worker;
using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;
using Pumps.Handlers.Provisioning;

namespace Pumps.Devices;

/// <summary>The limits of one run over the orders that are due. They travel as input, so that a run keeps its own across a deployment.</summary>
/// <param name="OrdersPerShard">Orders in one activity: one transaction, and a few seconds of effects.</param>
/// <param name="ShardsMax">Shards at work at the same time: what IoT Hub's registry takes in operations per second divides by this.</param>
/// <param name="RoundsPerHistory">Activities after which a shard begins a new history: replay reads all of it.</param>
public sealed record OrderRun(int OrdersPerShard = 100, int ShardsMax = 8, int RoundsPerHistory = 50);

/// <summary>Azure's doors to <see cref="AdvanceOrders"/>: a timer, an orchestration over shards, one activity. The local region's is OrderLoop.cs.</summary>
/// <remarks>
/// Orders and their states are rows in PostgreSQL, and the machine decides what becomes of them; here is only who calls when. Shards need no list
/// of orders: each takes due ones for itself, under a lease. A run that breaks loses nothing, the next turn of the timer starts another one.
/// The instance's name has the version of the orchestration's code: a change of its steps gets another name, and running ones end by themselves.
/// </remarks>
public sealed class OrderFunctions(AdvanceOrders handler)
{
    private const string Instance = "orders-1";

    private static readonly TaskOptions Retry = TaskOptions.FromRetryPolicy(new RetryPolicy(3, TimeSpan.FromSeconds(5), 2));

    [Function(nameof(StartOrders))]
    public Task StartOrders(
        [TimerTrigger("*/10 * * * * *", UseMonitor = false)] TimerInfo timer, [DurableClient] DurableTaskClient client, FunctionContext context) =>
        StartAsync(client, context.CancellationToken);

    /// <summary>
    /// Starts a run unless one is at work, waits to begin, or was suspended by somebody: by the host's setting, starting it anew is refused or terminates that one.
    /// </summary>
    public async Task StartAsync(DurableTaskClient client, CancellationToken cancel)
    {
        if (await handler.CountDueAsync(cancel) == 0 || await client.GetInstanceAsync(Instance, getInputsAndOutputs: false, cancel) is { IsCompleted: false })
            return;
        await client.ScheduleNewOrchestrationInstanceAsync(nameof(RunOrders), new OrderRun(), new StartOrchestrationOptions(Instance), cancel);
    }

    [Function(nameof(RunOrders))]
    public static async Task RunOrders([OrchestrationTrigger] TaskOrchestrationContext context, OrderRun run)
    {
        var due = await context.CallActivityAsync<int>(nameof(CountOrders), run, Retry);
        var shards = Math.Clamp((due + run.OrdersPerShard - 1) / run.OrdersPerShard, 1, run.ShardsMax);
        await Task.WhenAll(Enumerable.Range(0, shards).Select(_ => context.CallSubOrchestratorAsync(nameof(RunShard), run)));
    }

    /// <summary>Takes orders until none is due.</summary>
    [Function(nameof(RunShard))]
    public static async Task RunShard([OrchestrationTrigger] TaskOrchestrationContext context, OrderRun run)
    {
        for (var round = 0; round < run.RoundsPerHistory; round++)
            if (await context.CallActivityAsync<int>(nameof(AdvanceShard), run, Retry) == 0)
                return;
        context.ContinueAsNew(run);
    }

    /// <summary>Changes nothing.</summary>
    [Function(nameof(CountOrders))]
    public Task<int> CountOrders([ActivityTrigger] OrderRun run, FunctionContext context) => handler.CountDueAsync(context.CancellationToken);

    /// <summary>Safe to repeat: a state is kept before its effect, and every effect is done once however often it is carried out.</summary>
    [Function(nameof(AdvanceShard))]
    public Task<int> AdvanceShard([ActivityTrigger] OrderRun run, FunctionContext context) =>
        handler.HandleAsync(run.OrdersPerShard, context.CancellationToken);
}
