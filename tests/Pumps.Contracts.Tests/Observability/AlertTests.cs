using System.Diagnostics;
using System.Text;
using Pumps.Contracts.Tests.Bicep;

namespace Pumps.Contracts.Tests.Observability;

/// <summary>One list of alerts, in Azure and for Prometheus, each with its page.</summary>
public sealed class AlertTests
{
    private static readonly bool Write = Environment.GetEnvironmentVariable("PUMPS_WRITE_SNAPSHOTS") == "1";

    private static readonly string Runbooks = Path.Combine(Infrastructure.Folder, "runbooks");

    [Test]
    public void Every_alert_has_its_runbook_and_every_runbook_its_alert() =>
        Assert.That(Directory.GetFiles(Runbooks, "*.md").Select(f => Path.GetFileNameWithoutExtension(f)), Is.EquivalentTo(Queries.Alerts.Select(a => a.Id)));

    [TestCaseSource(typeof(Queries), nameof(Queries.Alerts))]
    public void A_runbook_says_what_it_means_how_to_check_and_what_to_do(object alert)
    {
        var it = (Alert)alert;
        var text = File.ReadAllText(Path.Combine(Runbooks, $"{it.Id}.md"));

        Assert.That(text, Does.StartWith($"# {it.Title}\n").And.Match("(?s)\n\\*\\*What it means\\.\\*\\*.*\n\\*\\*How to check\\.\\*\\*.*\n\\*\\*What to do\\.\\*\\*.*\n1\\. "));
    }

    [TestCaseSource(typeof(Infrastructure), nameof(Infrastructure.Regions))]
    public void Every_alert_is_deployed_and_tells_the_operators(string name)
    {
        var region = Infrastructure.Region(name);
        var rules = region.Of("Microsoft.Insights/scheduledQueryRules").ToDictionary(r => r.Name);

        Assert.That(rules.Keys, Is.EquivalentTo(Queries.Alerts.Select(a => $"pumps-{region.Code}-{a.Id}")));
        Assert.Multiple(() =>
        {
            foreach (var alert in Queries.Alerts)
            {
                var properties = rules[$"pumps-{region.Code}-{alert.Id}"].Properties;
                Assert.That(properties.GetProperty("criteria").GetProperty("allOf")[0].GetProperty("query").GetString(), Is.EqualTo(alert.Kusto));
                Assert.That(properties.GetProperty("actions").GetProperty("actionGroups")[0].GetString(), Does.Contain(".outputs.operatorsId"), alert.Id);
                Assert.That(properties.GetProperty("scopes")[0].GetString(), Does.Contain(".outputs.workspaceId"), alert.Id);
            }
        });
    }

    [Test]
    public void The_rules_of_Prometheus_are_the_same_alerts()
    {
        var file = Path.Combine(Queries.Local, "alerts.yml");
        var rules = Rules();
        if (Write)
            File.WriteAllText(file, rules);

        Assert.That(File.ReadAllText(file), Is.EqualTo(rules), "Write it anew: PUMPS_WRITE_SNAPSHOTS=1 ./pumps test contracts --filter Alerts");
    }

    [TestCase("check", "config", "prometheus.yml")]
    [TestCase("check", "rules", "alerts.yml")]
    [TestCase("test", "rules", "alerts.test.yml")]
    public async Task Promtool_has_nothing_to_say(string what, string of, string file)
    {
        using var process = Process.Start(new ProcessStartInfo("promtool", [what, of, file])
        {
            WorkingDirectory = Queries.Local, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.That(process.ExitCode, Is.Zero, await output + await errors);
    }

    [Test]
    public void Every_alert_is_seen_to_fire_and_not_to_fire()
    {
        var tests = File.ReadAllText(Path.Combine(Queries.Local, "alerts.test.yml"));

        Assert.Multiple(() =>
        {
            foreach (var alert in Queries.Alerts)
            {
                Assert.That(tests, Does.Match($"alertname: {alert.Id}\n +exp_alerts:\n"), $"{alert.Id} fires");
                Assert.That(tests, Does.Match($"alertname: {alert.Id}\n +exp_alerts: \\[\\]\n"), $"{alert.Id} does not fire");
            }
        });
    }

    private static string Rules()
    {
        var text = new StringBuilder("# Written from ../alerts.json, where they are changed. Each has a page in ../runbooks.\ngroups:\n  - name: pumps\n    rules:\n");
        foreach (var alert in Queries.Alerts)
            text.Append(
                $"""
                      - alert: {alert.Id}
                        expr: '{alert.Prometheus.Replace("'", "''", StringComparison.Ordinal)}'
                        for: {alert.Hold}
                        labels:
                          severity: "{alert.Severity}"
                        annotations:
                          summary: {alert.Title}
                          description: 'More than {alert.Threshold} {alert.Unit}. What it means and what to do: bicep/runbooks/{alert.Id}.md'

                """.ReplaceLineEndings("\n"));
        return text.ToString();
    }
}
