using CsCheck;
using Pumps.Core.Schedules;

namespace Pumps.Core.Tests.Schedules;

public sealed class ScheduleCalendarTests
{
    private static readonly Gen<ScheduleCalendar> Calendars = Gen.Select(
        Gen.Int[0, 1439].HashSet[1, 6], Gen.Enum<DayOfWeek>().HashSet[0, 4], Gen.Int[-4, 31].Where(d => d != 0).HashSet[0, 6], Gen.Int[1, 12].HashSet[0, 8],
        Gen.Int[1, 3], Gen.Int[0, 5000], Gen.Int[0, 400]).Select((times, weekdays, days, months, weeks, from, length) => new ScheduleCalendar
        {
            Times = [.. times.Order().Select(m => TimeOnly.MinValue.AddMinutes(m))],
            Weekdays = [.. weekdays],
            MonthDays = [.. days],
            Months = [.. months],
            EveryWeeks = weeks,
            From = new DateOnly(2010, 1, 1).AddDays(from),
            Until = length < 200 ? null : new DateOnly(2010, 1, 1).AddDays(from + length),
        });

    [Test]
    public void A_week_runs_on_its_days_through_both_changes_of_the_clocks()
    {
        var calendar = Zones.Daily("02:30", "21:00") with { Weekdays = [DayOfWeek.Sunday] };

        Assert.That(calendar.RunsAfter(Zones.Utc("2026-03-23"), Zones.Berlin).Take(3).Select(r => r.At), Is.EqualTo(new[]
        {
            Zones.Utc("2026-03-29T01:00"), Zones.Utc("2026-03-29T19:00"), Zones.Utc("2026-04-05T00:30"),
        }));
        Assert.That(calendar.RunsAfter(Zones.Utc("2026-10-19"), Zones.Berlin).Take(3).Select(r => r.At), Is.EqualTo(new[]
        {
            Zones.Utc("2026-10-25T00:30"), Zones.Utc("2026-10-25T20:00"), Zones.Utc("2026-11-01T01:30"),
        }));
    }

    [Test]
    public void Times_that_the_clocks_bring_together_are_one_run() =>
        Assert.That(
            Zones.Daily("02:00", "02:30", "03:00", "03:30").RunsAfter(Zones.Utc("2026-03-28T12:00"), Zones.Berlin).Take(2).Select(r => r.At),
            Is.EqualTo(new[] { Zones.Utc("2026-03-29T01:00"), Zones.Utc("2026-03-29T01:30") }));

    [TestCase("2026-01-31", true)]
    [TestCase("2026-02-28", true)]
    [TestCase("2026-04-15", true)]
    [TestCase("2026-04-30", true)]
    [TestCase("2026-04-29", false)]
    public void Days_of_a_month_count_from_both_ends(string day, bool included) =>
        Assert.That((Zones.Daily("06:00") with { MonthDays = [15, -1] }).Includes(DateOnly.Parse(day)), Is.EqualTo(included));

    [Test]
    public void The_29th_of_February_is_found_over_a_century_without_one() =>
        Assert.That(
            (Zones.Daily("06:00") with { MonthDays = [29], Months = [2] }).RunsAfter(Zones.Utc("2096-03-01"), TimeZoneInfo.Utc).First().At,
            Is.EqualTo(Zones.Utc("2104-02-29T06:00")));

    [Test]
    public void Every_second_week_counts_from_the_week_of_the_first_day() =>
        Assert.That(
            (Zones.Daily("06:00") with { Weekdays = [DayOfWeek.Monday], EveryWeeks = 2, From = new(2026, 4, 1) })
                .RunsAfter(Zones.Utc("2026-01-01"), TimeZoneInfo.Utc).Take(2).Select(r => r.At),
            Is.EqualTo(new[] { Zones.Utc("2026-04-13T06:00"), Zones.Utc("2026-04-27T06:00") }));

    [Test]
    public void A_season_includes_its_first_and_last_day_and_leaves_out_exceptions() =>
        Assert.That(
            (Zones.Daily("06:00") with { From = new(2026, 5, 1), Until = new(2026, 5, 4), Except = [new(2026, 5, 2)] })
                .RunsAfter(Zones.Utc("2026-01-01"), TimeZoneInfo.Utc).Select(r => r.At.Day),
            Is.EqualTo(new[] { 1, 3, 4 }));

    /// <summary>No run is lost or doubled by where one looks from: the base of exactly once.</summary>
    [Test]
    public void Runs_of_a_span_are_those_of_its_parts() => Gen.Select(Calendars, Zones.Moments, Gen.Int[1, 14 * 1440], Gen.Int[1, 14 * 1440])
        .Sample((calendar, moment, first, second) =>
        {
            var (from, middle, to) = (moment.Utc, moment.Utc.AddMinutes(first), moment.Utc.AddMinutes(first + second));

            Assert.That(
                Between(calendar, moment.Zone, from, middle).Concat(Between(calendar, moment.Zone, middle, to)),
                Is.EqualTo(Between(calendar, moment.Zone, from, to)));
        });

    [Test]
    public void Every_planned_civil_time_has_its_run_and_every_run_its_civil_time() => Gen.Select(Calendars, Zones.Moments).Sample((calendar, moment) =>
    {
        var (from, to) = (moment.Utc, moment.Utc.AddDays(10));
        var planned = Enumerable.Range(-2, 16).Select(d => DateOnly.FromDateTime(from).AddDays(d)).Where(calendar.Includes)
            .SelectMany(day => calendar.Times.Select(day.ToDateTime)).Select(local => CivilTime.Resolve(moment.Zone, local).At)
            .Where(at => at > from && at <= to).Distinct();

        Assert.That(Between(calendar, moment.Zone, from, to).Select(r => r.At), Is.EqualTo(planned).And.Ordered);
    });

    private static List<PlannedRun> Between(ScheduleCalendar calendar, TimeZoneInfo zone, DateTime from, DateTime to) =>
        [.. calendar.RunsAfter(from, zone).TakeWhile(r => r.At <= to)];
}
