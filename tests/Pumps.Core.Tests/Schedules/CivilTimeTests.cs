using CsCheck;
using Pumps.Core.Schedules;

namespace Pumps.Core.Tests.Schedules;

public sealed class CivilTimeTests
{
    [TestCase("Europe/Berlin", "2026-03-29T01:59", "2026-03-29T00:59Z", ClockChange.None)]
    [TestCase("Europe/Berlin", "2026-03-29T02:00", "2026-03-29T01:00Z", ClockChange.Skipped)]
    [TestCase("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00Z", ClockChange.Skipped)]
    [TestCase("Europe/Berlin", "2026-03-29T03:00", "2026-03-29T01:00Z", ClockChange.None)]
    [TestCase("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30Z", ClockChange.Repeated)]
    [TestCase("Europe/Berlin", "2026-10-25T03:00", "2026-10-25T02:00Z", ClockChange.None)]
    [TestCase("America/New_York", "2026-03-08T02:30", "2026-03-08T07:00Z", ClockChange.Skipped)]
    [TestCase("America/New_York", "2026-11-01T01:30", "2026-11-01T05:30Z", ClockChange.Repeated)]
    [TestCase("Australia/Lord_Howe", "2026-10-04T02:15", "2026-10-03T15:30Z", ClockChange.Skipped)]
    [TestCase("Australia/Lord_Howe", "2026-04-05T01:45", "2026-04-04T14:45Z", ClockChange.Repeated)]
    [TestCase("America/Havana", "2026-03-08T00:30", "2026-03-08T05:00Z", ClockChange.Skipped)]
    [TestCase("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00Z", ClockChange.Skipped)]
    [TestCase("Asia/Kathmandu", "2026-06-01T05:30", "2026-05-31T23:45Z", ClockChange.None)]
    public void A_civil_time_has_one_instant(string zone, string local, string instant, ClockChange change) =>
        Assert.That(
            CivilTime.Resolve(TimeZoneInfo.FindSystemTimeZoneById(zone), Zones.Utc(local).DateTime), Is.EqualTo((Zones.Utc(instant), change)));

    /// <summary>Against a walk over every minute of three days.</summary>
    [Test]
    public void It_is_the_first_instant_at_which_the_clocks_show_the_time_or_else_a_later_one()
    {
        Zones.Moments.Sample(moment =>
        {
            var (zone, utc) = moment;
            var local = DateTime.SpecifyKind(utc, DateTimeKind.Unspecified);
            var minutes = Enumerable.Range(-36 * 60, 72 * 60).Select(m => utc.AddMinutes(m)).ToList();
            var shown = minutes.Where(m => m + zone.GetUtcOffset(m) == utc).ToList();

            var (at, change) = CivilTime.Resolve(zone, local);

            if (shown.Count > 0)
                Assert.That((at.UtcDateTime, change), Is.EqualTo((shown[0], shown.Count == 2 ? ClockChange.Repeated : ClockChange.None)), $"{zone.Id} {local:s}");
            else
                Assert.That((at.UtcDateTime, change), Is.EqualTo((minutes.First(m => m + zone.GetUtcOffset(m) > utc), ClockChange.Skipped)), $"{zone.Id} {local:s}");
        }, iter: 2000);
    }

    [Test]
    public void Later_civil_times_never_give_earlier_instants() => Gen.Select(Zones.Moments, Gen.Int[0, 2880]).Sample((moment, minutes) =>
        Assert.That(CivilTime.Resolve(moment.Zone, moment.Utc.AddMinutes(minutes)).At, Is.GreaterThanOrEqualTo(CivilTime.Resolve(moment.Zone, moment.Utc).At)));

    [Test]
    public void The_generator_reaches_both_changes()
    {
        var seen = new System.Collections.Concurrent.ConcurrentDictionary<ClockChange, int>();
        Zones.Moments.Sample(m => { seen.AddOrUpdate(CivilTime.Resolve(m.Zone, m.Utc).Change, 1, (_, n) => n + 1); }, iter: 2000, threads: 1);

        Assert.That(seen.Values, Has.Count.EqualTo(3).And.All.GreaterThan(5));
    }
}
