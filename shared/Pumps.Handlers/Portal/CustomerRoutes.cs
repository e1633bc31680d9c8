using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pumps.Handlers.Devices;

namespace Pumps.Handlers.Portal;

public sealed record CustomerView(string Id, string Name, DateTimeOffset CreatedAt);

[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CustomerBody(string Name);

/// <param name="TimeZone">IANA; the clock of its schedules.</param>
/// <param name="Latitude">Degrees, WGS 84.</param>
public sealed record SiteView(string Id, string Customer, string Name, string TimeZone, double? Latitude, double? Longitude, DateTimeOffset CreatedAt);

/// <summary>Body of PUT: the id stands in the path.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SiteBody(string Customer, string Name, string TimeZone, double? Latitude = null, double? Longitude = null);

internal static class CustomerRoutes
{
    private static readonly QueryParameter Customer = new("customer", "Only sites of this customer.", LengthMax: 64);
    private static readonly QueryParameter Cursor = new("cursor", "`next` of the page before.");
    private static readonly QueryParameter Limit = new("limit", "Entries on a page.", "100", 1, 1000);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var customers = routes.MapGroup("/api/customers").WithTags("Customers");
        customers.MapGet("/", ListCustomersAsync).For(PortalRole.Ops).WithName("listCustomers").WithSummary("Customers in the order of their ids")
            .WithMetadata(Cursor, Limit).Produces<PageView<CustomerView>>().ProducesProblem(400).ProducesProblem(503);
        customers.MapGet("/{id}", FindCustomerAsync).For(PortalRole.Ops).WithName("findCustomer").WithSummary("One customer")
            .Produces<CustomerView>().ProducesProblem(404).ProducesProblem(503);
        customers.MapPut("/{id}", StoreCustomerAsync).For(PortalRole.Ops).WithName("storeCustomer").WithSummary("Makes a customer, or names one")
            .WithDescription("A customer that a device was registered for is there already, named by its id.")
            .Produces<CustomerView>().ProducesProblem(400).ProducesProblem(503);
        customers.MapDelete("/{id}", RemoveCustomerAsync).For(PortalRole.Ops).WithName("removeCustomer").WithSummary("Removes a customer that has nothing")
            .Produces(204).ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        var sites = routes.MapGroup("/api/sites").WithTags("Sites");
        sites.MapGet("/", ListSitesAsync).For(PortalRole.Viewer).WithName("listSites").WithSummary("Sites in the order of their ids")
            .WithMetadata(Customer, Cursor, Limit).Produces<PageView<SiteView>>().ProducesProblem(400).ProducesProblem(503);
        sites.MapGet("/{id}", FindSiteAsync).For(PortalRole.Viewer).WithName("findSite").WithSummary("One site")
            .Produces<SiteView>().ProducesProblem(404).ProducesProblem(503);
        sites.MapPut("/{id}", StoreSiteAsync).For(PortalRole.Operator).WithName("storeSite").WithSummary("Makes a site, or changes one")
            .WithDescription("A site keeps its customer. Its time zone is the clock of its schedules.")
            .Produces<SiteView>().ProducesProblem(400).ProducesProblem(409).ProducesProblem(503);
        sites.MapDelete("/{id}", RemoveSiteAsync).For(PortalRole.Operator).WithName("removeSite").WithSummary("Removes a site where no device stands")
            .Produces(204).ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);
    }

    private static async Task<IResult> ListCustomersAsync(HttpRequest request, ICustomerDirectory directory, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (cursor, limit) = (query.Text(Cursor), query.Number(Limit));
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var page = await directory.ListCustomersAsync(cursor, limit, cancel);
        return TypedResults.Ok(new PageView<CustomerView>([.. page.Items.Select(View)], page.Next));
    }

    private static async Task<IResult> FindCustomerAsync(string id, ICustomerDirectory directory, CancellationToken cancel) =>
        await directory.FindCustomerAsync(id, cancel) is { } customer
            ? TypedResults.Ok(View(customer))
            : new Answer<CustomerView>.Absent(NoCustomer(id)).ToHttp();

    private static async Task<IResult> StoreCustomerAsync(string id, CustomerBody body, ICustomerDirectory directory, CancellationToken cancel)
    {
        var faults = new List<Fault>();
        if (!Names.IsId(id))
            faults.Add(new("invalid_customer", "id", id, Names.IdAllowed));
        if (!Names.IsName(body.Name))
            faults.Add(new("invalid_name", "name", body.Name, Names.NameAllowed));
        return faults.Count > 0 ? Problems.Invalid(faults) : TypedResults.Ok(View(await directory.StoreCustomerAsync(id, body.Name, cancel)));
    }

    private static async Task<IResult> RemoveCustomerAsync(string id, ICustomerDirectory directory, CancellationToken cancel) =>
        Answer(await directory.RemoveCustomerAsync(id, cancel), NoCustomer(id), "customer_in_use", $"The customer \"{id}\" has devices or sites.");

    private static async Task<IResult> ListSitesAsync(HttpRequest request, ICustomerDirectory directory, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (customer, cursor, limit) = (query.Text(Customer), query.Text(Cursor), query.Number(Limit));
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var page = await directory.ListSitesAsync(customer, cursor, limit, cancel);
        return TypedResults.Ok(new PageView<SiteView>([.. page.Items.Select(View)], page.Next));
    }

    private static async Task<IResult> FindSiteAsync(string id, ICustomerDirectory directory, CancellationToken cancel) =>
        await directory.FindSiteAsync(id, cancel) is { } site ? TypedResults.Ok(View(site)) : new Answer<SiteView>.Absent(NoSite(id)).ToHttp();

    private static async Task<IResult> StoreSiteAsync(string id, SiteBody body, StoreSite handler, CancellationToken cancel)
    {
        var answer = await handler.HandleAsync(new(id, body.Customer, body.Name, body.TimeZone, body.Latitude, body.Longitude), cancel);
        return answer is Answer<Site>.Found found ? TypedResults.Ok(View(found.Value)) : answer.ToHttp();
    }

    private static async Task<IResult> RemoveSiteAsync(string id, ICustomerDirectory directory, CancellationToken cancel) =>
        Answer(await directory.RemoveSiteAsync(id, cancel), NoSite(id), "site_in_use", $"Devices stand at the site \"{id}\". Move them first.");

    private static IResult Answer(Removal removal, string absent, string rule, string inUse) => removal switch
    {
        Removal.Done => TypedResults.NoContent(),
        Removal.InUse => new Answer<string>.Refused(rule, inUse).ToHttp(),
        _ => new Answer<string>.Absent(absent).ToHttp(),
    };

    private static string NoCustomer(string id) => $"There is no customer \"{id}\".";

    private static string NoSite(string id) => $"There is no site \"{id}\".";

    private static CustomerView View(Customer c) => new(c.Id, c.Name, c.CreatedAt);

    private static SiteView View(Site s) => new(s.Id, s.Customer, s.Name, s.TimeZone, s.Latitude, s.Longitude, s.CreatedAt);
}
