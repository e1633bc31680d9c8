using System.Diagnostics;
using System.Net;

namespace Pumps.Benchmarks.Mqtt;

/// <summary>A region in a process of its own, as <c>pumps up</c> starts it: its memory and its processor time are nobody else's.</summary>
internal sealed class RegionProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan StopLimit = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly TaskCompletionSource<(Uri Api, IPEndPoint Mqtt)> _up = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Uri? _api;

    private RegionProcess(Process process) => _process = process;

    public int Id => _process.Id;

    public Uri Api { get; private set; } = null!;

    public IPEndPoint Mqtt { get; private set; } = null!;

    public static async Task<RegionProcess> StartAsync(string folder, string database, CancellationToken cancel)
    {
        var program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "pumps-region.exe" : "pumps-region");
        var process = new Process
        {
            StartInfo = new(program, ["up", "--data", folder, "--port", "0", "--mqtt-port", "0", "--mqtt-plain-port", "0", "--database", database])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            },
        };
        var region = new RegionProcess(process);
        process.OutputDataReceived += (_, line) => region.Read(line.Data);
        process.ErrorDataReceived += (_, line) => Console.Error.WriteLine(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            (region.Api, region.Mqtt) = await region._up.Task.WaitAsync(StartLimit, cancel);
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
        if (!_process.HasExited)
        {
            // A clean stop, as by a service manager. Not Ctrl-C's signal: what a shell has started in the background ignores that one.
            using var terminate = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            try
            {
                using var late = new CancellationTokenSource(StopLimit);
                await _process.WaitForExitAsync(late.Token);
            }
            catch (OperationCanceledException)
            {
                Console.Error.WriteLine($"The region did not stop within {StopLimit.TotalMinutes:0} minutes; it is killed.");
                _process.Kill(entireProcessTree: true);
                await _process.WaitForExitAsync();
            }
        }

        _process.Dispose();
    }

    // The lines that `pumps up` says when it is up: "API <url>docs", "MQTT, plain <address>:<port>".
    private void Read(string? line)
    {
        if (line is null)
            _up.TrySetException(new InvalidOperationException("The region has ended before it was up; what it says is above."));
        else if (line.StartsWith("API ", StringComparison.Ordinal))
            _api = new Uri(new Uri(line[4..].Trim()), "/");
        else if (line.StartsWith("MQTT, plain ", StringComparison.Ordinal))
            _up.TrySetResult((_api!, IPEndPoint.Parse(line["MQTT, plain ".Length..].Trim())));
        else if (_api is null && !line.Contains("region is up", StringComparison.Ordinal))
            Console.Error.WriteLine(line);
    }
}
