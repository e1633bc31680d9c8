using System.Text.Json;

namespace Pumps.Contracts.Tests.Portal;

internal static class ProblemAssert
{
    public static void HasRule(JsonElement problem, string rule) => Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:" + rule));

    /// <summary>The problem has its stable type, and one of its errors names the parameter, what was given and what is allowed.</summary>
    public static void Names(JsonElement problem, string rule, string parameter, string? given)
    {
        var errors = problem.GetProperty("errors").EnumerateArray().ToList();
        Assert.Multiple(() =>
        {
            Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:" + rule));
            Assert.That(problem.GetProperty("status").GetInt32(), Is.EqualTo(400));
            Assert.That(problem.GetProperty("detail").GetString(), Does.Contain("\"" + parameter + "\""));
            Assert.That(errors[0].GetProperty("rule").GetString(), Is.EqualTo(rule));
            Assert.That(errors[0].GetProperty("parameter").GetString(), Is.EqualTo(parameter));
            Assert.That(errors[0].GetProperty("given").GetString(), Is.EqualTo(given));
            Assert.That(errors[0].GetProperty("allowed").GetString(), Is.Not.Empty);
        });
    }
}
