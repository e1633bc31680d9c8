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

/// <summary>One command for many devices.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record GroupBody(
    IReadOnlyList<string> Devices, string Command, IReadOnlyDictionary<string, JsonElement>? Arguments = null, bool Confirm = false,
    double? TimeToLiveSeconds = null);

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

        commands.MapGet("/{command}", FindAsync).For(PortalRole.Viewer).WithName("findCommand").WithSummary("One command and what has become of it")
            .Produces<CommandView>().ProducesProblem(404).ProducesProblem(503);

        commands.MapPost("/{command}/cancel", CancelAsync).For(PortalRole.Operator).WithName("cancelCommand")
            .WithSummary("Takes a command back that has not been sent")
            .Produces<CommandView>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        routes.MapGet("/api/commands", ListAllAsync).For(PortalRole.Ops).WithTags("Commands").WithName("listCommands")
            .WithSummary("Commands of all devices, newest first: who, when, from where, and the result")
            .WithMetadata(Cursor, Limit).Produces<PageView<CommandView>>().ProducesProblem(400).ProducesProblem(503);

        routes.MapPost("/api/command-groups", SubmitGroupAsync).For(PortalRole.Operator).WithTags("Commands").WithName("giveGroupCommand")
            .WithSummary($"Gives a command to up to {SubmitGroup.DevicesMax} devices, with a receipt for each")
            .WithDescription($"As for one device; `{IdempotencyKey}` is the id of each device's command. What it cannot be given to is named with the reason.")
            .WithMetadata(new RequestSizeLimitAttribute(GroupBodyMax)).Produces<GroupReceipt>(202).ProducesProblem(400).ProducesProblem(503);

        routes.MapGet("/api/command-groups/{group}", FindGroupAsync).For(PortalRole.Viewer).WithTags("Commands").WithName("findGroupCommand")
            .WithSummary("The commands of a group and what has become of them, in the order of the devices' ids")
            .WithMetadata(Cursor, Limit).Produces<PageView<CommandView>>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(503);
    }

    /// <summary>Who asks, for the audit.</summary>
    public static string Who(HttpContext http) => http.User.Identity?.Name is { Length: > 0 } name ? name : "anonymous";

    /// <summary>From where, for the audit.</summary>
    public static string From(HttpContext http) => http.Connection.RemoteIpAddress is { } address ? $"api {address}" : "api";

    private static async Task<IResult> SubmitAsync(
        string id, CommandBody body, HttpContext http, [FromServices] SubmitCommand handler, [FromServices] ICommandStore store, Catalog catalog,
        [FromHeader(Name = IdempotencyKey)] string? key = null, CancellationToken cancel = default)
    {
        if (await RefuseAsync(http, catalog, (await store.FindTargetAsync(id, cancel))?.Product, body.Command) is { } refusal)
            return refusal;

        var answer = await handler.HandleAsync(
            new(key ?? Guid.NewGuid().ToString("N"), id, body.Command, body.Arguments ?? new Dictionary<string, JsonElement>(), Who(http), From(http), body.Confirm,
                Life(body.TimeToLiveSeconds)),
            cancel);
        return answer is Answer<CommandView>.Found { Value: var view }
            ? TypedResults.Accepted($"/api/devices/{id}/commands/{view.Id}", view)
            : answer.ToHttp();
    }

    private static async Task<IResult> SubmitGroupAsync(
        GroupBody body, HttpContext http, [FromServices] SubmitGroup handler, Catalog catalog, [FromHeader(Name = IdempotencyKey)] string? key = null,
        CancellationToken cancel = default)
    {
        if (body.Devices.Count is 0 or > SubmitGroup.DevicesMax)
            return Problems.Invalid([new("invalid_list", "devices", $"{body.Devices.Count} devices", $"1 to {SubmitGroup.DevicesMax} devices")]);
        if (body.Devices.GroupBy(d => d).FirstOrDefault(g => g.Count() > 1) is { Key: var twice })
            return Problems.Invalid([new("repeated_device", "devices", twice, "each device once in a list")]);
        // Of several products the one that asks most.
        foreach (var product in catalog.Products.Keys)
            if (await RefuseAsync(http, catalog, product, body.Command) is { } refusal)
                return refusal;

        return TypedResults.Accepted((string?)null, await handler.HandleAsync(
            new(key ?? Guid.NewGuid().ToString("N"), body.Devices, body.Command, body.Arguments ?? new Dictionary<string, JsonElement>(), Who(http), From(http),
                body.Confirm, Life(body.TimeToLiveSeconds)),
            cancel));
    }

    private static async Task<IResult> FindGroupAsync(string group, HttpRequest request, [FromServices] ICommandStore store, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (cursor, limit) = (query.Text(Cursor), query.Number(Limit));
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var page = await store.ListGroupAsync(group, cursor, limit, cancel);
        return page.Items.Count == 0 && cursor is null
            ? new Answer<CommandView>.Absent($"There is no group \"{group}\" of commands.").ToHttp()
            : TypedResults.Ok(new PageView<CommandView>([.. page.Items.Select(CommandView.Of)], page.Next));
    }

    private static TimeSpan? Life(double? seconds) => seconds is { } given ? TimeSpan.FromSeconds(Math.Clamp(given, 0, int.MaxValue)) : null;

    /// <summary>Asks the host's guard for the role of the command itself.</summary>
    internal static async ValueTask<IResult?> RefuseAsync(HttpContext http, Catalog catalog, string? product, string command) =>
        http.RequestServices.GetService<PortalGuard>() is { } guard
            ? await guard(http, RoleOf(catalog, product, command))
            : null;

    private static PortalRole RoleOf(Catalog catalog, string? product, string command) =>
        product is not null && catalog.Products.TryGetValue(product, out var known) && known.Commands.FirstOrDefault(c => c.Name == command) is { } definition
            ? definition.Role switch { CommandRole.Viewer => PortalRole.Viewer, CommandRole.Ops => PortalRole.Ops, _ => PortalRole.Operator }
            : PortalRole.Operator;

    private static async Task<IResult> ListOfDeviceAsync(string id, HttpRequest request, [FromServices] ICommandStore store, CancellationToken cancel) =>
        await store.FindTargetAsync(id, cancel) is null
            ? new Answer<CommandView>.Absent(DeviceRoutes.NoDevice(id)).ToHttp()
            : await ListAsync(id, request, store, cancel);

    private static Task<IResult> ListAllAsync(HttpRequest request, [FromServices] ICommandStore store, CancellationToken cancel) =>
        ListAsync(null, request, store, cancel);

    private static async Task<IResult> ListAsync(string? device, HttpRequest request, ICommandStore store, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (cursor, limit) = (query.Text(Cursor), query.Number(Limit));
        if (cursor is not null && !IsCursor(cursor))
            query.Faults.Add(new("invalid_cursor", Cursor.Name, cursor, "`next` of the page before, or absent for the first page"));
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var page = await store.ListAsync(device, cursor, limit, cancel);
        return TypedResults.Ok(new PageView<CommandView>([.. page.Items.Select(CommandView.Of)], page.Next));
    }

    private static async Task<IResult> FindAsync(string id, string command, [FromServices] ICommandStore store, CancellationToken cancel)
    {
        Answer<CommandView> answer = await store.FindAsync(id, command, cancel) is { } stored
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
