using Pumps.Core.Devices;

namespace Pumps.Core.Tests.Devices;

public sealed class SiteClockTests
{
    [TestCase(60, 60, 120, "SetClock SetTag", TestName = "Clocks go forward")]
    [TestCase(120, 120, 60, "SetTag SetClock", TestName = "Clocks go back")]
    [TestCase(60, null, 60, "SetClock", TestName = "Nobody knows how the clock is set")]
    [TestCase(120, null, 60, "SetTag SetClock", TestName = "Nobody knows how the clock is set, and the tag is ahead")]
    [TestCase(null, 60, 60, "SetTag", TestName = "There is no tag")]
    [TestCase(60, 60, 60, "", TestName = "Everything is as it should be")]
    [TestCase(-210, -210, -150, "SetClock SetTag", TestName = "West of Greenwich")]
    public void Clock_and_tag_come_to_the_sites_time_and_the_tag_is_never_ahead(int? tag, int? clock, int civil, string expected)
    {
        var steps = new List<SiteClockStep>();
        while (SiteClock.Next(tag, clock, civil) is not SiteClockStep.None and var step)
        {
            if (step is SiteClockStep.SetTag)
                tag = civil;
            else
                clock = civil;
            steps.Add(step);
            Assert.That(clock is null || tag <= clock, "telegrams must not look old");
        }

        Assert.That(string.Join(' ', steps), Is.EqualTo(expected));
    }

    [TestCase(60, 60, 120, 120)]
    [TestCase(120, null, 60, 120, Description = "The tag goes first.")]
    [TestCase(60, 120, 60, 120, Description = "The tag has gone, and messages still carry the one of before.")]
    [TestCase(60, null, 60, 60)]
    [TestCase(null, null, 60, 60)]
    [TestCase(60, 120, null, 60, Description = "What was known of its clock at a site does not count without one.")]
    [TestCase(null, null, null, null)]
    public void Somebody_who_sets_a_clock_does_not_set_it_behind_its_tag(int? tag, int? clock, int? civil, int? expected) =>
        Assert.That(SiteClock.ToSet(tag, clock, civil), Is.EqualTo(expected));
}
