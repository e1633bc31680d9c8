using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pumps.Azure;
using Pumps.Azure.Storage;
using Pumps.Handlers;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;
using Pumps.Postgres;

var builder = FunctionsApplication.CreateBuilder(args);
builder.ConfigureFunctionsWebApplication();
var catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);
var identity = AzureIdentity.Credential(builder.Configuration);
var claimPepper = await RegionSecret.ReadOrCreateAsync(builder.Configuration, identity, "claim-pepper", CancellationToken.None);

builder.Services
    .AddPumpHandlers(catalog)
    .AddDeviceHandlers()
    .AddPostgres(AzureIdentity.Database(builder.Configuration, identity), CatalogCounters.Of(catalog))
    .AddAzureAdapters(identity)
    .AddReplay()
    .AddIotHub()
    .AddServiceBus()
    .AddPortalApi()
    .AddHealthChecks().AddAppChecks().Services
    .AddSingleton<PortalGuard>(SiteGuard.AskAsync)
    .AddSingleton(PortalApi.Build)
    .Configure<ProvisioningOptions>(provisioning => provisioning.ClaimPepper = claimPepper)
    .AddAzureTelemetry();

using var app = builder.Build();
await app.Services.GetRequiredService<Migrator>().MigrateAsync(CancellationToken.None);
await app.RunAsync();
