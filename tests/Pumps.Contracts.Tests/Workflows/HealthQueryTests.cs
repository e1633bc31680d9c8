using System.Text.RegularExpressions;
using Pumps.Contracts.Tests.Bicep;
using Pumps.Handlers.Observability;

namespace Pumps.Contracts.Tests.Workflows;

/// <summary>The query between the rings asks for what the code emits.</summary>
public sealed class HealthQueryTests
{
    [Test]
    public void A_metric_of_the_health_query_is_one_that_code_emits()
    {
        var asked = Regex.Matches(File.ReadAllText(Path.Combine(Infrastructure.Folder, "health.kql")), "\"(pumps\\.[a-z_.]+)\"").Select(m => m.Groups[1].Value).Distinct();
        var emitted = typeof(Metrics).GetFields().Select(f => f.GetValue(null)).OfType<System.Diagnostics.Metrics.Instrument>().Select(i => i.Name);

        Assert.That(asked, Is.Not.Empty.And.SubsetOf(emitted));
    }
}
