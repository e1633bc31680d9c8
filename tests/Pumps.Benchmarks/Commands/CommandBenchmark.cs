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

    // Starting, connecting and stopping on a slow machine, beside the time that is measured.
    private static readonly TimeSpan Allowance = TimeSpan.FromMinutes(5);

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
        var limit = (duration * 2) + Allowance;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        end.CancelAfter(limit);
        try
        {
            return await MeasureAsync(end.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            console.MarkupLineInterpolated($"[red]Given up after {limit.TotalMinutes:0.#} minutes.[/]");
            return 1;
        }
    }

    private async Task<int> MeasureAsync(CancellationToken cancel)
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
        var idle = await GiveAsync(http, fleet.Devices, Task.Delay(duration / 4, cancel), cancel);
        Show(verdicts, "nothing else to do", idle);

        var warmUp = duration / 4;
        var load = new LoadGenerator(new LoadOptions(connections, warmUp + duration, 1, Seed: 1) { PerSecond = rate }, connection, new HttpProvisioner(http), dictionaries, TimeProvider.System)
            .RunAsync(cancel);
        while (!load.IsCompleted
            && (await http.GetFromJsonAsync<StatusView>("api/ops/status", cancel))!.GatewayConnections < connections + Obeying)
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancel);
        var early = await GiveAsync(http, fleet.Devices, Task.WhenAny(load, Task.Delay(warmUp, cancel)), cancel);
        Show(verdicts, $"in the first {warmUp.TotalSeconds:0} s that they come in", early);
        var busy = await GiveAsync(http, fleet.Devices, load, cancel);
        var result = await load;
        await over.CancelAsync();
        await obeying;

        verdicts.Show("frames acknowledged meanwhile", $"{result.PerSecond:N0}/s");
        Show(verdicts, "while they come in", busy);
        verdicts.Add("p99 of the latter", $"below {Asked.TotalMilliseconds:0} ms", $"{busy.Whole.Percentile(0.99).TotalMilliseconds:0} ms", busy.Whole.Percentile(0.99) < Asked);
        var notDone = idle.NotDone + early.NotDone + busy.NotDone;
        verdicts.Add("commands not done", "0", $"{notDone}", notDone == 0);
        return verdicts.Print();
    }

    /// <summary>Gives commands until something else is over. Looking takes a bit too: up to 5 ms and a request are in each time.</summary>
    private async Task<Stages> GiveAsync(HttpClient http, IReadOnlyList<DeviceSpec> devices, Task until, CancellationToken cancel)
    {
        var all = await Task.WhenAll(Enumerable.Range(0, atOnce).Select(async lane =>
        {
            var stages = new Stages();
            for (var i = lane; !until.IsCompleted; i += atOnce)
            {
                var place = $"api/devices/{devices[i % devices.Count].Id}/commands";
                var began = Stopwatch.GetTimestamp();
                using var given = await http.PostAsJsonAsync(
                    place, new { command = "set_report_interval", arguments = new { report_interval = 60 + (i % 60) } }, cancel);
                var command = await given.Content.ReadFromJsonAsync<CommandView>(cancel) ?? throw new InvalidDataException("The answer to a command is empty.");
                var answered = Stopwatch.GetElapsedTime(began);
                while (command.EndedAt is null)
                {
                    await Task.Delay(Look, cancel);
                    command = (await http.GetFromJsonAsync<CommandView>($"{place}/{command.Id}", cancel))!;
                }

                stages.Add(command, answered, Stopwatch.GetElapsedTime(began), DateTimeOffset.UtcNow);
            }

            return stages;
        }));
        var sum = new Stages();
        foreach (var stages in all)
            sum.Add(stages);
        return sum;
    }

    private static async Task UntilAsync(Func<bool> holds, CancellationToken cancel)
    {
        while (!holds())
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancel);
    }

    private static void Show(Verdicts verdicts, string when, Stages stages)
    {
        verdicts.Show($"round trip, {when}", $"{Times(stages.Whole)}, {stages.Whole.Count} commands");
        foreach (var (name, times) in stages.Parts)
            verdicts.Show($"  {name}", $"{Times(times)}");
    }

    private static string Times(LatencyHistogram latency) => string.Create(CultureInfo.InvariantCulture,
        $"p50 {latency.Percentile(0.5).TotalMilliseconds:0} ms, p99 {latency.Percentile(0.99).TotalMilliseconds:0} ms, max {latency.Max.TotalMilliseconds:0} ms");

    /// <summary>Where the time of commands goes, by the times that the region writes at each: one clock, since all is on one machine.</summary>
    private sealed class Stages
    {
        private readonly LatencyHistogram _answered = new();
        private readonly LatencyHistogram _waited = new();
        private readonly LatencyHistogram _obeyed = new();
        private readonly LatencyHistogram _told = new();

        public LatencyHistogram Whole { get; } = new();

        public int NotDone { get; private set; }

        public IEnumerable<(string Name, LatencyHistogram Times)> Parts =>
            [("the request is answered", _answered), ("stored, its turn taken", _waited), ("sent and answered", _obeyed), ("stored and seen", _told)];

        public void Add(CommandView command, TimeSpan answered, TimeSpan whole, DateTimeOffset now)
        {
            Whole.Add(whole);
            _answered.Add(answered);
            if (command.SentAt is { } sent && command.EndedAt is { } ended)
            {
                _waited.Add(sent - command.CreatedAt);
                _obeyed.Add(ended - sent);
                _told.Add(now - ended);
            }

            if (command.State != "done")
                NotDone++;
        }

        public void Add(Stages other)
        {
            Whole.Add(other.Whole);
            foreach (var (mine, its) in Parts.Zip(other.Parts))
                mine.Times.Add(its.Times);
            NotDone += other.NotDone;
        }
    }
}
