using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Pumps.Benchmarks.Measuring;
using Pumps.Core.Dictionaries;
using Pumps.Fleet;
using Pumps.Fleet.Load;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.LocalRegion.Database;
using Spectre.Console;

namespace Pumps.Benchmarks.Mqtt;

/// <summary>
/// The pipeline from the wire on: thousands of connections publish at QoS 1 to a region in its own process, at a moderate rate and then as fast as
/// it acknowledges; beside them one device measures how long a value takes from publish to <c>latest</c>.
/// </summary>
internal sealed class MqttBenchmark(IAnsiConsole console, int connections, TimeSpan duration, double moderate, int inFlight)
{
    private const long BytesAsked = 500_000_000;

    private readonly DictionarySet _dictionaries = CatalogLoader.Load(CatalogLoader.DefaultFolder).Dictionaries;

    public static Command Create(IAnsiConsole console)
    {
        var connections = new Option<int>("--connections") { Description = "Devices that publish.", DefaultValueFactory = _ => 2_000 };
        var seconds = new Option<int>("--seconds") { Description = "How long to load, at each rate.", DefaultValueFactory = _ => 60 };
        var moderate = new Option<double>("--rate") { Description = "Frames per second of the moderate load.", DefaultValueFactory = _ => 5_000 };
        var inFlight = new Option<int>("--in-flight") { Description = "Messages that each connection has sent and not seen acknowledged, at full load.", DefaultValueFactory = _ => 4 };
        var command = new Command("mqtt", "The pipeline from MQTT on: frames per second, and time from publish to latest.") { connections, seconds, moderate, inFlight };
        command.SetAction((parsed, cancel) => new MqttBenchmark(
            console, parsed.GetValue(connections), TimeSpan.FromSeconds(parsed.GetValue(seconds)), parsed.GetValue(moderate), parsed.GetValue(inFlight)).RunAsync(cancel));
        return command;
    }

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var folder = new ScratchFolder("mqtt");
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { Folder = Path.Combine(folder.Path, "postgres") }, null, cancel);
        await using var region = await RegionProcess.StartAsync(Path.Combine(folder.Path, "region"), server.ConnectionString("pumps"), cancel);
        await using var database = NpgsqlDataSource.Create(server.ConnectionString("pumps"));
        using var http = new HttpClient { BaseAddress = region.Api, Timeout = TimeSpan.FromMinutes(5) };
        var provisioner = new HttpProvisioner(http);
        var connection = new FleetConnection(region.Mqtt.Address.ToString(), region.Mqtt.Port, Plain: true);

        await using var probe = new LatencyProbe(LatencyProbe.Device, database);
        await probe.ConnectAsync(connection, (await provisioner.RegisterAsync([LatencyProbe.Device], cancel))[LatencyProbe.Device.Id], cancel);

        var verdicts = new Verdicts(console);
        var (acknowledged, peak) = (0L, 0L);
        foreach (var (name, load) in new[]
        {
            // Another seed is another fleet: no device of one run meets its own past in the other.
            ($"{moderate:N0}/s", new LoadOptions(connections, duration, 1, Seed: 1) { PerSecond = moderate }),
            ("full load", new LoadOptions(connections, duration, inFlight, Seed: 2)),
        })
        {
            var phase = new Phase(name, server.ProcessId, region.Id, await StatusAsync(http, cancel));
            var generator = new LoadGenerator(load, connection, provisioner, _dictionaries, TimeProvider.System).RunAsync(cancel);
            await UntilAsync(http, status => status.GatewayConnections > connections || generator.IsCompleted, cancel);
            console.WriteLine($"{name}: {connections} connections for {duration.TotalSeconds:0} s");
            phase.Begin();
            var probing = probe.RunAsync(generator, cancel);
            while (!generator.IsCompleted)
            {
                await Task.WhenAny(generator, Task.Delay(TimeSpan.FromSeconds(1), cancel));
                peak = Math.Max(peak, Processors.ResidentBytes(region.Id));
            }

            var result = await generator;
            var latency = await probing;
            var after = await UntilAsync(http, status => status.Lags.Where(l => l.Group is not "archive").All(l => l.Events == 0), cancel);
            phase.End(verdicts, result, latency, after);
            acknowledged += result.Acknowledged;
        }

        var status = await StatusAsync(http, cancel);
        var decoded = Phase.Sum(status, "decode", l => l.In);
        var letters = status.Ledger.Sum(l => l.DeadLettered);
        verdicts.Add("every acknowledged frame decoded", $"{acknowledged + probe.Published:N0}", $"{decoded:N0}, {letters} dead letters",
            decoded == acknowledged + probe.Published && letters == 0);
        await using var count = database.CreateCommand("select count(*) from history");
        count.CommandTimeout = 0;
        var rows = (long)(await count.ExecuteScalarAsync(cancel))!;
        var stored = Phase.Sum(status, "history", l => l.Out);
        verdicts.Add("history has what was stored", $"{stored:N0}", $"{rows:N0}", rows == stored);
        verdicts.Add("ledger, unaccounted for", "0", $"{status.LedgerDifference}", status.LedgerDifference == 0);
        verdicts.Add("memory of the region", $"below {BytesAsked / 1_000_000} MB", $"at most {peak / 1e6:0} MB", peak < BytesAsked);
        return verdicts.Print();
    }

    private static async Task<StatusView> StatusAsync(HttpClient http, CancellationToken cancel) =>
        await http.GetFromJsonAsync<StatusView>("api/ops/status", cancel) ?? throw new InvalidDataException("The region's status is empty.");

    private static async Task<StatusView> UntilAsync(HttpClient http, Func<StatusView, bool> holds, CancellationToken cancel)
    {
        while (true)
        {
            var status = await StatusAsync(http, cancel);
            if (holds(status))
                return status;
            await Task.Delay(TimeSpan.FromMilliseconds(200), cancel);
        }
    }

    /// <summary>The load at one rate: what was read before and after it.</summary>
    private sealed class Phase(string name, int postgres, int region, StatusView before)
    {
        private long _began;
        private (double Region, double Postgres, double Load) _seconds;

        public static long Sum(StatusView status, string service, Func<LedgerView, long> count) => status.Ledger.Where(l => l.Service == service).Sum(count);

        public void Begin() => (_began, _seconds) = (Stopwatch.GetTimestamp(), Seconds());

        public void End(Verdicts verdicts, LoadResult result, LatencyHistogram latency, StatusView after)
        {
            var elapsed = Stopwatch.GetElapsedTime(_began).TotalSeconds;
            var (regionSeconds, postgresSeconds, loadSeconds) = Seconds();
            var observations = Sum(after, "history", l => l.Out) - Sum(before, "history", l => l.Out);
            verdicts.Show($"{name}: acknowledged/s", $"{result.PerSecond:N0}");
            verdicts.Show($"{name}: observations/s, until the last is stored", $"{observations / elapsed:N0}");
            verdicts.Show($"{name}: publish to acknowledgement", $"{Times(result.Latency)}");
            verdicts.Show($"{name}: publish to visible in latest", $"{Times(latency)}, {latency.Count} probes");
            verdicts.Show($"{name}: processors, % of one",
                $"region {100 * (regionSeconds - _seconds.Region) / elapsed:0}, PostgreSQL {100 * (postgresSeconds - _seconds.Postgres) / elapsed:0}, load {100 * (loadSeconds - _seconds.Load) / elapsed:0}");
        }

        private (double Region, double Postgres, double Load) Seconds() =>
            (Processors.SecondsOfTree(region), Processors.SecondsOfTree(postgres), Environment.CpuUsage.TotalTime.TotalSeconds);

        private static string Times(LatencyHistogram latency) => string.Create(
            CultureInfo.InvariantCulture,
            $"p50 {latency.Percentile(0.5).TotalMilliseconds:0} ms, p99 {latency.Percentile(0.99).TotalMilliseconds:0} ms, max {latency.Max.TotalMilliseconds:0} ms");
    }
}
