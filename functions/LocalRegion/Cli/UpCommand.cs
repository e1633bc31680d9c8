using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Options;
using Pumps.Core.Offerings;
using Pumps.Fleet;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.LocalRegion.Gateway;
using Spectre.Console;

namespace Pumps.LocalRegion.Cli;

/// <summary><c>pumps up</c>: runs a region until Ctrl-C, with a simulated fleet if asked.</summary>
public static class UpCommand
{
    // A device that everybody may try: its id is that of the protocol's examples.
    private const string DemoDevice = "dp2-00a1b2c3d4e5f607";
    private const string DemoProduct = "irrigation-pump-v2";

    public static Command Create(IAnsiConsole console)
    {
        var data = new Option<DirectoryInfo>("--data") { Description = "Folder for all that the region keeps.", DefaultValueFactory = _ => new(".local") };
        var address = new Option<string>("--address") { Description = "Address of API and MQTT.", DefaultValueFactory = _ => "127.0.0.1" };
        var port = Port("--port", 8080, "Port of the API; 0 takes a free one.");
        var mqtt = Port("--mqtt-port", 8883, "Port of MQTT with TLS; device SDKs know no other than 8883.");
        var plain = Port("--mqtt-plain-port", 1883, "Port of MQTT without TLS.");
        var noPlain = new Option<bool>("--no-plain-mqtt") { Description = "No MQTT without TLS." };
        var database = new Option<string?>("--database") { Description = "Connection string of a PostgreSQL to use. Default: the region starts its own." };
        var catalog = new Option<DirectoryInfo>("--catalog") { Description = "Catalog folder.", DefaultValueFactory = _ => new(CatalogLoader.DefaultFolder) };
        var fleet = new Option<int>("--fleet") { Description = "Simulated devices that connect to the region." };
        var interval = new Option<int>("--fleet-interval") { Description = "Seconds between two telemetry frames of a simulated device.", DefaultValueFactory = _ => 60 };
        var provisioning = new Option<bool>("--provisioning")
        {
            Description = "The simulated devices are ordered, register with the provisioning service and say hello, instead of being registered at once.",
        };
        var verbose = new Option<bool>("--verbose") { Description = "Log what goes on, not only what goes wrong." };

        var command = new Command("up", "Start the region on this machine: gateway, hubs, services, API. Ctrl-C stops it.")
        {
            data, address, port, mqtt, plain, noPlain, database, catalog, fleet, interval, provisioning, verbose,
        };
        command.SetAction((parsed, cancel) =>
        {
            if (!IPAddress.TryParse(parsed.GetValue(address), out var listen))
                return Task.FromResult(Fail(console, $"--address: \"{parsed.GetValue(address)}\" is no IP address."));

            var options = new RegionOptions
            {
                DataFolder = parsed.GetValue(data)!.FullName,
                Address = listen,
                HttpPort = parsed.GetValue(port),
                MqttTlsPort = parsed.GetValue(mqtt),
                MqttPlainPort = parsed.GetValue(noPlain) ? null : parsed.GetValue(plain),
                Database = parsed.GetValue(database),
                CatalogFolder = parsed.GetValue(catalog)!.FullName,
            };
            var devices = parsed.GetValue(fleet);
            var simulated = devices == 0 ? null : new FleetOptions
            {
                Devices = devices, TelemetryInterval = TimeSpan.FromSeconds(parsed.GetValue(interval)),
            };
            if (simulated is null && parsed.GetValue(provisioning))
                return Task.FromResult(Fail(console, "--provisioning is about a simulated fleet: say how many devices with --fleet."));
            return RunAsync(
                console, options, simulated, parsed.GetValue(provisioning), parsed.GetValue(verbose) ? LogLevel.Information : LogLevel.Warning, cancel);
        });
        return command;
    }

    private static async Task<int> RunAsync(IAnsiConsole console, RegionOptions options, FleetOptions? fleet, bool orders, LogLevel level, CancellationToken cancel)
    {
        var started = Stopwatch.GetTimestamp();
        try
        {
            fleet?.Validate();
            await using var region = await Region.StartAsync(options, logging => Log(logging, level), TimeProvider.System, cancel);
            await SayAsync(console, region, options, Stopwatch.GetElapsedTime(started), cancel);
            return await WaitAsync(console, region, options, fleet, orders, cancel);
        }
        catch (Exception fault) when (fault is CatalogException or InvalidOperationException or InvalidDataException or ArgumentException or IOException)
        {
            return Fail(console, fault.Message);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return 0;
        }
    }

    private static async Task<int> WaitAsync(
        IAnsiConsole console, Region region, RegionOptions options, FleetOptions? fleet, bool orders, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var devices = fleet is null ? Task.Delay(Timeout.Infinite, stop.Token) : RunFleetAsync(console, region, options, fleet, orders, stop.Token);
        var first = await Task.WhenAny(devices, region.Broken);
        await stop.CancelAsync();
        if (first == region.Broken)
            return Fail(console, $"A service of the region has ended: {(await region.Broken).Message}");

        try
        {
            await devices;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            console.WriteLine("Stopping");
        }

        return 0;
    }

    /// <param name="orders">Through the door of customers' devices.</param>
    private static async Task RunFleetAsync(
        IAnsiConsole console, Region region, RegionOptions options, FleetOptions fleet, bool orders, CancellationToken cancel)
    {
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"{"Fleet",-14} {fleet.Devices} simulated devices {(orders ? "are ordered, register and " : "")}connect, one telemetry frame each {fleet.TelemetryInterval.TotalSeconds:0} s");
        var gateway = region.Gateway;
        var connection = gateway.PlainEndPoint is { } plain
            ? new FleetConnection(plain.Address.ToString(), plain.Port, Plain: true)
            : new FleetConnection(options.Address.ToString(), gateway.TlsEndPoint!.Port, gateway.AuthorityFile);
        using var http = new HttpClient { BaseAddress = region.Url };
        IFleetProvisioner provisioner = orders
            ? new OrderProvisioner(
                http, connection, gateway.IdScope, EnrollmentGroup.Read(EnrollmentGroup.FileIn(Region.GatewayFolder(options.DataFolder))).PrimaryKeyOf,
                $"fleet-{fleet.Seed}", TimeProvider.System)
            : new HttpProvisioner(http);
        await new Fleet.Fleet(
            fleet, connection, provisioner, region.Services.GetRequiredService<Catalog>().Dictionaries, TimeProvider.System,
            firmwareKeys: region.Services.GetRequiredService<IOptions<FirmwareOptions>>().Value.Signatures()).RunAsync(cancel);
    }

    private static async Task SayAsync(IAnsiConsole console, Region region, RegionOptions options, TimeSpan took, CancellationToken cancel)
    {
        var door = region.Services.GetRequiredService<RegisterDevices>();
        var demo = await door.HandleAsync(new DeviceOrder(DemoDevice, DemoProduct, "demo", null), cancel);
        var gateway = region.Gateway;

        console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[bold]The region is up[/] ({took.TotalSeconds:0.0} s). Ctrl-C stops it.");
        Line("API", $"{new Uri(region.Url, PortalApi.DocsPath)}");
        Line("Devices", $"{region.Url}api/devices?latest=true");
        Line("Metrics", $"{region.Url}metrics");
        Line("MQTT, TLS", $"{gateway.TlsEndPoint}");
        if (gateway.PlainEndPoint is { } plain)
            Line("MQTT, plain", $"{plain}");
        Line("CA file", gateway.AuthorityFile!);
        Line("Id scope", gateway.IdScope);
        if (demo is Answer<Handlers.Devices.RegisteredDevice>.Found found)
            Line("A device", $"HostName={options.DeviceHost};DeviceId={DemoDevice};SharedAccessKey={found.Value.PrimaryKey}");
        Line("Data", Path.GetFullPath(options.DataFolder));

        // Wide values are for copying: written as they are, never wrapped.
        void Line(string name, string value) => console.Profile.Out.Writer.WriteLine($"{name,-14} {value}");
    }

    private static void Log(ILoggingBuilder logging, LogLevel level) => logging
        .SetMinimumLevel(level)
        .AddFilter("Microsoft.AspNetCore", LogLevel.Warning)
        .AddSimpleConsole(console => (console.SingleLine, console.TimestampFormat) = (true, "HH:mm:ss "));

    private static Option<int> Port(string name, int otherwise, string description) =>
        new(name) { Description = description, DefaultValueFactory = _ => otherwise };

    private static int Fail(IAnsiConsole console, string message)
    {
        console.MarkupLineInterpolated($"[red]{message}[/]");
        return 1;
    }
}
