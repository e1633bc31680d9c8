using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Threading.Channels;
using Npgsql;

namespace Pumps.Journeys.Tests;

/// <summary>A region as users run it: <c>pumps-region up</c> in a process of its own, which can be killed.</summary>
internal sealed class RegionProcess : RunningRegion
{
    private readonly string[] _arguments;
    private readonly List<string> _output = [];
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly int _mqttPort;
    private readonly int _httpPort;
    private Process? _process;
    private Task _reading = Task.CompletedTask;

    private RegionProcess(string folder, int mqttPort, int httpPort, string[] arguments)
    {
        (DataFolder, _mqttPort, _httpPort) = (folder, mqttPort, httpPort);
        _arguments =
        [
            "up", "--data", folder, "--port", Text(httpPort), "--mqtt-port", "0", "--mqtt-plain-port", Text(mqttPort), .. arguments,
        ];
    }

    public override string DataFolder { get; }

    public override Uri Url => new($"http://127.0.0.1:{_httpPort}/");

    public override IPEndPoint Mqtt => new(IPAddress.Loopback, _mqttPort);

    /// <summary>From the start of the process to the line that says that the region is up.</summary>
    public TimeSpan StartTook { get; private set; }

    public bool Runs => _process is { HasExited: false };

    /// <summary>Everything that the process has said.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return string.Join('\n', _output);
        }
    }

    protected override string DatabaseConnection => new NpgsqlConnectionStringBuilder
    {
        Host = Path.Combine(DataFolder, "postgres", "sockets"),
        Username = "pumps",
        Database = "pumps",
        Pooling = false,   // the server goes with its region
    }.ConnectionString;

    /// <summary>Takes ports and a new folder, and starts nothing yet.</summary>
    public static RegionProcess Prepare(params string[] arguments) => new(NewFolder(), FreePort(), FreePort(), arguments);

    /// <summary>Runs the program to its end.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        using var process = Launch(arguments);
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync() + await errors;
        using var patience = new CancellationTokenSource(Patience.Usual);
        await process.WaitForExitAsync(patience.Token);
        return (process.ExitCode, output);
    }

    /// <summary>Starts the region; returns when it says that it is up. The same folder and ports every time.</summary>
    public async Task StartAsync()
    {
        var began = Stopwatch.GetTimestamp();
        _process?.Dispose();
        _process = Launch(_arguments);
        _reading = Task.WhenAll(ReadAsync(_process.StandardOutput), ReadAsync(_process.StandardError));
        using var patience = new CancellationTokenSource(Patience.Usual);
        var ended = _process.WaitForExitAsync(patience.Token);
        while (true)
        {
            var line = _lines.Reader.ReadAsync(patience.Token).AsTask();
            if (await Task.WhenAny(line, ended) == ended)
                throw new InvalidOperationException($"The region did not start. It said:\n{Output}");
            if ((await line).StartsWith("The region is up", StringComparison.Ordinal))
                break;
        }

        StartTook = Stopwatch.GetElapsedTime(began);
    }

    /// <summary>As a loss of power does for the process; its database is left behind.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        await _reading.WaitAsync(Patience.Usual);
    }

    /// <summary>Asks the region to end; returns its exit code.</summary>
    public async Task<int> StopAsync(TimeSpan limit)
    {
        await SignalAsync("TERM", _process!.Id);
        using var patience = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"The region did not end within {limit}. It said:\n{Output}");
        }

        await _reading.WaitAsync(Patience.Usual);
        return _process.ExitCode;
    }

    public static async Task SignalAsync(string signal, params IEnumerable<int> processes)
    {
        using var kill = Process.Start("kill", ["-" + signal, .. processes.Select(Text)]);
        await kill.WaitForExitAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (Runs)
        {
            _process!.Kill();
            await _process.WaitForExitAsync();
        }

        await _reading.WaitAsync(Patience.Usual);
        _process?.Dispose();
        await StopDatabaseAsync();
        if (Directory.Exists(DataFolder))
            Directory.Delete(DataFolder, recursive: true);
    }

    // Of a region that was killed; one that was stopped has stopped it.
    private async Task StopDatabaseAsync()
    {
        var file = Path.Combine(DataFolder, "postgres", "cluster", "postmaster.pid");
        if (!File.Exists(file))
            return;
        await SignalAsync("INT", int.Parse((await File.ReadAllLinesAsync(file))[0], CultureInfo.InvariantCulture));
        await Patience.UntilAsync(() => !File.Exists(file), "the database of the killed region stopped");
    }

    private async Task ReadAsync(StreamReader from)
    {
        while (await from.ReadLineAsync() is { } line)
        {
            lock (_output)
                _output.Add(line);
            _lines.Writer.TryWrite(line);
        }
    }

    private static Process Launch(IEnumerable<string> arguments) => Process.Start(
        new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "pumps-region.dll"), .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true,
        })!;

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
