using CsCheck;
using Pumps.Core.Provisioning;

namespace Pumps.Core.Tests.Provisioning;

public sealed class OrderMachineTests
{
    private static readonly DateTimeOffset Noon = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly OrderLimits Limits = OrderLimits.Default with { TroublesMax = 3 };

    private static IEnumerable<TestCaseData> StepsOfEveryKind =>
        from kind in Enum.GetValues<OrderKind>()
        from step in OrderSteps.For(kind)
        select new TestCaseData(kind, step);

    [Test]
    public void An_order_of_any_kind_makes_of_the_device_what_it_says([Values] OrderKind kind)
    {
        var before = WorldFor(kind);
        var (state, world) = Run(kind, before, (_, _) => null);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(state.Phase, Is.EqualTo(OrderPhase.Done));
            Assert.That(state.DueAt, Is.Null);
            Assert.That(world, Is.EqualTo(before.After(kind)));
        }
    }

    /// <summary>Every step of every kind is made to fail, after it has had its effect: of the order nothing is left.</summary>
    [TestCaseSource(nameof(StepsOfEveryKind))]
    public void A_step_that_fails_leaves_nothing_behind(OrderKind kind, OrderStep failing)
    {
        var before = WorldFor(kind);
        var (state, world) = Run(kind, before, (now, effect) => now.Step == failing && now.Phase is not OrderPhase.Undoing
            ? now.Phase is OrderPhase.Waiting ? new OrderSignal.TimePassed() : new OrderSignal.Refused(effect!.Value, "some_rule", "It is not to be.")
            : null);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(state.Phase, Is.EqualTo(failing.Waits() ? OrderPhase.Expired : OrderPhase.Refused));
            Assert.That(state.Reason, Is.Not.Null);
            // Keys that nobody has are no trace of an order; an identity that a registry removed does not come back, and no registry refuses that.
            if (failing is not OrderStep.RemoveIdentity)
                Assert.That(world with { SecondaryKey = 0, PrimaryKey = 0 }, Is.EqualTo(before with { SecondaryKey = 0, PrimaryKey = 0 }));
        }
    }

    [TestCaseSource(nameof(StepsOfEveryKind))]
    public void A_step_in_trouble_is_tried_again_and_then_given_up_unless_there_is_no_way_back(OrderKind kind, OrderStep troubled)
    {
        if (troubled.Waits())
            return;

        var before = WorldFor(kind);
        var troubles = 0;
        var (state, world) = Run(kind, before, (now, effect) =>
            now.Step == troubled && effect is { Undo: false } && troubles++ < 10 ? new OrderSignal.Trouble(effect.Value, "away") : null);

        Assert.That(state.Phase, Is.EqualTo(troubled.IsFinal() ? OrderPhase.Done : OrderPhase.Failed));
        Assert.That(world with { SecondaryKey = 0, PrimaryKey = 0 }, Is.EqualTo(
            (troubled.IsFinal() ? before.After(kind) : before) with { SecondaryKey = 0, PrimaryKey = 0 }));
    }

    [Test]
    public void Pauses_double_up_to_their_limit()
    {
        var state = OrderMachine.Start(OrderKind.Suspend, Noon) with { At = 1 };
        var pauses = new List<double>();
        for (var i = 0; i < 10; i++)
        {
            state = OrderMachine.Step(state, new OrderSignal.Trouble(new(OrderStep.Disable, false), "away"), Noon, Limits with { TroublesMax = 100 }).Next;
            pauses.Add((state.DueAt!.Value - Noon).TotalSeconds);
        }

        Assert.That(pauses, Is.EqualTo(new[] { 2, 4, 8, 16, 32, 64, 128, 256, 300, 300 }));
    }

    [Test]
    public void A_device_of_another_model_is_refused_and_its_identity_goes()
    {
        var (state, world) = Run(OrderKind.Provision, DeviceWorld.Empty, (now, _) =>
            now.Phase is OrderPhase.Waiting ? new OrderSignal.Hello("It is a mixing station.") : null);

        Assert.That((state.Phase, state.Reason, state.Detail), Is.EqualTo((OrderPhase.Refused, "product_mismatch", "It is a mixing station.")));
        Assert.That(world, Is.EqualTo(DeviceWorld.Empty));
    }

    [Test]
    public void Undoing_never_gives_up()
    {
        var troubles = 0;
        var (state, world) = Run(OrderKind.Provision, DeviceWorld.Empty, (now, effect) =>
            now.Phase is OrderPhase.Waiting ? new OrderSignal.Cancelled()
            : effect is { Undo: true } && troubles++ < 50 ? new OrderSignal.Trouble(effect.Value, "away")
            : null);

        Assert.That(state.Phase, Is.EqualTo(OrderPhase.Cancelled));
        Assert.That(world, Is.EqualTo(DeviceWorld.Empty));
    }

    [Test]
    public void A_signal_of_another_step_changes_nothing([Values] OrderKind kind)
    {
        var state = OrderMachine.Start(kind, Noon);
        foreach (var step in OrderSteps.For(kind).Skip(1))
            foreach (var signal in new OrderSignal[]
                { new OrderSignal.Done(new(step, false)), new OrderSignal.Refused(new(step, false), "x", "x"), new OrderSignal.Trouble(new(step, true), "x") })
                Assert.That(OrderMachine.Step(state, signal, Noon, Limits).Next, Is.EqualTo(state));
    }

    [Test]
    public void What_is_over_stays_as_it_is([Values(OrderPhase.Done, OrderPhase.Refused, OrderPhase.Failed, OrderPhase.Expired, OrderPhase.Cancelled)] OrderPhase phase)
    {
        var state = OrderMachine.Start(OrderKind.Provision, Noon) with { Phase = phase, DueAt = null };

        foreach (var signal in new OrderSignal[]
            { new OrderSignal.Hello(null), new OrderSignal.Cancelled(), new OrderSignal.Confirmed(), new OrderSignal.TimePassed(), new OrderSignal.Done(new(OrderStep.Admit, false)) })
            Assert.That(OrderMachine.Step(state, signal, Noon, Limits), Is.EqualTo((state, System.Collections.Immutable.ImmutableArray<OrderEffect>.Empty)).Using<object>((a, b) => a.ToString() == b.ToString()));
    }

    /// <summary>
    /// A driver that crashes before or after effects, hears signals twice, late or not at all, and meets trouble: an order always ends, and the device
    /// is then what the order says, or what it was. Never half of it.
    /// </summary>
    [Test]
    public void No_interleaving_leaves_a_device_half_provisioned()
    {
        var seen = new HashSet<(OrderKind, OrderPhase)>();
        var gen = Gen.Select(Gen.Int[0, 5], Gen.Int[0, 11].Array[120]);

        gen.Sample(input =>
        {
            var kind = (OrderKind)input.Item1;
            var before = WorldFor(kind);
            var (state, world) = RunRandomly(kind, before, input.Item2);
            var expected = state.Phase is OrderPhase.Done ? before.After(kind) : before;
            lock (seen)
                seen.Add((kind, state.Phase));
            var isWhole = world with { SecondaryKey = 0 } == expected with { SecondaryKey = 0 } && (state.Phase is not OrderPhase.Done || world.SecondaryKey == expected.SecondaryKey);
            return state.IsOver && isWhole;
        }, iter: 20_000, seed: "0N0XIzNsQ0O2");

        Assert.That(seen.Select(s => s.Item2).Distinct(), Is.SupersetOf(
            new[] { OrderPhase.Done, OrderPhase.Refused, OrderPhase.Failed, OrderPhase.Expired, OrderPhase.Cancelled }), "the generator reaches every end");
    }

    private static DeviceWorld WorldFor(OrderKind kind) => kind switch
    {
        OrderKind.Provision => DeviceWorld.Empty,
        OrderKind.Resume => DeviceWorld.Suspended,
        _ => DeviceWorld.Active,
    };

    /// <summary>Runs an order to its end: effects are carried out, what is waited for comes, unless the test says otherwise.</summary>
    private static (OrderState State, DeviceWorld World) Run(OrderKind kind, DeviceWorld world, Func<OrderState, OrderEffect?, OrderSignal?> say)
    {
        var state = OrderMachine.Start(kind, Noon);
        for (var i = 0; i < 1000 && !state.IsOver; i++)
        {
            OrderEffect? effect = OrderMachine.Pending(state) is [var pending] ? pending : null;
            var before = world.Before;
            if (effect is { } carried)
                world = world.Carry(carried, state);
            var signal = say(state, effect) ?? (effect is { } done ? new OrderSignal.Done(done, done.Step is OrderStep.Admit ? before : null) : Awaited(state));
            state = OrderMachine.Step(state, signal, state.DueAt!.Value, Limits).Next;
        }

        Assert.That(state.IsOver, $"{state} does not end");
        return (state, world);
    }

    private static (OrderState State, DeviceWorld World) RunRandomly(OrderKind kind, DeviceWorld world, int[] choices)
    {
        var state = OrderMachine.Start(kind, Noon);
        var past = new List<OrderSignal>();
        foreach (var choice in choices)
        {
            var effect = OrderMachine.Pending(state) is [var pending] ? pending : (OrderEffect?)null;
            var before = world.Before;
            switch (choice)
            {
                // Crashes: after the effect and before its signal was kept; and before the effect.
                case 0 when effect is { } crashed:
                    world = world.Carry(crashed, state);
                    continue;
                case 1:
                    continue;
                case 2 when past.Count > 0:
                    Hear(past[past.Count / 2]);
                    continue;
                case 3 when effect is { } lost:
                    Hear(new OrderSignal.Trouble(lost, "away"));
                    continue;
                case 4 when effect is { } half:
                    world = world.Carry(half, state);
                    Hear(new OrderSignal.Trouble(half, "no answer"));
                    continue;
                case 5 when choices[^1] is 5:
                    Hear(new OrderSignal.Cancelled());
                    continue;
                case 6 when choices[^2] is 6 && effect is { Undo: false } refused && !refused.Step.IsFinal():
                    Hear(new OrderSignal.Refused(refused, "some_rule", "It is not to be."));
                    continue;
                case 7:
                    Hear(new OrderSignal.TimePassed());
                    continue;
                case 8 when choices[^3] is 8:
                    Hear(new OrderSignal.Hello("It is something else."));
                    continue;
                default:
                    Go();
                    continue;
            }

            void Go()
            {
                if (effect is { } carried)
                    world = world.Carry(carried, state);
                Hear(effect is { } done ? new OrderSignal.Done(done, done.Step is OrderStep.Admit ? before : null)
                    : choice is 9 && choices[^4] is 9 ? new OrderSignal.TimePassed() : Awaited(state));
            }
        }

        // Then the world is well again, and the driver finishes what it finds.
        for (var i = 0; i < 100 && !state.IsOver; i++)
        {
            var before = world.Before;
            if (OrderMachine.Pending(state) is [var rest])
            {
                world = world.Carry(rest, state);
                Hear(new OrderSignal.Done(rest, rest.Step is OrderStep.Admit ? before : null));
            }
            else
                Hear(Awaited(state));
        }

        return (state, world);

        void Hear(OrderSignal signal)
        {
            past.Add(signal);
            state = OrderMachine.Step(state, signal, state.DueAt ?? Noon, Limits).Next;
        }
    }

    private static OrderSignal Awaited(OrderState state) => state.Step is OrderStep.AwaitHello ? new OrderSignal.Hello(null) : new OrderSignal.Confirmed();
}
