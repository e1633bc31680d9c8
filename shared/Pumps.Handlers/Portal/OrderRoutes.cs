using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Provisioning;

namespace Pumps.Handlers.Portal;

/// <summary>Body of an order: its id stands in the path.</summary>
/// <param name="Kind">provision (the default), change, suspend, resume, rotate_keys or retire.</param>
/// <param name="Product">To provision, and to change if it changes; so are the ones after it.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record OrderBody(string Device, string Kind = "provision", string? Product = null, string? Customer = null, int? UtcOffsetMinutes = null, string? Site = null);

/// <summary>Body of a claim.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ClaimBody(string Device, string Code, string Customer);

/// <summary>An order and where it stands.</summary>
/// <param name="Phase">doing, waiting, undoing; over: done, refused, failed, expired, cancelled. Of an order that is over and not done, nothing is left.</param>
/// <param name="Step">What is being done, awaited or taken back; of an order that is over, null.</param>
/// <param name="Deadline">Until when it waits.</param>
/// <param name="Troubles">How often the present step has met trouble.</param>
public sealed record OrderView(
    string Id, string Kind, string Device, string? Product, string? Customer, string? Site, string Phase, string? Step, string? Reason, string? Detail, DateTimeOffset? Deadline,
    int Troubles, string Origin, DateTimeOffset CreatedAt, DateTimeOffset? ClosedAt);

/// <summary>A bulk order as a whole; <paramref name="Complete"/> is false until the end of its file has come.</summary>
public sealed record BulkView(
    string Id, bool Complete, int Lines, int Accepted, int Duplicate, int Refused, IReadOnlyDictionary<string, int> Phases, DateTimeOffset CreatedAt,
    DateTimeOffset? ReceivedAt);

/// <summary>The receipt of a line.</summary>
/// <param name="Outcome">accepted, duplicate or refused.</param>
/// <param name="Phase">Where its order stands now.</param>
public sealed record BulkLineView(int Line, string Device, string? Order, string Outcome, string? Reason, string? Detail, string? Phase);

/// <summary>A claim code. It stands in this answer and nowhere else.</summary>
public sealed record ClaimCodeView(string Device, string Code);

/// <summary>What a device connects with.</summary>
public sealed record CredentialsView(string Device, string Key, string ConnectionString);

internal static class OrderRoutes
{
    private static readonly string[] Kinds = [.. Enum.GetValues<OrderKind>().Select(Name)];
    private static readonly string[] Phases = [.. Enum.GetValues<OrderPhase>().Select(Name)];
    private static readonly string[] Outcomes = [.. Enum.GetValues<LineOutcome>().Select(Name)];

    private static readonly QueryParameter Device = new("device", "Only orders of this device.");
    private static readonly QueryParameter Phase = new("phase", "Only orders in this phase.", Values: Phases);
    private static readonly QueryParameter Cursor = new("cursor", "`next` of the page before.");
    private static readonly QueryParameter Limit = new("limit", "Orders on a page.", "100", 1, 1000);
    private static readonly QueryParameter Outcome = new("outcome", "Only lines with this outcome.", Values: Outcomes);
    private static readonly QueryParameter LineLimit = new("limit", "Lines on a page.", "1000", 1, 10_000);
    private static readonly QueryParameter Key = new("key", "Which key.", "primary", Values: ["primary", "secondary"]);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var orders = routes.MapGroup("/api/orders").WithTags("Orders");

        orders.MapPut("/{id}", PlaceAsync).For(PortalRole.Operator).WithName("placeOrder").WithSummary("Orders something to be done with a device")
            .WithDescription("The id is the orderer's: sending the same order again gives the same order. What becomes of it stands at the same path.")
            .Produces<OrderView>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        orders.MapGet("/{id}", FindAsync).For(PortalRole.Viewer).WithName("findOrder").WithSummary("One order and where it stands")
            .Produces<OrderView>().ProducesProblem(404).ProducesProblem(503);

        orders.MapGet("/", ListAsync).For(PortalRole.Viewer).WithName("listOrders").WithSummary("Orders, newest first")
            .WithMetadata(Device, Phase, Cursor, Limit).Produces<PageView<OrderView>>().ProducesProblem(400).ProducesProblem(503);

        orders.MapPost("/{id}/cancel", CancelAsync).For(PortalRole.Operator).WithName("cancelOrder").WithSummary("Takes an order back")
            .WithDescription("What it has done already is undone. A step without a way back is finished instead.")
            .Produces<OrderView>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        orders.MapPost("/{id}/confirm", ConfirmAsync).For(PortalRole.Operator).WithName("confirmOrder")
            .WithSummary("Says that the device uses its secondary key: its primary key may be replaced")
            .Produces<OrderView>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        var bulk = routes.MapGroup("/api/bulk-orders").WithTags("Orders");

        bulk.MapPut("/{id}", BulkAsync).For(PortalRole.Operator).WithName("placeBulkOrder").WithSummary("Orders the devices of a CSV file")
            .WithDescription($"Columns: {BulkFile.Columns}. At most {TakeBulkOrder.LinesMax:#,0} lines. An upload that broke is sent again as a whole and goes on where it stopped.")
            .Accepts<string>("text/csv").WithMetadata(new RequestSizeLimitAttribute(TakeBulkOrder.BytesMax))
            .Produces<BulkView>().ProducesProblem(400).ProducesProblem(409).ProducesProblem(413).ProducesProblem(503);

        bulk.MapGet("/{id}", FindBulkAsync).For(PortalRole.Operator).WithName("findBulkOrder").WithSummary("A bulk order as a whole")
            .Produces<BulkView>().ProducesProblem(404).ProducesProblem(503);

        bulk.MapGet("/{id}/lines", LinesAsync).For(PortalRole.Operator).WithName("listBulkLines").WithSummary("The receipts of a bulk order, in the order of its file")
            .WithMetadata(Outcome, Cursor, LineLimit).Produces<PageView<BulkLineView>>().ProducesProblem(400).ProducesProblem(503);

        routes.MapPost("/api/claims", ClaimAsync).For(PortalRole.Operator).WithTags("Orders").WithName("claimDevice")
            .WithSummary("An owner claims a device with the code of its label")
            .Produces<OrderView>().ProducesProblem(400).ProducesProblem(409).ProducesProblem(429).ProducesProblem(503);

        routes.MapPost("/api/devices/{id}/claim-code", IssueAsync).For(PortalRole.Ops).WithTags("Orders").WithName("issueClaimCode")
            .WithSummary("Makes the code of a device's label; the one before is worth nothing from now on")
            .Produces<ClaimCodeView>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        routes.MapGet("/api/devices/{id}/credentials", CredentialsAsync).For(PortalRole.Operator).WithTags("Devices").WithName("readCredentials")
            .WithSummary("What a device connects with").WithMetadata(Key).Produces<CredentialsView>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(503);
    }

    private static async Task<IResult> PlaceAsync(string id, OrderBody body, PlaceOrder handler, CancellationToken cancel)
    {
        if (Array.IndexOf(Kinds, body.Kind) is not (>= 0 and var kind))
            return Problems.Invalid([new("unknown_kind", "kind", body.Kind, string.Join(", ", Kinds))]);

        return ToHttp(await handler.HandleAsync(
            new(id, Enum.GetValues<OrderKind>()[kind], body.Device, body.Product, body.Customer, body.UtcOffsetMinutes, body.Site), "api", cancel));
    }

    private static async Task<IResult> FindAsync(string id, [FromServices] IOrderStore store, CancellationToken cancel) => ToHttp(await AnswerAsync(id, store, cancel));

    private static async Task<IResult> ListAsync(HttpRequest request, [FromServices] IOrderStore store, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (device, phase, cursor, limit) = (query.Text(Device), query.Text(Phase), query.Text(Cursor), query.Number(Limit));
        query.CheckCursor(Cursor, cursor);
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var page = await store.ListAsync(device, phase, cursor, limit, cancel);
        return TypedResults.Ok(new PageView<OrderView>([.. page.Items.Select(View)], page.Next));
    }

    private static async Task<IResult> CancelAsync(string id, [FromServices] IOrderStore store, TimeProvider time, CancellationToken cancel) =>
        await MarkedAsync(id, await store.CancelAsync(id, time.GetUtcNow(), cancel), store, cancel);

    private static async Task<IResult> ConfirmAsync(string id, [FromServices] IOrderStore store, TimeProvider time, CancellationToken cancel)
    {
        if (await store.FindAsync(id, cancel) is { } order && order.State.Kind is not OrderKind.RotateKeys)
            return new Answer<OrderView>.Refused("nothing_to_confirm", "Only a rotation of keys is confirmed.").ToHttp();
        return await MarkedAsync(id, await store.ConfirmAsync(id, time.GetUtcNow(), cancel), store, cancel);
    }

    private static async Task<IResult> MarkedAsync(string id, bool marked, IOrderStore store, CancellationToken cancel)
    {
        var answer = await AnswerAsync(id, store, cancel);
        return !marked && answer is Answer<StoredOrder>.Found { Value: var order }
            ? new Answer<OrderView>.Refused("order_over", $"Order {id} is over: {Name(order.State.Phase)}.").ToHttp()
            : ToHttp(answer);
    }

    private static async Task<IResult> BulkAsync(string id, HttpRequest request, TakeBulkOrder handler, CancellationToken cancel)
    {
        if (request.ContentType?.StartsWith("text/csv", StringComparison.OrdinalIgnoreCase) is not true)
            return Problems.Problem(StatusCodes.Status415UnsupportedMediaType, "media_type", "Unsupported media type", "Send the file as text/csv.");
        return await handler.HandleAsync(id, request.Body, cancel) is var answer && answer is Answer<BulkSummary>.Found found
            ? TypedResults.Ok(View(found.Value))
            : answer.ToHttp();
    }

    private static async Task<IResult> FindBulkAsync(string id, [FromServices] IBulkStore store, CancellationToken cancel)
    {
        Answer<BulkView> answer = await store.FindAsync(id, cancel) is { } bulk
            ? new Answer<BulkView>.Found(View(bulk))
            : new Answer<BulkView>.Absent($"There is no bulk order \"{id}\".");
        return answer.ToHttp();
    }

    private static async Task<IResult> LinesAsync(string id, HttpRequest request, [FromServices] IBulkStore store, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (outcome, cursor, limit) = (query.Text(Outcome), query.Text(Cursor), query.Number(LineLimit));
        query.CheckCursor(Cursor, cursor);
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var after = cursor is null ? 0 : (int)Math.Min(long.Parse(cursor, CultureInfo.InvariantCulture), int.MaxValue);
        var page = await store.ListAsync(id, outcome is null ? null : Enum.GetValues<LineOutcome>()[Array.IndexOf(Outcomes, outcome)], after, limit, cancel);
        return TypedResults.Ok(new PageView<BulkLineView>([.. page.Items.Select(View)], page.Next));
    }

    private static async Task<IResult> ClaimAsync(ClaimBody body, ClaimDevice handler, CancellationToken cancel) =>
        ToHttp(await handler.HandleAsync(body.Device, body.Code, body.Customer, cancel));

    private static async Task<IResult> IssueAsync(string id, HttpResponse response, IssueClaimCode handler, CancellationToken cancel)
    {
        response.Headers.CacheControl = "no-store";
        return await handler.HandleAsync(id, cancel) is var answer && answer is Answer<string>.Found found
            ? TypedResults.Ok(new ClaimCodeView(id, found.Value))
            : answer.ToHttp();
    }

    private static async Task<IResult> CredentialsAsync(
        string id, HttpRequest request, HttpResponse response, IDeviceRegistry registry, IOptions<PortalOptions> options, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var key = query.Text(Key);
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);
        if (await registry.FindAsync(id, cancel) is not { } device)
            return new Answer<CredentialsView>.Absent(DeviceRoutes.NoDevice(id)).ToHttp();

        response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new CredentialsView(id, key!,
            $"HostName={options.Value.DeviceHost};DeviceId={id};SharedAccessKey={(key is "primary" ? device.PrimaryKey : device.SecondaryKey)}"));
    }

    private static async Task<Answer<StoredOrder>> AnswerAsync(string id, IOrderStore store, CancellationToken cancel) =>
        await store.FindAsync(id, cancel) is { } order ? new Answer<StoredOrder>.Found(order) : new Answer<StoredOrder>.Absent($"There is no order \"{id}\".");

    private static IResult ToHttp(Answer<StoredOrder> answer) =>
        answer is Answer<StoredOrder>.Found found ? TypedResults.Ok(View(found.Value)) : answer.ToHttp();

    private static OrderView View(StoredOrder order)
    {
        var state = order.State;
        return new(order.Id, Name(state.Kind), order.DeviceId, order.Target?.Product, order.Target?.Customer, order.Site, Name(state.Phase), state.IsOver ? null : Name(state.Step),
            state.Reason, state.Detail, state.Deadline, state.Troubles, order.Origin, order.CreatedAt, order.ClosedAt);
    }

    private static BulkView View(BulkSummary bulk) => new(
        bulk.Id, bulk.ReceivedAt is not null, bulk.Lines, bulk.Accepted, bulk.Duplicate, bulk.Refused, bulk.Phases, bulk.CreatedAt, bulk.ReceivedAt);

    private static BulkLineView View(BulkLine line) => new(
        line.Line, line.Device, line.OrderId, Name(line.Outcome), line.Reason, line.Detail, line.Phase is { } phase ? Name(phase) : null);

    private static string Name<T>(T value) where T : struct, Enum => JsonNamingPolicy.SnakeCaseLower.ConvertName(value.ToString());
}
