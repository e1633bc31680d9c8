using System.Collections.Immutable;
using System.Text.Json;
using CsCheck;
using Pumps.Core.Firmware;
using static Pumps.Core.Firmware.RolloutPhase;

namespace Pumps.Core.Tests.Firmware;

public sealed class RolloutMachineTests
{
    private static readonly DateTimeOffset Noon = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly RolloutTerms Terms = new([10, 50, 100], SuccessPercent: 90, ErrorPercent: 10, Soak: TimeSpan.FromHours(1));

    /// <summary>10, 40 and 50 of 100 devices.</summary>
    [Test]
    public void A_wave_begins_when_the_one_before_has_been_successful_for_a_while()
    {
        var script = new Script();
        script.Expect(0, RolloutEffect.StartWave, Running, 0, Wave(10), Wave(40), Wave(50));
        script.Expect(1, RolloutEffect.None, Running, 0, Wave(10, done: 8), Wave(40), Wave(50));
        script.Expect(2, RolloutEffect.None, Running, 0, Wave(10, done: 9), Wave(40), Wave(50));
        script.Expect(61, RolloutEffect.None, Running, 0, Wave(10, done: 9), Wave(40), Wave(50));
        script.Expect(62, RolloutEffect.StartWave, Running, 1, Wave(10, done: 9), Wave(40), Wave(50));
        script.Expect(63, RolloutEffect.None, Running, 1, Wave(10, done: 9), Wave(40, done: 36), Wave(50));
        script.Expect(123, RolloutEffect.StartWave, Running, 2, Wave(10, done: 9), Wave(40, done: 36), Wave(50));
        script.Expect(999, RolloutEffect.None, Running, 2, Wave(10, done: 9, failed: 1), Wave(40, done: 36), Wave(50, done: 50));
        script.Expect(1000, RolloutEffect.None, Done, 2, Wave(10, done: 9, failed: 1), Wave(40, done: 40), Wave(50, done: 49, cancelled: 1));
        Assert.That(script.State.EndedAt, Is.EqualTo(Noon.AddMinutes(1000)));
    }

    [Test]
    public void One_failure_more_than_allowed_pauses_and_whoever_resumes_has_accepted_it()
    {
        var script = new Script();
        script.Expect(0, RolloutEffect.StartWave, Running, 0, Wave(10), Wave(90));
        script.Expect(1, RolloutEffect.None, Running, 0, Wave(10, failed: 1), Wave(90));
        script.Expect(2, RolloutEffect.None, Paused, 0, Wave(10, done: 1, failed: 2), Wave(90));
        Assert.That(script.State.Reason, Is.EqualTo(RolloutMachine.ErrorThreshold));
        script.Expect(3, RolloutEffect.None, Paused, 0, Wave(10, done: 8, failed: 2), Wave(90));

        script.Expect(new RolloutSignal.Resume("anna", [Wave(10, done: 7, failed: 2), Wave(90)]), RolloutEffect.None, Running);
        Assert.That((script.State.SteeredBy, script.State.ResumedAt is not null), Is.EqualTo(("anna", true)));
        Assert.That((script.State.Reason, script.State.Accepted), Is.EqualTo(((string?)null, ImmutableArray.Create(2, 0))).Using<(string?, ImmutableArray<int>)>(
            (a, b) => a.Item1 == b.Item1 && a.Item2.SequenceEqual(b.Item2)));
        script.Expect(4, RolloutEffect.None, Running, 0, Wave(10, done: 7, failed: 3), Wave(90));
        script.Expect(5, RolloutEffect.None, Paused, 0, Wave(10, done: 6, failed: 4), Wave(90));
    }

    /// <summary>What was accepted must not hold up the others: 80 % of 90 are done, and nobody is left.</summary>
    [Test]
    public void A_wave_in_which_nobody_is_open_is_as_successful_as_it_will_ever_be()
    {
        var script = new Script();
        script.Expect(0, RolloutEffect.StartWave, Running, 0, Wave(10), Wave(90));
        script.Expect(new RolloutSignal.Resume("anna", []), RolloutEffect.None, Running);
        script.Expect(1, RolloutEffect.None, Paused, 0, Wave(10, done: 8, failed: 2), Wave(90));
        script.Expect(new RolloutSignal.Resume("anna", [Wave(10, done: 8, failed: 2), Wave(90)]), RolloutEffect.None, Running);
        script.Expect(2, RolloutEffect.None, Running, 0, Wave(10, done: 8, failed: 2), Wave(90));
        script.Expect(62, RolloutEffect.StartWave, Running, 1, Wave(10, done: 8, failed: 2), Wave(90));
    }

    [Test]
    public void An_earlier_wave_that_fails_late_pauses_too()
    {
        var script = new Script();
        script.Expect(0, RolloutEffect.StartWave, Running, 0, Wave(10), Wave(90));
        script.Expect(1, RolloutEffect.None, Running, 0, Wave(10, done: 9), Wave(90));
        script.Expect(61, RolloutEffect.StartWave, Running, 1, Wave(10, done: 9), Wave(90));
        script.Expect(62, RolloutEffect.None, Paused, 1, Wave(10, done: 7, failed: 3), Wave(90));
    }

    [Test]
    public void A_paused_rollout_begins_no_wave_and_one_that_is_aborted_ends_when_all_are_told()
    {
        var script = new Script();
        script.Expect(0, RolloutEffect.StartWave, Running, 0, Wave(10), Wave(90));
        script.Expect(new RolloutSignal.Pause("anna"), RolloutEffect.None, Paused);
        script.Expect(200, RolloutEffect.None, Paused, 0, Wave(10, done: 10), Wave(90));
        script.Expect(new RolloutSignal.Abort("anna"), RolloutEffect.None, Aborting);
        script.Expect(201, RolloutEffect.CancelTransfers, Aborting, 0, Wave(10, done: 9), Wave(90, cancelled: 90));
        script.Expect(202, RolloutEffect.None, Aborted, 0, Wave(10, done: 10), Wave(90, cancelled: 90));
    }

    [Test]
    public void A_rollout_whose_transfers_are_over_is_done_although_it_is_paused()
    {
        var script = new Script();
        script.Expect(0, RolloutEffect.StartWave, Running, 0, Wave(10));
        script.Expect(new RolloutSignal.Pause("anna"), RolloutEffect.None, Paused);
        script.Expect(1, RolloutEffect.None, Done, 0, Wave(10, done: 10));
    }

    /// <summary>All phases against all signals: what may move to where, and nothing else.</summary>
    [Test]
    public void Only_these_pairs_move_a_rollout([Values] RolloutPhase phase)
    {
        Dictionary<string, RolloutPhase> moves = phase switch
        {
            Running => new() { ["all over"] = Done, ["errors"] = Paused, ["pause"] = Paused, ["abort"] = Aborting },
            Paused => new() { ["all over"] = Done, ["resume"] = Running, ["abort"] = Aborting },
            Aborting => new() { ["all over"] = Aborted },
            _ => [],
        };
        var signals = new (string Name, RolloutSignal Signal)[]
        {
            ("all over", new RolloutSignal.Counted([Wave(2, done: 2)])), ("errors", new RolloutSignal.Counted([Wave(2, failed: 1)])),
            ("open", new RolloutSignal.Counted([Wave(2)])), ("pause", new RolloutSignal.Pause("anna")), ("resume", new RolloutSignal.Resume("anna", [Wave(2)])),
            ("abort", new RolloutSignal.Abort("anna")),
        };

        var before = new RolloutState(phase, 0) { EndedAt = phase.IsOver() ? Noon : null };
        foreach (var (name, signal) in signals)
        {
            var (next, effect) = RolloutMachine.Step(before, signal, Noon, Terms with { Waves = [100] });
            Assert.That(next.Phase, Is.EqualTo(moves.GetValueOrDefault(name, phase)), name);
            Assert.That(effect, Is.EqualTo(next.Phase is Aborting && signal is RolloutSignal.Counted ? RolloutEffect.CancelTransfers : RolloutEffect.None), name);
            Assert.That(next.EndedAt is not null, Is.EqualTo(next.Phase.IsOver()), name);
            if (!moves.ContainsKey(name))
                Assert.That(next, Is.SameAs(before), name);
        }
    }

    [TestCase(100, "7 43 50", 7, 50, 100)]
    [TestCase(1000, "10 90 900", 1, 10, 100)]
    [TestCase(3, "1 1 1", 1, 2, 100)]
    [TestCase(2, "1 1 0", 1, 2, 100)]
    [TestCase(1, "1 0 0", 1, 2, 100)]
    [TestCase(10, "3 1 1 5", 30, 31, 32, 100)]
    [TestCase(7, "7", 100)]
    public void Waves_reach_their_percentage_rounded_up(int devices, string sizes, params int[] waves)
    {
        var terms = Terms with { Waves = [.. waves] };
        var counts = Enumerable.Range(0, devices).CountBy(place => terms.WaveOf(place, devices)).ToDictionary();
        Assert.That(string.Join(' ', waves.Select((_, wave) => counts.GetValueOrDefault(wave))), Is.EqualTo(sizes));
    }

    [Test]
    public void Every_device_is_in_a_wave_and_no_wave_before_it_is_empty() =>
        Gen.Select(Gen.Int[1, 99].HashSet[0, 19], Gen.Int[1, 3000]).Sample((parts, devices) =>
        {
            var terms = Terms with { Waves = [.. parts.Order(), 100] };
            var waves = Enumerable.Range(0, devices).Select(place => terms.WaveOf(place, devices)).ToList();

            Assert.That(waves, Is.Ordered, "later places are in later waves");
            Assert.That(waves[0], Is.Zero);
            Assert.That(waves.Distinct(), Is.EqualTo(Enumerable.Range(0, waves[^1] + 1)));
        }, iter: 500);

    [Test]
    public void A_stored_rollout_keeps_its_names()
    {
        var state = new RolloutState(Paused, 1) { Reason = RolloutMachine.ErrorThreshold, Accepted = [2, 0], SuccessfulAt = Noon, EndedAt = Noon };
        const string json = """
            {"phase":"paused","wave":1,"reason":"error_threshold","accepted":[2,0],"successfulAt":"2025-06-01T12:00:00+00:00","endedAt":"2025-06-01T12:00:00+00:00"}
            """;

        Assert.That(JsonSerializer.Serialize(state, TransferMachineTests.Json), Is.EqualTo(json));
        Assert.That(JsonSerializer.Serialize(JsonSerializer.Deserialize<RolloutState>(json, TransferMachineTests.Json), TransferMachineTests.Json), Is.EqualTo(json));
        Assert.That(JsonSerializer.Deserialize<RolloutState>("""{"phase":"running","wave":-1}""", TransferMachineTests.Json), Is.EqualTo(RolloutMachine.Begin));
        Assert.That(Enum.GetValues<RolloutPhase>().Select(p => p.Name()), Is.EqualTo(new[] { "running", "paused", "aborting", "done", "aborted" }));
        Assert.That(Enum.GetValues<RolloutPhase>().Select(p => RolloutPhases.Parse(p.Name())), Is.EqualTo(Enum.GetValues<RolloutPhase>()));
    }

    private static WaveCount Wave(int devices, int done = 0, int failed = 0, int cancelled = 0) => new(devices, done, failed, cancelled);

    private sealed class Script
    {
        public RolloutState State { get; private set; } = RolloutMachine.Begin;

        public void Expect(int minute, RolloutEffect effect, RolloutPhase phase, int wave, params WaveCount[] waves)
        {
            var terms = Terms with { Waves = [.. Terms.Waves.TakeLast(waves.Length)] };
            (State, var follows) = RolloutMachine.Step(State, new RolloutSignal.Counted([.. waves]), Noon.AddMinutes(minute), terms);
            Assert.That((follows, State.Phase, State.Wave), Is.EqualTo((effect, phase, wave)), $"minute {minute}");
        }

        public void Expect(RolloutSignal signal, RolloutEffect effect, RolloutPhase phase)
        {
            (State, var follows) = RolloutMachine.Step(State, signal, Noon, Terms);
            Assert.That((follows, State.Phase), Is.EqualTo((effect, phase)), signal.ToString());
        }
    }
}
