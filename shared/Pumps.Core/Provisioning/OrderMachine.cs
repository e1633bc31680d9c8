using System.Collections.Immutable;
using static Pumps.Core.Provisioning.OrderPhase;

namespace Pumps.Core.Provisioning;

/// <summary>The machine of an order: its steps forward, and back again when one of them is not to be.</summary>
/// <remarks>
/// <code>
///            done, hello, confirmed          last step
///   doing, waiting ─────────────> the next step ───────> done
///     │ ^ trouble: again, later
///     │
///     ├─ refused, hello that does not fit ─┐
///     ├─ trouble too often ────────────────┤            first step taken back
///     ├─ deadline ─────────────────────────┼─> undoing ───────────> refused, failed, expired, cancelled
///     └─ cancelled ────────────────────────┘     ^ │ trouble: again, without limit
///                                                └─┘
/// </code>
/// Undoing begins with the present step: it may have been carried out although nobody heard of it. Every effect and every undo is safe to repeat.
/// A driver stores the state before it carries out the effect, so that whatever was done is known. Pure: time comes in with each signal.
/// </remarks>
public static class OrderMachine
{
    public static OrderState Start(OrderKind kind, DateTimeOffset at) => new(kind, Doing, 0, at);

    /// <summary>
    /// Delivery is at least once and may be out of order. A signal that has no arrow in the present state is a duplicate or a straggler: the order
    /// stays as it is, and nothing new is to be done.
    /// </summary>
    public static (OrderState Next, ImmutableArray<OrderEffect> Effects) Step(
        OrderState now, OrderSignal signal, DateTimeOffset at, OrderLimits limits) => (now.Phase, signal) switch
        {
            (Doing, OrderSignal.Done done) when done.Effect == Effect(now) => Forward(now with { Before = done.Before ?? now.Before }, at, limits),
            (Doing, OrderSignal.Refused no) when no.Effect == Effect(now) => Back(now, Refused, no.Reason, no.Detail, at),
            (Doing, OrderSignal.Trouble trouble) when trouble.Effect == Effect(now) => now.Troubles + 1 < limits.TroublesMax || now.Step.IsFinal()
                ? Again(now, trouble.Detail, at, limits)
                : Back(now, Failed, "step_trouble", $"{now.Step}: {trouble.Detail}", at),
            (Doing, OrderSignal.Cancelled) when !now.Step.IsFinal() => Back(now, Cancelled, "cancelled", "Somebody took the order back.", at),

            (Waiting, OrderSignal.Hello { Misfit: null }) when now.Step is OrderStep.AwaitHello => Forward(now, at, limits),
            (Waiting, OrderSignal.Hello { Misfit: { } misfit }) when now.Step is OrderStep.AwaitHello => Back(now, Refused, "product_mismatch", misfit, at),
            (Waiting, OrderSignal.Confirmed) when now.Step is OrderStep.AwaitConfirmation => Forward(now, at, limits),
            (Waiting, OrderSignal.TimePassed) when at >= now.Deadline => Back(now, Expired, now.Step is OrderStep.AwaitHello ? "silent_device" : "no_confirmation",
                $"What the order waited for did not come by {now.Deadline:O}.", at),
            (Waiting, OrderSignal.Cancelled) => Back(now, Cancelled, "cancelled", "Somebody took the order back.", at),

            (Undoing, OrderSignal.Done done) when done.Effect == Effect(now) => BackFrom(now, now.At - 1, at),
            (Undoing, OrderSignal.Trouble trouble) when trouble.Effect == Effect(now) => Again(now, now.Detail, at, limits),

            _ => (now, []),
        };

    /// <summary>What a driver that finds this state has to do: after a crash, or when the time of a pause has come.</summary>
    public static ImmutableArray<OrderEffect> Pending(OrderState now) => now.Phase is Doing or Undoing ? [Effect(now)] : [];

    private static OrderEffect Effect(OrderState now) => new(now.Step, now.Phase is Undoing);

    private static (OrderState, ImmutableArray<OrderEffect>) Forward(OrderState now, DateTimeOffset at, OrderLimits limits)
    {
        now = now with { Troubles = 0, Deadline = null, Detail = null };
        if (now.At + 1 == OrderSteps.For(now.Kind).Length)
            return (now with { Phase = Done, DueAt = null }, []);

        now = now with { Phase = Doing, At = now.At + 1, DueAt = at };
        if (!now.Step.Waits())
            return (now, [Effect(now)]);

        var deadline = at + (now.Step is OrderStep.AwaitHello ? limits.HelloWithin : limits.ConfirmWithin);
        return (now with { Phase = Waiting, Deadline = deadline, DueAt = deadline }, []);
    }

    private static (OrderState, ImmutableArray<OrderEffect>) Again(OrderState now, string? detail, DateTimeOffset at, OrderLimits limits)
    {
        // Doubled with every trouble; the exponent is bounded so that the product cannot overflow.
        var pause = limits.FirstPause * Math.Pow(2, Math.Min(now.Troubles, 30));
        return (now with { Troubles = now.Troubles + 1, Detail = detail, DueAt = at + (pause < limits.PauseMax ? pause : limits.PauseMax) }, []);
    }

    private static (OrderState, ImmutableArray<OrderEffect>) Back(OrderState now, OrderPhase ending, string reason, string detail, DateTimeOffset at) =>
        BackFrom(now with { Ending = ending, Reason = reason, Detail = detail, Deadline = null }, now.At, at);

    /// <summary>Goes back to the next step that leaves something behind.</summary>
    private static (OrderState, ImmutableArray<OrderEffect>) BackFrom(OrderState now, int at, DateTimeOffset time)
    {
        var steps = OrderSteps.For(now.Kind);
        while (at >= 0 && !steps[at].HasUndo())
            at--;
        if (at < 0)
            return (now with { Phase = now.Ending!.Value, At = 0, Troubles = 0, DueAt = null }, []);

        now = now with { Phase = Undoing, At = at, Troubles = 0, DueAt = time };
        return (now, [Effect(now)]);
    }
}
