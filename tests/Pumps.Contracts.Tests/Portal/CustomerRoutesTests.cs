using System.Text.Json;

namespace Pumps.Contracts.Tests.Portal;

public sealed class CustomerRoutesTests
{
    private const string Device = "dp2-00124b0001020304";

    private PortalHost _host = null!;

    [SetUp]
    public async Task Start() => _host = await PortalHost.StartAsync();

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task A_customer_a_site_and_a_device_at_it()
    {
        await _host.SendAsync(HttpMethod.Put, "/api/customers/green-valley", 200, new { name = "Green Valley" });
        var site = await _host.SendAsync(HttpMethod.Put, "/api/sites/north-field", 200,
            new { customer = "green-valley", name = "North field", timeZone = "Europe/Berlin", latitude = 52.5, longitude = 13.4 });
        await _host.SendAsync(HttpMethod.Put, "/api/devices/" + Device, 200, new { product = "irrigation-station", customer = "green-valley" });
        var device = await _host.SendAsync(HttpMethod.Patch, "/api/devices/" + Device, 200, new { site = "north-field", tags = new[] { "old", "drip", "old" } });

        Assert.That(site.GetProperty("timeZone").GetString(), Is.EqualTo("Europe/Berlin"));
        Assert.That(device.GetProperty("site").GetString(), Is.EqualTo("north-field"));
        Assert.That(device.GetProperty("tags").EnumerateArray().Select(t => t.GetString()), Is.EqualTo(new[] { "drip", "old" }));
        Assert.That(device.GetProperty("status").GetString(), Is.EqualTo("active"));
        Assert.That(device.GetProperty("connection").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That((await _host.GetAsync("/api/devices?site=north-field&tag=drip&status=active&customer=green-valley")).GetProperty("items").GetArrayLength(), Is.EqualTo(1));
        Assert.That((await _host.GetAsync("/api/devices?status=retired")).GetProperty("items").GetArrayLength(), Is.Zero);
        Assert.That((await _host.GetAsync("/api/devices/" + Device + "/owners"))[0].GetProperty("customer").GetString(), Is.EqualTo("green-valley"));
        Assert.That((await _host.GetAsync("/api/sites?customer=green-valley")).GetProperty("items").GetArrayLength(), Is.EqualTo(1));
        ProblemAssert.HasRule(await _host.SendAsync(HttpMethod.Delete, "/api/sites/north-field", 409), "site_in_use");
        ProblemAssert.HasRule(await _host.SendAsync(HttpMethod.Delete, "/api/customers/green-valley", 409), "customer_in_use");

        await _host.SendAsync(HttpMethod.Patch, "/api/devices/" + Device, 200, new { site = "" });
        await _host.SendAsync(HttpMethod.Delete, "/api/sites/north-field", 204);
        await _host.GetAsync("/api/sites/north-field", 404);
    }

    [TestCase("{\"customer\":\"a\",\"name\":\"N\",\"timeZone\":\"Europe/Atlantis\"}", "unknown_time_zone", "timeZone", "Europe/Atlantis")]
    [TestCase("{\"customer\":\"a\",\"name\":\"N\",\"timeZone\":\"../../etc/passwd\"}", "unknown_time_zone", "timeZone", "../../etc/passwd")]
    [TestCase("{\"customer\":\"a\",\"name\":\" \",\"timeZone\":\"UTC\"}", "invalid_name", "name", " ")]
    [TestCase("{\"customer\":\"A\",\"name\":\"N\",\"timeZone\":\"UTC\"}", "invalid_customer", "customer", "A")]
    [TestCase("{\"customer\":\"nobody\",\"name\":\"N\",\"timeZone\":\"UTC\"}", "unknown_customer", "customer", "nobody")]
    [TestCase("{\"customer\":\"a\",\"name\":\"N\",\"timeZone\":\"UTC\",\"latitude\":1}", "incomplete_location", "longitude", null)]
    [TestCase("{\"customer\":\"a\",\"name\":\"N\",\"timeZone\":\"UTC\",\"latitude\":90.5,\"longitude\":0}", "invalid_latitude", "latitude", "90.5")]
    public async Task A_wrong_site_is_refused_by_the_rule_it_breaks(string body, string rule, string parameter, string? given)
    {
        await _host.SendAsync(HttpMethod.Put, "/api/customers/a", 200, new { name = "A" });

        ProblemAssert.Names(await _host.SendAsync(HttpMethod.Put, "/api/sites/field", 400, body), rule, parameter, given);
        Assert.That(_host.Ports.Sites, Is.Empty);
    }

    [Test]
    public async Task A_site_of_another_customer_is_not_taken_over()
    {
        await _host.SendAsync(HttpMethod.Put, "/api/customers/a", 200, new { name = "A" });
        await _host.SendAsync(HttpMethod.Put, "/api/customers/b", 200, new { name = "B" });
        await _host.SendAsync(HttpMethod.Put, "/api/sites/field", 200, new { customer = "a", name = "N", timeZone = "UTC" });
        await _host.SendAsync(HttpMethod.Put, "/api/devices/" + Device, 200, new { product = "irrigation-station", customer = "b" });

        ProblemAssert.HasRule(await _host.SendAsync(HttpMethod.Put, "/api/sites/field", 409, new { customer = "b", name = "N", timeZone = "UTC" }), "site_id_taken");
        ProblemAssert.Names(await _host.SendAsync(HttpMethod.Patch, "/api/devices/" + Device, 400, new { site = "field" }), "unknown_site", "site", "field");
    }

    [TestCase("{}", "nothing_to_change", "body", null)]
    [TestCase("{\"tags\":[\"Two Words\"]}", "invalid_tag", "tags", "Two Words")]
    [TestCase("{\"site\":\"No Id\"}", "invalid_site", "site", "No Id")]
    public async Task A_wrong_change_of_a_device_is_refused_by_the_rule_it_breaks(string body, string rule, string parameter, string? given)
    {
        await _host.SendAsync(HttpMethod.Put, "/api/devices/" + Device, 200, new { product = "irrigation-station", customer = "a" });

        ProblemAssert.Names(await _host.SendAsync(HttpMethod.Patch, "/api/devices/" + Device, 400, body), rule, parameter, given);
    }

    [Test]
    public async Task What_is_not_there_is_not_found()
    {
        await _host.SendAsync(HttpMethod.Patch, "/api/devices/" + Device, 404, new { tags = new[] { "a" } });
        await _host.GetAsync("/api/devices/" + Device + "/owners", 404);
        await _host.GetAsync("/api/customers/nobody", 404);
        await _host.SendAsync(HttpMethod.Delete, "/api/customers/nobody", 404);
        await _host.SendAsync(HttpMethod.Delete, "/api/sites/nowhere", 404);
    }
}
