using System.CommandLine;
using System.Diagnostics;
using Npgsql;
using Pumps.Benchmarks.Measuring;
using Pumps.Fleet.Load;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Offerings;
using Pumps.LocalRegion.Database;
using Pumps.Postgres;
using Spectre.Console;

namespace Pumps.Benchmarks.Queries;

/// <summary>What the site asks, of a month of history: a day of one datapoint in minutes, the month in hours, a page of the fleet.</summary>
internal sealed class QueryBenchmark(IAnsiConsole console, long observations, int devices, int days, int queries)
{
    private const string Offering = "irrigation";
    private const int PageDevices = 1_000;
    private const int FleetDevices = 10_000;
    private const int BatchRows = 10_000;
    private const int RollUpHours = 500;

    // Seeded: every run asks the same.
    private readonly Random _random = new(1);

    public static Command Create(IAnsiConsole console)
    {
        var observations = new Option<long>("--observations") { Description = "Observations to store before.", DefaultValueFactory = _ => 20_000_000 };
        var devices = new Option<int>("--devices") { Description = "Devices that they are spread over.", DefaultValueFactory = _ => 1_000 };
        var days = new Option<int>("--days") { Description = "Days that they are spread over, at least 2.", DefaultValueFactory = _ => 30 };
        var queries = new Option<int>("--queries") { Description = "Queries of each kind.", DefaultValueFactory = _ => 500 };
        var command = new Command("queries", "History and fleet pages at 20 million stored observations.") { observations, devices, days, queries };
        command.SetAction((parsed, cancel) =>
            new QueryBenchmark(console, parsed.GetValue(observations), parsed.GetValue(devices), parsed.GetValue(days), parsed.GetValue(queries))
                .RunAsync(cancel));
        return command;
    }

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        if (days < 2 || devices is < 1 or > FleetDevices || observations < devices)
            throw new ArgumentException($"Asked for {observations} observations of {devices} devices over {days} days; devices are 1 to {FleetDevices} with an observation each at least, and days at least 2.");

        using var folder = new ScratchFolder("queries");
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { Folder = Path.Combine(folder.Path, "postgres") }, null, cancel);
        await using var services = new ServiceCollection().AddLogging().AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
            .AddPostgres(server.ConnectionString("pumps"), CatalogCounters.Of(CatalogLoader.Load(CatalogLoader.DefaultFolder))).BuildServiceProvider();
        await services.GetRequiredService<Migrator>().MigrateAsync(cancel);

        var until = DateTimeOffset.UtcNow;
        var from = until.AddDays(-days);
        var verdicts = new Verdicts(console);
        await FillAsync(services, from, until, verdicts, cancel);

        var asked = services.GetRequiredService<IDatapointQueries>();
        var ids = new HistoryFill(devices, from, TimeSpan.Zero).DeviceIds;
        var fleet = new HistoryFill(FleetDevices, from, TimeSpan.Zero).DeviceIds;
        string AnyDevice() => ids[_random.Next(ids.Count)];
        await MeasureAsync(verdicts, "24 h of a datapoint in minutes", async () =>
        {
            var start = from.AddHours(_random.Next((days - 1) * 24));
            var points = await asked.QueryHistoryAsync(
                new(AnyDevice(), "flow", start, start.AddDays(1), TimeSpan.FromMinutes(1), Aggregate.Mean, 1440), cancel);
            return points.Count;
        });
        await MeasureAsync(verdicts, $"{days} days of a datapoint in hours", async () =>
            (await asked.QueryHistoryAsync(new(AnyDevice(), "flow", from, until, TimeSpan.FromHours(1), Aggregate.Mean, 1000), cancel)).Count);
        await MeasureAsync(verdicts, $"{days} days of a counter's growth in days", async () =>
            (await asked.QueryHistoryAsync(new(AnyDevice(), "volume_total", from, until, TimeSpan.FromDays(1), Aggregate.Increase, 1000), cancel)).Count);
        await MeasureAsync(verdicts, $"page of {PageDevices} out of {FleetDevices} devices with newest values", async () =>
            (await asked.ListDevicesAsync(new(Offering), fleet[_random.Next(FleetDevices - PageDevices)], PageDevices, withLatest: true, cancel)).Items.Count);
        return verdicts.Print();
    }

    private async Task FillAsync(ServiceProvider services, DateTimeOffset from, DateTimeOffset until, Verdicts verdicts, CancellationToken cancel)
    {
        await services.GetRequiredService<Partitions>().KeepAsync(from, until, cancel);
        var rounds = (int)(observations / devices);
        var fill = new HistoryFill(devices, from, (until - from) / rounds);
        var store = services.GetRequiredService<IDatapointStore>();

        var began = Stopwatch.GetTimestamp();
        var stored = 0L;
        var said = began;
        await Parallel.ForEachAsync(
            fill.Batches(rounds, BatchRows), new ParallelOptions { MaxDegreeOfParallelism = 2, CancellationToken = cancel },
            async (batch, stop) =>
            {
                var now = Interlocked.Add(ref stored, await store.AppendHistoryAsync(Offering, batch, stop));
                Say(ref said, $"{now:N0} of {observations:N0} observations stored");
            });
        verdicts.Show("filled: observations/s", $"{stored / Stopwatch.GetElapsedTime(began).TotalSeconds:N0}, {stored:N0} in all");

        var fleet = new HistoryFill(FleetDevices, until, TimeSpan.FromMinutes(1));
        foreach (var round in new[] { 0, 4 }) // what each device measures, and its counters
            await store.KeepLatestAsync(Offering, [.. Enumerable.Range(0, FleetDevices).Select(d => fleet.At(d, round))], cancel);

        began = Stopwatch.GetTimestamp();
        var hours = 0L;
        var rollUps = services.GetRequiredService<RollUps>();
        while (await rollUps.RunOnceAsync(until, RollUpHours, cancel) is > 0 and var taken)
        {
            hours += taken;
            Say(ref said, $"{hours:N0} of {(long)devices * days * 24:N0} hours of devices rolled up");
        }

        verdicts.Show("rolled up: hours of devices/s", $"{hours / Stopwatch.GetElapsedTime(began).TotalSeconds:N0}, {hours:N0} in all");

        // What autovacuum would have done by the time somebody asks.
        await using var vacuum = services.GetRequiredService<NpgsqlDataSource>().CreateCommand("vacuum (analyze)");
        vacuum.CommandTimeout = 0;
        await vacuum.ExecuteNonQueryAsync(cancel);
    }

    private async Task MeasureAsync(Verdicts verdicts, string what, Func<Task<int>> query)
    {
        var latency = new LatencyHistogram();
        var (items, first) = (0L, TimeSpan.Zero);
        for (var i = 0; i < queries; i++)
        {
            var began = Stopwatch.GetTimestamp();
            var count = await query();
            var took = Stopwatch.GetElapsedTime(began);
            if (count == 0)
                throw new InvalidDataException($"A query found nothing: {what}");
            items += count;
            if (i == 0)
                first = took;
            else
                latency.Add(took);
        }

        verdicts.Show(what,
            $"p50 {latency.Percentile(0.5).TotalMilliseconds:0.0} ms, p99 {latency.Percentile(0.99).TotalMilliseconds:0.0} ms, first {first.TotalMilliseconds:0} ms; {items / queries} values each");
    }

    private void Say(ref long said, FormattableString text)
    {
        var before = Interlocked.Read(ref said);
        if (Stopwatch.GetElapsedTime(before) > TimeSpan.FromSeconds(10) && Interlocked.CompareExchange(ref said, Stopwatch.GetTimestamp(), before) == before)
            console.WriteLine(text.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }
}
