using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Pumps.Benchmarks.Measuring;
using Pumps.Benchmarks.Mqtt;
using Pumps.Fleet;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.LocalRegion.Database;
using Spectre.Console;

namespace Pumps.Benchmarks.Devices;

/// <summary>What many devices cost a region that does little else: registered ones, and connected ones that report once a minute.</summary>
internal sealed class DevicesBenchmark(IAnsiConsole console, int registered, int connected, TimeSpan duration)
{
    private const int ConnectsPerSecond = 500;
    private const int FilesOfTheRest = 500;
    private const int Pages = 50;

    public static Command Create(IAnsiConsole console)
    {
        var registered = new Option<int>("--registered") { Description = "Devices that are registered.", DefaultValueFactory = _ => 100_000 };
        var connected = new Option<int>("--connected") { Description = "Devices among them that connect and report.", DefaultValueFactory = _ => 20_000 };
        var seconds = new Option<int>("--seconds") { Description = "How long to watch the region with all of them connected.", DefaultValueFactory = _ => 60 };
        var command = new Command("devices", "Memory and processor of a region with many devices.") { registered, connected, seconds };
        command.SetAction((parsed, cancel) => new DevicesBenchmark(
            console, parsed.GetValue(registered), parsed.GetValue(connected), TimeSpan.FromSeconds(parsed.GetValue(seconds))).RunAsync(cancel));
        return command;
    }

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        var connections = Math.Min(connected, FilesMax() - FilesOfTheRest);
        if (connections < connected)
            console.MarkupLineInterpolated($"[yellow]A process here may open {FilesMax()} files: {connections} devices connect instead of {connected}.[/]");

        using var folder = new ScratchFolder("devices");
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { Folder = Path.Combine(folder.Path, "postgres") }, null, cancel);
        await using var region = await RegionProcess.StartAsync(Path.Combine(folder.Path, "region"), server.ConnectionString("pumps"), cancel);
        await using var database = NpgsqlDataSource.Create(server.ConnectionString("pumps"));
        using var http = new HttpClient { BaseAddress = region.Api, Timeout = TimeSpan.FromMinutes(5) };
        var provisioner = new HttpProvisioner(http);
        var verdicts = new Verdicts(console);
        verdicts.Show("region at start: memory", $"{Processors.ResidentBytes(region.Id) / 1e6:0} MB");

        // Two fleets: the seed names the devices. One only exists, the other connects.
        var began = Stopwatch.GetTimestamp();
        if (registered > connections)
            await provisioner.RegisterAsync(DeviceSpec.Of(new FleetOptions { Devices = registered - connections, Seed = 2, Customers = 100 }), cancel);
        var options = new FleetOptions { Devices = connections, Seed = 1, Customers = 100, ConnectsPerSecond = ConnectsPerSecond };
        await provisioner.RegisterAsync(DeviceSpec.Of(options), cancel);
        verdicts.Show("registered by POST /api/devices", $"{registered:N0} devices, {registered / Stopwatch.GetElapsedTime(began).TotalSeconds:N0}/s");
        verdicts.Show($"{registered:N0} registered: memory", $"{Processors.ResidentBytes(region.Id) / 1e6:0} MB");

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var fleet = new Fleet.Fleet(
            options, new FleetConnection(region.Mqtt.Address.ToString(), region.Mqtt.Port, Plain: true), provisioner,
            CatalogLoader.Load(CatalogLoader.DefaultFolder).Dictionaries, TimeProvider.System);
        began = Stopwatch.GetTimestamp();
        var running = fleet.RunAsync(stop.Token);
        await UntilAsync(http, status => status.GatewayConnections >= connections || running.IsCompleted, cancel);
        verdicts.Show($"{connections:N0} connected in", $"{Stopwatch.GetElapsedTime(began).TotalSeconds:0} s");
        await UntilAsync(http, status => status.Lags.Where(l => l.Group is not "archive").All(l => l.Events < connections / 10), cancel);

        var before = await StatusAsync(http, cancel);
        var (watched, peak) = (Stopwatch.GetTimestamp(), 0L);
        var (regionSeconds, postgresSeconds) = (Processors.SecondsOfTree(region.Id), Processors.SecondsOfTree(server.ProcessId));
        while (Stopwatch.GetElapsedTime(watched) < duration)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), cancel);
            peak = Math.Max(peak, Processors.ResidentBytes(region.Id));
        }

        var elapsed = Stopwatch.GetElapsedTime(watched).TotalSeconds;
        var after = await StatusAsync(http, cancel);
        verdicts.Show($"{connections:N0} connected: memory", $"at most {peak / 1e6:0} MB");
        verdicts.Show(
            $"{connections:N0} connected: processors, % of one",
            $"region {100 * (Processors.SecondsOfTree(region.Id) - regionSeconds) / elapsed:0}, PostgreSQL {100 * (Processors.SecondsOfTree(server.ProcessId) - postgresSeconds) / elapsed:0}");
        verdicts.Show("frames/s meanwhile", $"{(Decoded(after) - Decoded(before)) / elapsed:N0}");
        verdicts.Add("still connected", $"{connections:N0}", $"{after.GatewayConnections:N0}", after.GatewayConnections == connections);

        await using (var count = database.CreateCommand("select count(*) from device_connection where phase = 'online'"))
        {
            var online = (long)(await count.ExecuteScalarAsync(cancel))!;
            verdicts.Add("shown as online", $"{connections:N0}", $"{online:N0}", online == connections);
        }

        foreach (var (name, filter) in new[] { ("of all", ""), ("of a customer", "&customer=demo-7"), ("of one that has none", "&customer=nobody") })
            verdicts.Show($"a page of 100 devices, {name}", $"{await PageAsync(http, filter, cancel)}");

        await stop.CancelAsync();
        try
        {
            await running;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The fleet was told to stop.
        }

        var last = await UntilAsync(http, status => status.Lags.Where(l => l.Group is not "archive").All(l => l.Events == 0), cancel);
        verdicts.Add("ledger, unaccounted for", "0", $"{last.LedgerDifference}", last.LedgerDifference == 0);
        return verdicts.Print();
    }

    private static async Task<string> PageAsync(HttpClient http, string filter, CancellationToken cancel)
    {
        var times = new List<double>();
        var items = 0;
        for (var i = 0; i < Pages; i++)
        {
            var began = Stopwatch.GetTimestamp();
            var page = await http.GetFromJsonAsync<PageView<DeviceView>>($"api/devices?limit=100{filter}", cancel);
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
            items = page!.Items.Count;
        }

        times.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"{items} devices, p50 {times[Pages / 2]:0.0} ms, max {times[^1]:0.0} ms");
    }

    private static long Decoded(StatusView status) => status.Ledger.Where(l => l.Service == "decode").Sum(l => l.In);

    private static async Task<StatusView> StatusAsync(HttpClient http, CancellationToken cancel) =>
        await http.GetFromJsonAsync<StatusView>("api/ops/status", cancel) ?? throw new InvalidDataException("The region's status is empty.");

    private static async Task<StatusView> UntilAsync(HttpClient http, Func<StatusView, bool> holds, CancellationToken cancel)
    {
        while (true)
        {
            var status = await StatusAsync(http, cancel);
            if (holds(status))
                return status;
            await Task.Delay(TimeSpan.FromMilliseconds(500), cancel);
        }
    }

    /// <summary>How many files, and so connections, a process may open: "Max open files  soft  hard  files" of /proc.</summary>
    private static int FilesMax()
    {
        const string limits = "/proc/self/limits";
        var line = File.Exists(limits) ? File.ReadLines(limits).FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal)) : null;
        return line is not null && int.TryParse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3], CultureInfo.InvariantCulture, out var max) ? max : int.MaxValue;
    }
}
