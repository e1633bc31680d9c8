using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Pumps.Handlers.Portal;

namespace Pumps.Portal;

/// <summary>
/// Azure's doors to <see cref="PortalApi"/>, one for each resource. The local region's door is Kestrel. A test holds that each route of the
/// pipeline comes in by exactly one of them.
/// </summary>
/// <remarks>
/// Anonymous, since the site in front signs people in and the pipeline decides who may do what; the Functions host's keys would only shut the site out.
/// </remarks>
public sealed class PortalFunctions(RequestDelegate portal)
{
    [Function(nameof(Devices))]
    public Task<IResult> Devices(
        [HttpTrigger(AuthorizationLevel.Anonymous, "get", "put", "post", "patch", "delete", Route = "devices/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(Commands))]
    public Task<IResult> Commands([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "commands/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(CommandGroups))]
    public Task<IResult> CommandGroups([HttpTrigger(AuthorizationLevel.Anonymous, "get", "post", Route = "command-groups/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(RequestAudit))]
    public Task<IResult> RequestAudit([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "request-audit/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(Schedules))]
    public Task<IResult> Schedules([HttpTrigger(AuthorizationLevel.Anonymous, "get", "put", "post", "delete", Route = "schedules/{*rest}")] HttpRequest request) =>
        AnswerAsync(request);

    [Function(nameof(Firmware))]
    public Task<IResult> Firmware([HttpTrigger(AuthorizationLevel.Anonymous, "get", "put", "post", "delete", Route = "firmware/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(Orders))]
    public Task<IResult> Orders([HttpTrigger(AuthorizationLevel.Anonymous, "get", "put", "post", Route = "orders/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(BulkOrders))]
    public Task<IResult> BulkOrders([HttpTrigger(AuthorizationLevel.Anonymous, "get", "put", Route = "bulk-orders/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(Claims))]
    public Task<IResult> Claims([HttpTrigger(AuthorizationLevel.Anonymous, "post", Route = "claims/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(Customers))]
    public Task<IResult> Customers([HttpTrigger(AuthorizationLevel.Anonymous, "get", "put", "delete", Route = "customers/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(Sites))]
    public Task<IResult> Sites([HttpTrigger(AuthorizationLevel.Anonymous, "get", "put", "delete", Route = "sites/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(DeadLetters))]
    public Task<IResult> DeadLetters([HttpTrigger(AuthorizationLevel.Anonymous, "get", "post", Route = "dead-letters/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(Catalog))]
    public Task<IResult> Catalog([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "catalog/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(Health))]
    public Task<IResult> Health([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "health/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(OpenApi))]
    public Task<IResult> OpenApi([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "openapi/{*rest}")] HttpRequest request) => AnswerAsync(request);

    [Function(nameof(Docs))]
    public Task<IResult> Docs([HttpTrigger(AuthorizationLevel.Anonymous, "get", Route = "docs/{*rest}")] HttpRequest request) => AnswerAsync(request);

    /// <summary>The pipeline writes its answer itself; an empty result adds nothing, and tells the worker that there was one.</summary>
    private async Task<IResult> AnswerAsync(HttpRequest request)
    {
        await portal(request.HttpContext);
        return Results.Empty;
    }
}
