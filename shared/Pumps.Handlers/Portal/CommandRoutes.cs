using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Pumps.Core.Commands;
using Pumps.Core.Offerings;
using Pumps.Handlers.Commands;

namespace Pumps.Handlers.Portal;

/// <summary>A command to be given. What there is, and with which arguments: the product in <c>/api/catalog</c>.</summary>
/// <param name="Confirm">For dangerous commands: whoever gives it means it.</param>
/// <param name="TimeToLiveSeconds">How long it may wait for its device; absent takes the product's own.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CommandBody(
    string Command, IReadOnlyDictionary<string, JsonElement>? Arguments = null, bool Confirm = false, double? TimeToLiveSeconds = null);

/// <summary>One command for many devices: those that are listed, or all at a site or of a customer, with or without a tag.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record GroupBody(
    string Command, IReadOnlyList<string>? Devices = null, string? Site = null, string? Tag = null, string? Customer = null,
    IReadOnlyDictionary<string, JsonElement>? Arguments = null, bool Confirm = false, double? TimeToLiveSeconds = null);

/// <summary>What became of a group for one device: its command, or why there is none.</summary>
public sealed record GroupLine(string DeviceId, CommandView? Command, IReadOnlyList<Fault>? Errors);

/// <summary>What became of a group, device by device in the order of their ids.</summary>
/// <param name="Devices">How many it was for.</param>
/// <param name="Next">Cursor of the next page; absent on the last.</param>
public sealed record GroupReceipt(
    string Id, string Command, IReadOnlyDictionary<string, JsonElement> Arguments, string? Site, string? Tag, string? Customer, string RequestedBy, string Origin,
    DateTimeOffset CreatedAt, int Devices, int Queued, int Refused, IReadOnlyList<GroupLine> Items, string? Next);

/// <summary>One line of a device's audit.</summary>
/// <param name="Result">The state of the command; <c>not_taken</c> for a request that was refused.</param>
/// <param name="Errors">What was wrong with a refused request.</param>
public sealed record AuditLine(
    DateTimeOffset At, string Id, string Command, IReadOnlyDictionary<string, JsonElement> Arguments, string RequestedBy, string Origin, string? Group,
    string Result, string? Reason, IReadOnlyList<Fault>? Errors);

internal static class CommandRoutes
{
    public const string IdempotencyKey = "Idempotency-Key";

    private const int PageMax = 200;

    // A command has a handful of numbers; a group a thousand ids beside them.
    private const long BodyMax = 16 << 10;
    private const long GroupBodyMax = 64 << 10;

    private static readonly QueryParameter Cursor = new("cursor", "`next` of the page before.");
    private static readonly QueryParameter Limit = new("limit", "Commands on a page.", "50", 1, PageMax);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var commands = routes.MapGroup("/api/devices/{id}/commands").WithTags("Commands");

        // Some commands are a viewer's, some are for ops only: the command's own role is asked for when it is known.
        commands.MapPost("/", SubmitAsync).For(PortalRole.Viewer).WithName("giveCommand").WithSummary("Gives a command to a device")
            .WithDescription(
                $"Repeat it with the same `{IdempotencyKey}` (header; {SubmitCommand.IdForm}) when the answer is lost: the command is given once. " +
                "It is queued when this answers; read it to see what becomes of it. Commands of one device go one at a time, in order.")
            .WithMetadata(new RequestSizeLimitAttribute(BodyMax))
            .Produces<CommandView>(202).ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        commands.MapGet("/", ListOfDeviceAsync).For(PortalRole.Viewer).WithName("listDeviceCommands").WithSummary("Commands of a device, newest first")
            .WithMetadata(Cursor, Limit).Produces<PageView<CommandView>>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(503);

        routes.MapGet("/api/devices/{id}/command-audit", ListAuditAsync).For(PortalRole.Viewer).WithTags("Commands").WithName("listCommandAudit")
            .WithSummary("All that was asked of a device, newest first: who, when, from where, the result; also what was refused")
            .WithMetadata(Cursor, Limit).Produces<PageView<AuditLine>>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(503);

        routes.MapGet("/api/request-audit", ListRequestsAsync).For(PortalRole.Ops).WithTags("Commands").WithName("listRequestAudit")
            .WithSummary("Requests that were refused and have no device to be kept with, newest first: unknown devices, groups as a whole, missing roles")
            .WithMetadata(Cursor, Limit).Produces<PageView<RefusedRequest>>().ProducesProblem(400).ProducesProblem(503);

        commands.MapGet("/{command}", FindAsync).For(PortalRole.Viewer).WithName("findCommand").WithSummary("One command and what has become of it")
            .Produces<CommandView>().ProducesProblem(404).ProducesProblem(503);

        commands.MapPost("/{command}/cancel", CancelAsync).For(PortalRole.Operator).WithName("cancelCommand")
            .WithSummary("Takes a command back that has not been sent")
            .Produces<CommandView>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        routes.MapGet("/api/commands", ListAllAsync).For(PortalRole.Ops).WithTags("Commands").WithName("listCommands")
            .WithSummary("Commands of all devices, newest first: who, when, from where, and the result")
            .WithMetadata(Cursor, Limit).Produces<PageView<CommandView>>().ProducesProblem(400).ProducesProblem(503);

        routes.MapPost("/api/command-groups", SubmitGroupAsync).For(PortalRole.Operator).WithTags("Commands").WithName("giveGroupCommand")
            .WithSummary($"Gives a command to many devices, with a receipt for each")
            .WithDescription(
                $"Name up to {GroupTarget.ListMax} devices, or a site or a customer with up to {SubmitGroup.DevicesMax}; a tag narrows these. The region finds them " +
                $"once: the same `{IdempotencyKey}`, which is the id of the group and of each device's command, says what became of it. A device that does not " +
                "get the command is named with the reason.")
            .WithMetadata(new RequestSizeLimitAttribute(GroupBodyMax)).Produces<GroupReceipt>(202).ProducesProblem(400).ProducesProblem(409).ProducesProblem(503);

        routes.MapGet("/api/command-groups/{group}", FindGroupAsync).For(PortalRole.Viewer).WithTags("Commands").WithName("findGroupCommand")
            .WithSummary("A group, and what has become of it for each device, in the order of their ids")
            .WithMetadata(Cursor, Limit).Produces<GroupReceipt>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(503);
    }

    /// <summary>Who asks, for the audit.</summary>
    public static string Who(HttpContext http) => http.User.Identity?.Name is { Length: > 0 } name ? name : "anonymous";

    /// <summary>From where, for the audit.</summary>
    public static string From(HttpContext http) => http.Connection.RemoteIpAddress is { } address ? $"api {address}" : "api";

    private static async Task<IResult> SubmitAsync(
        string id, CommandBody body, HttpContext http, [FromServices] SubmitCommand handler, [FromServices] ICommandStore store, Catalog catalog,
        AuditRefusals audit, [FromHeader(Name = IdempotencyKey)] string? key = null, CancellationToken cancel = default)
    {
        var order = new CommandOrder(
            key ?? Guid.NewGuid().ToString("N"), id, body.Command, body.Arguments ?? NoArguments, Who(http), From(http), body.Confirm, Life(body.TimeToLiveSeconds));
        if (await store.FindTargetAsync(id, cancel) is not { } target)
        {
            await audit.HandleAsync(http, "unknown_device", DeviceRoutes.NoDevice(id), cancel, command: body.Command);
            return new Answer<CommandView>.Absent(DeviceRoutes.NoDevice(id)).ToHttp();
        }

        if (await RefuseAsync(http, SubmitCommand.RoleOf(catalog, target.Product, body.Command)) is { } refusal)
        {
            await handler.RefuseRoleAsync(order, target, cancel);
            return refusal;
        }

        var answer = await handler.HandleAsync(order, target, cancel);
        return answer is Answer<CommandView>.Found { Value: var view }
            ? TypedResults.Accepted($"/api/devices/{id}/commands/{view.Id}", view)
            : answer.ToHttp();
    }

    private static async Task<IResult> SubmitGroupAsync(
        GroupBody body, HttpContext http, [FromServices] SubmitGroup handler, [FromServices] ICommandStore store, AuditRefusals audit, [FromHeader(Name = IdempotencyKey)] string? key = null,
        CancellationToken cancel = default)
    {
        var order = new GroupOrder(
            key ?? Guid.NewGuid().ToString("N"), new(body.Site, body.Tag, body.Customer, body.Devices?.Order(StringComparer.Ordinal).ToList()), body.Command,
            body.Arguments ?? NoArguments, Who(http), From(http), body.Confirm, Life(body.TimeToLiveSeconds));
        var allowed = new Dictionary<CommandRole, bool>();
        var answer = await handler.HandleAsync(order, async role =>
        {
            if (!allowed.TryGetValue(role, out var known))
                allowed[role] = known = await RefuseAsync(http, role) is null;
            return known;
        }, cancel);
        if (answer is Answer<StoredGroup>.Found { Value: var group })
            return TypedResults.Accepted($"/api/command-groups/{group.Id}", await ReceiptAsync(group, store, null, PageMax, cancel));

        var (rule, detail) = answer switch
        {
            Answer<StoredGroup>.Invalid { Faults: [var first, ..] } => (first.Rule, $"{first.Parameter}: {first.Allowed}"),
            Answer<StoredGroup>.Refused refused => (refused.Rule, refused.Detail),
            _ => throw new UnreachableException(),
        };
        await audit.HandleAsync(http, rule, detail, cancel, $"group {order.Id}: {order.Target.Describe()}", body.Command, body.Customer ?? "");
        return answer.ToHttp();
    }

    private static async Task<IResult> FindGroupAsync(string group, HttpRequest request, [FromServices] ICommandStore store, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (cursor, limit) = (query.Text(Cursor), query.Number(Limit));
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        return await store.FindGroupAsync(group, cancel) is { } stored
            ? TypedResults.Ok(await ReceiptAsync(stored, store, cursor, limit, cancel))
            : new Answer<StoredGroup>.Absent($"There is no group \"{group}\" of commands.").ToHttp();
    }

    private static async Task<GroupReceipt> ReceiptAsync(StoredGroup group, ICommandStore store, string? cursor, int limit, CancellationToken cancel)
    {
        var lines = await store.ListGroupAsync(group.Id, cursor, limit, cancel);
        return new(
            group.Id, group.Command, group.Arguments, group.Target.Site, group.Target.Tag, group.Target.Customer, group.RequestedBy, group.Origin, group.CreatedAt,
            group.Devices, group.Queued, group.Devices - group.Queued,
            [.. lines.Items.Select(l => new GroupLine(l.DeviceId, l.Command is null ? null : CommandView.Of(l.Command), l.Faults))], lines.Next);
    }

    private static async Task<IResult> ListAuditAsync(string id, HttpRequest request, [FromServices] ICommandStore store, CancellationToken cancel)
    {
        if (!TryReadPage(request, IsCursor, out var cursor, out var limit, out var problem))
            return problem;

        var page = await store.ListAuditAsync(id, await CustomerForAsync(request.HttpContext, id, store, cancel), cursor, limit, cancel);
        // What was asked of a device that is gone still is of interest, to ops.
        return page.Items.Count == 0 && await store.FindTargetAsync(id, cancel) is null
            ? new Answer<CommandView>.Absent(DeviceRoutes.NoDevice(id)).ToHttp()
            : TypedResults.Ok(new PageView<AuditLine>(
                [.. page.Items.Select(e => new AuditLine(e.At, e.Id, e.Command, e.Arguments, e.RequestedBy, e.Origin, e.Group, e.Result, e.Reason, e.Faults))], page.Next));
    }

    private static async Task<IResult> ListRequestsAsync(HttpRequest request, IRequestAudit audit, CancellationToken cancel)
    {
        if (!TryReadPage(request, c => long.TryParse(c, NumberStyles.None, CultureInfo.InvariantCulture, out _), out var cursor, out var limit, out var problem))
            return problem;

        var page = await audit.ListAsync(cursor, limit, cancel);
        return TypedResults.Ok(new PageView<RefusedRequest>(page.Items, page.Next));
    }

    private static readonly IReadOnlyDictionary<string, JsonElement> NoArguments = new Dictionary<string, JsonElement>();

    private static TimeSpan? Life(double? seconds) => seconds is { } given ? TimeSpan.FromSeconds(Math.Clamp(given, 0, int.MaxValue)) : null;

    /// <summary>Asks the host's guard for the role of the command itself.</summary>
    private static async ValueTask<IResult?> RefuseAsync(HttpContext http, CommandRole role) =>
        http.RequestServices.GetService<PortalGuard>() is { } guard
            ? await guard(http, role switch { CommandRole.Viewer => PortalRole.Viewer, CommandRole.Ops => PortalRole.Ops, _ => PortalRole.Operator })
            : null;

    private static async Task<IResult> ListOfDeviceAsync(string id, HttpRequest request, [FromServices] ICommandStore store, CancellationToken cancel) =>
        await store.FindTargetAsync(id, cancel) is { } target
            ? await ListAsync(id, await PortalAccess.IsOpsAsync(request.HttpContext) ? null : target.Customer, request, store, cancel)
            : new Answer<CommandView>.Absent(DeviceRoutes.NoDevice(id)).ToHttp();

    /// <summary>Whose commands may be seen; null: everybody's. What an owner before has asked of a device is for ops only.</summary>
    private static async ValueTask<string?> CustomerForAsync(HttpContext http, string device, ICommandStore store, CancellationToken cancel) =>
        await PortalAccess.IsOpsAsync(http) ? null : (await store.FindTargetAsync(device, cancel))?.Customer ?? "";

    private static Task<IResult> ListAllAsync(HttpRequest request, [FromServices] ICommandStore store, CancellationToken cancel) =>
        ListAsync(null, null, request, store, cancel);

    private static async Task<IResult> ListAsync(string? device, string? customer, HttpRequest request, ICommandStore store, CancellationToken cancel)
    {
        if (!TryReadPage(request, IsCursor, out var cursor, out var limit, out var problem))
            return problem;

        var page = await store.ListAsync(device, customer, cursor, limit, cancel);
        return TypedResults.Ok(new PageView<CommandView>([.. page.Items.Select(CommandView.Of)], page.Next));
    }

    private static bool TryReadPage(
        HttpRequest request, Func<string, bool> isCursor, out string? cursor, out int limit, [NotNullWhen(false)] out IResult? problem)
    {
        var query = new QueryReader(request);
        (cursor, limit) = (query.Text(Cursor), query.Number(Limit));
        if (cursor is not null && !isCursor(cursor))
            query.Faults.Add(new("invalid_cursor", Cursor.Name, cursor, "`next` of the page before, or absent for the first page"));
        problem = query.Faults.Count > 0 ? Problems.Invalid(query.Faults) : null;
        return problem is null;
    }

    private static async Task<IResult> FindAsync(string id, string command, HttpContext http, [FromServices] ICommandStore store, CancellationToken cancel)
    {
        Answer<CommandView> answer = await store.FindAsync(id, command, cancel) is { } stored
            && (await CustomerForAsync(http, id, store, cancel) is not { } customer || customer == stored.Target.Customer)
            ? new Answer<CommandView>.Found(CommandView.Of(stored))
            : new Answer<CommandView>.Absent($"There is no command \"{command}\" of {id}.");
        return answer.ToHttp();
    }

    private static async Task<IResult> CancelAsync(
        string id, string command, HttpContext http, [FromServices] CancelCommand handler, CancellationToken cancel) =>
        (await handler.HandleAsync(id, command, Who(http), cancel)).ToHttp();

    // Ticks, device, ordinal.
    private static bool IsCursor(string cursor) =>
        cursor.Split(':') is [var ticks, _, var ordinal]
        && long.TryParse(ticks, NumberStyles.None, CultureInfo.InvariantCulture, out var at) && at <= DateTime.MaxValue.Ticks
        && long.TryParse(ordinal, NumberStyles.None, CultureInfo.InvariantCulture, out _);
}
