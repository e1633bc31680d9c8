using CsCheck;
using Pumps.Core.Schedules;

namespace Pumps.Core.Tests.Schedules;

public sealed class ScheduleProgressTests
{
    private static readonly MissedRuns LeaveOut = new(TimeSpan.Zero);
    private static readonly MissedRuns MakeUp = new(TimeSpan.FromHours(3));
    private static readonly ScheduleCalendar Calendar = Zones.Daily("05:00", "06:00", "07:00");
    private static readonly ScheduleProgress Start = new(Zones.Utc("2026-06-01T00:00"), null);

    [Test]
    public void A_run_within_the_grace_is_on_time() =>
        Assert.That(Settle(Start, LeaveOut, "2026-06-01T05:04"), Is.EqualTo(new[] { ("05:00", RunVerdict.OnTime) }));

    [Test]
    public void A_late_run_is_left_out_when_the_policy_says_so() =>
        Assert.That(Settle(Start, LeaveOut, "2026-06-01T05:06"), Is.EqualTo(new[] { ("05:00", RunVerdict.Missed) }));

    [Test]
    public void Of_several_late_runs_only_the_newest_is_made_up_for() =>
        Assert.That(Settle(Start, MakeUp, "2026-06-01T06:30"), Is.EqualTo(new[] { ("05:00", RunVerdict.Missed), ("06:00", RunVerdict.Late) }));

    [Test]
    public void A_late_run_is_not_made_up_for_beside_one_that_is_on_time() =>
        Assert.That(Settle(Start, MakeUp, "2026-06-01T06:01"), Is.EqualTo(new[] { ("05:00", RunVerdict.Missed), ("06:00", RunVerdict.OnTime) }));

    [Test]
    public void Beyond_the_tolerance_nothing_is_made_up_for() =>
        Assert.That(Settle(Start, MakeUp, "2026-06-01T10:01").Select(r => r.Verdict), Is.All.EqualTo(RunVerdict.Missed));

    [Test]
    public void A_paused_schedule_plans_nothing_and_makes_up_for_nothing()
    {
        var paused = Start.Pause(null).Settle(Calendar, TimeZoneInfo.Utc, MakeUp, Zones.Utc("2026-06-01T06:30"));

        Assert.That(paused.Runs, Is.Empty);
        Assert.That(paused.Next, Is.Null);
        Assert.That(Settle(paused.Progress.Resume(Zones.Utc("2026-06-01T06:31")), MakeUp, "2026-06-01T07:00"), Is.EqualTo(new[] { ("07:00", RunVerdict.OnTime) }));
    }

    [Test]
    public void A_pause_ends_by_itself_and_the_run_at_its_end_counts()
    {
        var paused = Start.Pause(Zones.Utc("2026-06-01T06:00")).Settle(Calendar, TimeZoneInfo.Utc, LeaveOut, Zones.Utc("2026-06-01T05:30"));

        Assert.That(paused.Next!.Value.At, Is.EqualTo(Zones.Utc("2026-06-01T06:00")));
        Assert.That(Settle(paused.Progress, LeaveOut, "2026-06-01T06:00"), Is.EqualTo(new[] { ("06:00", RunVerdict.OnTime) }));
    }

    [Test]
    public void A_long_outage_is_settled_in_steps_and_only_the_last_run_is_made_up_for()
    {
        var (progress, verdicts, more) = (Start, new List<RunVerdict>(), true);
        for (var now = Zones.Utc("2026-12-01T07:30"); more;)
        {
            var step = progress.Settle(Calendar, TimeZoneInfo.Utc, MakeUp, now);
            Assert.That(step.Runs, Has.Length.LessThanOrEqualTo(ScheduleProgress.RunsAtOnce));
            verdicts.AddRange(step.Runs.Select(r => r.Verdict));
            (progress, more) = (step.Progress, step.More);
        }

        Assert.That(verdicts, Has.Count.EqualTo(3 * 183 + 3));
        Assert.That(verdicts.SkipLast(1), Is.All.EqualTo(RunVerdict.Missed));
        Assert.That(verdicts[^1], Is.EqualTo(RunVerdict.Late));
    }

    /// <summary>
    /// Ticks at any distance, of hosts whose clocks differ, with pauses between them, across changes of the clocks: every planned run outside of
    /// a pause is decided once, in order; none of a pause ever is.
    /// </summary>
    [Test]
    public void Whatever_happens_every_run_is_decided_exactly_once()
    {
        var steps = Gen.Select(Gen.Int[-2, 3 * 1440], Gen.Int[0, 8].Select(n => n < 6 ? 0 : n - 5), Gen.Int[1, 2000]).Array[5, 40];
        Gen.Select(Zones.Moments, Gen.Int[0, 1439].HashSet[1, 5], steps, Gen.Int[0, 2]).Sample((moment, times, story, tolerance) =>
        {
            var calendar = new ScheduleCalendar { Times = [.. times.Order().Select(m => TimeOnly.MinValue.AddMinutes(m))] };
            var missed = new MissedRuns(TimeSpan.FromHours(tolerance * 3));
            DateTimeOffset start = moment.Utc;
            var (progress, now, clock) = (new ScheduleProgress(start, null), start, start);
            var decided = new List<SettledRun>();
            var pauses = new List<(DateTimeOffset From, DateTimeOffset Until)>();

            void Tick(DateTimeOffset at)
            {
                Settlement step;
                do
                {
                    step = progress.Settle(calendar, moment.Zone, missed, at);
                    decided.AddRange(step.Runs);
                    progress = step.Progress;
                }
                while (step.More);
                Assert.That(step.Next?.At, Is.Null.Or.GreaterThan(at));
            }

            foreach (var (minutes, what, length) in story)
            {
                // A host's clock may be behind the one that settled last.
                now = minutes < 0 ? now : clock.AddMinutes(minutes);
                Tick(minutes < 0 ? clock.AddMinutes(minutes) : now);
                clock = now > clock ? now : clock;
                if (what == 0)
                    continue;

                Tick(clock);
                if (pauses.Count > 0 && pauses[^1].Until > clock)
                    pauses[^1] = pauses[^1] with { Until = clock.AddTicks(1) };
                if (what is 1 or 2)
                {
                    DateTimeOffset? until = what == 1 ? clock.AddMinutes(length) : null;
                    progress = progress.Pause(until);
                    pauses.Add((clock, until ?? DateTimeOffset.MaxValue));
                }
                else
                {
                    progress = progress.Resume(clock);
                }
            }

            var end = progress.SettledTo;
            var planned = calendar.RunsAfter(start, moment.Zone).TakeWhile(r => r.At <= end).Where(r => !pauses.Any(p => r.At > p.From && r.At < p.Until));
            Assert.That(decided.Select(d => d.Planned), Is.EqualTo(planned));
        }, iter: 500);
    }

    private static IEnumerable<(string At, RunVerdict Verdict)> Settle(ScheduleProgress progress, MissedRuns missed, string now) =>
        progress.Settle(Calendar, TimeZoneInfo.Utc, missed, Zones.Utc(now)).Runs.Select(r => (r.Planned.At.ToString("HH:mm"), r.Verdict));
}
