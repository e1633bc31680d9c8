using System.Collections.Concurrent;
using System.Threading.Tasks.Sources;

namespace Pumps.LocalRegion.Hubs;

/// <summary>Waits for one event. Taken from a pool: the gateway appends tens of thousands a second.</summary>
internal sealed class SingleAppend : IAppendWaiter, IValueTaskSource
{
    private const int PooledMax = 4096;

    private static readonly ConcurrentQueue<SingleAppend> Pool = new();

    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

    private SingleAppend()
    {
    }

    public static SingleAppend Take() => Pool.TryDequeue(out var pooled) ? pooled : new();

    public ValueTask Task => new(this, _core.Version);

    public void Done(Exception? error)
    {
        if (error is null)
            _core.SetResult(true);
        else
            _core.SetException(error);
    }

    public void GetResult(short token)
    {
        try
        {
            _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            if (Pool.Count < PooledMax)
                Pool.Enqueue(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}

/// <summary>Waits for the parts of a publish that went to several partitions.</summary>
internal sealed class Publication : IAppendWaiter
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // The publisher holds one part itself until all parts are handed over.
    private int _parts = 1;
    private Exception? _error;

    public Task Task => _done.Task;

    public void Expect() => Interlocked.Increment(ref _parts);

    public void Done(Exception? error)
    {
        if (error is not null)
            Interlocked.CompareExchange(ref _error, error, null);
        if (Interlocked.Decrement(ref _parts) > 0)
            return;

        if (_error is null)
            _done.SetResult();
        else
            _done.SetException(_error);
    }
}
