using CsCheck;
using Pumps.Core.Firmware;
using Pumps.Core.Schedules;
using Pumps.Core.Tests.Schedules;

namespace Pumps.Core.Tests.Firmware;

public sealed class MaintenanceWindowTests
{
    [TestCase("02:00", "04:00", "2025-06-01T00:00Z", null, TestName = "It is two o'clock in Berlin: open from the first minute")]
    [TestCase("02:00", "04:00", "2025-06-01T01:59Z", null, TestName = "Open to the last minute")]
    [TestCase("02:00", "04:00", "2025-06-01T02:00Z", "2025-06-02T00:00Z", TestName = "The end is not part of it: tomorrow")]
    [TestCase("02:00", "04:00", "2025-05-31T23:59Z", "2025-06-01T00:00Z", TestName = "Later today")]
    [TestCase("22:00", "04:00", "2025-06-01T21:00Z", null, TestName = "Over midnight: open before it")]
    [TestCase("22:00", "04:00", "2025-06-01T01:00Z", null, TestName = "Over midnight: open after it")]
    [TestCase("22:00", "04:00", "2025-06-01T10:00Z", "2025-06-01T20:00Z", TestName = "Over midnight: closed by day")]
    [TestCase("23:00", "00:00", "2025-06-01T22:00Z", "2025-06-02T21:00Z", TestName = "Until midnight")]
    [TestCase("02:30", "04:00", "2025-03-30T00:59Z", "2025-03-30T01:00Z", TestName = "Its beginning is skipped: it opens with the jump")]
    [TestCase("02:30", "04:00", "2025-03-30T01:10Z", null, TestName = "Its beginning is skipped: open after the jump")]
    [TestCase("02:15", "02:45", "2025-03-30T01:10Z", "2025-03-31T00:15Z", TestName = "All of it is skipped: the next day")]
    [TestCase("02:00", "03:00", "2025-10-26T00:30Z", null, TestName = "It comes twice: open the first time")]
    [TestCase("02:00", "03:00", "2025-10-26T01:30Z", null, TestName = "It comes twice: open the second time")]
    [TestCase("03:00", "04:00", "2025-10-26T00:30Z", "2025-10-26T02:00Z", TestName = "After the repeated hour")]
    public void A_window_opens_by_the_clock_of_the_site(string begins, string ends, string now, string? opens) =>
        Assert.That(Window(begins, ends).OpensAt(Zones.Berlin, Zones.Utc(now)), Is.EqualTo(opens is null ? (DateTimeOffset?)null : Zones.Utc(opens)));

    [Test]
    public void It_is_open_now_exactly_when_the_clock_says_so_and_else_opens_within_two_days() =>
        Gen.Select(Zones.Moments, Gen.Int[0, 1439], Gen.Int[1, 1439]).Sample((moment, begins, minutes) =>
        {
            var (zone, now) = (moment.Zone, new DateTimeOffset(moment.Utc, TimeSpan.Zero));
            var window = new MaintenanceWindow(new TimeOnly(0, 0).AddMinutes(begins), new TimeOnly(0, 0).AddMinutes(begins + minutes));
            var since = (int)(CivilTime.Local(zone, now).TimeOfDay.TotalMinutes + 1440 - begins) % 1440;
            var opens = window.OpensAt(zone, now);

            Assert.That(opens is null, Is.EqualTo(since < minutes));
            // A day may be missing altogether (Apia 2011).
            if (opens is { } at)
                Assert.That(at, Is.GreaterThan(now).And.LessThanOrEqualTo(now.AddHours(49)));
        }, iter: 20_000);

    private static MaintenanceWindow Window(string begins, string ends) =>
        new(TimeOnly.Parse(begins, System.Globalization.CultureInfo.InvariantCulture), TimeOnly.Parse(ends, System.Globalization.CultureInfo.InvariantCulture));
}
