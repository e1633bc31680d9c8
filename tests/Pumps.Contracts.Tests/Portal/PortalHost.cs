using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;

namespace Pumps.Contracts.Tests.Portal;

/// <summary>The API on Kestrel at a free port, with the region's own catalog.</summary>
internal sealed class PortalHost : IAsyncDisposable
{
    public static readonly DateTimeOffset Now = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly WebApplication _app;

    private PortalHost(WebApplication app, MemoryPorts ports, MemoryFirmware firmware)
    {
        _app = app;
        (Ports, Firmware) = (ports, firmware);
        Url = new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Http = new HttpClient { BaseAddress = Url };
    }

    public MemoryPorts Ports { get; }

    public MemoryFirmware Firmware { get; }

    public Uri Url { get; }

    public HttpClient Http { get; }

    public Ledger Ledger => _app.Services.GetRequiredService<Ledger>();

    /// <param name="change">Services in place of those in memory.</param>
    public static async Task<PortalHost> StartAsync(PortalGuard? guard = null, Action<IServiceCollection>? change = null)
    {
        var ports = new MemoryPorts();
        var firmware = new MemoryFirmware(ports);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Portal:Region"] = "test",
            ["Portal:DeviceHost"] = "hub.example",
        });
        builder.Services
            .AddSingleton<TimeProvider>(new FakeTimeProvider(Now))
            .AddSingleton(CatalogLoader.Load(CatalogLoader.DefaultFolder))
            .AddSingleton<IDeviceRegistry>(ports).AddSingleton<IDeviceDirectory>(ports).AddSingleton<ICustomerDirectory>(ports).AddSingleton<IDatapointQueries>(ports)
            .AddSingleton<IDeadLetterQueries>(ports).AddSingleton<IHubPublisher>(ports).AddSingleton<IRegionStatus>(ports).AddSingleton<IRequestAudit>(ports)
            .AddSingleton<IFirmwareImages>(firmware).AddSingleton<IRolloutStore>(firmware)
            .AddPumpsTelemetry("test")
            .AddPortalApi()
            .AddHealthChecks().AddRegionChecks();
        if (guard is not null)
            builder.Services.AddSingleton(guard);
        change?.Invoke(builder.Services);

        var app = builder.Build();
        app.Run(PortalApi.Build(app.Services));
        await app.StartAsync();
        return new(app, ports, firmware);
    }

    /// <summary>Sends a request and reads what comes back as JSON; checks the status and that the answer calls itself what it is.</summary>
    public async Task<JsonElement> SendAsync(HttpMethod method, string path, int status, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is string text)
            request.Content = new StringContent(text, Encoding.UTF8, "application/json");
        else if (body is not null)
            request.Content = JsonContent.Create(body);

        using var answer = await Http.SendAsync(request);
        var content = await answer.Content.ReadAsStringAsync();
        Assert.That((int)answer.StatusCode, Is.EqualTo(status), content);
        if (content.Length == 0)
            return default;

        var isProblem = status >= 400 && !path.StartsWith("/api/health", StringComparison.Ordinal);
        Assert.That(answer.Content.Headers.ContentType?.MediaType, Is.EqualTo(isProblem ? "application/problem+json" : "application/json"));
        return JsonElement.Parse(content);
    }

    public Task<JsonElement> GetAsync(string path, int status = 200) => SendAsync(HttpMethod.Get, path, status);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }
}
