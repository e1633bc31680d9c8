using System.Collections.Concurrent;
using System.Globalization;
using Pumps.Core.Commands;
using Pumps.Core.Protocols;
using Pumps.Core.Schedules;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Schedules;

/// <summary>Decides the runs whose time has come, and hands their commands to the queue. Called every few seconds, by as many hosts as there are.</summary>
/// <remarks>
/// Exactly once per planned run: a run and its orders are written in one transaction with the progress of its schedule, under a key of schedule
/// and planned instant; an order is handed over under an id made of the same, and <see cref="SubmitCommand"/> takes an id once. So a crash at any
/// point costs a repetition and no second command. Safe to call at the same time and again.
/// </remarks>
public sealed class RunSchedules(IScheduleStore store, SubmitCommand submit, IDatapointQueries queries, TimeProvider time)
{
    // Rows in one transaction: tens of milliseconds, so that a crash repeats little and several hosts share the work.
    private const int SchedulesAtOnce = 200;
    private const int OrdersAtOnce = 64;

    // Each of them holds a connection for the time of a few statements; the pool has a hundred.
    private const int SubmittedAtOnce = 8;

    // What is left of a run's time must be enough for the way to the device.
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(5);

    public async Task HandleAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        while (await store.SettleAsync(now, SchedulesAtOnce, schedule => ScheduleClock.Settle(schedule, now).Change, cancel) > 0)
            cancel.ThrowIfCancellationRequested();

        await store.ReviveEndingsAsync(now, cancel);
        while (await store.DeliverAsync(time.GetUtcNow(), OrdersAtOnce, orders => SubmitAsync(orders, cancel), cancel) > 0)
            cancel.ThrowIfCancellationRequested();
    }

    /// <summary>The id of an order's command: the same for the same run and device, whoever submits it. At most 59 characters.</summary>
    public static string CommandId(DueOrder order) => string.Create(
        CultureInfo.InvariantCulture,
        $"{order.ScheduleId}-{order.PlannedAt.UtcDateTime:yyyyMMdd'T'HHmm'Z'}-{order.DeviceId}{(order.Ending ? "-end" : "")}{(order.Attempt > 0 ? order.Attempt : "")}");

    private async Task<IReadOnlyList<OrderOutcome>> SubmitAsync(IReadOnlyList<DueOrder> orders, CancellationToken cancel)
    {
        var outcomes = new OrderOutcome[orders.Count];
        var known = new ConcurrentDictionary<string, Task<DeviceSummary?>>();
        await Parallel.ForAsync(0, orders.Count, new ParallelOptions { MaxDegreeOfParallelism = SubmittedAtOnce, CancellationToken = cancel },
            async (i, stop) => outcomes[i] = await SubmitAsync(orders[i], id => known.GetOrAdd(id, key => queries.FindDeviceAsync(key, stop)), stop));
        return outcomes;
    }

    private async Task<OrderOutcome> SubmitAsync(DueOrder order, Func<string, Task<DeviceSummary?>> find, CancellationToken cancel)
    {
        if (await find(order.DeviceId) is not { } device)
            return new(OrderState.Refused, "unknown_device", null, null);

        var now = time.GetUtcNow();
        TimeSpan? life = null;
        if (!order.Ending)
        {
            var terms = PlanReader.Read(order.Plan);
            var left = order.PlannedAt + terms.Missed.Latest - now;
            if (left < ShortestLife)
                return new(OrderState.Missed, "too_late", null, null);
            foreach (var condition in terms.SkipIf)
                if (condition.Holds(Newest(condition.Device is { } other ? await find(other) : device, device.Customer, condition.Point), now))
                    return new(OrderState.Skipped, condition.Point, null, null);

            // The policy for missed runs holds on the way to the device, too: what waits longer must not run.
            var longest = CommandLimits.TimeToLiveMax(device.Protocol == Protocol.Dp1.Name() ? Protocol.Dp1 : Protocol.Dp2);
            life = left < longest ? left : longest;
        }

        var id = CommandId(order);
        var command = order.Ending ? order.Plan.Then! : order.Plan.Run;
        var answer = await submit.HandleAsync(
            new(id, order.DeviceId, command.Command, command.Arguments ?? NoArguments, "schedule:" + order.ScheduleId, "schedule", command.Confirm, life), cancel);
        return answer switch
        {
            Answer<CommandView>.Found => new(
                OrderState.Submitted, null, id, order is { Ending: false, Plan: { Then: not null, Minutes: { } minutes } } ? now.AddMinutes(minutes) : null),
            Answer<CommandView>.Refused refused => new(OrderState.Refused, refused.Rule, null, null),
            Answer<CommandView>.Invalid invalid => new(OrderState.Refused, invalid.Faults[0].Rule, null, null),
            _ => new(OrderState.Refused, "unknown_device", null, null),
        };
    }

    private static readonly IReadOnlyDictionary<string, System.Text.Json.JsonElement> NoArguments = new Dictionary<string, System.Text.Json.JsonElement>();

    /// <summary>A value of a customer's own devices; what another customer's device reports says nothing.</summary>
    private static NewestValue? Newest(DeviceSummary? device, string customer, string point) =>
        device is not null && device.Customer == customer && device.Latest?.GetValueOrDefault(point) is { } latest
            ? new(latest.Value, latest.Quality == "good", latest.ObservedAt)
            : null;
}
