using System.Globalization;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Pumps.Core.Schedules;
using Pumps.Handlers.Schedules;

namespace Pumps.Handlers.Portal;

/// <summary>A schedule to make, or to try: for a device, or for all devices of a site.</summary>
/// <param name="AllowOverlap">Makes it although its runs meet others on a device.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ScheduleBody(SchedulePlan Plan, string? Device = null, string? Site = null, bool AllowOverlap = false);

/// <summary>Another plan for a schedule.</summary>
/// <param name="Revision">When given, the schedule must not have been changed since.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SchedulePlanBody(SchedulePlan Plan, int? Revision = null, bool AllowOverlap = false);

/// <param name="Until">A run at this instant is planned again; absent: until it is resumed.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PauseBody(DateTimeOffset? Until = null);

/// <summary>A run as it is planned.</summary>
/// <param name="Time">The site's civil time, without a zone.</param>
/// <param name="ClockChange">none; skipped: the clocks jump over this time, it runs when they have; repeated: they show it twice, it runs the first time.</param>
public sealed record PlannedRunView(DateTimeOffset At, string Time, string ClockChange);

/// <param name="State">active, paused, ended (no run any more), no_time_zone (its device belongs to no site, or this machine does not know the zone).</param>
/// <param name="PausedUntil">Absent while it is paused until it is resumed.</param>
public sealed record ScheduleView(
    string Id, string Customer, string? Device, string? Site, string? TimeZone, string State, DateTimeOffset? PausedUntil, PlannedRunView? Next,
    SchedulePlan Plan, int Revision, DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset ChangedAt, string ChangedBy);

/// <summary>The next runs of a plan, and what is in its way: <paramref name="Overlap"/> is why it would be refused.</summary>
public sealed record PreviewView(string TimeZone, IReadOnlyList<PlannedRunView> Runs, string? Overlap);

/// <summary>A run that was decided, and what became of it: how many devices' commands are still due, in the queue, skipped, refused or missed.</summary>
/// <param name="Verdict">on_time, late (made up for) or missed.</param>
public sealed record ScheduleRunView(
    DateTimeOffset PlannedAt, string Time, string Verdict, DateTimeOffset DecidedAt, int Due, int Submitted, int Skipped, int Refused, int Missed);

/// <summary>What a run had a device do.</summary>
/// <param name="State">due, submitted (see the command), skipped, refused, missed.</param>
/// <param name="Reason">Why it was skipped (the datapoint of the condition, or what the device is), refused or missed.</param>
/// <param name="Command">The command's id.</param>
public sealed record RunCommandView(string State, string? Reason, string? Command, DateTimeOffset DueAt, DateTimeOffset ChangedAt);

/// <summary>A device of a run: the command that began it, and the one that ended it.</summary>
public sealed record RunDeviceView(string Device, RunCommandView? Begin, RunCommandView? End);

internal static class ScheduleRoutes
{
    // Three lists of 366 dates and 48 times are 15 KB.
    private const long BodyMax = 64 << 10;

    private static readonly QueryParameter Device = new("device", "Only schedules for this device.");
    private static readonly QueryParameter Site = new("site", "Only schedules for this site.");
    private static readonly QueryParameter Customer = new("customer", "Only schedules of this customer.");
    private static readonly QueryParameter Cursor = new("cursor", "`next` of the page before.");
    private static readonly QueryParameter Limit = new("limit", "Entries on a page.", "100", 1, 1000);
    private static readonly QueryParameter Count = new("count", "Runs to show.", "10", 1, 366);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var schedules = routes.MapGroup("/api/schedules").WithTags("Schedules");

        schedules.MapGet("/", ListAsync).For(PortalRole.Viewer).WithName("listSchedules").WithSummary("Schedules in the order of their ids")
            .WithMetadata(Device, Site, Customer, Cursor, Limit).Produces<PageView<ScheduleView>>().ProducesProblem(400).ProducesProblem(503);

        schedules.MapPost("/", CreateAsync).For(PortalRole.Operator).WithName("createSchedule").WithSummary("Makes a schedule for a device or a site")
            .WithDescription("Times are those of the site's clocks. A plan whose runs meet others on a device is refused unless overlaps are allowed.")
            .WithMetadata(new RequestSizeLimitAttribute(BodyMax)).Produces<ScheduleView>()
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        schedules.MapPost("/preview", PreviewAsync).For(PortalRole.Viewer).WithName("previewSchedule").WithSummary("What a plan would do, without keeping it")
            .WithMetadata(Count, new RequestSizeLimitAttribute(BodyMax)).Produces<PreviewView>()
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        var schedule = schedules.MapGroup("/{id}").AddEndpointFilter(HideFormerAsync);

        schedule.MapGet("", FindAsync).For(PortalRole.Viewer).WithName("findSchedule").WithSummary("One schedule")
            .Produces<ScheduleView>().ProducesProblem(404).ProducesProblem(503);

        schedule.MapPut("", ReplaceAsync).For(PortalRole.Operator).WithName("changeSchedule").WithSummary("Gives a schedule another plan, from now on")
            .WithMetadata(new RequestSizeLimitAttribute(BodyMax)).Produces<ScheduleView>()
            .ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        schedule.MapDelete("", RemoveAsync).For(PortalRole.Operator).WithName("removeSchedule")
            .WithSummary("Removes a schedule; its runs can still be read, and one that has begun still ends")
            .Produces(204).ProducesProblem(404).ProducesProblem(503);

        schedule.MapPost("/pause", PauseAsync).For(PortalRole.Operator).WithName("pauseSchedule")
            .WithSummary("Begins no run until then, or until it is resumed; one that has begun still ends")
            .WithMetadata(new RequestSizeLimitAttribute(BodyMax)).Produces<ScheduleView>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(503);

        schedule.MapPost("/resume", ResumeAsync).For(PortalRole.Operator).WithName("resumeSchedule")
            .WithSummary("Plans runs again from now on").Produces<ScheduleView>().ProducesProblem(404).ProducesProblem(503);

        schedule.MapGet("/next", NextAsync).For(PortalRole.Viewer).WithName("listNextRuns").WithSummary("The next runs of a schedule")
            .WithMetadata(Count).Produces<PlannedRunView[]>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(503);

        schedule.MapGet("/runs", RunsAsync).For(PortalRole.Viewer).WithName("listRuns").WithSummary("Runs whose time has come, newest first")
            .WithMetadata(Cursor, Limit).Produces<PageView<ScheduleRunView>>().ProducesProblem(400).ProducesProblem(503);

        schedule.MapGet("/runs/{plannedAt}", RunAsync).For(PortalRole.Viewer).WithName("readRun").WithSummary("What a run had each device do")
            .WithMetadata(Cursor, Limit).Produces<PageView<RunDeviceView>>().ProducesProblem(400).ProducesProblem(503);
    }

    /// <summary>What an owner before has planned for a device is for ops only: to everybody else there is no such schedule.</summary>
    private static async ValueTask<object?> HideFormerAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        return http.Request.RouteValues["id"] is string id && !await PortalAccess.IsOpsAsync(http)
            && await http.RequestServices.GetRequiredService<IScheduleStore>().IsFormerAsync(id, http.RequestAborted)
                ? new Answer<StoredSchedule>.Absent(KeepSchedules.NoSchedule(id)).ToHttp()
                : await next(context);
    }

    private static async Task<IResult> ListAsync(
        HttpRequest request, [FromServices] IScheduleStore store, [FromServices] KeepSchedules handler, TimeProvider time, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (device, site, customer, cursor, limit) = (query.Text(Device), query.Text(Site), query.Text(Customer), query.Text(Cursor), query.Number(Limit));
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var page = await store.ListAsync(device, site, customer, former: await PortalAccess.IsOpsAsync(request.HttpContext), cursor, limit, cancel);
        return TypedResults.Ok(new PageView<ScheduleView>([.. page.Items.Select(s => View(s, handler, time))], page.Next));
    }

    private static async Task<IResult> CreateAsync(
        ScheduleBody body, HttpContext http, [FromServices] KeepSchedules handler, TimeProvider time, CancellationToken cancel) =>
        ToHttp(await handler.CreateAsync(new(body.Device, body.Site, body.Plan, body.AllowOverlap), CommandRoutes.Who(http), cancel), handler, time);

    private static async Task<IResult> PreviewAsync(
        ScheduleBody body, HttpRequest request, [FromServices] KeepSchedules handler, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var count = query.Number(Count);
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var answer = await handler.PreviewAsync(new(body.Device, body.Site, body.Plan, body.AllowOverlap), count, cancel);
        return answer is Answer<SchedulePreview>.Found { Value: var preview }
            ? TypedResults.Ok(new PreviewView(preview.TimeZone, [.. preview.Next.Select(View)], preview.Overlap))
            : answer.ToHttp();
    }

    private static async Task<IResult> FindAsync(
        string id, [FromServices] IScheduleStore store, [FromServices] KeepSchedules handler, TimeProvider time, CancellationToken cancel) =>
        ToHttp(
            await store.FindAsync(id, cancel) is { } found
                ? new Answer<StoredSchedule>.Found(found)
                : new Answer<StoredSchedule>.Absent(KeepSchedules.NoSchedule(id)),
            handler, time);

    private static async Task<IResult> ReplaceAsync(
        string id, SchedulePlanBody body, HttpContext http, [FromServices] KeepSchedules handler, TimeProvider time, CancellationToken cancel) =>
        ToHttp(await handler.ReplaceAsync(id, body.Plan, body.Revision, body.AllowOverlap, CommandRoutes.Who(http), cancel), handler, time);

    private static async Task<IResult> RemoveAsync(string id, HttpContext http, [FromServices] KeepSchedules handler, CancellationToken cancel) =>
        await handler.RemoveAsync(id, CommandRoutes.Who(http), cancel)
            ? TypedResults.NoContent()
            : new Answer<StoredSchedule>.Absent(KeepSchedules.NoSchedule(id)).ToHttp();

    private static async Task<IResult> PauseAsync(
        string id, PauseBody body, HttpContext http, [FromServices] KeepSchedules handler, TimeProvider time, CancellationToken cancel) =>
        ToHttp(await handler.PauseAsync(id, body.Until, CommandRoutes.Who(http), cancel), handler, time);

    private static async Task<IResult> ResumeAsync(
        string id, HttpContext http, [FromServices] KeepSchedules handler, TimeProvider time, CancellationToken cancel) =>
        ToHttp(await handler.ResumeAsync(id, CommandRoutes.Who(http), cancel), handler, time);

    private static async Task<IResult> NextAsync(
        string id, HttpRequest request, [FromServices] IScheduleStore store, [FromServices] KeepSchedules handler, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var count = query.Number(Count);
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        return await store.FindAsync(id, cancel) is { } found
            ? TypedResults.Ok(handler.Next(found, count).Select(View).ToArray())
            : new Answer<StoredSchedule>.Absent(KeepSchedules.NoSchedule(id)).ToHttp();
    }

    private static async Task<IResult> RunsAsync(string id, HttpRequest request, [FromServices] IScheduleStore store, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (cursor, limit) = (query.Text(Cursor), query.Number(Limit));
        var before = DateTimeOffset.MaxValue;
        if (cursor is not null && !TryInstant(cursor, out before))
            query.Faults.Add(new("invalid_cursor", Cursor.Name, cursor, "`next` of the page before, or absent for the first page"));
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var runs = await store.ListRunsAsync(id, before, limit + 1, cancel);
        return TypedResults.Ok(new PageView<ScheduleRunView>(
            [.. runs.Take(limit).Select(View)], runs.Count > limit ? InstantConverter.Text(runs[limit - 1].PlannedAt) : null));
    }

    private static async Task<IResult> RunAsync(
        string id, string plannedAt, HttpRequest request, [FromServices] IScheduleStore store, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (cursor, limit) = (query.Text(Cursor), query.Number(Limit));
        if (!TryInstant(plannedAt, out var planned))
            query.Faults.Add(new("invalid_instant", "plannedAt", plannedAt, "`plannedAt` of a run, such as 2026-06-01T03:30:00Z"));
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        // A device has at most two orders in a run: one more than that for all devices of the page tells whether there is another one.
        var orders = await store.ListOrdersAsync(id, planned, cursor ?? "", 2 * limit + 1, cancel);
        var devices = orders.GroupBy(o => o.DeviceId).Select(d => new RunDeviceView(
            d.Key, d.Where(o => !o.Ending).Select(View).SingleOrDefault(), d.Where(o => o.Ending).Select(View).SingleOrDefault())).ToList();
        return TypedResults.Ok(new PageView<RunDeviceView>([.. devices.Take(limit)], devices.Count > limit ? devices[limit - 1].Device : null));
    }

    private static IResult ToHttp(Answer<StoredSchedule> answer, KeepSchedules handler, TimeProvider time) =>
        answer is Answer<StoredSchedule>.Found found ? TypedResults.Ok(View(found.Value, handler, time)) : answer.ToHttp();

    private static ScheduleView View(StoredSchedule schedule, KeepSchedules handler, TimeProvider time)
    {
        var paused = schedule.Progress.IsPaused(time.GetUtcNow());
        PlannedRun? next = handler.Next(schedule, 1) is [var first] ? first : null;
        var state = ScheduleClock.Zone(schedule.TimeZone) is null ? "no_time_zone" : paused ? "paused" : next is null ? "ended" : "active";
        return new(
            schedule.Id, schedule.Customer, schedule.DeviceId, schedule.SiteId, schedule.TimeZone, state,
            paused && schedule.Progress.PausedUntil < DateTimeOffset.MaxValue ? schedule.Progress.PausedUntil : null,
            next is { } run ? View(run) : null, schedule.Plan, schedule.Revision, schedule.CreatedAt, schedule.CreatedBy, schedule.ChangedAt,
            schedule.ChangedBy);
    }

    private static PlannedRunView View(PlannedRun run) => new(run.At, Civil(run.Local), run.Change switch
    {
        ClockChange.Skipped => "skipped",
        ClockChange.Repeated => "repeated",
        _ => "none",
    });

    private static ScheduleRunView View(RunSummary run) => new(
        run.PlannedAt, Civil(run.PlannedTime),
        run.Verdict switch
        {
            RunVerdict.OnTime => "on_time",
            RunVerdict.Late => "late",
            _ => "missed",
        },
        run.SettledAt, run.Due, run.Submitted, run.Skipped, run.Refused, run.Missed);

    private static RunCommandView View(RunOrder order) => new(
        order.State switch
        {
            OrderState.Due => "due",
            OrderState.Submitted => "submitted",
            OrderState.Skipped => "skipped",
            OrderState.Refused => "refused",
            _ => "missed",
        },
        order.Reason, order.CommandId, order.DueAt, order.ChangedAt);

    private static string Civil(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm", CultureInfo.InvariantCulture);

    private static bool TryInstant(string text, out DateTimeOffset at) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out at);
}
