using CsCheck;
using Pumps.Core.Schedules;

namespace Pumps.Core.Tests.Schedules;

public sealed class OverlapTests
{
    private static readonly DateTimeOffset Now = Zones.Utc("2026-01-01");

    [Test]
    public void A_run_that_begins_before_another_has_ended_is_found()
    {
        var found = Overlap.Find(
            Zones.Daily("05:30"), TimeSpan.FromMinutes(45), Zones.Berlin, Zones.Daily("06:00") with { MonthDays = [7] }, default, Zones.Berlin, Now);

        Assert.That(found?.First.At, Is.EqualTo(Zones.Utc("2026-01-07T04:30")));
        Assert.That(found?.Second.At, Is.EqualTo(Zones.Utc("2026-01-07T05:00")));
    }

    [Test]
    public void A_run_may_begin_when_another_ends() =>
        Assert.That(Overlap.Find(
            Zones.Daily("05:30"), TimeSpan.FromMinutes(30), Zones.Berlin, Zones.Daily("06:00"), TimeSpan.FromHours(1), Zones.Berlin, Now), Is.Null);

    [Test]
    public void Runs_that_only_a_change_of_the_clocks_brings_together_are_found() =>
        Assert.That(Overlap.Find(
            Zones.Daily("02:30"), TimeSpan.FromMinutes(30), Zones.Berlin, Zones.Daily("03:15"), default, Zones.Berlin, Now)?.First.Change,
            Is.EqualTo(ClockChange.Skipped));

    [Test]
    public void A_schedule_can_overlap_itself() =>
        Assert.That(Overlap.FindWithin(Zones.Daily("05:30", "06:00"), TimeSpan.FromMinutes(31), Zones.Berlin, Now), Is.Not.Null);

    [Test]
    public void It_is_what_comparing_every_run_with_every_other_finds()
    {
        var days = Gen.Select(Gen.Int[0, 1439].HashSet[1, 4], Gen.Int[-3, 28].Where(d => d != 0).HashSet[1, 2])
            .Select((times, monthDays) => new ScheduleCalendar
            {
                Times = [.. times.Order().Select(m => TimeOnly.MinValue.AddMinutes(m))],
                MonthDays = [.. monthDays],
            });
        var found = 0;
        Gen.Select(days, Gen.Int[0, 1440], days, Gen.Int[0, 1440], Zones.Any).Sample((a, aLasts, b, bLasts, zone) =>
        {
            var (aLength, bLength) = (TimeSpan.FromMinutes(Math.Max(1, aLasts)), TimeSpan.FromMinutes(Math.Max(1, bLasts)));
            var (aRuns, bRuns) = (Runs(a), Runs(b));
            var any = aRuns.Any(x => bRuns.Any(y => x.At < y.At + bLength && y.At < x.At + aLength));

            Assert.That(Overlap.Find(a, TimeSpan.FromMinutes(aLasts), zone, b, TimeSpan.FromMinutes(bLasts), zone, Now) is not null, Is.EqualTo(any));
            if (any)
                Interlocked.Increment(ref found);

            List<PlannedRun> Runs(ScheduleCalendar c) => [.. c.RunsAfter(Now, zone).TakeWhile(r => r.At - Now < Overlap.Horizon)];
        }, iter: 300);

        Assert.That(found, Is.InRange(20, 280), "the generator must reach both");
    }
}
