using System.Text.Json;
using Pumps.Core.Schedules;

namespace Pumps.Core.Tests.Schedules;

public sealed class SkipConditionTests
{
    private static readonly DateTimeOffset Now = Zones.Utc("2026-06-01T05:30");

    [TestCase(Comparison.Above, "20", "20.01", true)]
    [TestCase(Comparison.Above, "20", "20.00", false)]
    [TestCase(Comparison.AtLeast, "20", "20.00", true)]
    [TestCase(Comparison.Below, "20", "19.99", true)]
    [TestCase(Comparison.AtMost, "20", "20.01", false)]
    [TestCase(Comparison.Equal, "20", "20.00", true)]
    [TestCase(Comparison.Equal, "\"raining\"", "\"raining\"", true)]
    [TestCase(Comparison.NotEqual, "true", "false", true)]
    public void A_run_is_left_out_when_the_newest_value_says_so(Comparison comparison, string value, string newest, bool skips) =>
        Assert.That(Condition(comparison, value).Holds(new(newest, true, Now.AddMinutes(-5)), Now), Is.EqualTo(skips));

    [Test]
    public void What_is_missing_bad_old_or_no_number_is_unknown([Values] bool skip)
    {
        var condition = Condition(Comparison.Above, "20") with { SkipWhenUnknown = skip };

        Assert.Multiple(() =>
        {
            Assert.That(condition.Holds(null, Now), Is.EqualTo(skip));
            Assert.That(condition.Holds(new(null, true, Now), Now), Is.EqualTo(skip));
            Assert.That(condition.Holds(new("25", false, Now), Now), Is.EqualTo(skip));
            Assert.That(condition.Holds(new("25", true, Now.AddMinutes(-61)), Now), Is.EqualTo(skip));
            Assert.That(condition.Holds(new("\"25\"", true, Now), Now), Is.EqualTo(skip));
        });
    }

    private static SkipCondition Condition(Comparison comparison, string value) =>
        new(null, "reservoir_level", comparison, JsonElement.Parse(value), TimeSpan.FromHours(1), false);
}
