using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using OpenTelemetry.Metrics;
using Pumps.Core.Offerings;
using Pumps.Handlers;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;
using Pumps.LocalRegion.Archive;
using Pumps.LocalRegion.Commands;
using Pumps.LocalRegion.Database;
using Pumps.LocalRegion.Firmware;
using Pumps.LocalRegion.Gateway;
using Pumps.LocalRegion.Hubs;
using Pumps.Postgres;

namespace Pumps.LocalRegion;

/// <summary>A whole region in one process: gateway, hubs, every handler, timers, API. The wiring diagram of the local world.</summary>
/// <remarks>
/// Started from the inside out, stopped from the outside in: devices come last and leave first, so what was acknowledged is always on its way.
/// </remarks>
public sealed class Region : IAsyncDisposable
{
    internal const string ArchiveGroup = "archive";

    // Storage coalesces under load: one transaction for what came in this time, and newest values once per device. Alone, an event is stored at once.
    private static readonly TimeSpan StorageLinger = TimeSpan.FromMilliseconds(200);

    // What the gateway hands over while it also takes in frames at full load; IoT Hub's own figures are the defaults elsewhere.
    private const double MethodsPerSecond = 2000;
    private const double MessagesPerSecond = 500;

    // Devices of a region on one machine are back in seconds.
    private static readonly TimeSpan OfflinePause = TimeSpan.FromSeconds(5);

    private readonly RegionOptions _options;
    private readonly Stack<IAsyncDisposable> _parts = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly TaskCompletionSource<Exception> _broken = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<Task> _running = [];
    private bool _stopped;

    private Region(RegionOptions options) => _options = options;

    public IServiceProvider Services { get; private set; } = null!;

    public IotGateway Gateway { get; private set; } = null!;

    public EmbeddedHubs Hubs { get; private set; } = null!;

    /// <summary>The region's own database server; null when one was given.</summary>
    public PostgresServer? Postgres { get; private set; }

    /// <summary>Base address of the API.</summary>
    public Uri Url { get; private set; } = null!;

    /// <summary>Where a region with this data folder keeps the gateway's certificates and keys.</summary>
    public static string GatewayFolder(string dataFolder) => Path.Combine(dataFolder, "gateway");

    /// <summary>Completes when a service of the region has ended by itself: the region must be stopped.</summary>
    public Task<Exception> Broken => _broken.Task;

    /// <summary>Starts a region; returns when devices can connect and the API answers.</summary>
    /// <exception cref="CatalogException">The catalog has faults.</exception>
    /// <exception cref="InvalidOperationException">A port, the data folder or PostgreSQL cannot be used; the message says what to do.</exception>
    public static async Task<Region> StartAsync(RegionOptions options, Action<ILoggingBuilder> logging, TimeProvider time, CancellationToken cancel)
    {
        var region = new Region(options);
        try
        {
            await region.StartPartsAsync(logging, time, cancel);
            return region;
        }
        catch
        {
            await region.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stopped)
            return;
        _stopped = true;
        if (Gateway is not null)
            await Gateway.DisposeAsync();
        await _stopping.CancelAsync();
        await Task.WhenAll(_running.Select(r => r.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)));
        while (_parts.TryPop(out var part))
            await part.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task StartPartsAsync(Action<ILoggingBuilder> logging, TimeProvider time, CancellationToken cancel)
    {
        var catalog = CatalogLoader.Load(_options.CatalogFolder);
        var doors = Doors.For(catalog).ToList();

        var loggers = LoggerFactory.Create(logging);
        _parts.Push(new Disposal(loggers.Dispose));
        Hubs = EmbeddedHubs.Open(
            new HubStorageOptions(Folder("hubs")) { MinFreeBytes = _options.MinFreeBytes }, [.. catalog.Routes.Hubs.Select(h => SettingsOf(h, doors))], time,
            loggers.CreateLogger<EmbeddedHubs>());
        _parts.Push(Hubs);

        var devices = await DeviceRegistry.OpenAsync(Folder("devices.db"), cancel);
        _parts.Push(devices);
        var router = new IngressRouter(catalog.Routes);
        MessageSampler? sampler = null;
        Gateway = new IotGateway(
            new GatewayOptions
            {
                DataFolder = GatewayFolder(Path.GetFullPath(_options.DataFolder)), Address = _options.Address, TlsPort = _options.MqttTlsPort, PlainPort = _options.MqttPlainPort,
            },
            devices, (message, _) => Hubs.IngestAsync(router.Route(in message), sampler!), time, loggers.CreateLogger<IotGateway>());

        if (_options.Database is null)
        {
            Postgres = await PostgresServer.StartAsync(
                new PostgresServerOptions { Folder = Folder("postgres") }, loggers.CreateLogger<PostgresServer>(), cancel);
            _parts.Push(Postgres);
        }

        var app = BuildApp(logging, time, catalog, devices);
        _parts.Push(app);
        Services = app.Services;
        sampler = Services.GetRequiredService<MessageSampler>();
        var allocate = Services.GetRequiredService<AllocateDevice>();
        Gateway.Allocate = (registrationId, stop) => allocate.HandleAsync(registrationId, _options.DeviceHost, [_options.DeviceHost], stop);
        await Services.GetRequiredService<Migrator>().MigrateAsync(cancel);
        await Services.GetRequiredService<Partitions>().KeepAsync(time.GetUtcNow(), cancel);
        await app.StartAsync(cancel);
        Url = new(Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

        var connections = new ConnectionEvents(
            Hubs, catalog.Routes.Connections, ConnectionEvents.CountStart(Folder("starts"), time), time, loggers.CreateLogger<ConnectionEvents>());
        Gateway.ConnectionChanged += connections.Take;
        // Before the pumps: events of before a kill that nobody has handled must meet a handler that knows of this start.
        await Services.GetRequiredService<TrackConnections>().RestartAsync(connections.StartSequence, cancel);
        Run(connections.RunAsync(_stopping.Token));

        foreach (var door in doors)
            Run(PumpOf(door, time, loggers).RunAsync(_stopping.Token));
        Run(new RawArchive(
            Hubs, new ArchiveOptions(Folder("archive"), [.. catalog.Routes.RawHubs.Where(h => h.Captured).Select(h => h.Name)]) { Group = ArchiveGroup },
            time, loggers.CreateLogger<RawArchive>()).RunAsync(_stopping.Token));
        Run(ActivatorUtilities.CreateInstance<Upkeep>(Services).RunAsync(_stopping.Token));
        Run(Services.GetRequiredService<CommandLoop>().RunAsync(_stopping.Token));
        var deliveries = Services.GetRequiredService<TakeDeliveries>();
        Gateway.Feedback = async (delivery, stop) => await deliveries.HandleAsync([delivery], stop);
        await Services.GetRequiredService<AdvanceOrders>().TakeOverAsync(cancel);
        Run(ActivatorUtilities.CreateInstance<OrderLoop>(Services).RunAsync(_stopping.Token));
        await Services.GetRequiredService<QueueTransfers>().TakeOverAsync(cancel);
        Run(Services.GetRequiredService<FirmwareLoop>().RunAsync(_stopping.Token));

        await Gateway.StartAsync();
        await File.WriteAllTextAsync(Folder("region.json"), JsonSerializer.Serialize(new { url = Url }, JsonSerializerOptions.Web), cancel);
        _parts.Push(new Disposal(() => File.Delete(Folder("region.json"))));
    }

    private WebApplication BuildApp(Action<ILoggingBuilder> logging, TimeProvider time, Catalog catalog, DeviceRegistry devices)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        logging(builder.Logging);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(_options.Address, _options.HttpPort));

        builder.Services
            // The process decides when it stops, not the web server.
            .AddSingleton<IHostLifetime, NoLifetime>()
            .AddSingleton(time)
            .AddSingleton(_options)
            .AddPumpHandlers(catalog)
            .AddDeviceHandlers()
            .AddPostgres(_options.Database ?? Postgres!.ConnectionString("pumps"), CatalogCounters.Of(catalog))
            .AddPortalApi()
            .AddHealthChecks().AddRegionChecks().Services
            .AddPumpsTelemetry("local-region", metrics => metrics.AddPrometheusExporter())
            .AddSingleton<IHubPublisher>(Hubs)
            .AddSingleton<IDeviceRegistry>(devices)
            .AddSingleton<IDeviceMessaging>(Gateway)
            .AddSingleton<CommandLoop>()
            .AddSingleton<LocalBell>()
            .AddSingleton<ICommandBell>(services => services.GetRequiredService<LocalBell>())
            .Configure<CommandOptions>(commands => (commands.MethodsPerSecond, commands.MessagesPerSecond) = (MethodsPerSecond, MessagesPerSecond))
            .AddSingleton<FirmwareLoop>()
            .AddSingleton<LocalTransferQueue>()
            .AddSingleton<ITransferQueue>(services => services.GetRequiredService<LocalTransferQueue>())
            .Configure<FirmwareOptions>(firmware =>
            {
                firmware.TrustedKeys = [Convert.ToBase64String(FirmwareKey.ReadOrCreate(_options.DataFolder).PublicKey)];
                firmware.OfflinePause = OfflinePause;
            })
            .AddSingleton<IRegionStatus>(services => ActivatorUtilities.CreateInstance<RegionStatus>(services, Hubs, Gateway))
            .AddSingleton<ReplaySource>()
            .Configure<ProvisioningOptions>(provisioning => provisioning.ClaimPepper = RegionSecret.ReadOrCreate(Folder("claim-pepper")))
            .Configure<PortalOptions>(portal =>
            {
                portal.Region = _options.Name;
                portal.DeviceHost = _options.DeviceHost;
            });

        var app = builder.Build();
        app.MapPrometheusScrapingEndpoint("/metrics");
        LocalRoutes.Map(app);
        var portal = PortalApi.Build(app.Services);
        // Its own pattern leaves out whatever looks like a file: the API's description, the script of its page, and points such as pumps[1].flow.
        app.MapFallback("{**path}", portal);
        return app;
    }

    private HubPump PumpOf(Door door, TimeProvider time, ILoggerFactory loggers)
    {
        var options = new HubPumpOptions(door.ConsumerGroup, door.Hub, door.ConsumerGroup);
        options = door.ConsumerGroup switch
        {
            // Newest values: the more events at once, the fewer rows change. Behind, it catches up in large steps.
            "latest" => options with
            {
                Linger = StorageLinger,
                BusyEvents = 4000,
                BusyLinger = TimeSpan.FromSeconds(2),
                EventsMax = 12_000,
                BytesMax = 8 << 20,
            },
            "history" => options with { Linger = StorageLinger, EventsMax = 6000, BytesMax = 4 << 20 },
            _ => options,
        };
        return new(Hubs, options, door.Open(Services), time, loggers.CreateLogger<HubPump>());
    }

    /// <summary>A hub as the catalog has it, with the consumer groups that something here reads: events stay until the slowest reader has them.</summary>
    private static HubSettings SettingsOf(Hub hub, List<Door> doors) => new(
        hub.Name, hub.LocalPartitions,
        [.. doors.Where(d => d.Hub == hub.Name).Select(d => d.ConsumerGroup).Concat(hub.Captured ? [ArchiveGroup] : [])])
    {
        RetentionAge = hub.Retention,
    };

    private void Run(Task service)
    {
        _running.Add(service);
        // A service ends when it is cancelled. Any other end is a bug, and a region with a part missing must not go on looking healthy.
        service.ContinueWith(
            ended => _broken.TrySetResult(ended.Exception?.GetBaseException() ?? new InvalidOperationException("A service of the region ended by itself.")),
            _stopping.Token, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private string Folder(string name)
    {
        Directory.CreateDirectory(_options.DataFolder);
        return Path.Combine(Path.GetFullPath(_options.DataFolder), name);
    }

    private sealed class Disposal(Action dispose) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            dispose();
            return ValueTask.CompletedTask;
        }
    }

    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
