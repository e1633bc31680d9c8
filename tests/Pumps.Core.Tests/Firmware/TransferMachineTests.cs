using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using static Pumps.Core.Firmware.TransferPhase;

namespace Pumps.Core.Tests.Firmware;

/// <summary>The cloud's side of DP1 section 6 and DP2 section 9.</summary>
public sealed class TransferMachineTests
{
    private const string Old = "1.0.0", New = "2.15.0";

    private static readonly DateTimeOffset Noon = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset Opens = Noon.AddHours(10);
    private static readonly TransferLimits Limits = TransferLimits.Default;
    private static readonly TransferTerms Dp1 = new(Protocol.Dp1, New, 3, 7);
    private static readonly TransferTerms Dp2 = new(Protocol.Dp2, New, 20, 7);
    private static readonly TransferSignal.Due Due = new(Old, null);
    private static readonly TransferSignal Silent = new TransferSignal.Silent();

    /// <summary>As a row of the database keeps it.</summary>
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false) },
    };

    [Test]
    public void A_dp1_image_goes_block_by_block_is_checked_and_started_and_the_version_confirms_it()
    {
        var script = new Script(Dp1);
        script.Expect(Due, Sending, new TransferEffect(TransferAct.Offer));
        script.Expect(Stored(0, 3), Sending, new TransferEffect(TransferAct.Chunk, 0));
        script.Expect(Stored(1, 3), Sending, new TransferEffect(TransferAct.Chunk, 1));
        script.Expect(Stored(2, 3), Sending, new TransferEffect(TransferAct.Chunk, 2));
        script.Expect(Stored(3, 3), Sending, new TransferEffect(TransferAct.Verify));
        script.Expect(Heard(TransferWord.Stored), Ready);
        Assert.That(script.State.DueAt, Is.EqualTo(Noon), "goes on in the same turn");
        script.Expect(Due, Ready, new TransferEffect(TransferAct.Activate));
        script.Expect(Heard(TransferWord.Activating), Activating);
        script.Expect(Due, Activating);
        script.Expect(new TransferSignal.Due(New, null), Done);
        Assert.That((script.State.DueAt, script.State.EndedAt, script.State.Reason), Is.EqualTo(((DateTimeOffset?)null, (DateTimeOffset?)Noon, (string?)null)));
    }

    [Test]
    public void A_dp2_image_goes_in_windows_is_tried_and_confirmed()
    {
        var script = new Script(Dp2);
        script.Expect(Due, Sending, new TransferEffect(TransferAct.Offer));
        script.Expect(Missing(5, (0, 3), (9, 9), (15, 19)), Sending, Chunks(0, 1, 2, 3, 9));
        script.Expect(Missing(null, (15, 19)), Sending, Chunks(15, 16, 17, 18, 19));
        script.Expect(Heard(TransferWord.Stored), Ready);
        script.Expect(Due, Activating, new TransferEffect(TransferAct.Activate));
        script.Expect(Heard(TransferWord.Activating), Activating);
        script.Expect(Due, Activating, new TransferEffect(TransferAct.Query));
        script.Expect(Heard(TransferWord.Trial), Confirming, new TransferEffect(TransferAct.Confirm));
        script.Expect(Heard(TransferWord.Confirmed), Done);
    }

    /// <summary>A DP2 device may have it from this very transfer, and on trial: it is asked.</summary>
    [Test]
    public void A_device_that_runs_the_version_already_gets_nothing()
    {
        var runs = new TransferSignal.Due(New, null);
        var (has, _) = Step(TransferMachine.Begin, runs, Dp1);
        Assert.That((has.Phase, has.Reason), Is.EqualTo((Done, TransferReasons.AlreadyRunning)));

        var (asked, effects) = Step(TransferMachine.Begin, runs, Dp2);
        Assert.That(effects, Is.EqualTo(new[] { new TransferEffect(TransferAct.Confirm) }));
        var (knowsNothing, confirmed) = (Step(asked, Heard(TransferWord.Unknown), Dp2).Next, Step(asked, Heard(TransferWord.Confirmed), Dp2).Next);
        Assert.That((knowsNothing.Phase, knowsNothing.Reason), Is.EqualTo((Done, TransferReasons.AlreadyRunning)));
        Assert.That((confirmed.Phase, confirmed.Reason), Is.EqualTo((Done, (string?)null)));
    }

    [TestCase(100, 8, TestName = "A device's window beyond the limit is not used up")]
    [TestCase(3, 3, TestName = "A device's window is kept")]
    [TestCase(0, 0, TestName = "A device that can take nothing is left alone for a while")]
    public void A_window_is_kept(int window, int sent)
    {
        var script = new Script(Dp2);
        script.Expect(Due, Sending, new TransferEffect(TransferAct.Offer));
        script.Expect(Missing(window, (0, 19)), Sending, Chunks([.. Enumerable.Range(0, sent)]));
        if (sent == 0)
            Assert.That(script.State.DueAt, Is.EqualTo(Noon + Limits.Look));
    }

    /// <summary>Every turn begins with asking: with a query where an offer could cost something.</summary>
    [Test]
    public void A_new_turn_asks_what_the_device_has()
    {
        Assert.That(Step(Kept(Sending) with { Stored = 2 }, Due, Dp1).Effects, Is.EqualTo(new[] { new TransferEffect(TransferAct.Query) }));
        Assert.That(Step(Kept(Sending), Due, Dp1).Effects, Is.EqualTo(new[] { new TransferEffect(TransferAct.Offer) }));
        Assert.That(Step(Kept(Sending) with { Stored = 2 }, Due, Dp2).Effects, Is.EqualTo(new[] { new TransferEffect(TransferAct.Offer) }));
    }

    /// <summary>DP1 section 6: at most five times, then ten minutes.</summary>
    [Test]
    public void Silence_repeats_a_block_five_times_and_then_pauses()
    {
        var script = new Script(Dp1);
        script.Expect(Due, Sending, new TransferEffect(TransferAct.Offer));
        script.Expect(Stored(0, 3), Sending, new TransferEffect(TransferAct.Chunk, 0));
        for (var transmission = 2; transmission <= 5; transmission++)
            script.Expect(Silent, Sending, new TransferEffect(TransferAct.Chunk, 0));
        script.Expect(Silent, Sending);
        Assert.That(script.State.DueAt, Is.EqualTo(Noon.AddMinutes(10)));
        script.Expect(Due, Sending, new TransferEffect(TransferAct.Offer));
    }

    /// <summary>A device that answers and takes nothing must not be flooded without end.</summary>
    [Test]
    public void Chunks_that_are_not_stored_count_as_silence()
    {
        var script = new Script(Dp1);
        script.Expect(Due, Sending, new TransferEffect(TransferAct.Offer));
        for (var transmission = 1; transmission <= 5; transmission++)
            script.Expect(Stored(0, 3), Sending, new TransferEffect(TransferAct.Chunk, 0));
        script.Expect(Stored(0, 3), Sending);
        Assert.That(script.State.DueAt, Is.EqualTo(Noon.AddMinutes(10)));
    }

    [Test]
    public void A_device_that_is_away_is_tried_ever_more_rarely_until_something_is_stored()
    {
        var state = Kept(Sending);
        foreach (var minutes in new[] { 1, 2, 4, 8, 16, 32, 60, 60 })
        {
            (state, _) = Step(Step(state, Due, Dp2).Next, new TransferSignal.Offline(), Dp2);
            Assert.That(state.DueAt, Is.EqualTo(Noon.AddMinutes(minutes)));
        }

        Assert.That(Step(state, Missing(5, (3, 19)), Dp2).Next.Pauses, Is.Zero);
    }

    [Test]
    public void A_device_that_lost_its_blocks_gets_them_again_until_that_was_too_often()
    {
        var state = Kept(Sending) with { Stored = 2 };
        for (var restart = 1; restart <= Limits.RestartsMax; restart++)
        {
            (state, var effects) = Step(state, Heard(TransferWord.Unknown), Dp1);
            Assert.That((state.Phase, state.Restarts, state.Stored, effects.Length), Is.EqualTo((Sending, restart, 0, 0)));
            Assert.That(state.DueAt, Is.EqualTo(Noon + Limits.Look));
        }

        Assert.That(state.Reason, Is.EqualTo(TransferReasons.OfferNotTaken));
        var (last, _) = Step(state with { Stored = 1 }, Heard(TransferWord.Unknown), Dp1);
        Assert.That((last.Phase, last.Reason), Is.EqualTo((Failed, TransferReasons.Lost)));
    }

    [TestCase("wrong_hardware", Failed)]
    [TestCase("bad_signature", Failed)]
    [TestCase("flash_error", Failed)]
    [TestCase("bad_hash", Sending)]
    [TestCase("crc_error", Sending)]
    [TestCase("timeout", Sending)]
    [TestCase("power_low", Sending)]
    [TestCase("low_supply", Sending)]
    public void Only_what_no_repetition_mends_is_final(string result, TransferPhase expected)
    {
        var (next, _) = Step(Kept(Sending) with { Stored = 2 }, Heard(TransferWord.Failed, result), Dp2);
        Assert.That((next.Phase, next.Reason, next.Stored), Is.EqualTo((expected, result, expected is Failed ? 2 : 0)), "begins with an offer");
        Assert.That(next.Restarts, Is.EqualTo(result is "bad_hash" or "crc_error" or "timeout" ? 1 : 0));
    }

    /// <summary>A DP2 device may be on trial because of an activation whose answer nobody heard: it is asked, and then left alone.</summary>
    [Test]
    public void A_closed_window_holds_back_the_start_but_not_a_trial_that_runs()
    {
        var closed = new TransferSignal.Due(Old, Opens);
        var (rests, nothing) = Step(Kept(Ready), closed, Dp1);
        Assert.That((rests, nothing.Length), Is.EqualTo((Kept(Ready) with { DueAt = Opens }, 0)));

        var (asked, effects) = Step(Kept(Ready), closed, Dp2);
        Assert.That(effects, Is.EqualTo(new[] { new TransferEffect(TransferAct.Query) }));
        Assert.That(Step(asked, Heard(TransferWord.Stored), Dp2).Next, Has.Property("Phase").EqualTo(Ready).And.Property("DueAt").EqualTo(Opens));
        Assert.That(Step(asked, Heard(TransferWord.Trial), Dp2).Effects, Is.EqualTo(new[] { new TransferEffect(TransferAct.Confirm) }));
    }

    [Test]
    public void A_device_that_does_not_begin_to_start_is_told_again_later()
    {
        foreach (var phase in new[] { Ready, Activating, Confirming })
            Assert.That(Step(Kept(phase), Heard(TransferWord.Stored), Dp2).Next,
                Is.EqualTo(Kept(Ready) with { DueAt = Noon + Limits.Look, Deadline = null, Pauses = 1 }), phase.Name());

        var state = Kept(Ready);
        var pauses = new List<double>();
        for (var (turn, now) = (0, Noon); turn < 10; turn++, now = state.DueAt!.Value)
        {
            state = Step(Step(state, Due, Dp2, now).Next, Heard(TransferWord.Stored), Dp2, now).Next;
            pauses.Add((state.DueAt!.Value - now).TotalMinutes);
        }

        Assert.That(pauses, Is.EqualTo(new[] { 0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60 }), "more and more rarely");
    }

    [Test]
    public void Time_in_which_the_rollout_was_paused_is_not_held_against_a_device()
    {
        var resumed = Dp2 with { ResumedAt = Noon + Limits.GiveUpAfter };
        Assert.That(Step(Kept(Sending), Due, resumed, Noon + Limits.GiveUpAfter).Next.Phase, Is.EqualTo(Sending));
        Assert.That(Step(Kept(Sending), Due, resumed, Noon + (2 * Limits.GiveUpAfter)).Next.Reason, Is.EqualTo(TransferReasons.Timeout));
    }

    [Test]
    public void A_device_that_is_another_one_by_now_is_told_to_forget_it_and_says_why([Values(Waiting, Sending, Ready)] TransferPhase phase)
    {
        var (next, _) = Step(Kept(phase), new TransferSignal.Aborted(TransferReasons.OtherDevice), Dp2);
        Assert.That((next.Phase, next.Reason), Is.EqualTo((phase is Waiting ? Cancelled : Cancelling, TransferReasons.OtherDevice)));
    }

    /// <summary>It restarted: with the image, or without anything.</summary>
    [Test]
    public void A_dp1_device_that_has_forgotten_a_whole_image_may_run_it()
    {
        var (waits, _) = Step(Kept(Ready) with { Stored = 3 }, Heard(TransferWord.Unknown), Dp1);
        Assert.That((waits.Phase, waits.Deadline), Is.EqualTo((Activating, (DateTimeOffset?)(Noon + Limits.StartWithin))));
        Assert.That(Step(waits, new TransferSignal.Due(New, null), Dp1).Next.Phase, Is.EqualTo(Done));

        var late = Noon + Limits.StartWithin;
        Assert.That(Step(waits, Due, Dp1, late).Effects, Is.EqualTo(new[] { new TransferEffect(TransferAct.Query) }));
        var (again, _) = Step(waits, Heard(TransferWord.Unknown), Dp1, late);
        Assert.That((again.Phase, again.Reason, again.Restarts), Is.EqualTo((Sending, TransferReasons.NotStarted, 1)));
    }

    /// <summary>What a device runs after a start that nobody could watch, it says itself: until then it has neither succeeded nor failed.</summary>
    [Test]
    public void A_device_that_is_away_while_it_starts_is_waited_for([Values(Activating, Confirming)] TransferPhase phase)
    {
        var late = Noon + Limits.StartWithin;
        var away = Kept(phase);
        Assert.That(Step(away, new TransferSignal.Offline(), Dp2).Next.DueAt, Is.EqualTo(Noon + Limits.Look), "no long pauses while it may be confirmed");
        Assert.That(Step(away, new TransferSignal.Offline(), Dp2, late).Next.DueAt, Is.EqualTo(late + Limits.OfflinePause));

        Assert.That(Step(away, Heard(TransferWord.Confirmed), Dp2, late).Next.Phase, Is.EqualTo(Done));
        Assert.That(Step(away, Heard(TransferWord.RolledBack), Dp2, late).Next.Reason, Is.EqualTo(TransferReasons.RolledBack));
        Assert.That(Step(away, Heard(TransferWord.Activating), Dp2, late).Next.Reason, Is.EqualTo(TransferReasons.NotStarted));
        Assert.That(Step(away, Due, Dp2, Noon + Limits.GiveUpAfter).Next.Reason, Is.EqualTo(TransferReasons.NotStarted));
    }

    [Test]
    public void A_start_that_goes_to_and_fro_gets_no_new_deadline()
    {
        var state = Kept(Activating);
        foreach (var word in new[] { TransferWord.Trial, TransferWord.Activating, TransferWord.Trial })
            state = Step(state, Heard(word), Dp2, Noon.AddMinutes(1)).Next;
        Assert.That(state.Deadline, Is.EqualTo(Kept(Activating).Deadline));
    }

    [Test]
    public void Fourteen_days_without_the_whole_image_are_enough([Values(Sending, Ready)] TransferPhase phase)
    {
        Assert.That(Step(Kept(phase), Due, Dp2, Noon + Limits.GiveUpAfter - TimeSpan.FromSeconds(1)).Next.Reason, Is.Null);
        Assert.That(Step(Kept(phase), Due, Dp2, Noon + Limits.GiveUpAfter).Next.Reason, Is.EqualTo(TransferReasons.Timeout));
    }

    [Test]
    public void What_was_aborted_is_taken_back_unless_the_device_starts_it()
    {
        var (cancelling, effects) = Step(Kept(Ready), new TransferSignal.Aborted(), Dp2);
        Assert.That((cancelling.Phase, cancelling.DueAt, effects.Length), Is.EqualTo((Cancelling, (DateTimeOffset?)Noon, 0)));
        Assert.That(Step(cancelling, Due, Dp2).Effects, Is.EqualTo(new[] { new TransferEffect(TransferAct.Cancel) }));
        Assert.That(Step(cancelling, Heard(TransferWord.Cancelled), Dp2).Next.Phase, Is.EqualTo(Cancelled));
        Assert.That(Step(cancelling, Heard(TransferWord.Trial), Dp2).Effects, Is.EqualTo(new[] { new TransferEffect(TransferAct.Confirm) }));
        Assert.That(Step(cancelling, Due, Dp2, Noon + Limits.Pause).Next.Phase, Is.EqualTo(Cancelled), "whoever does not answer");
    }

    [Test]
    public void Of_several_answers_the_worst_counts_and_else_the_newest()
    {
        var (newer, older) = (Missing(5, (9, 9)), Missing(5, (8, 9)));
        Assert.That(TransferMachine.Merge([older, newer, Silent, new TransferSignal.Offline()]), Is.SameAs(newer));
        Assert.That(TransferMachine.Merge([new TransferSignal.Offline(), Silent]), Is.SameAs(Silent));
        Assert.That(TransferMachine.Merge([newer, Heard(TransferWord.Stored), Silent]), Is.EqualTo(Heard(TransferWord.Stored)));
        Assert.That(TransferMachine.Merge([Heard(TransferWord.Stored), new TransferSignal.Impossible("x")]), Is.EqualTo(new TransferSignal.Impossible("x")));
    }

    /// <summary>All phases against all signals: what may move to where, and nothing else.</summary>
    [Test]
    public void Only_these_pairs_move_a_transfer([Values] TransferPhase phase, [Values] Protocol protocol)
    {
        var (dp1, terms) = (protocol is Protocol.Dp1, protocol is Protocol.Dp1 ? Dp1 : Dp2);
        Dictionary<string, TransferPhase> moves = phase switch
        {
            Waiting => new() { ["due"] = Sending, ["closed"] = Sending, ["runs it"] = dp1 ? Done : Confirming, ["given up"] = Sending, ["aborted"] = Cancelled },
            Sending => new()
            {
                ["runs it"] = dp1 ? Done : Sending, ["given up"] = Failed, ["aborted"] = Cancelling, ["impossible"] = Failed, ["Stored"] = Ready, ["Activating"] = Activating,
                ["Trial"] = Confirming, ["Confirmed"] = Done, ["RolledBack"] = Failed, ["refused"] = Failed,
            },
            Ready => new()
            {
                ["due"] = dp1 ? Ready : Activating, ["runs it"] = dp1 ? Done : Activating, ["given up"] = Failed, ["aborted"] = Cancelling, ["impossible"] = Failed,
                ["Unknown"] = dp1 ? Activating : Sending,
                ["Receiving"] = Sending, ["Activating"] = Activating, ["Trial"] = Confirming, ["Confirmed"] = Done, ["RolledBack"] = Failed, ["Cancelled"] = Sending,
                ["refused"] = Failed, ["damaged"] = Sending, ["power"] = Sending,
            },
            Activating => new()
            {
                ["runs it"] = dp1 ? Done : Activating, ["given up"] = Failed, ["impossible"] = Failed, ["Unknown"] = dp1 ? Activating : Sending, ["Receiving"] = Sending,
                ["Stored"] = Ready, ["Trial"] = Confirming, ["Confirmed"] = Done, ["RolledBack"] = Failed, ["Cancelled"] = Sending, ["refused"] = Failed,
                ["damaged"] = Sending, ["power"] = Sending,
            },
            Confirming => new()
            {
                ["given up"] = Failed, ["impossible"] = Failed, ["Unknown"] = Sending, ["Receiving"] = Sending, ["Stored"] = Ready, ["Activating"] = Activating,
                ["Confirmed"] = Done, ["RolledBack"] = Failed, ["Cancelled"] = Sending, ["refused"] = Failed, ["damaged"] = Sending, ["power"] = Sending,
            },
            Cancelling => new()
            {
                ["runs it"] = dp1 ? Done : Cancelling, ["given up"] = Cancelled, ["offline"] = Cancelled, ["impossible"] = Cancelled, ["Unknown"] = Cancelled,
                ["Receiving"] = Cancelled, ["Stored"] = Cancelled, ["Activating"] = Activating, ["Trial"] = Confirming, ["Confirmed"] = Done, ["RolledBack"] = Cancelled,
                ["Cancelled"] = Cancelled, ["refused"] = Cancelled, ["damaged"] = Cancelled, ["power"] = Cancelled,
            },
            _ => [],
        };

        var before = Kept(phase);
        using (Assert.EnterMultipleScope())
            foreach (var (name, signal) in Signals())
            {
                var (next, effects) = Step(before, signal, terms, name is "given up" ? Noon + Limits.GiveUpAfter : Noon);
                Assert.That(next.Phase, Is.EqualTo(moves.GetValueOrDefault(name, phase)), name);
                Assert.That(next.DueAt is null, Is.EqualTo(next.Phase is Waiting || next.Phase.IsOver()), $"{name}: due exactly while it is open");
                Assert.That(next.EndedAt is not null, Is.EqualTo(next.Phase.IsOver()), $"{name}: ended exactly when it is over");
                Assert.That(next.Reason is null || next.Phase is not (Done or Cancelled) || phase.IsOver() || name is "runs it", name);
                if (phase.IsOver() || (phase is Waiting && next.Phase is Waiting))
                    Assert.That((next, effects.Length), Is.EqualTo((before, 0)), $"{name}: nothing");
                if (next.Phase.IsOver())
                    Assert.That(effects, Is.Empty, name);
            }
    }

    [Test]
    public void A_stored_transfer_keeps_its_names()
    {
        var state = new TransferState(Activating, Noon)
        {
            Stored = 3, Silences = 2, Pauses = 1, Restarts = 4, Deadline = Noon, Reason = "transfer_lost", StartedAt = Noon, EndedAt = Noon,
            Missing = [new(0, 2)], Window = 8, IsChecked = true,
        };
        const string json = """
            {"phase":"activating","dueAt":"2025-06-01T12:00:00+00:00","stored":3,"silences":2,"pauses":1,"restarts":4,"deadline":"2025-06-01T12:00:00+00:00","reason":"transfer_lost","startedAt":"2025-06-01T12:00:00+00:00","endedAt":"2025-06-01T12:00:00+00:00"}
            """;

        Assert.That(JsonSerializer.Serialize(state, Json), Is.EqualTo(json));
        Assert.That(JsonSerializer.Deserialize<TransferState>(json, Json), Is.EqualTo(state with { Missing = null, Window = 0, IsChecked = false }));
        Assert.That(JsonSerializer.Deserialize<TransferState>("""{"phase":"waiting"}""", Json), Is.EqualTo(TransferMachine.Begin));
        Assert.That(Enum.GetValues<TransferPhase>().Select(p => p.Name()), Is.EqualTo(
            new[] { "waiting", "sending", "ready", "activating", "confirming", "cancelling", "done", "failed", "cancelled" }));
        Assert.That(Enum.GetValues<TransferPhase>().Select(p => TransferPhases.Parse(p.Name())), Is.EqualTo(Enum.GetValues<TransferPhase>()));
    }

    private static IEnumerable<(string Name, TransferSignal Signal)> Signals() =>
    [
        ("due", Due), ("closed", new TransferSignal.Due(Old, Opens)), ("runs it", new TransferSignal.Due(New, null)), ("given up", Due), ("silent", Silent),
        ("offline", new TransferSignal.Offline()), ("impossible", new TransferSignal.Impossible("unknown_device")),
        ("interrupted", new TransferSignal.Interrupted(Noon)), ("aborted", new TransferSignal.Aborted()), ("refused", Heard(TransferWord.Failed, "wrong_hardware")),
        ("damaged", Heard(TransferWord.Failed, "bad_hash")), ("power", Heard(TransferWord.Failed, "power_low")),
        .. Enum.GetValues<TransferWord>().Where(w => w is not TransferWord.Failed).Select(w => (w.ToString(), (TransferSignal)Heard(w))),
    ];

    /// <summary>As a driver finds it.</summary>
    private static TransferState Kept(TransferPhase phase) => new(phase, phase is Waiting || phase.IsOver() ? null : Noon)
    {
        StartedAt = phase is Waiting ? null : Noon,
        EndedAt = phase.IsOver() ? Noon : null,
        Deadline = phase is Activating or Confirming or Cancelling ? Noon + Limits.StartWithin : null,
    };

    private static TransferSignal.Heard Heard(TransferWord word, string? result = null) => new(new TransferAnswer(word, result));

    private static TransferSignal.Heard Stored(int count, int chunks) =>
        new(new TransferAnswer(TransferWord.Receiving, Count: count, Missing: count < chunks ? [new(count, chunks - 1)] : []));

    private static TransferSignal.Heard Missing(int? window, params (int First, int Last)[] ranges) => new(new TransferAnswer(
        TransferWord.Receiving, Count: Dp2.Chunks - ranges.Sum(r => r.Last - r.First + 1), Missing: [.. ranges.Select(r => new ChunkRange(r.First, r.Last))], Window: window));

    private static TransferEffect[] Chunks(params int[] chunks) => [.. chunks.Select(c => new TransferEffect(TransferAct.Chunk, c))];

    private static (TransferState Next, ImmutableArray<TransferEffect> Effects) Step(
        TransferState state, TransferSignal signal, in TransferTerms terms, DateTimeOffset? now = null) =>
        TransferMachine.Step(state, signal, now ?? Noon, terms, Limits);

    private sealed class Script(TransferTerms terms)
    {
        public TransferState State { get; private set; } = TransferMachine.Begin;

        public void Expect(TransferSignal signal, TransferPhase phase, params TransferEffect[] effects)
        {
            var (next, follows) = Step(State, signal, terms);
            Assert.That(next.Phase, Is.EqualTo(phase), signal.ToString());
            Assert.That(follows, Is.EqualTo(effects), signal.ToString());
            State = next;
        }
    }
}
