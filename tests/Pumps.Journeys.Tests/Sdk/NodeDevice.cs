using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;

namespace Pumps.Journeys.Tests.Sdk;

/// <summary>Runs <c>device.js</c>: a device on Microsoft's own SDK, in its own process.</summary>
internal sealed class NodeDevice : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly Lazy<Task> Installed = new(InstallAsync);

    private readonly Process _process;
    private readonly Channel<JsonElement> _lines = Channel.CreateUnbounded<JsonElement>();
    private readonly Task _reading;
    private readonly Task<string> _errors;

    private NodeDevice(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync();
        _reading = ReadAsync();
    }

    private static string Folder { get; } = FindFolder();

    public static async Task<NodeDevice> StartAsync(string scenario, string connectionString, string authorityFile, params string[] more)
    {
        await Installed.Value;
        return new(Start("node", ["device.js", scenario, connectionString, authorityFile, .. more], authorityFile));
    }

    /// <summary>The next line, which must say this.</summary>
    public async Task<JsonElement> ExpectAsync(string what)
    {
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var line = await _lines.Reader.ReadAsync(patience.Token);
            Assert.That(line.GetProperty("what").GetString(), Is.EqualTo(what), line.ToString());
            return line;
        }
        catch (Exception e) when (e is ChannelClosedException or OperationCanceledException)
        {
            throw new InvalidOperationException($"The device ended or was silent for {Patience}; it should have said '{what}'. {await ErrorsAsync()}", e);
        }
    }

    /// <summary>Awaits the end of the process, which must be a good one.</summary>
    public async Task EndAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        await _process.WaitForExitAsync(patience.Token);
        await _reading;
        Assert.That(_process.ExitCode, Is.Zero, await _errors);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync();
        await _reading;
        _process.Dispose();
    }

    private async Task<string> ErrorsAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        return await _errors;
    }

    private async Task ReadAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            await TestContext.Progress.WriteLineAsync("device: " + line);
            _lines.Writer.TryWrite(JsonDocument.Parse(line).RootElement);
        }

        _lines.Writer.Complete();
    }

    private static async Task InstallAsync()
    {
        // npm writes this file when it has installed what the lock file says.
        var installed = new FileInfo(Path.Combine(Folder, "node_modules", ".package-lock.json"));
        if (installed.Exists && installed.LastWriteTimeUtc >= File.GetLastWriteTimeUtc(Path.Combine(Folder, "package-lock.json"))) return;
        using var npm = Start("npm", ["ci", "--no-audit", "--no-fund"]);
        var output = npm.StandardOutput.ReadToEndAsync();
        var errors = npm.StandardError.ReadToEndAsync();
        await npm.WaitForExitAsync();
        Assert.That(npm.ExitCode, Is.Zero, $"'npm ci' in {Folder} did not install Microsoft's SDK: {await output} {await errors}");
    }

    /// <param name="authorityFile">For the provisioning SDK, which takes an authority only from the environment.</param>
    private static Process Start(string program, IEnumerable<string> arguments, string? authorityFile = null)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = Folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment = { ["NODE_EXTRA_CA_CERTS"] = authorityFile },
            })!;
        }
        catch (Win32Exception e)
        {
            throw new InvalidOperationException($"'{program}' cannot be started. This journey runs Microsoft's device SDK: install Node.js 18 or later with npm.", e);
        }
    }

    private static string FindFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (Path.Combine(folder.FullName, "tests", "Pumps.Journeys.Tests", "Sdk") is var sdk && File.Exists(Path.Combine(sdk, "device.js")))
                return sdk;
        throw new InvalidOperationException("tests/Pumps.Journeys.Tests/Sdk/device.js is not above the folder of the tests.");
    }
}
