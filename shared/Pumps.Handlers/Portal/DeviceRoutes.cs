using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
using Pumps.Core.Devices;
using Pumps.Core.Offerings;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Devices;

namespace Pumps.Handlers.Portal;

/// <summary>The newest value of a datapoint with its unit (UCUM, from the product's dictionary).</summary>
public sealed record LatestView(JsonText? Value, string? Unit, string Quality, DateTimeOffset ObservedAt);

/// <summary>Whether a device is connected (<c>online</c> or <c>offline</c>), and since when that is so.</summary>
public sealed record ConnectionView(string State, DateTimeOffset Since);

/// <summary>A device. <paramref name="Latest"/> is absent where it was not asked for; empty when the device has sent nothing.</summary>
/// <param name="Site">Where it stands; null when nobody has said.</param>
/// <param name="Tags">The customer's own words for it.</param>
/// <param name="Status"><c>ordered</c>, <c>active</c>, <c>suspended</c> or <c>retired</c>.</param>
/// <param name="Model">What it calls itself; null until it has.</param>
/// <param name="Connection">Null until it has connected for the first time.</param>
public sealed record DeviceView(
    string Id, string Protocol, string Offering, string Product, string Customer, string? Site, IReadOnlyList<string> Tags, string Status, string? Model,
    string? Firmware, DateTimeOffset? RetiredAt, ConnectionView? Connection, DateTimeOffset? LastSeenAt,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, LatestView>? Latest = null);

/// <summary>A page; <paramref name="Next"/> is the cursor of the next one, null on the last.</summary>
public sealed record PageView<T>(IReadOnlyList<T> Items, string? Next);

/// <summary>Body of PUT: the id stands in the path.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DeviceBody(string Product, string Customer, int? UtcOffsetMinutes = null);

/// <summary>Body of PATCH: what is absent stays as it is.</summary>
/// <param name="Site">A site of the device's customer; an empty text for none.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DevicePatchBody(string? Site = null, IReadOnlyList<string>? Tags = null);

/// <summary>Whose a device was; <paramref name="To"/> is null while it still is.</summary>
public sealed record OwnershipView(string Customer, DateTimeOffset From, DateTimeOffset? To);

/// <summary>One member of a list of devices to register.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DeviceListBody(string Id, string Product, string Customer, int? UtcOffsetMinutes = null);

/// <summary>A registered device and what it connects with.</summary>
public sealed record RegisteredView(
    string Id, string Protocol, string Offering, string Product, string Customer, string Region, int? UtcOffsetMinutes, string ConnectionString);

/// <summary>What became of one member of a list: registered, or what is wrong with it.</summary>
public sealed record RegisteredItem(string Id, RegisteredView? Device, IReadOnlyList<Fault>? Errors);

/// <summary>What became of a list, member by member in the order given.</summary>
public sealed record RegisteredList(int Registered, int Refused, IReadOnlyList<RegisteredItem> Items);

internal static class DeviceRoutes
{
    // A page of 1,000 devices with 30 values each is about 3 MB; more belongs to the feed.
    private const int PageMax = 1000;

    // 1,000 orders of at most 300 bytes, with room for spaces.
    private const long BodyMax = 1 << 20;

    private static readonly QueryParameter Offering = new("offering", "Only devices of this offering.");
    private static readonly QueryParameter Customer = new("customer", "Only devices of this customer.", LengthMax: 64);
    private static readonly QueryParameter Site = new("site", "Only devices at this site.", LengthMax: 64);
    private static readonly QueryParameter Tag = new("tag", "Only devices with this tag.", LengthMax: 32);
    private static readonly QueryParameter Status = new("status", "Only devices in this state of their life.", Values: DeviceStatuses.Names);
    private static readonly QueryParameter Cursor = new("cursor", "`next` of the page before.");
    private static readonly QueryParameter Limit = new("limit", "Devices on a page.", "100", 1, PageMax);
    private static readonly QueryParameter Latest = new("latest", "Whether to add the newest value of every datapoint.", "false", Values: ["true", "false"]);

    private static readonly IReadOnlyDictionary<string, LatestPoint> Nothing = new Dictionary<string, LatestPoint>();

    public static void Map(IEndpointRouteBuilder routes)
    {
        var devices = routes.MapGroup("/api/devices").WithTags("Devices");

        devices.MapGet("/", ListAsync).For(PortalRole.Viewer).WithName("listDevices").WithSummary("Devices in the order of their ids")
            .WithMetadata(Offering, Customer, Site, Tag, Status, Cursor, Limit, Latest).Produces<PageView<DeviceView>>().ProducesProblem(400).ProducesProblem(503);

        devices.MapGet("/{id}", FindAsync).For(PortalRole.Viewer).WithName("findDevice").WithSummary("One device with its newest values")
            .Produces<DeviceView>().ProducesProblem(404).ProducesProblem(503);

        devices.MapPut("/{id}", RegisterAsync).For(PortalRole.Operator).WithName("registerDevice")
            .WithSummary("Registers a device, or changes the tags of one")
            .WithDescription("Protocol follows from the id, offering from the product. Safe to repeat: a device keeps its keys. The answer has the connection string.")
            .WithMetadata(new RequestSizeLimitAttribute(BodyMax)).Produces<RegisteredView>().ProducesProblem(400).ProducesProblem(503);

        devices.MapPatch("/{id}", ChangeAsync).For(PortalRole.Operator).WithName("changeDevice").WithSummary("Says where a device stands, and tags it")
            .WithDescription("What is absent stays as it is. Tags are the customer's own words; offering and product are changed by registering the device anew.")
            .WithMetadata(new RequestSizeLimitAttribute(BodyMax)).Produces<DeviceView>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(503);

        devices.MapGet("/{id}/owners", ListOwnersAsync).For(PortalRole.Ops).WithName("listOwners").WithSummary("Whose a device was, newest first")
            .Produces<IReadOnlyList<OwnershipView>>().ProducesProblem(404).ProducesProblem(503);

        devices.MapPost("/", RegisterListAsync).For(PortalRole.Operator).WithName("registerDevices")
            .WithSummary("Registers up to 1,000 devices, with a result for each")
            .WithMetadata(new RequestSizeLimitAttribute(BodyMax)).Produces<RegisteredList>().ProducesProblem(400).ProducesProblem(503);

        devices.MapDelete("/{id}", RemoveAsync).For(PortalRole.Operator).WithName("removeDevice")
            .WithSummary("Removes a device's identity; what it has sent stays")
            .Produces(204).ProducesProblem(404).ProducesProblem(503);
    }

    private static async Task<IResult> ListAsync(
        HttpRequest request, IDatapointQueries queries, PointUnits units, Catalog catalog, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var offering = query.Text(Offering);
        var (customer, site, tag, status) = (query.Text(Customer), query.Text(Site), query.Text(Tag), query.Text(Status));
        var (cursor, limit, latest) = (query.Text(Cursor), query.Number(Limit), query.Flag(Latest));
        if (offering is not null && !catalog.Offerings.ContainsKey(offering))
            query.Faults.Add(new("unknown_offering", Offering.Name, offering, string.Join(", ", catalog.Offerings.Keys.Order())));
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var filter = new DeviceFilter(offering, customer, site, tag, status is null ? null : DeviceStatuses.Parse(status));
        var page = await queries.ListDevicesAsync(filter, cursor, limit, latest, cancel);
        var toOps = latest && await PortalAccess.IsOpsAsync(request.HttpContext);
        return TypedResults.Ok(new PageView<DeviceView>([.. page.Items.Select(d => View(d, latest, toOps, units))], page.Next));
    }

    private static async Task<IResult> FindAsync(
        string id, HttpRequest request, IDatapointQueries queries, PointUnits units, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        Answer<DeviceView> answer = await queries.FindDeviceAsync(id, cancel) is { } device
            ? new Answer<DeviceView>.Found(View(device, latest: true, await PortalAccess.IsOpsAsync(request.HttpContext), units))
            : new Answer<DeviceView>.Absent(NoDevice(id));
        return answer.ToHttp();
    }

    private static async Task<IResult> RegisterAsync(
        string id, DeviceBody body, HttpResponse response, RegisterDevices handler, IOptions<PortalOptions> options, CancellationToken cancel)
    {
        var answer = await handler.HandleAsync(new DeviceOrder(id, body.Product, body.Customer, body.UtcOffsetMinutes), cancel);
        // The answer has a key in it.
        response.Headers.CacheControl = "no-store";
        return answer is Answer<RegisteredDevice>.Found found ? TypedResults.Ok(View(found.Value, options.Value)) : answer.ToHttp();
    }

    private static async Task<IResult> ChangeAsync(string id, DevicePatchBody body, ChangeDevice handler, PointUnits units, CancellationToken cancel)
    {
        var answer = await handler.HandleAsync(id, body.Site, body.Tags, cancel);
        return answer is Answer<DeviceSummary>.Found found ? TypedResults.Ok(View(found.Value, latest: false, toOps: false, units)) : answer.ToHttp();
    }

    private static async Task<IResult> ListOwnersAsync(string id, IDatapointQueries queries, IDeviceDirectory directory, CancellationToken cancel) =>
        await queries.FindDeviceAsync(id, cancel) is null
            ? new Answer<DeviceView>.Absent(NoDevice(id)).ToHttp()
            : TypedResults.Ok<IReadOnlyList<OwnershipView>>(
                [.. (await directory.ListOwnersAsync(id, cancel)).Select(o => new OwnershipView(o.Customer, o.From, o.To))]);

    private static async Task<IResult> RegisterListAsync(
        DeviceListBody[] body, HttpResponse response, RegisterDevices handler, IOptions<PortalOptions> options, CancellationToken cancel)
    {
        if (body.Length is 0 or > RegisterDevices.OrdersMax)
            return Problems.Invalid([new("invalid_list", "body", $"{body.Length} devices", $"1 to {RegisterDevices.OrdersMax} devices")]);
        if (Array.FindIndex(body, b => b is null) is >= 0 and var empty)
            return Problems.Invalid([new("invalid_list", $"body[{empty}]", "null", "a device")]);

        var answers = await handler.HandleAsync([.. body.Select(b => new DeviceOrder(b.Id, b.Product, b.Customer, b.UtcOffsetMinutes))], cancel);
        response.Headers.CacheControl = "no-store";
        RegisteredItem[] items =
        [
            .. answers.Select((answer, i) => answer switch
            {
                Answer<RegisteredDevice>.Found found => new RegisteredItem(body[i].Id, View(found.Value, options.Value), null),
                Answer<RegisteredDevice>.Invalid invalid => new RegisteredItem(body[i].Id, null, invalid.Faults),
                _ => throw new System.Diagnostics.UnreachableException(),
            }),
        ];
        var registered = items.Count(i => i.Device is not null);
        return TypedResults.Ok(new RegisteredList(registered, items.Length - registered, items));
    }

    private static async Task<IResult> RemoveAsync(string id, IDeviceRegistry registry, CancellationToken cancel) =>
        await registry.RemoveAsync(id, cancel) ? TypedResults.NoContent() : new Answer<DeviceView>.Absent(NoDevice(id)).ToHttp();

    internal static string NoDevice(string id) => $"There is no device \"{id}\".";

    private static DeviceView View(DeviceSummary device, bool latest, bool toOps, PointUnits units) => new(
        device.Id, device.Protocol, device.Offering, device.Product, device.Customer, device.Site, device.Tags, device.Status.Name(), device.Model,
        device.Firmware, device.RetiredAt, device.Connection is { } c ? new(c.Online ? "online" : "offline", c.Since) : null, device.LastSeenAt,
        latest
            ? (device.Latest ?? Nothing).Where(p => p.Value.ObservedAt >= device.VisibleFrom(toOps)).ToDictionary(p => p.Key, p => new LatestView(
                p.Value.Value is { } value ? new JsonText(value) : null, units.Find(device.Product, p.Key), p.Value.Quality, p.Value.ObservedAt))
            : null);

    private static RegisteredView View(RegisteredDevice registered, PortalOptions options)
    {
        var d = registered.Device;
        return new(d.Id, d.Protocol, d.Offering, d.Product, d.Customer, d.Region, d.UtcOffsetMinutes,
            $"HostName={options.DeviceHost};DeviceId={d.Id};SharedAccessKey={registered.PrimaryKey}");
    }
}
