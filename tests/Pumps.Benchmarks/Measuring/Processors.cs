using System.Globalization;

namespace Pumps.Benchmarks.Measuring;

/// <summary>Processor time and memory of other processes and of single threads, from Linux's <c>/proc</c>; zero where there is none.</summary>
internal static class Processors
{
    // The unit of times in /proc, USER_HZ: 100 on every architecture that .NET runs on.
    private const double TicksPerSecond = 100;

    /// <summary>Seconds of a process and all its descendants, the dead ones that were waited for included.</summary>
    public static double SecondsOfTree(int root)
    {
        if (!Directory.Exists("/proc/self"))
            return 0;

        var processes = Directory.EnumerateDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out var id) ? Read($"/proc/{id}/stat", id) : null)
            .OfType<Stat>().ToDictionary(p => p.Id);
        return processes.Values.Where(p => IsIn(p, root, processes)).Sum(p => p.Seconds + p.SecondsOfDead);
    }

    /// <summary>The file that tells the processor time of the thread that calls this.</summary>
    public static string? FileOfThisThread() =>
        new FileInfo("/proc/thread-self").LinkTarget is { } target ? $"/proc/{target}/stat" : null;

    public static double SecondsOfThread(string? file) => file is null ? 0 : Read(file, 0)?.Seconds ?? 0;

    /// <summary>Bytes of memory that a process has resident.</summary>
    public static long ResidentBytes(int id)
    {
        using var process = System.Diagnostics.Process.GetProcessById(id);
        return process.WorkingSet64;
    }

    private static bool IsIn(Stat process, int root, Dictionary<int, Stat> all)
    {
        for (Stat? at = process; at is not null; all.TryGetValue(at.Parent, out at))
            if (at.Id == root)
                return true;
        return false;
    }

    // "id (name) state ppid ...": the name may hold anything, so fields are counted from its last bracket. proc(5).
    private static Stat? Read(string file, int id)
    {
        try
        {
            var text = File.ReadAllText(file);
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return new(id, int.Parse(fields[1], CultureInfo.InvariantCulture), (Ticks(11) + Ticks(12)) / TicksPerSecond, (Ticks(13) + Ticks(14)) / TicksPerSecond);

            double Ticks(int field) => double.Parse(fields[field], CultureInfo.InvariantCulture);
        }
        catch (IOException)
        {
            return null; // It has ended since it was listed.
        }
    }

    private sealed record Stat(int Id, int Parent, double Seconds, double SecondsOfDead);
}
