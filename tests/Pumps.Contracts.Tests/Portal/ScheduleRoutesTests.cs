using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Pumps.Contracts.Tests.Postgres;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Schedules;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Portal;

/// <summary>Schedules over HTTP, on a real database.</summary>
public sealed class ScheduleRoutesTests : PostgresFixture
{
    private static readonly object Plan = new
    {
        name = "Morning",
        times = new[] { "05:30", "21:00" },
        weekdays = new[] { "mon", "thu" },
        run = new { command = "start" },
        minutes = 45,
        then = new { command = "stop" },
    };

    private PortalHost _host = null!;

    [SetUp]
    public async Task Start()
    {
        await ExecuteAsync(
            """
            delete from schedule_order; delete from schedule_run; delete from schedule;
            insert into customer (customer_id, name) values ('green-valley', 'Green Valley') on conflict do nothing;
            insert into site (site_id, customer, name, time_zone) values ('north', 'green-valley', 'North', 'Europe/Berlin') on conflict do nothing;
            insert into device (device_id, protocol, offering, product, customer, site_id)
            select 'dp1-' || n, 'dp1', 'irrigation', 'irrigation-pump-v1', 'green-valley', 'north' from generate_series(1, 5) n on conflict do nothing;
            """);
        _host = await StartAsync();
    }

    private Task<PortalHost> StartAsync(PortalGuard? guard = null) => PortalHost.StartAsync(guard, services => services
        .AddSingleton(Database)
        .AddSingleton<IScheduleStore, ScheduleStore>()
        .AddSingleton<ICommandStore, CommandStore>()
        .AddSingleton<IDatapointQueries>(new DatapointQueries(Database, new([]))));

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task A_schedule_is_made_shown_paused_resumed_and_removed()
    {
        var made = await _host.SendAsync(HttpMethod.Post, "/api/schedules", 200, new { site = "north", plan = Plan });
        var id = made.GetProperty("id").GetString();

        using (Assert.EnterMultipleScope())
        {
            Assert.That(made.GetProperty("state").GetString(), Is.EqualTo("active"));
            Assert.That(made.GetProperty("timeZone").GetString(), Is.EqualTo("Europe/Berlin"));
            Assert.That(made.GetProperty("customer").GetString(), Is.EqualTo("green-valley"));
            Assert.That(made.GetProperty("next").GetProperty("at").GetString(), Is.EqualTo("2025-06-02T03:30:00.000Z"));
            Assert.That(made.GetProperty("next").GetProperty("time").GetString(), Is.EqualTo("2025-06-02T05:30"));
        }

        var paused = await _host.SendAsync(HttpMethod.Post, $"/api/schedules/{id}/pause", 200, new { until = "2025-06-03T00:00:00Z" });
        Assert.That(paused.GetProperty("state").GetString(), Is.EqualTo("paused"));
        Assert.That(paused.GetProperty("next").GetProperty("at").GetString(), Is.EqualTo("2025-06-05T03:30:00.000Z"));
        var resumed = await _host.SendAsync(HttpMethod.Post, $"/api/schedules/{id}/resume", 200);
        Assert.That(resumed.GetProperty("state").GetString(), Is.EqualTo("active"));

        await _host.SendAsync(HttpMethod.Delete, $"/api/schedules/{id}", 204);
        await _host.GetAsync($"/api/schedules/{id}", 404);
        await _host.SendAsync(HttpMethod.Delete, $"/api/schedules/{id}", 404);
    }

    [Test]
    public async Task A_preview_shows_runs_and_what_is_in_the_way_and_keeps_nothing()
    {
        await _host.SendAsync(HttpMethod.Post, "/api/schedules", 200, new { device = "dp1-1", plan = Plan });

        var preview = await _host.SendAsync(HttpMethod.Post, "/api/schedules/preview?count=2", 200, new { site = "north", plan = Plan });
        Assert.That(preview.GetProperty("runs").EnumerateArray().Select(r => r.GetProperty("time").GetString()), Is.EqualTo(new[] { "2025-06-02T05:30", "2025-06-02T21:00" }));
        Assert.That(preview.GetProperty("overlap").GetString(), Does.Contain("2025-06-02 05:30"));
        Assert.That((await _host.GetAsync("/api/schedules")).GetProperty("items").GetArrayLength(), Is.EqualTo(1));

        var refused = await _host.SendAsync(HttpMethod.Post, "/api/schedules", 409, new { site = "north", plan = Plan });
        Assert.That(refused.GetProperty("type").GetString(), Is.EqualTo("urn:pumps:overlapping_schedule"));
        await _host.SendAsync(HttpMethod.Post, "/api/schedules", 200, new { site = "north", plan = Plan, allowOverlap = true });
    }

    [Test]
    public async Task Wrong_plans_are_told_what_would_be_right()
    {
        ProblemAssert.Names(
            await _host.SendAsync(HttpMethod.Post, "/api/schedules", 400, """{"site":"north","plan":{"name":"x","times":["25:00"],"weekdays":["mon"],"run":{"command":"start"}}}"""),
            "invalid_plan", "plan.times", "25:00");
        ProblemAssert.Names(
            await _host.SendAsync(HttpMethod.Post, "/api/schedules", 400, new { plan = Plan }), "invalid_target", "device", null);
        await _host.SendAsync(HttpMethod.Post, "/api/schedules", 404, new { device = "dp1-99", plan = Plan });
        await _host.SendAsync(HttpMethod.Post, "/api/schedules", 400, """{"site":"north","plan":{"name":"x","time":["05:00"],"run":{"command":"start"}}}""");
    }

    [Test]
    public async Task Runs_and_their_devices_come_in_pages_each_once()
    {
        var id = (await _host.SendAsync(HttpMethod.Post, "/api/schedules", 200, new { site = "north", plan = Plan })).GetProperty("id").GetString();
        await ExecuteAsync($"update schedule set settled_to = '2025-05-25T00:00Z', look_at = '2025-05-26T00:00Z' where schedule_id = '{id}'");
        await _host.SendAsync(HttpMethod.Post, $"/api/schedules/{id}/pause", 200, new { });
        await ExecuteAsync($"""
            insert into schedule_order (device_id, schedule_id, planned_at, ending, customer, plan, due_at, state, changed_at)
            select d, '{id}', '2025-05-29T19:00Z', e, 'green-valley', '{"{}"}', now(), 'submitted', now() from unnest(array['dp1-1', 'dp1-2', 'dp1-3']) d, unnest(array[false, true]) e
            """);

        var runs = await PagesAsync($"/api/schedules/{id}/runs?limit=3", r => r.GetProperty("time").GetString()!);
        Assert.That(runs, Is.EqualTo(new[] { "2025-05-29T21:00", "2025-05-29T05:30", "2025-05-26T21:00", "2025-05-26T05:30" }));
        var devices = await PagesAsync($"/api/schedules/{id}/runs/2025-05-29T19:00:00Z?limit=2", d => $"{d.GetProperty("device")} {d.GetProperty("end").GetProperty("state")}");
        Assert.That(devices, Is.EqualTo(new[] { "dp1-1 submitted", "dp1-2 submitted", "dp1-3 submitted" }));
        await _host.GetAsync($"/api/schedules/{id}/runs?cursor=first", 400);
        await _host.GetAsync($"/api/schedules/{id}/runs/yesterday", 400);
    }

    [Test]
    public async Task What_an_owner_before_has_planned_is_for_ops_only_and_is_there_again_when_the_device_is()
    {
        var id = (await _host.SendAsync(HttpMethod.Post, "/api/schedules", 200, new { device = "dp1-5", plan = Plan })).GetProperty("id").GetString();
        await ExecuteAsync("update device set customer = 'new-valley' where device_id = 'dp1-5'");
        Assert.That((await _host.GetAsync("/api/schedules?device=dp1-5")).GetProperty("items").GetArrayLength(), Is.EqualTo(1), "everybody is ops here");

        await using (var portal = await StartAsync((_, role) => new(role is PortalRole.Ops ? TypedResults.StatusCode(403) : null)))
        {
            Assert.That((await portal.GetAsync("/api/schedules?device=dp1-5")).GetProperty("items").GetArrayLength(), Is.Zero);
            var missing = await portal.GetAsync("/api/schedules/no-such-schedule", 404);
            var hidden = await portal.GetAsync($"/api/schedules/{id}", 404);
            Assert.That(hidden.GetProperty("detail").GetString(), Is.EqualTo(missing.GetProperty("detail").GetString()!.Replace("no-such-schedule", id)));
            foreach (var (method, path, body) in new (HttpMethod, string, object?)[]
                     {
                         (HttpMethod.Put, "", new { plan = Plan }), (HttpMethod.Delete, "", null), (HttpMethod.Post, "/pause", new { }), (HttpMethod.Post, "/resume", null),
                         (HttpMethod.Get, "/next", null), (HttpMethod.Get, "/runs", null), (HttpMethod.Get, "/runs/2025-06-02T03:30:00Z", null),
                     })
                await portal.SendAsync(method, $"/api/schedules/{id}{path}", 404, body);

            await ExecuteAsync("update device set customer = 'green-valley', site_id = 'north' where device_id = 'dp1-5'");
            Assert.That((await portal.GetAsync($"/api/schedules/{id}")).GetProperty("state").GetString(), Is.EqualTo("active"));
        }
    }

    private async Task<List<string>> PagesAsync(string path, Func<System.Text.Json.JsonElement, string> read)
    {
        var found = new List<string>();
        string? next = null;
        do
        {
            var page = await _host.GetAsync(path + (next is null ? "" : "&cursor=" + next));
            found.AddRange(page.GetProperty("items").EnumerateArray().Select(read));
            next = page.GetProperty("next").GetString();
        }
        while (next is not null);
        return found;
    }
}
