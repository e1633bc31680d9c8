using System.Diagnostics;
using System.Globalization;

namespace Pumps.LocalRegion.Database;

/// <summary>The system's PostgreSQL programs, and how they are run: never as root, and out of reach of the terminal's Ctrl-C.</summary>
/// <param name="Bin">Folder of the programs.</param>
/// <param name="Account">The account they run under; null when it is the region's own.</param>
internal sealed record PostgresProgram(string Bin, string? Account)
{
    private const int VersionMin = 15;
    private const int SessionBytesKept = 32 << 20;

    public bool HasLz4 { get; } = Run(Path.Combine(Bin, "pg_config"), ["--configure"]).Contains("with-lz4", StringComparison.Ordinal);

    /// <summary>The newest server on this machine.</summary>
    public static PostgresProgram Find()
    {
        var bin = Candidates().FirstOrDefault(folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres")))
            ?? throw new InvalidOperationException(
                "No PostgreSQL server on this machine. Install one (Debian, Ubuntu: apt-get install postgresql), or give a connection string.");

        var version = Run(Path.Combine(bin, "postgres"), ["--version"]);
        var major = version.Split(' ').Select(word => word.Split('.')[0]).Select(text => int.TryParse(text, CultureInfo.InvariantCulture, out var n) ? n : 0).Max();
        if (major < VersionMin)
            throw new InvalidOperationException($"{bin} has {version.Trim()}; {VersionMin} or newer is needed (Debian, Ubuntu: apt-get install postgresql).");

        return new(bin, Environment.IsPrivilegedProcess ? FindAccount() : null);
    }

    public Process Start(string program, params ReadOnlySpan<string> arguments)
    {
        // setsid: Ctrl-C in a terminal reaches every process of the session, and the server must outlive the region's last write.
        List<string> words = OperatingSystem.IsLinux() ? ["setsid", .. Command(program)] : [.. Command(program)];
        words.AddRange(arguments);
        // Its own pipes: one that outlives a killed region must not hold the terminal or pipe that the region wrote to.
        var start = new ProcessStartInfo(words[0], words.Skip(1)) { WorkingDirectory = "/", RedirectStandardOutput = true, RedirectStandardError = true };

        // glibc gives memory back to the system after every statement, and the next one faults it in again page by page: a tenth of the
        // server's time under load. A session keeps up to this much.
        start.Environment["MALLOC_TRIM_THRESHOLD_"] = start.Environment["MALLOC_MMAP_THRESHOLD_"] = $"{SessionBytesKept}";
        return Process.Start(start)!;
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="InvalidOperationException">It said no; the message has its words.</exception>
    public async Task RunAsync(string program, CancellationToken cancel, params string[] arguments)
    {
        string[] words = [.. Command(program), .. arguments];
        var start = new ProcessStartInfo(words[0], words.Skip(1)) { WorkingDirectory = "/", RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(cancel);
        var error = await process.StandardError.ReadToEndAsync(cancel);
        await process.WaitForExitAsync(cancel);
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {(error + await output).Trim()}");
    }

    public static string Run(string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} ended with {process.ExitCode}.");
    }

    private IEnumerable<string> Command(string program)
    {
        var path = Path.Combine(Bin, program);
        return Account is null
            ? [path]
            : ["setpriv", "--reuid", Account, "--regid", Account == "nobody" ? "nogroup" : Account, "--clear-groups", "--", path];
    }

    private static IEnumerable<string> Candidates()
    {
        const string Debian = "/usr/lib/postgresql";
        if (Directory.Exists(Debian))
            foreach (var version in Directory.GetDirectories(Debian)
                .OrderByDescending(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var n) ? n : 0))
                yield return Path.Combine(version, "bin");

        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries);
        foreach (var folder in path)
            yield return folder;

        if (path.Any(folder => File.Exists(Path.Combine(folder, "pg_config"))))
            yield return Run("pg_config", ["--bindir"]).Trim();
    }

    private static string FindAccount()
    {
        var accounts = File.ReadLines("/etc/passwd").Select(line => line.Split(':')[0]).ToHashSet();
        return accounts.Contains("postgres") ? "postgres"
            : accounts.Contains("nobody") ? "nobody"
            : throw new InvalidOperationException("PostgreSQL does not run as root, and there is neither an account \"postgres\" nor \"nobody\". "
                + "Add one (adduser --system postgres), or run the region under an account of its own.");
    }
}
