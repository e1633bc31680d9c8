using System.Text.Json;
using Microsoft.OpenApi;
using Microsoft.OpenApi.Reader;

namespace Pumps.Contracts.Tests.Portal;

/// <summary>The contract as others read it. A change of it is a change of <c>openapi.v1.json</c>, and is seen in review.</summary>
public sealed class OpenApiTests
{
    /// <summary>Set to 1, the test writes the file instead of comparing with it.</summary>
    private const string Regenerate = "PUMPS_WRITE_SNAPSHOTS";

    private PortalHost _host = null!;

    [OneTimeSetUp]
    public async Task Start() => _host = await PortalHost.StartAsync();

    [OneTimeTearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task The_document_is_the_one_that_is_checked_in()
    {
        var file = Path.Combine(SourceFolder(), "openapi.v1.json");
        var document = (await _host.Http.GetStringAsync(new Uri("/api/openapi/v1.json", UriKind.Relative))).ReplaceLineEndings("\n") + "\n";
        if (Environment.GetEnvironmentVariable(Regenerate) == "1")
            await File.WriteAllTextAsync(file, document);

        Assert.That(document, Is.EqualTo(await File.ReadAllTextAsync(file)),
            $"The API's contract has changed. If that is meant, run the test with {Regenerate}=1 and commit the file.");
    }

    [Test]
    public async Task The_document_is_valid()
    {
        await using var stream = await _host.Http.GetStreamAsync(new Uri("/api/openapi/v1.json", UriKind.Relative));

        var read = await OpenApiDocument.LoadAsync(stream, "json", new OpenApiReaderSettings());

        Assert.That(read.Diagnostic!.Errors.Select(e => e.ToString()), Is.Empty);
        Assert.That(read.Diagnostic.Warnings.Select(e => e.ToString()), Is.Empty);
    }

    [Test]
    public async Task The_document_has_every_route_with_its_parameters()
    {
        var paths = (await _host.GetAsync("/api/openapi/v1.json")).GetProperty("paths");
        var operations = paths.EnumerateObject()
            .SelectMany(p => p.Value.EnumerateObject().Select(o => $"{o.Name.ToUpperInvariant()} {p.Name} {Parameters(o.Value)}".TrimEnd())).Order();

        Assert.That(operations, Is.EqualTo(new[]
        {
            "DELETE /api/devices/{id} id",
            "GET /api/catalog",
            "GET /api/command-groups/{group} group,cursor,limit",
            "GET /api/commands cursor,limit",
            "GET /api/dead-letters code,cursor,limit",
            "GET /api/dead-letters/{id} id",
            "GET /api/devices offering,customer,site,tag,status,cursor,limit,latest",
            "GET /api/devices/{id}/owners id",
            "PATCH /api/devices/{id} id",
            "DELETE /api/customers/{id} id",
            "DELETE /api/sites/{id} id",
            "GET /api/customers cursor,limit",
            "GET /api/customers/{id} id",
            "GET /api/sites customer,cursor,limit",
            "GET /api/sites/{id} id",
            "PUT /api/customers/{id} id",
            "PUT /api/sites/{id} id",
            "GET /api/devices/{id} id",
            "GET /api/devices/{id}/command-audit id,cursor,limit",
            "GET /api/devices/{id}/commands id,cursor,limit",
            "GET /api/devices/{id}/commands/{command} id,command",
            "GET /api/devices/{id}/history/{point} id,point,from,to,bucket,aggregate,limit",
            "GET /api/ops/status",
            "GET /api/request-audit cursor,limit",
            "DELETE /api/schedules/{id} id",
            "GET /api/schedules device,site,customer,cursor,limit",
            "GET /api/schedules/{id} id",
            "GET /api/schedules/{id}/next id,count",
            "GET /api/schedules/{id}/runs id,cursor,limit",
            "GET /api/schedules/{id}/runs/{plannedAt} id,plannedAt,cursor,limit",
            "POST /api/schedules",
            "POST /api/schedules/preview count",
            "POST /api/schedules/{id}/pause id",
            "POST /api/schedules/{id}/resume id",
            "PUT /api/schedules/{id} id",
            "DELETE /api/firmware/images/{id} id",
            "GET /api/devices/{id}/firmware id",
            "GET /api/firmware/images product,cursor,limit",
            "GET /api/firmware/images/{id} id",
            "GET /api/firmware/rollouts phase,cursor,limit",
            "GET /api/firmware/rollouts/{id} id",
            "GET /api/firmware/rollouts/{id}/transfers id,phase,cursor,limit",
            "POST /api/firmware/rollouts/{id}/abort id",
            "POST /api/firmware/rollouts/{id}/pause id",
            "POST /api/firmware/rollouts/{id}/resume id",
            "PUT /api/firmware/images/{id} id",
            "PUT /api/firmware/rollouts/{id} id",
            "GET /api/health/live",
            "GET /api/health/ready",
            "POST /api/command-groups Idempotency-Key",
            "POST /api/dead-letters/replay code",
            "POST /api/dead-letters/{id}/replay id",
            "POST /api/devices",
            "POST /api/devices/{id}/commands id,Idempotency-Key",
            "POST /api/devices/{id}/commands/{command}/cancel id,command",
            "PUT /api/devices/{id} id",
            "GET /api/bulk-orders/{id} id",
            "GET /api/bulk-orders/{id}/lines id,outcome,cursor,limit",
            "GET /api/devices/{id}/credentials id,key",
            "GET /api/orders device,phase,cursor,limit",
            "GET /api/orders/{id} id",
            "POST /api/claims",
            "POST /api/devices/{id}/claim-code id",
            "POST /api/orders/{id}/cancel id",
            "POST /api/orders/{id}/confirm id",
            "PUT /api/bulk-orders/{id} id",
            "PUT /api/orders/{id} id",
        }.Order()));
    }

    [TestCase("/api/docs/", "script-src 'self' 'unsafe-inline'")]
    [TestCase("/api/catalog", "default-src 'none'; frame-ancestors 'none'")]
    [TestCase("/api/not-there", "default-src 'none'; frame-ancestors 'none'")]
    public async Task A_browser_runs_nothing_but_the_scripts_of_the_page(string path, string policy)
    {
        using var answer = await _host.Http.GetAsync(new Uri(path, UriKind.Relative));

        Assert.That(answer.Headers.GetValues("Content-Security-Policy"), Has.One.Contains(policy).And.None.Contains("unsafe-eval"));
        Assert.That(answer.Headers.GetValues("X-Content-Type-Options"), Is.EqualTo(new[] { "nosniff" }));
    }

    [Test]
    public async Task The_page_needs_nothing_from_elsewhere()
    {
        var page = await _host.Http.GetStringAsync(new Uri("/api/docs/", UriKind.Relative));
        var sources = System.Text.RegularExpressions.Regex.Matches(page, "(?:src|href)=\"([^\"]+)\"").Select(m => m.Groups[1].Value).ToList();

        Assert.That(sources.Where(s => s.Contains("//", StringComparison.Ordinal)), Is.Empty);
        Assert.That(page, Does.Not.Contain("cdn.").And.Not.Contain("fonts."));
        foreach (var source in sources.Where(s => s.EndsWith(".js", StringComparison.Ordinal)))
        {
            using var script = await _host.Http.GetAsync(new Uri(new Uri(_host.Url, "/api/docs/"), source));
            Assert.That((int)script.StatusCode, Is.EqualTo(200), source);
        }
        Assert.That(sources.Any(s => s.EndsWith(".js", StringComparison.Ordinal)), page);
    }

    private static string Parameters(JsonElement operation) =>
        operation.TryGetProperty("parameters", out var parameters)
            ? string.Join(',', parameters.EnumerateArray().Select(p => p.GetProperty("name").GetString()))
            : "";

    private static string SourceFolder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Pumps.Functions.sln")))
            folder = folder.Parent ?? throw new DirectoryNotFoundException("Pumps.Functions.sln is in no folder above " + AppContext.BaseDirectory);
        return Path.Combine(folder.FullName, "tests", "Pumps.Contracts.Tests", "Portal");
    }
}
