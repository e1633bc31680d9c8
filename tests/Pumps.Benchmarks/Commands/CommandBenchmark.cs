using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Pumps.Benchmarks.Measuring;
using Pumps.Benchmarks.Mqtt;
using Pumps.Fleet;
using Pumps.Fleet.Load;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.LocalRegion.Database;
using Spectre.Console;

namespace Pumps.Benchmarks.Commands;

/// <summary>
/// How long a command takes from the request to the API until the API says that the device has done it, while frames come in: a region in its own
/// process, thousands of connections that publish, and beside them a few simulated devices that obey.
/// </summary>
internal sealed class CommandBenchmark(IAnsiConsole console, int connections, TimeSpan duration, double rate, int atOnce)
{
    private const int Obeying = 40;
    private static readonly TimeSpan Asked = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(5);

    public static Command Create(IAnsiConsole console)
    {
        var connections = new Option<int>("--connections") { Description = "Devices that publish.", DefaultValueFactory = _ => 1_000 };
        var seconds = new Option<int>("--seconds") { Description = "How long to measure.", DefaultValueFactory = _ => 60 };
        var rate = new Option<double>("--rate") { Description = "Frames per second that come in meanwhile.", DefaultValueFactory = _ => 5_000 };
        var atOnce = new Option<int>("--at-once") { Description = "Commands under way, each to a device of its own.", DefaultValueFactory = _ => 4 };
        var command = new Command("commands", "Commands: time from the request until the device has done it, while frames come in.") { connections, seconds, rate, atOnce };
        command.SetAction((parsed, cancel) => new CommandBenchmark(
            console, parsed.GetValue(connections), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(rate),
            Math.Clamp(parsed.GetValue(atOnce), 1, Obeying)).RunAsync(cancel));
        return command;
    }

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var folder = new ScratchFolder("commands");
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { Folder = Path.Combine(folder.Path, "postgres") }, null, cancel);
        await using var region = await RegionProcess.StartAsync(Path.Combine(folder.Path, "region"), server.ConnectionString("pumps"), cancel);
        using var http = new HttpClient { BaseAddress = region.Api, Timeout = TimeSpan.FromMinutes(5) };
        var dictionaries = CatalogLoader.Load(CatalogLoader.DefaultFolder).Dictionaries;
        var connection = new FleetConnection(region.Mqtt.Address.ToString(), region.Mqtt.Port, Plain: true);

        var fleet = new Fleet.Fleet(
            new FleetOptions { Devices = Obeying, Seed = 3_000, Mix = new FleetMix(1, 1, 0, 0, 0), ConnectsPerSecond = 1000 }, connection, new HttpProvisioner(http),
            dictionaries, TimeProvider.System);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var obeying = fleet.RunAsync(over.Token);
        await UntilAsync(() => fleet.Statistics.Connected == Obeying || obeying.IsCompleted, cancel);

        var verdicts = new Verdicts(console);
        var (idle, _) = await MeasureAsync(http, fleet.Devices, Task.Delay(duration / 4, cancel), cancel);
        verdicts.Show("round trip, nothing else to do", $"{Times(idle)}, {idle.Count} commands");

        var load = new LoadGenerator(new LoadOptions(connections, duration, 1, Seed: 1) { PerSecond = rate }, connection, new HttpProvisioner(http), dictionaries, TimeProvider.System)
            .RunAsync(cancel);
        while (!load.IsCompleted
            && (await http.GetFromJsonAsync<StatusView>("api/ops/status", cancel))!.GatewayConnections < connections + Obeying)
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancel);
        var (busy, notDone) = await MeasureAsync(http, fleet.Devices, load, cancel);
        var result = await load;
        await over.CancelAsync();
        await obeying;

        verdicts.Show("frames acknowledged meanwhile", $"{result.PerSecond:N0}/s");
        verdicts.Add("round trip while they come in, p99", $"below {Asked.TotalMilliseconds:0} ms", $"{Times(busy)}, {busy.Count} commands", busy.Percentile(0.99) < Asked);
        verdicts.Add("commands not done", "0", $"{notDone}", notDone == 0);
        return verdicts.Print();
    }

    /// <summary>Gives commands until something else is over. Looking takes a bit too: up to 5 ms and a request are in each time.</summary>
    private async Task<(LatencyHistogram Times, int NotDone)> MeasureAsync(
        HttpClient http, IReadOnlyList<DeviceSpec> devices, Task until, CancellationToken cancel)
    {
        var notDone = 0;
        var all = await Task.WhenAll(Enumerable.Range(0, atOnce).Select(async lane =>
        {
            var times = new LatencyHistogram();
            for (var i = lane; !until.IsCompleted; i += atOnce)
            {
                var place = $"api/devices/{devices[i % devices.Count].Id}/commands";
                var began = Stopwatch.GetTimestamp();
                using var given = await http.PostAsJsonAsync(
                    place, new { command = "set_report_interval", arguments = new { report_interval = 60 + (i % 60) } }, cancel);
                var command = await given.Content.ReadFromJsonAsync<CommandView>(cancel) ?? throw new InvalidDataException("The answer to a command is empty.");
                while (command.EndedAt is null)
                {
                    await Task.Delay(Look, cancel);
                    command = (await http.GetFromJsonAsync<CommandView>($"{place}/{command.Id}", cancel))!;
                }

                times.Add(Stopwatch.GetElapsedTime(began));
                if (command.State != "done")
                    Interlocked.Increment(ref notDone);
            }

            return times;
        }));
        var sum = new LatencyHistogram();
        foreach (var times in all)
            sum.Add(times);
        return (sum, notDone);
    }

    private static async Task UntilAsync(Func<bool> holds, CancellationToken cancel)
    {
        while (!holds())
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancel);
    }

    private static string Times(LatencyHistogram latency) => string.Create(CultureInfo.InvariantCulture,
        $"p50 {latency.Percentile(0.5).TotalMilliseconds:0} ms, p99 {latency.Percentile(0.99).TotalMilliseconds:0} ms, max {latency.Max.TotalMilliseconds:0} ms");
}
