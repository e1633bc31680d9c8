namespace Pumps.Benchmarks.Measuring;

/// <summary>A folder for one run, gone after it. On the disk of the build's output: temporary folders may be memory, and nothing would be durable.</summary>
internal sealed class ScratchFolder : IDisposable
{
    public ScratchFolder(string name)
    {
        Path = Directory.CreateDirectory(System.IO.Path.Combine(AppContext.BaseDirectory, "runs", $"{name}-{Environment.ProcessId}")).FullName;
    }

    public string Path { get; }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
