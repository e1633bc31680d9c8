using Microsoft.Azure.Functions.Worker.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Pumps.Azure;
using Pumps.Handlers;
using Pumps.Handlers.Offerings;
using Pumps.Postgres;

var builder = FunctionsApplication.CreateBuilder(args);
builder.ConfigureFunctionsWebApplication();
var catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);
var identity = AzureIdentity.Credential(builder.Configuration);

builder.Services
    .AddPumpHandlers(catalog)
    .AddDeviceHandlers()
    .AddPostgres(AzureIdentity.Database(builder.Configuration, identity), CatalogCounters.Of(catalog))
    .AddAzureAdapters(identity)
    .AddIotHub()
    .AddServiceBus()
    .AddAzureTelemetry();

using var app = builder.Build();
await app.Services.GetRequiredService<Migrator>().MigrateAsync(CancellationToken.None);
await app.RunAsync();
