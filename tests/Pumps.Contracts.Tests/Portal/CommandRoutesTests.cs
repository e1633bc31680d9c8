using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Http.Json;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Pumps.Contracts.Tests.Commands;
using Pumps.Contracts.Tests.Postgres;
using Pumps.Handlers;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Portal;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Portal;

/// <summary>Commands over HTTP, with a guard that believes a header, on a real database.</summary>
public sealed class CommandRoutesTests : PostgresFixture
{
    private const string Role = "X-Role";

    private readonly CountingBell _bell = new();
    private PortalHost _host = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        await ExecuteAsync(
            """
            insert into customer (customer_id, name) values ('green-valley', 'Green Valley'), ('red-hill', 'Red Hill');
            insert into site (site_id, customer, name, time_zone) values ('north', 'green-valley', 'North', 'UTC'), ('hill', 'red-hill', 'Hill', 'UTC');
            insert into device (device_id, protocol, offering, product, customer, site_id, tags)
            select 'dp1-' || n, 'dp1', 'irrigation', 'irrigation-pump-v1', 'green-valley', 'north', case when n % 2 = 1 then array['odd'] else '{}' end
              from generate_series(1, 5) n;
            insert into device (device_id, protocol, offering, product, customer, site_id, tags, status) values
                ('dp2-0000000000000001', 'dp2', 'irrigation', 'irrigation-pump-v2', 'green-valley', 'north', '{}', 'active'),
                ('dp2-0000000000000002', 'dp2', 'irrigation', 'irrigation-pump-v2', 'green-valley', 'north', '{}', 'retired'),
                ('dp2-0000000000000003', 'dp2', 'irrigation', 'irrigation-pump-v2', 'red-hill', 'hill', array['odd'], 'active');
            """);
        _host = await PortalHost.StartAsync(Guard, services => services
            .AddDeviceHandlers()
            .AddSingleton(Database)
            .AddSingleton<ICommandStore, CommandStore>()
            .AddSingleton<IRequestAudit, RequestAuditTable>()
            .AddSingleton<ICommandBell>(_bell));
    }

    [OneTimeTearDown]
    public async Task StopAsync() => await _host.DisposeAsync();

    [TestCase("viewer", "read_status", HttpStatusCode.Accepted)]
    [TestCase("viewer", "stop", HttpStatusCode.Forbidden)]
    [TestCase("viewer", "reboot", HttpStatusCode.Forbidden)]
    [TestCase("viewer", "fly", HttpStatusCode.Forbidden)]
    [TestCase("operator", "read_status", HttpStatusCode.Accepted)]
    [TestCase("operator", "stop", HttpStatusCode.Accepted)]
    [TestCase("operator", "reboot", HttpStatusCode.Forbidden)]
    [TestCase("operator", "fly", HttpStatusCode.BadRequest)]
    [TestCase("ops", "reboot", HttpStatusCode.Accepted)]
    public async Task A_command_asks_for_its_own_role(string role, string command, HttpStatusCode expected)
    {
        using var answer = await GiveAsync("dp1-1", role, new { command, confirm = true });

        Assert.That(answer.StatusCode, Is.EqualTo(expected), await answer.Content.ReadAsStringAsync());
    }

    [Test]
    public async Task A_dangerous_command_is_taken_from_ops_too_only_with_a_confirmation()
    {
        using var without = await GiveAsync("dp1-2", "ops", new { command = "reboot" });
        using var with = await GiveAsync("dp1-2", "ops", new { command = "reboot", confirm = true });

        Assert.That(without.StatusCode, Is.EqualTo(HttpStatusCode.Conflict));
        Assert.That(Text(await ReadAsync(without), "type"), Is.EqualTo("urn:pumps:confirmation_required"));
        Assert.That(with.StatusCode, Is.EqualTo(HttpStatusCode.Accepted));
    }

    [Test]
    public async Task What_is_refused_is_in_the_device_s_audit_with_who_from_where_what_and_why()
    {
        const string device = "dp1-30";
        await ExecuteAsync("insert into device (device_id, protocol, offering, product, customer) values ('dp1-30', 'dp1', 'irrigation', 'irrigation-pump-v1', 'red-hill')");
        await GiveAsync(device, "operator", new { command = "reboot", confirm = true });
        await GiveAsync(device, "operator", new { command = "fly\0away" });
        await GiveAsync(device, "operator", new { command = "set_pressure", arguments = new { setpoint_pressure = "\0" } });
        await GiveAsync(device, "operator", new { command = "stop" }, "stopped");
        await GiveAsync(device, "operator", new { command = "start" }, "stopped");

        var first = await ReadAsync(await SendAsync(HttpMethod.Get, $"/api/devices/{device}/command-audit?limit=3", "viewer"));
        var rest = await ReadAsync(await SendAsync(HttpMethod.Get, $"/api/devices/{device}/command-audit?cursor={Text(first, "next")}", "viewer"));
        var lines = first.GetProperty("items").EnumerateArray().Concat(rest.GetProperty("items").EnumerateArray()).ToList();

        Assert.That(
            lines.Select(l => $"{Text(l, "command")} {Text(l, "result")} {Text(l, "reason")}").Order(),
            Is.EqualTo(new[]
            {
                "fly?away not_taken unknown_command", "reboot not_taken role_required", "set_pressure not_taken invalid_argument",
                "start not_taken idempotency_conflict", "stop queued ",
            }));
        Assert.That(lines.Select(l => Text(l, "requestedBy")), Has.All.EqualTo("operator@example"));
        Assert.That(lines.Select(l => Text(l, "origin")), Has.All.StartWith("api 127.0.0.1"));
        var pressure = lines.Single(l => Text(l, "command") == "set_pressure");
        Assert.That(pressure.GetProperty("arguments").GetProperty("setpoint_pressure").GetString(), Is.EqualTo("\0"));
        Assert.That(Text(pressure.GetProperty("errors")[0], "allowed"), Does.StartWith("a number from 0 to 25 bar"));
        Assert.That(rest.GetProperty("next").ValueKind, Is.EqualTo(JsonValueKind.Null));
    }

    [Test]
    public async Task The_audit_of_a_device_that_never_was_is_not_found()
    {
        using var answer = await SendAsync(HttpMethod.Get, "/api/devices/dp1-99/command-audit", "viewer");

        Assert.That(answer.StatusCode, Is.EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task A_group_for_a_site_is_found_by_the_region_and_says_what_became_of_it_for_each_device()
    {
        var rings = _bell.Rings;
        var body = new { command = "set_pressure", site = "north", arguments = new { setpoint_pressure = 4.5 }, timeToLiveSeconds = 120 };
        var given = await GroupAsync("operator", body, "site-1", HttpStatusCode.Accepted);

        Assert.That(_bell.Rings, Is.GreaterThan(rings));
        Assert.That((Number(given, "devices"), Number(given, "queued"), Number(given, "refused")), Is.EqualTo((6, 1, 5)), "without the retired one; DP1 lives a minute");
        Assert.That(Lines(given), Is.EqualTo(
            Enumerable.Range(1, 5).Select(n => $"dp1-{n} invalid_time_to_live").Append("dp2-0000000000000001 queued")));

        // Devices that come after it are not in it, however often it is given.
        await ExecuteAsync("insert into device (device_id, protocol, offering, product, customer, site_id) values ('dp1-6', 'dp1', 'irrigation', 'irrigation-pump-v1', 'green-valley', 'north')");
        var again = await GroupAsync("operator", body, "site-1", HttpStatusCode.Accepted);
        await ExecuteAsync("delete from device where device_id = 'dp1-6'");
        Assert.That(again.GetRawText(), Is.EqualTo(given.GetRawText()));

        var other = await GroupAsync("operator", new { command = "stop", site = "north" }, "site-1", HttpStatusCode.Conflict);
        Assert.That(Text(other, "type"), Is.EqualTo("urn:pumps:idempotency_conflict"));

        var lines = new List<string>();
        string? next = null;
        do
        {
            var page = await ReadAsync(await SendAsync(HttpMethod.Get, $"/api/command-groups/site-1?limit=4{(next is null ? "" : "&cursor=" + next)}", "viewer"));
            lines.AddRange(Lines(page));
            next = Text(page, "next");
        }
        while (next is { Length: > 0 });
        Assert.That(lines, Is.EqualTo(Lines(given)));
    }

    [Test]
    public async Task A_tag_narrows_and_never_reaches_another_customer()
    {
        var given = await GroupAsync("operator", new { command = "stop", customer = "green-valley", tag = "odd" }, "tag-1", HttpStatusCode.Accepted);
        Assert.That(Lines(given), Is.EqualTo(new[] { "dp1-1 queued", "dp1-3 queued", "dp1-5 queued" }));

        var alone = await GroupAsync("operator", new { command = "stop", tag = "odd" }, "tag-2", HttpStatusCode.BadRequest);
        Assert.That(Text(alone, "type"), Is.EqualTo("urn:pumps:missing_target"));

        var foreign = await GroupAsync("operator", new { command = "stop", customer = "red-hill", site = "north" }, "tag-3", HttpStatusCode.Conflict);
        Assert.That(Text(foreign, "type"), Is.EqualTo("urn:pumps:no_devices"));
    }

    [Test]
    public async Task A_list_keeps_what_is_not_there_and_what_may_not_be_given_in_its_receipt_and_in_the_audit()
    {
        var given = await GroupAsync(
            "operator", new { command = "reboot", confirm = true, devices = new[] { "dp2-0000000000000001", "dp1-404", "dp1-4" } }, "list-1", HttpStatusCode.Accepted);

        Assert.That(Lines(given), Is.EqualTo(new[] { "dp1-4 role_required", "dp1-404 unknown_device", "dp2-0000000000000001 role_required" }));
        var audit = await ReadAsync(await SendAsync(HttpMethod.Get, "/api/devices/dp1-4/command-audit", "viewer"));
        Assert.That(audit.GetProperty("items").EnumerateArray().Select(l => $"{Text(l, "group")} {Text(l, "reason")}"), Does.Contain("list-1 role_required"));
    }

    [Test]
    public async Task A_device_that_has_a_command_of_the_group_s_id_is_refused_and_keeps_its_own()
    {
        await GiveAsync("dp1-5", "operator", new { command = "start" }, "mine");

        var odd = await GroupAsync("operator", new { command = "stop", devices = new[] { "dp1-5" }, arguments = new { now = "\0" } }, "odd", HttpStatusCode.Accepted);
        Assert.That(Lines(odd), Is.EqualTo(new[] { "dp1-5 unknown_argument" }));

        var given = await GroupAsync("operator", new { command = "stop", devices = new[] { "dp1-4", "dp1-5" } }, "mine", HttpStatusCode.Accepted);

        Assert.That(Lines(given), Is.EqualTo(new[] { "dp1-4 queued", "dp1-5 idempotency_conflict" }));
        Assert.That((Number(given, "queued"), Number(given, "refused")), Is.EqualTo((1, 1)));
    }

    [Test]
    public async Task A_group_that_comes_many_times_at_once_is_given_once()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ =>
            GroupAsync("operator", new { command = "open_valve", site = "north" }, "rush", HttpStatusCode.Accepted)));

        Assert.That(answers.Select(a => a.GetRawText()).Distinct().Count(), Is.EqualTo(1));
        Assert.That(await ScalarAsync<long>("select count(*) from command where group_id = 'rush'"), Is.EqualTo(5));
    }

    [Test]
    public async Task More_devices_than_a_group_takes_are_refused_with_the_limit()
    {
        await ExecuteAsync($"""
            insert into customer (customer_id, name) values ('large', 'Large');
            insert into device (device_id, protocol, offering, product, customer)
            select 'dp1-' || n, 'dp1', 'irrigation', 'irrigation-pump-v1', 'large' from generate_series(1000000, 1000000 + {SubmitGroup.DevicesMax}) n;
            """);

        var over = await GroupAsync("operator", new { command = "stop", customer = "large" }, "large-1", HttpStatusCode.Conflict);
        Assert.That(Text(over, "type"), Is.EqualTo("urn:pumps:too_many_devices"));
        Assert.That(Text(over, "detail"), Does.Contain("5000"));

        await ExecuteAsync("delete from device where device_id = 'dp1-1000000'");
        var full = await GroupAsync("operator", new { command = "stop", customer = "large" }, "large-1", HttpStatusCode.Accepted);
        Assert.That((Number(full, "devices"), Number(full, "queued")), Is.EqualTo((5000, 5000)));
    }

    [TestCase("""{ "command": "stop" }""", "missing_target")]
    [TestCase("""{ "command": "stop", "devices": [] }""", "invalid_list")]
    [TestCase("""{ "command": "stop", "devices": ["dp1-1"], "site": "north" }""", "ambiguous_target")]
    [TestCase("""{ "command": "stop", "devices": ["dp1-1", "dp1-1"] }""", "repeated_device")]
    [TestCase("""{ "command": "stop", "devices": ["dp1\u0000"] }""", "invalid_device")]
    [TestCase("""{ "command": "fly\u0000", "devices": ["dp1-1"] }""", "unknown_command")]
    [TestCase("""{ "command": "stop", "site": "North!" }""", "invalid_site")]
    [TestCase("""{ "command": "stop", "site": "north", "tag": "" }""", "invalid_tag")]
    [TestCase("""{ "command": "stop", "places": ["north"] }""", "malformed_body")]
    public async Task A_target_that_cannot_be_meant_is_refused(string body, string rule)
    {
        var problem = await GroupAsync("operator", JsonElement.Parse(body), "bad", HttpStatusCode.BadRequest);

        Assert.That(Text(problem, "type"), Is.EqualTo("urn:pumps:" + rule));
    }

    [Test]
    public async Task A_viewer_gives_no_group()
    {
        var problem = await GroupAsync("viewer", new { command = "read_status", site = "north" }, "viewers", HttpStatusCode.Forbidden);

        Assert.That(Text(problem, "type"), Is.EqualTo("urn:pumps:role"));
    }

    [Test]
    public async Task What_an_owner_before_asked_of_a_device_is_for_ops_only()
    {
        await ExecuteAsync("insert into device (device_id, protocol, offering, product, customer) values ('dp1-801', 'dp1', 'irrigation', 'irrigation-pump-v1', 'green-valley')");
        (await GiveAsync("dp1-801", "operator", new { command = "stop" }, "before")).Dispose();
        (await GiveAsync("dp1-801", "operator", new { command = "fly" }, "bad")).Dispose();
        await ExecuteAsync("update device set customer = 'red-hill' where device_id = 'dp1-801'");
        (await GiveAsync("dp1-801", "operator", new { command = "start" }, "after")).Dispose();

        foreach (var (role, commands, audit, found) in new[]
        {
            ("viewer", "after", "after", HttpStatusCode.NotFound), ("ops", "after before", "after bad before", HttpStatusCode.OK),
        })
        {
            using var list = await SendAsync(HttpMethod.Get, "/api/devices/dp1-801/commands", role);
            using var asked = await SendAsync(HttpMethod.Get, "/api/devices/dp1-801/command-audit", role);
            using var one = await SendAsync(HttpMethod.Get, "/api/devices/dp1-801/commands/before", role);
            Assert.That(Ids(await ReadAsync(list)), Is.EqualTo(commands), role);
            Assert.That(Ids(await ReadAsync(asked)).Split(' '), Is.EquivalentTo(audit.Split(' ')), role);
            Assert.That(one.StatusCode, Is.EqualTo(found), role);
        }

        static string Ids(JsonElement page) => string.Join(' ', page.GetProperty("items").EnumerateArray().Select(i => Text(i, "id")));
    }

    /// <summary>Who, when, from where, what, and why not; nothing of what stood in a query or a body.</summary>
    [TestCase("viewer", "PUT", "/api/devices/dp1-1?secret=hush", """{ "product": "hush" }""", 403, "PUT /api/devices/{id}", "dp1-1", "", "role_required", "for the role operator")]
    [TestCase("operator", "POST", "/api/devices/dp1-99/commands", """{ "command": "stop", "arguments": { "x": "hush" } }""", 404,
        "POST /api/devices/{id}/commands", "dp1-99", "stop", "unknown_device", "There is no device \"dp1-99\".")]
    [TestCase("operator", "POST", "/api/command-groups", """{ "command": "stop", "site": "nowhere", "customer": "green-valley" }""", 409,
        "POST /api/command-groups", "group refused-whole: site nowhere, customer green-valley", "stop", "no_devices", "No device has all that the target names: site, tag, customer.")]
    [TestCase("operator", "POST", "/api/command-groups", """{ "command": "stop", "devices": [], "tag": "hush\u0000" }""", 400,
        "POST /api/command-groups", "group refused-whole: tag hush?, 0 devices", "stop", "ambiguous_target", "devices: devices, or site, tag and customer; not both")]
    public async Task What_is_refused_before_it_comes_to_a_device_is_kept(
        string role, string method, string path, string body, int status, string action, string target, string command, string rule, string detail)
    {
        using var request = new HttpRequestMessage(new(method), path)
        {
            Headers = { { Role, role }, { "Idempotency-Key", "refused-whole" } }, Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json"),
        };
        using var answer = await _host.Http.SendAsync(request, Cancel);
        using var list = await SendAsync(HttpMethod.Get, "/api/request-audit?limit=1", "ops");
        var kept = (await ReadAsync(list)).GetProperty("items")[0];

        Assert.That((int)answer.StatusCode, Is.EqualTo(status), await answer.Content.ReadAsStringAsync(Cancel));
        Assert.That(
            new[] { "action", "target", "command", "rule", "detail", "requestedBy", "origin", "at" }.Select(m => Text(kept, m)),
            Is.EqualTo(new[] { action, target, command, rule, detail, $"{role}@example", "api 127.0.0.1", "2025-06-01T12:00:00.000Z" }));
    }

    [Test]
    public async Task What_strangers_ask_is_counted_and_not_kept()
    {
        await using var host = await PortalHost.StartAsync((_, role) => new(role is PortalRole.Public ? null : TypedResults.Problem(statusCode: 401)));
        var counted = new ConcurrentQueue<string>();
        using var listener = new MeterListener();
        listener.EnableMeasurementEvents(Metrics.PortalRefused);
        listener.SetMeasurementEventCallback<long>((_, _, tags, _) => counted.Enqueue(string.Join(' ', tags.ToArray().Select(t => t.Value))));
        listener.Start();
        using var answer = await host.Http.GetAsync(new Uri("/api/devices/dp1-1", UriKind.Relative), Cancel);

        Assert.That((int)answer.StatusCode, Is.EqualTo(401));
        Assert.That(host.Ports.Refused, Is.Empty);
        Assert.That(counted, Does.Contain("role_required anonymous"));
    }

    [Test]
    public async Task A_caller_in_a_loop_does_not_fill_the_audit_and_the_next_line_says_how_many_there_were()
    {
        var time = new FakeTimeProvider(PortalHost.Now);
        var kept = new MemoryPorts();
        var audit = new AuditRefusals(kept, time);
        DefaultHttpContext Of(string name) => new() { User = new(new ClaimsIdentity([new(ClaimTypes.Name, name)], "test")) };
        for (var i = 0; i < AuditRefusals.KeptPerMinute + 40; i++)
            await audit.HandleAsync(Of("looper"), "role_required", "for the role ops", Cancel);
        await audit.HandleAsync(Of("other"), "role_required", "for the role ops", Cancel);
        Assert.That(kept.Refused.Count(r => r.RequestedBy == "looper"), Is.EqualTo(AuditRefusals.KeptPerMinute));
        Assert.That(kept.Refused.Count(r => r.RequestedBy == "other"), Is.EqualTo(1), "each caller for itself");

        time.Advance(TimeSpan.FromMinutes(1));
        for (var i = 0; i < 2; i++)
            await audit.HandleAsync(Of("looper"), "role_required", "for the role ops", Cancel);
        Assert.That(
            kept.Refused.Where(r => r.RequestedBy == "looper").Skip(AuditRefusals.KeptPerMinute).Select(r => r.Detail),
            Is.EqualTo(new[] { "for the role ops (40 requests of this caller before this one were refused and not kept.)", "for the role ops" }));
    }

    [Test]
    public async Task Only_ops_read_what_was_refused_and_page_through_it()
    {
        foreach (var device in new[] { "dp1-91", "dp1-92" })
            (await GiveAsync(device, "operator", new { command = "stop" })).Dispose();
        using var viewer = await SendAsync(HttpMethod.Get, "/api/request-audit", "operator");
        using var first = await SendAsync(HttpMethod.Get, "/api/request-audit?limit=2", "ops");
        var page = await ReadAsync(first);
        using var second = await SendAsync(HttpMethod.Get, $"/api/request-audit?limit=1&cursor={Text(page, "next")}", "ops");
        using var wrong = await SendAsync(HttpMethod.Get, "/api/request-audit?cursor=x", "ops");

        Assert.That(viewer.StatusCode, Is.EqualTo(HttpStatusCode.Forbidden));
        Assert.That(page.GetProperty("items").EnumerateArray().Select(i => Text(i, "rule")), Is.EqualTo(new[] { "role_required", "unknown_device" }));
        Assert.That(Text((await ReadAsync(second)).GetProperty("items")[0], "target"), Is.EqualTo("dp1-91"));
        Assert.That(wrong.StatusCode, Is.EqualTo(HttpStatusCode.BadRequest));
    }

    private static ValueTask<IResult?> Guard(HttpContext http, PortalRole role)
    {
        var has = Enum.Parse<PortalRole>(http.Request.Headers[Role].ToString(), ignoreCase: true);
        http.User = new(new System.Security.Claims.ClaimsIdentity([new(System.Security.Claims.ClaimTypes.Name, $"{has.ToString().ToLowerInvariant()}@example")], "test"));
        return new(has >= role ? null : TypedResults.Problem(statusCode: 403, type: "urn:pumps:role", title: "Not allowed"));
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string role, object? body = null, string? id = null)
    {
        using var request = new HttpRequestMessage(method, path) { Headers = { { Role, role } }, Content = body is null ? null : JsonContent.Create(body) };
        if (id is not null)
            request.Headers.Add("Idempotency-Key", id);
        return await _host.Http.SendAsync(request, Cancel);
    }

    private Task<HttpResponseMessage> GiveAsync(string device, string role, object body, string? id = null) =>
        SendAsync(HttpMethod.Post, $"/api/devices/{device}/commands", role, body, id);

    private async Task<JsonElement> GroupAsync(string role, object body, string id, HttpStatusCode expected)
    {
        using var answer = await SendAsync(HttpMethod.Post, "/api/command-groups", role, body, id);
        Assert.That(answer.StatusCode, Is.EqualTo(expected), await answer.Content.ReadAsStringAsync(Cancel));
        return await ReadAsync(answer);
    }

    private async Task<JsonElement> ReadAsync(HttpResponseMessage answer) => JsonElement.Parse(await answer.Content.ReadAsStringAsync(Cancel));

    private static IEnumerable<string> Lines(JsonElement receipt) => [.. receipt.GetProperty("items").EnumerateArray().Select(l =>
        $"{Text(l, "deviceId")} {(l.GetProperty("command") is { ValueKind: JsonValueKind.Object } command ? Text(command, "state") : Text(l.GetProperty("errors")[0], "rule"))}")];

    private static string? Text(JsonElement of, string name) => of.GetProperty(name).GetString();

    private static int Number(JsonElement of, string name) => of.GetProperty(name).GetInt32();
}
