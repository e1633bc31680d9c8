using System.Collections.Concurrent;

namespace Pumps.LocalRegion.Hubs;

/// <summary>The threads that write and sync. They block in the disk, so they are not the thread pool's.</summary>
internal sealed class FlushThreads : IDisposable
{
    // The file system joins concurrent syncs into one journal commit; more threads than this gave no more appends.
    private const int Threads = 4;

    private readonly BlockingCollection<HubPartition> _due = [];
    private readonly Thread[] _threads;

    public FlushThreads()
    {
        _threads = [.. Enumerable.Range(0, Threads).Select(i => new Thread(Run) { IsBackground = true, Name = $"hub flush {i}" })];
        foreach (var thread in _threads)
            thread.Start();
    }

    public void Enqueue(HubPartition partition) => _due.Add(partition);

    public void Dispose()
    {
        _due.CompleteAdding();
        foreach (var thread in _threads)
            thread.Join();
        _due.Dispose();
    }

    private void Run()
    {
        foreach (var partition in _due.GetConsumingEnumerable())
            partition.Flush();
    }
}
