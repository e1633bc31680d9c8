using System.CommandLine;
using System.Net;
using Npgsql;
using Pumps.Benchmarks.Measuring;
using Pumps.Core.Offerings;
using Pumps.Fleet;
using Pumps.Fleet.Load;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Observability;
using Pumps.LocalRegion;
using Pumps.Postgres;
using Spectre.Console;
using Region = Pumps.LocalRegion.Region;

namespace Pumps.Benchmarks.Pipeline;

/// <summary>
/// Raw hub, decode, feed, newest values and history, all of it durable, with PostgreSQL on the same processors: frames per second over minutes,
/// every frame accounted for, against a bare COPY of the same rows.
/// </summary>
internal sealed class PipelineBenchmark(IAnsiConsole console, TimeSpan duration, TimeSpan every, int devices, double perSecond)
{
    private const double FramesAsked = 30_000;
    private const long BytesAsked = 500_000_000;

    // Device time runs ahead of the clock when devices take turns faster than once a second: the stream begins so much earlier.
    private const double FramesExpected = 60_000;

    private const int FramesWeighed = 20_000;

    // Device hours that are rolled up afterwards: enough to measure one.
    private const int HoursRolledUp = 500;

    private readonly OpenHour _time = new();
    private readonly FleetOptions _fleet = new() { Devices = devices };

    public static Command Create(IAnsiConsole console)
    {
        var seconds = new Option<int>("--seconds") { Description = "How long to load.", DefaultValueFactory = _ => 300 };
        var every = new Option<int>("--every") { Description = "Seconds between two lines.", DefaultValueFactory = _ => 10 };
        var devices = new Option<int>("--devices") { Description = "Devices that take turns.", DefaultValueFactory = _ => 10_000 };
        var rate = new Option<double>("--rate") { Description = "Frames per second; 0 for as many as the region takes." };
        var command = new Command("pipeline", "Raw hub to latest and history, against a bare COPY of the same rows.") { seconds, every, devices, rate };
        command.SetAction((parsed, cancel) => new PipelineBenchmark(
            console, TimeSpan.FromSeconds(parsed.GetValue(seconds)), TimeSpan.FromSeconds(parsed.GetValue(every)), parsed.GetValue(devices), parsed.GetValue(rate))
            .RunAsync(cancel));
        return command;
    }

    public async Task<int> RunAsync(CancellationToken cancel)
    {
        using var folder = new ScratchFolder("pipeline");
        await using var region = await Region.StartAsync(
            new RegionOptions { DataFolder = folder.Path, Address = IPAddress.Loopback, HttpPort = 0, MqttTlsPort = 0, MqttPlainPort = null },
            logging => logging.SetMinimumLevel(LogLevel.Warning).AddSimpleConsole(), _time, cancel);
        var catalog = region.Services.GetRequiredService<Catalog>();
        var start = _time.GetUtcNow() - (duration * (FramesExpected / devices));
        FrameStream Stream() => new(_fleet, catalog.Dictionaries, start.ToUnixTimeMilliseconds());

        var load = new RawLoad(region.Hubs, catalog, Stream(), perSecond, _time);
        await region.Services.GetRequiredService<Partitions>().KeepAsync(start, _time.GetUtcNow(), cancel);
        var directory = region.Services.GetRequiredService<IDeviceDirectory>();
        await Parallel.ForEachAsync(load.Devices, cancel, async (device, stop) => await directory.StoreAsync(device, stop));

        var database = region.Services.GetRequiredService<NpgsqlDataSource>();
        var logBefore = await StoredSize.LogAsync(database, cancel);
        var run = new PipelineRun(region, load);
        Line($"{devices} devices, {duration.TotalSeconds:0} s, {Environment.ProcessorCount} processors shared with PostgreSQL; processor columns in % of one");
        Line(PipelineSample.Header);
        load.Start();
        while (run.Elapsed < duration)
        {
            await Task.WhenAny(Task.Delay(every, cancel), region.Broken);
            cancel.ThrowIfCancellationRequested();
            if (region.Broken.IsCompleted)
                throw new InvalidOperationException("A service of the region has ended.", await region.Broken);
            Line(run.Take().ToString());
        }

        await load.StopAsync();
        while (!Lags.Of(region.Hubs).None)
            await Task.Delay(TimeSpan.FromMilliseconds(50), cancel);
        var elapsed = run.Elapsed;
        Line(run.Take().ToString());

        var logBytes = await StoredSize.LogAsync(database, cancel) - logBefore;
        return await JudgeAsync(region, catalog, load, logBytes, elapsed, run, Stream, cancel);
    }

    // Figures in columns are never wrapped.
    private void Line(string text) => console.Profile.Out.Writer.WriteLine(text);

    private async Task<int> JudgeAsync(
        Region region, Catalog catalog, RawLoad load, long logBytes, TimeSpan elapsed, PipelineRun run, Func<FrameStream> stream, CancellationToken cancel)
    {
        var frames = load.Published;
        var database = region.Services.GetRequiredService<NpgsqlDataSource>();
        await using var count = database.CreateCommand("select count(*) from history");
        count.CommandTimeout = 0;
        var rows = (long)(await count.ExecuteScalarAsync(cancel))!;
        var ledger = region.Services.GetRequiredService<Ledger>();
        var difference = ledger.Totals.Sum(t => Math.Abs(t.Value.Difference));
        var decoded = run.Of("decode");

        var stored = await StoredSize.OfHistoryAsync(database, cancel);
        var keys = await StoredSize.OfKeysAsync(database, cancel);
        var latest = await StoredSize.OfLatestAsync(database, cancel);
        var sizes = await EventSizes.OfAsync(catalog, load.Take(FramesWeighed), _time, cancel);
        var rolledUp = await RollUpAsync(region, (double)rows / devices, cancel);
        console.WriteLine("Decoding the same frames again, with the core alone");
        var (expected, codec) = new CodecAlone(catalog, _time).Run(stream(), frames);
        console.WriteLine("Copying the same rows, with nothing else");
        var (one, two) = await CopyPeer.RunAsync(database, cancel);

        var verdicts = new Verdicts(console);
        var framesPerSecond = frames / elapsed.TotalSeconds;
        var rowsPerSecond = rows / elapsed.TotalSeconds;
        verdicts.Add("frames/s, until the last is stored", $"{FramesAsked:N0}", $"{framesPerSecond:N0} over {elapsed.TotalSeconds:0} s", framesPerSecond >= FramesAsked);
        verdicts.Add("every frame decoded", $"{frames:N0}", $"{decoded.In:N0}, {decoded.DeadLettered} dead letters, {decoded.Duplicate} duplicates",
            decoded.In == frames && decoded.DeadLettered == 0 && decoded.Duplicate == 0);
        verdicts.Add("every observation in history", $"{expected:N0}", $"{rows:N0}", rows == expected);
        verdicts.Add("ledger, unaccounted for", "0", $"{difference}", difference == 0);
        verdicts.Add("memory of the region", $"below {BytesAsked / 1_000_000} MB", $"at most {run.PeakBytes / 1e6:0} MB, load generator included", run.PeakBytes < BytesAsked);
        verdicts.Add("memory flat", "last third within 10 % of the second", $"{run.Growth:+0.0 %;-0.0 %}", run.Growth < 0.1);
        verdicts.Show("history rows/s", $"{rowsPerSecond:N0}");
        verdicts.Show("bare COPY, one session, rows/s", $"{one:N0}: the pipeline has {rowsPerSecond / one:0.00} of it");
        verdicts.Show("bare COPY, two sessions, rows/s", $"{two:N0}: the pipeline has {rowsPerSecond / two:0.00} of it");
        verdicts.Show("codec alone, one processor, frames/s", $"{frames / codec.TotalSeconds:N0}: {codec.TotalSeconds / elapsed.TotalSeconds:0.0 %} of one processor");
        verdicts.Show("bytes of a frame, and of its raw event", $"{sizes.FrameBytes:0}, {sizes.RawEventBytes:0}");
        verdicts.Show("feed events of a frame, and bytes of each", $"{sizes.FeedEventsPerFrame:0.000}, {sizes.FeedEventBytes:0}");
        verdicts.Show("bytes of an observation in history, its key's", $"{(double)stored / rows:0}, {(double)keys / rows:0}");
        verdicts.Show("bytes of newest values per device", $"{(double)latest / devices:0}");
        verdicts.Show("bytes of write-ahead log per frame", $"{(double)logBytes / frames:0}");
        verdicts.Show("processor time per frame", $"{run.MicrosecondsPerFrame(frames)}");
        verdicts.Show("and to roll it up, after its hour", $"PostgreSQL {1e6 * rolledUp:0.0} µs");
        return verdicts.Print();
    }

    /// <returns>Seconds of PostgreSQL's processor per observation; all of a device's lie in one hour.</returns>
    private async Task<double> RollUpAsync(Region region, double observations, CancellationToken cancel)
    {
        console.WriteLine("Rolling up some of the hours");
        var began = Processors.SecondsOfTree(region.Postgres!.ProcessId);
        var hours = await region.Services.GetRequiredService<RollUps>().RunOnceAsync(_time.GetUtcNow().AddHours(2), HoursRolledUp, cancel);
        return (Processors.SecondsOfTree(region.Postgres.ProcessId) - began) / (hours * observations);
    }
}
