using CsCheck;
using Pumps.Core.Devices;
using static Pumps.Core.Devices.ConnectionEffect;
using static Pumps.Core.Devices.ConnectionSignalKind;

namespace Pumps.Core.Tests.Devices;

public sealed class ConnectionMachineTests
{
    private static readonly DateTimeOffset Noon = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(150);

    [TestCase(300, 630)]
    [TestCase(60, 150)]
    [TestCase(5, 60)]
    public void The_grace_is_two_reports_and_half_a_minute_at_least_a_minute(int report, int grace) =>
        Assert.That(ConnectionMachine.GraceOf(TimeSpan.FromSeconds(report)), Is.EqualTo(TimeSpan.FromSeconds(grace)));

    [Test]
    public void A_device_that_connects_for_the_first_time_is_online()
    {
        var (line, effects) = Run((Connected, 0));
        Assert.That((line!.Phase, line.Since), Is.EqualTo((ConnectionPhase.Online, Noon)));
        Assert.That(effects, Is.EqualTo(new[] { WentOnline }));
    }

    [Test]
    public void A_device_that_comes_back_within_the_grace_was_never_away()
    {
        var (line, effects) = Run((Connected, 0), (Disconnected, 60), (Tick, 209), (Connected, 209), (Tick, 1000));
        Assert.That((line!.Phase, line.Since), Is.EqualTo((ConnectionPhase.Online, Noon)));
        Assert.That(effects, Is.EqualTo(new[] { WentOnline }));
    }

    [Test]
    public void After_the_grace_it_is_offline_since_it_left()
    {
        var (line, effects) = Run((Connected, 0), (Disconnected, 60), (Tick, 210), (Tick, 300));
        Assert.That((line!.Phase, line.Since, line.DueAt), Is.EqualTo((ConnectionPhase.Offline, Noon.AddSeconds(60), (DateTimeOffset?)null)));
        Assert.That(effects, Is.EqualTo(new[] { WentOnline, WentOffline }));
    }

    [Test]
    public void A_restart_of_the_hub_that_everybody_survives_tells_nobody_anything()
    {
        var (line, effects) = Run((Connected, 0), (HubRestarted, 1000), (Tick, 1100), (Connected, 1140), (Tick, 5000));
        Assert.That(line!.Phase, Is.EqualTo(ConnectionPhase.Online));
        Assert.That(effects, Is.EqualTo(new[] { WentOnline }));
    }

    [Test]
    public void Who_was_leaving_when_the_hub_restarted_has_the_whole_grace_again()
    {
        var (line, effects) = Run((Connected, 0), (Disconnected, 60), (HubRestarted, 200), (Tick, 340), (Tick, 350));
        Assert.That((line!.Phase, line.Since), Is.EqualTo((ConnectionPhase.Offline, Noon.AddSeconds(60))));
        Assert.That(effects, Is.EqualTo(new[] { WentOnline, WentOffline }));
        Assert.That(Run((Connected, 0), (Disconnected, 60), (HubRestarted, 200), (Tick, 340)).Line!.Phase, Is.EqualTo(ConnectionPhase.Leaving));
    }

    [Test]
    public void Who_was_offline_stays_offline_over_a_restart() =>
        Assert.That(Run((Connected, 0), (Disconnected, 60), (Tick, 210), (HubRestarted, 500), (Tick, 5000)).Effects, Is.EqualTo(new[] { WentOnline, WentOffline }));

    [Test]
    public void A_goodbye_that_overtakes_the_hello_before_it_wins()
    {
        var (left, _) = ConnectionMachine.Step(null, new(Disconnected, Noon.AddSeconds(5), "0005"), Grace);
        var (line, effects) = ConnectionMachine.Step(left, new(Connected, Noon, "0001"), Grace);
        Assert.That(line, Is.EqualTo(left));
        Assert.That(effects, Is.Empty);
    }

    /// <summary>Whatever comes twice, late or not at all: effects alternate, and where it ends is what the newest event says.</summary>
    [Test]
    public void Duplicates_and_disorder_change_nothing_in_the_end()
    {
        var late = 0;
        Gen.Select(
            Gen.Int[0, 2].Select(i => (ConnectionSignalKind)i).Array[1, 12],
            Gen.Int[0, 40].Array[0, 12],
            Gen.Int[0, 1000].Array[0, 30]).Sample((kinds, repeats, ticks) =>
        {
            var events = kinds.Select((kind, i) => new ConnectionSignal(kind, Noon.AddSeconds(i * 40), $"{i:0000}")).ToList();
            var signals = new List<ConnectionSignal>();
            for (var i = 0; i < events.Count; i++)
            {
                signals.Add(events[i]);
                foreach (var again in repeats.Where(r => r <= i))
                {
                    signals.Add(events[again]);
                    if (again < i) late++;
                }

                signals.AddRange(ticks.Where(t => t / 40 == i).Order().Select(t => new ConnectionSignal(Tick, Noon.AddSeconds(t))));
            }

            signals.Add(new(Tick, Noon.AddDays(1)));
            DeviceLine? line = null;
            var effects = new List<ConnectionEffect>();
            foreach (var signal in signals)
            {
                var (next, told) = ConnectionMachine.Step(line, signal, Grace);
                line = next;
                effects.AddRange(told);
            }

            Assert.That(effects.Zip(effects.Skip(1)).All(pair => pair.First != pair.Second), "told twice the same");
            Assert.That(effects.FirstOrDefault(), Is.EqualTo(WentOnline));
            if (events[^1].Kind is Connected) Assert.That(line!.Phase, Is.EqualTo(ConnectionPhase.Online));
            else Assert.That(line?.Phase, Is.Null.Or.EqualTo(ConnectionPhase.Offline));
            Assert.That(effects.Count(e => e is WentOnline) - effects.Count(e => e is WentOffline), Is.EqualTo(line?.Phase is ConnectionPhase.Online ? 1 : 0));
        }, iter: 2000, threads: 1);
        Assert.That(late, Is.GreaterThan(100), "the generator must reach late events");
    }

    private static (DeviceLine? Line, List<ConnectionEffect> Effects) Run(params (ConnectionSignalKind Kind, int Seconds)[] signals)
    {
        DeviceLine? line = null;
        var effects = new List<ConnectionEffect>();
        foreach (var (kind, seconds) in signals)
        {
            var (next, told) = ConnectionMachine.Step(line, new(kind, Noon.AddSeconds(seconds), $"{seconds:0000}"), Grace);
            line = next;
            effects.AddRange(told);
        }

        return (line, effects);
    }
}
