namespace Pumps.Benchmarks.Measuring;

/// <summary>A folder for one run, gone after it. Beside a region's own data: a temporary folder may be memory, and nothing would be durable.</summary>
internal sealed class ScratchFolder : IDisposable
{
    public ScratchFolder(string name)
    {
        Path = Directory.CreateDirectory(System.IO.Path.Combine(".local", "bench", $"{name}-{Environment.ProcessId}")).FullName;
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
