using System.Text.Json;
using Pumps.Handlers.Datapoints;

namespace Pumps.Contracts.Tests.Portal;

public sealed class DeviceRoutesTests
{
    private PortalHost _host = null!;

    [SetUp]
    public async Task Start() => _host = await PortalHost.StartAsync();

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task A_registered_device_gets_protocol_offering_and_connection_string()
    {
        var device = await _host.SendAsync(HttpMethod.Put, "/api/devices/dp1-4711001", 200,
            new { product = "irrigation-pump-v1", customer = "green-fields", utcOffsetMinutes = 120 });

        Assert.Multiple(() =>
        {
            Assert.That(device.GetProperty("protocol").GetString(), Is.EqualTo("dp1"));
            Assert.That(device.GetProperty("offering").GetString(), Is.EqualTo("irrigation"));
            Assert.That(device.GetProperty("region").GetString(), Is.EqualTo("test"));
            Assert.That(device.GetProperty("utcOffsetMinutes").GetInt32(), Is.EqualTo(120));
            Assert.That(device.GetProperty("connectionString").GetString(),
                Is.EqualTo($"HostName=hub.example;DeviceId=dp1-4711001;SharedAccessKey={_host.Ports.Registry["dp1-4711001"].PrimaryKey}"));
        });

        var read = await _host.GetAsync("/api/devices/dp1-4711001");
        Assert.Multiple(() =>
        {
            Assert.That(read.GetProperty("customer").GetString(), Is.EqualTo("green-fields"));
            Assert.That(read.GetProperty("lastSeenAt").ValueKind, Is.EqualTo(JsonValueKind.Null));
            Assert.That(read.TryGetProperty("connectionString", out _), Is.False, "keys leave at registration only");
        });
    }

    [Test]
    public async Task Registering_again_keeps_the_keys_and_changes_the_tags()
    {
        var first = await _host.SendAsync(HttpMethod.Put, "/api/devices/dp2-00124b0001020304", 200, new { product = "irrigation-station", customer = "a" });
        var again = await _host.SendAsync(HttpMethod.Put, "/api/devices/dp2-00124b0001020304", 200, new { product = "irrigation-station", customer = "b" });

        Assert.Multiple(() =>
        {
            Assert.That(again.GetProperty("connectionString").GetString(), Is.EqualTo(first.GetProperty("connectionString").GetString()));
            Assert.That(again.GetProperty("customer").GetString(), Is.EqualTo("b"));
        });
    }

    [TestCase("dp3-1", """{"product":"irrigation-pump-v1","customer":"a","utcOffsetMinutes":0}""", "invalid_device_id", "id", "dp3-1")]
    [TestCase("dp1-4294967296", """{"product":"irrigation-pump-v1","customer":"a","utcOffsetMinutes":0}""", "invalid_device_id", "id", "dp1-4294967296")]
    [TestCase("dp1-007", """{"product":"irrigation-pump-v1","customer":"a","utcOffsetMinutes":0}""", "invalid_device_id", "id", "dp1-007")]
    [TestCase("dp2-00124B0001020304", """{"product":"irrigation-station","customer":"a"}""", "invalid_device_id", "id", "dp2-00124B0001020304")]
    [TestCase("dp1-1", """{"product":"toaster","customer":"a","utcOffsetMinutes":0}""", "unknown_product", "product", "toaster")]
    [TestCase("dp1-1", """{"product":"irrigation-station","customer":"a","utcOffsetMinutes":0}""", "protocol_mismatch", "product", "irrigation-station")]
    [TestCase("dp1-1", """{"product":"irrigation-pump-v1","customer":"A B","utcOffsetMinutes":0}""", "invalid_customer", "customer", "A B")]
    [TestCase("dp1-1", """{"product":"irrigation-pump-v1","customer":"a"}""", "invalid_utc_offset", "utcOffsetMinutes", null)]
    [TestCase("dp1-1", """{"product":"irrigation-pump-v1","customer":"a","utcOffsetMinutes":841}""", "invalid_utc_offset", "utcOffsetMinutes", "841")]
    [TestCase("dp1-1", """{"product":"irrigation-pump-v1","customer":"a","utcOffsetMinutes":-721}""", "invalid_utc_offset", "utcOffsetMinutes", "-721")]
    [TestCase("dp2-00124b0001020304", """{"product":"irrigation-station","customer":"a","utcOffsetMinutes":60}""", "invalid_utc_offset", "utcOffsetMinutes", "60")]
    public async Task A_wrong_order_is_refused_by_the_rule_it_breaks(string id, string body, string rule, string parameter, string? given)
    {
        var problem = await _host.SendAsync(HttpMethod.Put, "/api/devices/" + id, 400, body);

        ProblemAssert.Names(problem, rule, parameter, given);
        Assert.That(_host.Ports.Registry, Is.Empty);
    }

    [TestCase("""{"product":"irrigation-pump-v1"}""", "malformed_body")]
    [TestCase("""{"product":"irrigation-pump-v1","customer":"a","utcOffsetMinutes":"two"}""", "malformed_body")]
    [TestCase("""{"product":"irrigation-pump-v1","customer":null}""", "malformed_body")]
    [TestCase("""{"product":"irrigation-pump-v1","customer":"a","offering":"fire-protection"}""", "malformed_body")]
    [TestCase("""{"product":""", "malformed_body")]
    [TestCase("", "malformed_request")]
    public async Task A_body_that_cannot_be_read_is_a_problem(string body, string rule)
    {
        var problem = await _host.SendAsync(HttpMethod.Put, "/api/devices/dp1-1", 400, body);

        Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:" + rule));
        Assert.That(problem.ToString(), Does.Not.Contain("System."), "no internals");
    }

    [Test]
    public async Task A_list_is_registered_with_a_result_for_each()
    {
        var list = await _host.SendAsync(HttpMethod.Post, "/api/devices", 200, new object[]
        {
            new { id = "dp1-1", product = "irrigation-pump-v1", customer = "a", utcOffsetMinutes = 0 },
            new { id = "dp1-x", product = "irrigation-pump-v1", customer = "a", utcOffsetMinutes = 0 },
            new { id = "dp1-1", product = "irrigation-pump-v1", customer = "a", utcOffsetMinutes = 0 },
            new { id = "dp2-00124b0001020304", product = "fire-panel", customer = "a" },
        });

        Assert.Multiple(() =>
        {
            Assert.That(list.GetProperty("registered").GetInt32(), Is.EqualTo(2));
            Assert.That(list.GetProperty("refused").GetInt32(), Is.EqualTo(2));
            Assert.That(list.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()),
                Is.EqualTo(new[] { "dp1-1", "dp1-x", "dp1-1", "dp2-00124b0001020304" }));
            Assert.That(list.GetProperty("items").EnumerateArray().Select(i =>
                    i.GetProperty("errors") is { ValueKind: JsonValueKind.Array } errors ? errors[0].GetProperty("rule").GetString() : "registered"),
                Is.EqualTo(new[] { "registered", "invalid_device_id", "repeated_device", "registered" }));
            Assert.That(_host.Ports.Devices.Keys, Is.EquivalentTo(new[] { "dp1-1", "dp2-00124b0001020304" }));
        });
    }

    [TestCase(0)]
    [TestCase(1001)]
    public async Task A_list_out_of_its_limits_is_refused_as_a_whole(int devices)
    {
        var problem = await _host.SendAsync(HttpMethod.Post, "/api/devices", 400, Orders(devices));

        ProblemAssert.Names(problem, "invalid_list", "body", $"{devices} devices");
        Assert.That(_host.Ports.Registry, Is.Empty);
    }

    [Test]
    public async Task Paging_gives_a_thousand_devices_exactly_once()
    {
        await _host.SendAsync(HttpMethod.Post, "/api/devices", 200, Orders(1000));

        var ids = new List<string>();
        string? next = null;
        do
        {
            var page = await _host.GetAsync("/api/devices?limit=333" + (next is null ? "" : "&cursor=" + Uri.EscapeDataString(next)));
            ids.AddRange(page.GetProperty("items").EnumerateArray().Select(i => i.GetProperty("id").GetString()!));
            next = page.GetProperty("next").GetString();
        }
        while (next is not null);

        Assert.That(ids, Is.EqualTo(_host.Ports.Devices.Keys.Order(StringComparer.Ordinal)));
        Assert.That(ids, Has.Count.EqualTo(1000));
        var one = await _host.GetAsync("/api/devices?limit=1000");
        Assert.That(one.GetProperty("items").GetArrayLength(), Is.EqualTo(1000));
    }

    [Test]
    public async Task Newest_values_keep_their_digits_and_have_their_unit_and_quality()
    {
        _host.Ports.Devices["dp2-00124b0001020304"] = new(
            "dp2-00124b0001020304", "dp2", "irrigation", "irrigation-station", "a", PortalHost.Now, new Dictionary<string, LatestPoint>
            {
                ["pumps[1].flow"] = new("24.30", "good", PortalHost.Now.AddMilliseconds(-1500)),
                ["pumps[1].pump_state"] = new("\"<b>running</b>\"", "good", PortalHost.Now),
                ["#900"] = new(null, "unknown_id", PortalHost.Now),
            });

        using var answer = await _host.Http.GetAsync(new Uri("/api/devices/dp2-00124b0001020304", UriKind.Relative));
        var text = await answer.Content.ReadAsStringAsync();

        Assert.Multiple(() =>
        {
            Assert.That(text, Does.Contain("""
                "pumps[1].flow":{"value":24.30,"unit":"m3/h","quality":"good","observedAt":"2025-06-01T11:59:58.500Z"}
                """.Trim()));
            Assert.That(text, Does.Contain(""" "#900":{"value":null,"unit":null,"quality":"unknown_id" """.Trim()));
            Assert.That(JsonElement.Parse(text).GetProperty("latest").GetProperty("pumps[1].pump_state").GetProperty("value").GetString(),
                Is.EqualTo("<b>running</b>"));
            Assert.That(answer.Headers.GetValues("X-Content-Type-Options"), Is.EqualTo(new[] { "nosniff" }));
        });
    }

    [Test]
    public async Task A_list_has_newest_values_only_when_asked()
    {
        await _host.SendAsync(HttpMethod.Post, "/api/devices", 200, Orders(1));

        var without = await _host.GetAsync("/api/devices?offering=irrigation");
        var with = await _host.GetAsync("/api/devices?offering=irrigation&latest=true");
        var others = await _host.GetAsync("/api/devices?offering=fire-protection");

        Assert.Multiple(() =>
        {
            Assert.That(without.GetProperty("items")[0].TryGetProperty("latest", out _), Is.False);
            Assert.That(with.GetProperty("items")[0].GetProperty("latest").ValueKind, Is.EqualTo(JsonValueKind.Object));
            Assert.That(others.GetProperty("items").GetArrayLength(), Is.Zero);
        });
    }

    [TestCase("limit=0", "invalid_limit", "limit", "0")]
    [TestCase("limit=1001", "invalid_limit", "limit", "1001")]
    [TestCase("limit=ten", "invalid_limit", "limit", "ten")]
    [TestCase("latest=yes", "invalid_latest", "latest", "yes")]
    [TestCase("offering=toast", "unknown_offering", "offering", "toast")]
    [TestCase("offerings=irrigation", "unknown_parameter", "offerings", "irrigation")]
    [TestCase("limit=1&limit=2", "repeated_parameter", "limit", "1,2")]
    [TestCase("cursor=a%00b", "invalid_cursor", "cursor", "a\0b")]
    public async Task A_wrong_parameter_is_named_with_what_was_given_and_what_is_allowed(string query, string rule, string parameter, string given) =>
        ProblemAssert.Names(await _host.GetAsync("/api/devices?" + query, 400), rule, parameter, given);

    [Test]
    public async Task A_removed_device_cannot_be_removed_again()
    {
        await _host.SendAsync(HttpMethod.Post, "/api/devices", 200, Orders(1));

        await _host.SendAsync(HttpMethod.Delete, "/api/devices/dp1-1000", 204);

        Assert.That(_host.Ports.Registry, Is.Empty);
        var problem = await _host.SendAsync(HttpMethod.Delete, "/api/devices/dp1-1000", 404);
        Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:not_found"));
    }

    [Test]
    public async Task An_unknown_device_is_absent()
    {
        var problem = await _host.GetAsync("/api/devices/dp1-9", 404);

        Assert.That(problem.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:not_found"));
        Assert.That(problem.GetProperty("detail").GetString(), Does.Contain("dp1-9"));
    }

    private static object[] Orders(int count) =>
        [.. Enumerable.Range(1000, count).Select(i => new { id = $"dp1-{i}", product = "irrigation-pump-v1", customer = "a", utcOffsetMinutes = 0 })];
}
