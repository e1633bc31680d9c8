using Pumps.Core.Commands;

namespace Pumps.Core.Tests.Commands;

/// <summary>The life of one command, step by step. What no order of events may do to it: <see cref="CommandInterleavingTests"/>.</summary>
public sealed class CommandMachineTests
{
    private static readonly DateTimeOffset Start = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly CommandLimits Limits = new(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(15), 3, TimeSpan.FromSeconds(5));
    private static readonly CommandTerms Terms = new(Start.AddSeconds(60), Repeatable: true);

    private static readonly CommandAnswer Done = new("1", CommandOutcome.Done, "done");

    [Test]
    public void An_online_device_answers_and_the_command_is_done()
    {
        var (sent, effect) = Step(CommandMachine.Begin(Start), new CommandSignal.Due());
        Assert.That((sent.Phase, effect), Is.EqualTo((CommandPhase.Sent, new Transmit(CommandRoute.Method, 1))));

        var (done, _) = Step(sent, new CommandSignal.Answered(Done), 1);
        Assert.That((done.Phase, done.EndedAt, done.DueAt), Is.EqualTo((CommandPhase.Done, Start.AddSeconds(1), (DateTimeOffset?)null)));
    }

    [Test]
    public void A_device_that_is_offline_gets_it_from_the_queue_of_the_hub()
    {
        var (queued, effect) = Step(Sent(), new CommandSignal.Offline(1));
        Assert.That((queued.Phase, queued.Doubts, effect), Is.EqualTo((CommandPhase.Sent, 1, new Transmit(CommandRoute.Queue, 2))));

        var (held, _) = Step(queued, new CommandSignal.Held(2));
        Assert.That(held.DueAt, Is.EqualTo(Terms.ExpiresAt + Limits.AnswerTimeout));

        var (taken, _) = Step(held, new CommandSignal.Delivered(2), 20);
        Assert.That(taken.Phase, Is.EqualTo(CommandPhase.Acknowledged));
    }

    [Test]
    public void What_the_hub_drops_because_its_time_is_over_has_expired()
    {
        var held = Step(Step(Sent(), new CommandSignal.Offline(1)).Next, new CommandSignal.Held(2)).Next;
        Assert.That(Step(held, new CommandSignal.Dropped(2), 61).Next.Phase, Is.EqualTo(CommandPhase.Expired));
    }

    [Test]
    public void A_device_that_had_it_before_the_hub_dropped_it_has_the_last_word()
    {
        var held = Step(Step(Sent(), new CommandSignal.Offline(1)).Next, new CommandSignal.Held(2)).Next;
        var expired = Step(held, new CommandSignal.Dropped(2), 61).Next;
        var (told, _) = Step(expired, new CommandSignal.Answered(Done), 62);

        Assert.That((told.Phase, told.Late), Is.EqualTo((CommandPhase.Done, true)));
    }

    [Test]
    public void Where_an_earlier_transmission_may_have_arrived_nothing_has_merely_expired()
    {
        var again = Step(Sent(), new CommandSignal.Due(), 30).Next;
        var held = Step(Step(again, new CommandSignal.Offline(2), 30).Next, new CommandSignal.Held(3), 30).Next;
        var (over, _) = Step(held, new CommandSignal.Dropped(3), 61);
        var (end, _) = Step(over, new CommandSignal.Due(), 95);

        Assert.That((end.Phase, end.Reason), Is.EqualTo((CommandPhase.Failed, CommandReasons.NoAnswer)));
    }

    [Test]
    public void What_is_said_of_a_transmission_twice_takes_away_one_doubt()
    {
        var again = Step(Sent(), new CommandSignal.Due(), 30).Next;
        var held = Step(Step(again, new CommandSignal.Offline(2), 30).Next, new CommandSignal.Held(3), 30).Next;
        var dropped = Step(held, new CommandSignal.Dropped(3), 61).Next;

        Assert.That(Step(dropped, new CommandSignal.Dropped(3), 61).Next, Is.EqualTo(dropped));
    }

    [Test]
    public void Silence_sends_it_again_only_while_the_device_would_recognise_it()
    {
        Assert.That(Step(Sent(), new CommandSignal.Due(), 30).Effect, Is.EqualTo(new Transmit(CommandRoute.Method, 2)));
        Assert.That(Step(Sent(), new CommandSignal.Due(), 60).Next.Phase, Is.EqualTo(CommandPhase.Failed), "its time is over");

        var (once, effect) = CommandMachine.Step(Sent(), new CommandSignal.Due(), Start.AddSeconds(30), Terms with { Repeatable = false }, Limits);
        Assert.That((once.Phase, effect), Is.EqualTo((CommandPhase.Failed, (Transmit?)null)), "a restart forgets what it has done");
    }

    [Test]
    public void A_command_that_may_not_be_repeated_waits_for_the_connection_and_not_in_a_queue()
    {
        var (waits, effect) = CommandMachine.Step(Sent(), new CommandSignal.Offline(1), Start, Terms with { Repeatable = false }, Limits);
        Assert.That((waits.Phase, waits.DueAt, effect), Is.EqualTo((CommandPhase.Sent, Start + Limits.Pause, (Transmit?)null)));
    }

    [Test]
    public void A_late_answer_corrects_what_was_only_a_guess_and_nothing_else()
    {
        var lost = Step(Sent(), new CommandSignal.Due(), 61).Next;
        var (late, _) = Step(lost, new CommandSignal.Answered(Done), 90);
        Assert.That((late.Phase, late.Late), Is.EqualTo((CommandPhase.Done, true)));

        var refused = Step(Sent(), new CommandSignal.Answered(Done with { Outcome = CommandOutcome.Refused, Status = "interlock" })).Next;
        Assert.That(Step(refused, new CommandSignal.Answered(Done)).Next, Is.SameAs(refused));
    }

    [Test]
    public void A_device_that_has_accepted_may_take_its_time_and_then_says_how_it_went()
    {
        var accepted = Step(Sent(), new CommandSignal.Answered(Done with { Outcome = CommandOutcome.Accepted, Status = "accepted" })).Next;
        Assert.That((accepted.Phase, accepted.DueAt), Is.EqualTo((CommandPhase.Acknowledged, Start + Limits.FinishTimeout)));

        Assert.That(Step(accepted, new CommandSignal.Answered(Done), 600).Next.Phase, Is.EqualTo(CommandPhase.Done));
        Assert.That(Step(accepted, new CommandSignal.Due(), 900).Next.Reason, Is.EqualTo(CommandReasons.NoAnswer));
    }

    [Test]
    public void Only_what_has_not_reached_the_device_can_be_taken_back()
    {
        Assert.That(Step(CommandMachine.Begin(Start), new CommandSignal.Cancel()).Next.Phase, Is.EqualTo(CommandPhase.Cancelled));
        Assert.That(Step(Sent(), new CommandSignal.Cancel()).Next, Is.EqualTo(Sent()));

        var paused = Step(Sent(), new CommandSignal.Busy(1)).Next;
        Assert.That(Step(paused, new CommandSignal.Cancel()).Next.Phase, Is.EqualTo(CommandPhase.Cancelled));
    }

    [Test]
    public void What_is_said_of_an_earlier_transmission_is_old()
    {
        var again = Step(Sent(), new CommandSignal.Due(), 30).Next;
        foreach (CommandSignal old in new CommandSignal[]
                 { new CommandSignal.Offline(1), new CommandSignal.Busy(1), new CommandSignal.Impossible(1, "x"), new CommandSignal.Held(1), new CommandSignal.Delivered(1), new CommandSignal.Dropped(1) })
            Assert.That(Step(again, old, 31).Next, Is.SameAs(again), old.ToString());
    }

    /// <summary>Names are stored and shown; they keep their meaning.</summary>
    [Test]
    public void Names_of_phases_and_routes_stay() => Assert.Multiple(() =>
    {
        Assert.That(Enum.GetValues<CommandPhase>().Select(p => p.Name()), Is.EqualTo(
            new[] { "queued", "sent", "acknowledged", "done", "refused", "failed", "expired", "cancelled" }));
        Assert.That(Enum.GetValues<CommandPhase>().Select(p => CommandPhases.Parse(p.Name())), Is.EqualTo(Enum.GetValues<CommandPhase>()));
        Assert.That(Enum.GetValues<CommandRoute>().Select(r => r.Name()), Is.EqualTo(new[] { "none", "method", "queue" }));
    });

    private static CommandState Sent() => Step(CommandMachine.Begin(Start), new CommandSignal.Due()).Next;

    private static (CommandState Next, Transmit? Effect) Step(CommandState state, CommandSignal signal, int second = 0) =>
        CommandMachine.Step(state, signal, Start.AddSeconds(second), Terms, Limits);
}
