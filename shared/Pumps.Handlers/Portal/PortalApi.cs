using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Provisioning;
using Pumps.Handlers.Schedules;
using Scalar.AspNetCore;

namespace Pumps.Handlers.Portal;

/// <summary>
/// The portal's HTTP API: one pipeline, built once. Azure's door to it are the HTTP functions of the Portal app, which pass their
/// <see cref="HttpContext"/>; the local region and the tests run it on Kestrel. What it offers: <c>README.md</c> beside this file.
/// </summary>
public static class PortalApi
{
    /// <summary>The page that shows the API.</summary>
    public const string DocsPath = "/api/docs";

    /// <summary>The API's description, OpenAPI.</summary>
    internal const string DescriptionPath = "/api/openapi/v1.json";

    // A static web app puts its own headers on files only. Data that a browser shows as a page runs nothing; the page of the reference has scripts in itself.
    private const string DataPolicy = "default-src 'none'; frame-ancestors 'none'";
    private const string DocsPolicy =
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Adds what the pipeline needs, but for the ports: registry, queries, dead letters, publisher and region status come from the host.</summary>
    public static IServiceCollection AddPortalApi(this IServiceCollection services)
    {
        services.AddOptions<PortalOptions>().BindConfiguration(PortalOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<ProvisioningOptions>().BindConfiguration(ProvisioningOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddRouting();
        services.AddHealthChecks();
        services.AddOpenApi("v1", PortalDocument.Configure);
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.Converters.Add(new InstantConverter());
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
            json.SerializerOptions.RespectNullableAnnotations = true;
            json.SerializerOptions.RespectRequiredConstructorParameters = true;
        });
        // A body that cannot be read must say where; the exception is turned into a problem (Problems.cs).
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);

        services.AddSingleton<AuditRefusals>();
        services.AddSingleton<PointUnits>();
        services.AddSingleton<RegisterDevices>();
        services.AddSingleton<PlaceOrder>();
        services.AddSingleton<TakeBulkOrder>();
        services.AddSingleton<BulkFile>();
        services.AddSingleton<ClaimHasher>();
        services.AddSingleton<IssueClaimCode>();
        services.AddSingleton<ClaimDevice>();
        services.AddSingleton<ChangeDevice>();
        services.AddSingleton<StoreSite>();
        services.AddSingleton<ReadHistory>();
        services.AddSingleton<ReplayDeadLetters>();
        services.AddSingleton<KeepSchedules>();
        return services;
    }

    /// <summary>Builds the pipeline. The order is the order of a request's way: headers, problems, routing, authorization, route.</summary>
    public static RequestDelegate Build(IServiceProvider services)
    {
        var app = new ApplicationBuilder(services);

        app.Use(next => http =>
        {
            // A host has its own routing (Functions matches its own routes first); this pipeline decides afresh.
            http.SetEndpoint(null);
            http.Request.RouteValues.Clear();
            // At the last moment: an exception clears what was set before.
            http.Response.OnStarting(() =>
            {
                http.Response.Headers.XContentTypeOptions = "nosniff";
                http.Response.Headers.ContentSecurityPolicy = http.Request.Path.StartsWithSegments(DocsPath) ? DocsPolicy : DataPolicy;
                return Task.CompletedTask;
            });
            return next(http);
        });
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = Problems.HandleExceptionAsync,
            AllowStatusCode404Response = true,
            // It logs what is worth it: a body that somebody has written wrongly is no error of the region.
            SuppressDiagnosticsCallback = _ => true,
        });
        app.UseStatusCodePages(Problems.FillEmptyAsync);
        app.UseRouting();
        if (services.GetService<PortalGuard>() is { } guard)
            app.Use(next => PortalAccess.Guard(next, guard));
        app.UseEndpoints(MapRoutes);
        return app.Build();
    }

    private static void MapRoutes(IEndpointRouteBuilder routes)
    {
        DeviceRoutes.Map(routes);
        OrderRoutes.Map(routes);
        CustomerRoutes.Map(routes);
        HistoryRoutes.Map(routes);
        CommandRoutes.Map(routes);
        ScheduleRoutes.Map(routes);
        FirmwareRoutes.Map(routes);
        DeadLetterRoutes.Map(routes);
        CatalogRoutes.Map(routes);
        StatusRoutes.Map(routes);
        routes.MapOpenApi("/api/openapi/{documentName}.json").For(PortalRole.Public);
        // The page and its script come out of this process: it works on a site without internet.
        routes.MapScalarApiReference(DocsPath, page => page
            .WithTitle("Pumps API")
            .WithOpenApiRoutePattern(DescriptionPath)
            .DisableDefaultFonts()
            // These call services of others: nothing for an operator's network.
            .HideDeveloperTools()
            .DisableAgent()
            .DisableMcp()
            .DisableTelemetry()).For(PortalRole.Public);
    }
}
