using System.Text.Json;
using System.Text.RegularExpressions;
using Pumps.Contracts.Tests.Azure;
using Pumps.Handlers.Portal;

namespace Pumps.Contracts.Tests.Portal;

/// <summary>What the static web app serves: its rules, its headers, its page (<c>functions/Portal/web</c>).</summary>
public sealed partial class SiteTests
{
    private const int ConfigurationMax = 20 * 1024;

    private static readonly string Folder = Path.Combine(FunctionApp.Repository, "functions", "Portal", "web");

    private static readonly string Text = File.ReadAllText(Path.Combine(Folder, "staticwebapp.config.json"));

    private static readonly JsonElement Configuration = JsonElement.Parse(Text);

    [Test]
    public void The_api_is_for_ops_and_its_health_for_everybody()
    {
        var open = PortalFunctionsTests.Routes.Concat([(Method: "POST", Path: "/api/health/live"), (Method: "GET", Path: "/api/health/../devices"), (Method: "GET", Path: "/api/not-there-yet")])
            .Where(r => !RuleFor(r.Path, r.Method).Roles.SequenceEqual([SiteGuard.OpsRole])).Select(r => $"{r.Method} {r.Path}");

        Assert.That(open, Is.EqualTo(new[] { "GET /api/health/live", "GET /api/health/ready" }));
        Assert.That(RuleFor("/api/health/ready", "GET").Roles, Is.EqualTo(new[] { "anonymous", "authenticated" }));
    }

    [TestCase("github")]
    [TestCase("twitter")]
    [TestCase("google")]
    [TestCase("facebook")]
    public void Nobody_signs_in_but_with_Entra_ID(string provider) => Assert.That(RuleFor("/.auth/login/" + provider, "GET").Status, Is.EqualTo(404));

    [Test]
    public void Who_is_not_signed_in_is_sent_to_Entra_ID()
    {
        Assert.That(Configuration.GetProperty("responseOverrides").GetProperty("401").ToString(), Does.Contain("\"/login\""));
        Assert.That(RuleFor("/login", "GET").Redirect, Is.EqualTo("/.auth/login/aad"));
        Assert.That(RuleFor("/.auth/login/aad", "GET").Status, Is.Null);
        Assert.That(RuleFor("/logout", "GET").Redirect, Is.EqualTo("/.auth/logout"));
        Assert.That(Text, Has.Length.LessThan(ConfigurationMax));
    }

    /// <summary>The API's answers have headers of their own: a static web app puts none on them.</summary>
    [Test]
    public void Scripts_come_from_the_site_alone() =>
        Assert.That(
            Configuration.GetProperty("globalHeaders").GetProperty("Content-Security-Policy").GetString(),
            Does.StartWith("default-src 'none'; script-src 'self';").And.Not.Contain("unsafe").And.Contain("frame-ancestors 'none'"));

    /// <summary>It is also what a 403 of any path shows, so its parts are named from the root.</summary>
    [Test]
    public void The_page_needs_nothing_from_elsewhere_and_all_that_it_needs_is_there()
    {
        var page = File.ReadAllText(Path.Combine(Folder, "index.html"));
        var named = Reference().Matches(page).Select(m => m.Groups[1].Value).ToList();

        Assert.That(named, Has.All.StartsWith("/").And.None.StartsWith("//"));
        Assert.That(named.Where(n => n.Contains('.', StringComparison.Ordinal)).Select(n => File.Exists(Path.Combine(Folder, n[1..]))), Is.Not.Empty.And.All.True);
        Assert.That(page, Does.Not.Contain("style=").And.Not.Match("<script(?![^>]* src=)").And.Not.Match(" on[a-z]+="), "The policy would refuse it.");
    }

    /// <summary>The first rule that matches, as the service looks for it: exactly, or by what stands before a star.</summary>
    private static (string[] Roles, int? Status, string? Redirect) RuleFor(string path, string method)
    {
        foreach (var rule in Configuration.GetProperty("routes").EnumerateArray())
        {
            var route = rule.GetProperty("route").GetString()!;
            var matches = route.EndsWith('*') ? path.StartsWith(route[..^1], StringComparison.Ordinal) : path == route;
            if (!matches || (rule.TryGetProperty("methods", out var methods) && methods.EnumerateArray().All(m => m.GetString() != method)))
                continue;
            return (
                rule.TryGetProperty("allowedRoles", out var roles) ? [.. roles.EnumerateArray().Select(r => r.GetString()!)] : ["anonymous"],
                rule.TryGetProperty("statusCode", out var status) ? status.GetInt32() : null, rule.TryGetProperty("redirect", out var to) ? to.GetString() : null);
        }

        return (["anonymous"], null, null);
    }

    [GeneratedRegex("(?:src|href)=\"([^\"]+)\"")]
    private static partial Regex Reference();
}
