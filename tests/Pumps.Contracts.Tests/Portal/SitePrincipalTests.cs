using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Pumps.Handlers.Portal;

namespace Pumps.Contracts.Tests.Portal;

/// <summary>Who a static web app says that asks, and what the guard of Azure makes of it.</summary>
public sealed class SitePrincipalTests
{
    private const string Ops = """{"identityProvider":"aad","userId":"d75b260a","userDetails":"ada@pumps.example","userRoles":["anonymous","authenticated","ops"]}""";
    private const string Guest = """{"identityProvider":"aad","userId":"d75b260b","userDetails":"bob@elsewhere.example","userRoles":["authenticated","anonymous"]}""";

    [Test]
    public void A_user_has_a_name_and_roles()
    {
        var ada = SitePrincipal.Read(Base64(Ops))!;

        Assert.That((ada.UserId, ada.Name), Is.EqualTo(("d75b260a", "ada@pumps.example")));
        Assert.That(ada.Roles, Is.EqualTo(new[] { "anonymous", "authenticated", "ops" }));
        Assert.That(ada.Has("OPS"), "Roles of a site are of any case.");
        Assert.That(ada.Has("op"), Is.False);
    }

    [Test]
    public void What_is_no_principal_is_nobody([ValueSource(nameof(Nobodies))] string json) => Assert.That(SitePrincipal.Read(Base64(json)), Is.Null);

    private static IEnumerable<string> Nobodies =>
    [
        "", "null", "[]", "7", "\"ops\"", "{}", Ops[..^1], Ops + "x", Ops.Replace("\"aad\"", "\"github\"", StringComparison.Ordinal),
        // As of a request without a user.
        """{"identityProvider":"aad","userId":"x","userDetails":"x","userRoles":["anonymous"]}""",
        """{"identityProvider":null,"userId":null,"userDetails":null,"userRoles":["anonymous"]}""",
        """{"identityProvider":"aad","userId":"x","userDetails":"","userRoles":["authenticated","ops"]}""",
        """{"identityProvider":"aad","userId":"x","userRoles":["authenticated","ops"]}""",
        """{"identityProvider":"aad","userDetails":"x","userRoles":["authenticated","ops"]}""",
        """{"identityProvider":"aad","userId":"x","userDetails":7,"userRoles":["authenticated","ops"]}""",
        """{"identityProvider":"aad","userId":"x","userDetails":"x"}""",
        """{"identityProvider":"aad","userId":"x","userDetails":"x","userRoles":"authenticated ops"}""",
        """{"identityProvider":"aad","userId":"x","userDetails":"x","userRoles":["authenticated",["ops"]]}""",
        """{"identityProvider":"aad","userId":"x","userDetails":"x","userRoles":{"authenticated":true,"ops":true}}""",
        // One member, two values: which one was meant?
        """{"identityProvider":"aad","userId":"x","userDetails":"x","userRoles":["authenticated"],"userRoles":["authenticated","ops"]}""",
        // What the audit's text cannot hold.
        """{"identityProvider":"aad","userId":"x","userDetails":"a\u0000b","userRoles":["authenticated","ops"]}""",
        """{"identityProvider":"aad","userId":"x","userDetails":"\ud800","userRoles":["authenticated","ops"]}""",
        $$"""{"identityProvider":"aad","userId":"x","userDetails":"{{new string('x', SitePrincipal.NameMax + 1)}}","userRoles":["authenticated","ops"]}""",
        $$"""{"identityProvider":"aad","userId":"x","userDetails":"x","userRoles":["authenticated","ops"],"claims":{{new string('[', 99)}}{{new string(']', 99)}}}""",
        "\uFEFF" + Ops,
    ];

    [Test]
    public void What_is_no_header_of_the_site_is_nobody()
    {
        string[] headers = ["", " ", "%%%", Ops, Base64(Ops)[..^3], Base64(Ops) + ",", Base64(Ops) + "," + Base64(Ops), Convert.ToBase64String([0xff, 0xfe, 0xfd])];
        Assert.Multiple(() =>
        {
            foreach (var header in headers)
                Assert.That(SitePrincipal.Read(header), Is.Null, header);
            Assert.That(SitePrincipal.Read(StringValues.Empty), Is.Null, "none");
            Assert.That(SitePrincipal.Read(new([Base64(Guest), Base64(Ops)])), Is.Null, "two");
            Assert.That(SitePrincipal.Read(Base64(Ops + new string(' ', SitePrincipal.HeaderMax))), Is.Null, "too long");
        });
    }

    /// <summary>Any one character of the header changed: nobody, or somebody with a name, and never an exception.</summary>
    [Test]
    public void A_damaged_header_never_throws()
    {
        var header = Base64(Ops);
        var read = Enumerable.Range(0, header.Length).SelectMany(i => "A/=\0é".Select(c => SitePrincipal.Read(header[..i] + c + header[(i + 1)..]))).ToList();

        Assert.That(read, Has.Some.Null);
        Assert.That(read.OfType<SitePrincipal>().Select(p => p.Name), Is.Not.Empty.And.All.Not.Empty);
    }

    [TestCase(null, PortalRole.Public, null)]
    [TestCase(null, PortalRole.Viewer, 401)]
    [TestCase(null, PortalRole.Ops, 401)]
    [TestCase("not of the site", PortalRole.Operator, 401)]
    [TestCase(Guest, PortalRole.Public, null)]
    [TestCase(Guest, PortalRole.Viewer, 403)]
    [TestCase(Guest, PortalRole.Operator, 403)]
    [TestCase(Guest, PortalRole.Ops, 403)]
    [TestCase(Ops, PortalRole.Viewer, null)]
    [TestCase(Ops, PortalRole.Operator, null)]
    [TestCase(Ops, PortalRole.Ops, null)]
    public async Task Ops_may_do_everything_and_nobody_else_anything_that_is_not_public(string? principal, PortalRole role, int? status)
    {
        var http = new DefaultHttpContext();
        if (principal is not null)
            http.Request.Headers[SitePrincipal.Header] = Base64(principal);

        var refusal = await SiteGuard.AskAsync(http, role);

        Assert.That((refusal as IStatusCodeHttpResult)?.StatusCode, Is.EqualTo(status));
        Assert.That(refusal is null, Is.EqualTo(status is null));
    }

    [TestCase("POST", "same-origin", null)]
    [TestCase("POST", "none", null)]
    [TestCase("POST", "cross-site", 401)]
    [TestCase("DELETE", "same-site", 401)]
    [TestCase("GET", "cross-site", null)]
    public async Task What_a_page_of_another_site_has_a_browser_change_is_changed_by_nobody(string method, string site, int? status)
    {
        var http = new DefaultHttpContext { Request = { Method = method, Headers = { [SitePrincipal.Header] = Base64(Ops), ["Sec-Fetch-Site"] = site } } };

        Assert.That((await SiteGuard.AskAsync(http, PortalRole.Ops) as IStatusCodeHttpResult)?.StatusCode, Is.EqualTo(status));
    }

    [Test]
    public async Task The_audit_names_who_the_site_says_and_keeps_what_was_refused()
    {
        await using var host = await PortalHost.StartAsync(SiteGuard.AskAsync);
        await host.GetAsync("/api/health/live");
        var stranger = await host.GetAsync("/api/devices", 401);
        host.Http.DefaultRequestHeaders.Add(SitePrincipal.Header, Base64(Guest));
        var guest = await host.GetAsync("/api/devices/dp1-7", 403);
        host.Http.DefaultRequestHeaders.Remove(SitePrincipal.Header);
        host.Http.DefaultRequestHeaders.Add(SitePrincipal.Header, Base64(Ops));
        await host.GetAsync("/api/devices");

        Assert.That(stranger.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:sign_in_required"));
        Assert.That(guest.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:role_required"));
        Assert.That(
            host.Ports.Refused.Select(r => (r.RequestedBy, r.Origin, r.Target, r.Rule)), Is.EqualTo(new[] { ("bob@elsewhere.example", "api", "dp1-7", "role_required") }));
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
