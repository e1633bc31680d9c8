using System.Numerics;
using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion.Hubs;

/// <summary>One partition: group commit in front of its log, consumers behind it.</summary>
/// <remarks>
/// Appends gather in memory while the log is being written; as soon as it is, all that has come is written and synced at once.
/// So a lone append waits for one sync, and a thousand wait for one sync together. Nothing runs while nothing comes.
/// </remarks>
internal sealed class HubPartition : IAsyncDisposable
{
    // What gathers during one sync. Whoever comes beyond it waits for the next.
    private const int PendingBytesMax = 1 << 20;

    // A partition that refused and gets no more events would be called unwritable for ever.
    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(1);

    private readonly HubSettings _hub;
    private readonly HubStorageOptions _options;
    private readonly string _folder;
    private readonly FlushThreads _threads;
    private readonly DiskSpace _disk;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly StringCache _strings = new();

    private readonly Lock _gate = new();
    private readonly Lock _trimGate = new();
    private PendingAppends _pending = new();
    private PendingAppends _writing = new();
    private bool _scheduled;
    private bool _closed;
    private TaskCompletionSource? _arrival;
    private TaskCompletionSource? _room;
    private DateTimeOffset _lastEnqueuedAt;

    private volatile PartitionLog _log;
    private bool _broken;
    private volatile string? _refusal;
    private ITimer? _retry;
    private long _lastOrdinal;
    private (long Address, DateTimeOffset EnqueuedAt) _nextSegment;

    public HubPartition(
        HubSettings hub, int number, HubStorageOptions options, FlushThreads threads, DiskSpace disk, TimeProvider time, ILogger logger)
    {
        (_hub, Number, _options, _threads, _disk, _time, _logger) = (hub, number, options, threads, disk, time, logger);
        _folder = Path.Combine(options.Folder, hub.Name, $"{number}");
        _log = new PartitionLog(_folder, options);

        var last = _log.LastRecord().Span;
        if (!last.IsEmpty)
            (_lastOrdinal, _lastEnqueuedAt) = (EventRecord.Ordinal(last), EventRecord.EnqueuedAt(last));

        var first = _log.FirstRecord(_log.Begin).Span;
        OrdinalBeforeFirst = first.IsEmpty ? _lastOrdinal : EventRecord.Ordinal(first) - 1;
        Positions = [.. hub.ConsumerGroups.Select(group => new ConsumerPosition(hub.Name, group, number))];
    }

    public int Number { get; }

    public IReadOnlyList<ConsumerPosition> Positions { get; }

    /// <summary>Ordinal of the newest durable event; 0 when there never was one.</summary>
    public long LastOrdinal => Volatile.Read(ref _lastOrdinal);

    public long Begin => _log.Begin;

    public long DurableUntil => _log.DurableUntil;

    /// <summary>Why the last write failed; null when all is well.</summary>
    public string? Refusal => _refusal;

    /// <summary>What a group that begins with the oldest event has behind it.</summary>
    public long OrdinalBeforeFirst { get; }

    /// <summary>Takes the event if there is room now.</summary>
    public bool TryAppend(in OutgoingEvent e, int size, IAppendWaiter waiter)
    {
        bool schedule;
        lock (_gate)
        {
            if (!HasRoom(size))
                return false;

            _pending.Add(e, size, EnqueuedNow());
            _pending.Waiters.Add(waiter);
            schedule = !_scheduled;
            _scheduled = true;
        }

        if (schedule)
            _threads.Enqueue(this);
        return true;
    }

    /// <summary>Takes the events in their order, waiting for room where there is none. The publication hears when they are durable.</summary>
    /// <param name="which">Indexes into <paramref name="events"/> and <paramref name="sizes"/>.</param>
    public async ValueTask AppendAsync(
        IReadOnlyList<OutgoingEvent> events, int[] sizes, ReadOnlyMemory<int> which, Publication publication, CancellationToken cancel)
    {
        while (true)
        {
            which = which[TakeWhatFits(events, sizes, which.Span, publication)..];
            if (which.IsEmpty)
                return;
            await WaitForRoomAsync(sizes[which.Span[0]], cancel);
        }
    }

    /// <exception cref="HubFullException">The slowest consumer group has made no room in time.</exception>
    public async Task WaitForRoomAsync(int size, CancellationToken cancel)
    {
        var started = _time.GetTimestamp();
        Trim();
        while (true)
        {
            Task room;
            lock (_gate)
            {
                if (HasRoom(size))
                    return;
                room = (_room ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            var left = _options.FullTimeout - _time.GetElapsedTime(started);
            try
            {
                await room.WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, _time, cancel);
            }
            catch (TimeoutException)
            {
                throw new HubFullException(
                    $"Hub {_hub.Name}, partition {Number} is at its limit of {_hub.LimitBytes >> 20} MiB{SlowestText()}. The events are not lost: publish again when there is room.");
            }
        }
    }

    /// <summary>Writes what has gathered. Called by a flush thread, never by two at once.</summary>
    public void Flush()
    {
        lock (_gate)
            (_pending, _writing) = (_writing, _pending);

        Exception? error = null;
        try
        {
            Write();
            WroteAgain();
        }
        catch (Exception e)
        {
            // It goes to everybody who waits; the thread serves other partitions too and lives on.
            error = e;
            Refused(e);
        }

        foreach (var waiter in _writing.Waiters)
            waiter.Done(error);
        _writing.Clear();

        bool again;
        TaskCompletionSource? arrival, room;
        lock (_gate)
        {
            again = _scheduled = !_pending.IsEmpty;
            (arrival, _arrival) = (error is null ? _arrival : null, error is null ? null : _arrival);
            (room, _room) = (_room, null);
        }

        arrival?.SetResult();
        room?.SetResult();
        if (again)
            _threads.Enqueue(this);
    }

    /// <summary>Returns when there is something durable behind the address.</summary>
    public Task WaitForEventsAsync(long address, CancellationToken cancel)
    {
        lock (_gate)
        {
            if (_log.DurableUntil > address)
                return Task.CompletedTask;
            return (_arrival ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task.WaitAsync(cancel);
        }
    }

    /// <summary>Reads durable events from an address on.</summary>
    /// <param name="buffer">Holds what was read until the next read into it.</param>
    public ReadEvents Read(long from, long ordinal, int eventsMax, int bytesMax, ReadBuffer buffer)
    {
        while (true)
        {
            var log = _log;
            try
            {
                return Read(log, from, ordinal, eventsMax, bytesMax, buffer);
            }
            catch (ObjectDisposedException) when (log != _log)
            {
                // The log was opened again after a failed write; the new one has the same events.
            }
        }
    }

    /// <summary>Removes old segments, never one that a consumer group still needs after a restart.</summary>
    public void Trim()
    {
        lock (_trimGate)
        {
            var log = _log;
            var needed = Positions.Count == 0 ? log.DurableUntil : Positions.Min(p => p.DurableAddress);
            var oldest = _time.GetUtcNow() - _hub.RetentionAge;

            // Handled events must never be what fills the hub.
            var bytesMax = Math.Min(_hub.RetentionBytes, _hub.LimitBytes / 2);

            var begin = log.Begin;
            foreach (var start in log.SegmentStarts().TakeWhile(start => start <= needed))
            {
                if (log.DurableUntil - begin <= bytesMax && StartOf(log, start) > oldest)
                    break;
                begin = start;
            }

            if (begin == log.Begin)
                return;
            log.RemoveBefore(begin);
        }

        TaskCompletionSource? room;
        lock (_gate)
            (room, _room) = (_room, null);
        room?.SetResult();
    }

    /// <summary>Takes no more; returns when all that was taken is written.</summary>
    public async ValueTask DisposeAsync()
    {
        while (true)
        {
            Task busy;
            lock (_gate)
            {
                _closed = true;
                if (!_scheduled)
                    break;
                busy = (_room ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }

            await busy;
        }

        _retry?.Dispose();
        try
        {
            if (!_broken)
                _log.MarkClosed();
        }
        finally
        {
            _log.Dispose();
        }
    }

    private int TakeWhatFits(IReadOnlyList<OutgoingEvent> events, int[] sizes, ReadOnlySpan<int> which, Publication publication)
    {
        var taken = 0;
        var schedule = false;
        lock (_gate)
        {
            while (taken < which.Length && HasRoom(sizes[which[taken]]))
            {
                _pending.Add(events[which[taken]], sizes[which[taken]], EnqueuedNow());
                taken++;

                // From here on the buffer is not empty: it must have a waiter.
                if (taken == 1)
                {
                    publication.Expect();
                    _pending.Waiters.Add(publication);
                }
            }

            if (taken > 0)
            {
                schedule = !_scheduled;
                _scheduled = true;
            }
        }

        if (schedule)
            _threads.Enqueue(this);
        return taken;
    }

    private bool HasRoom(int size)
    {
        ObjectDisposedException.ThrowIf(_closed, this);
        if (!_pending.IsEmpty && _pending.Bytes + size > PendingBytesMax)
            return false;
        return _log.DurableUntil - _log.Begin + _writing.Bytes + _pending.Bytes + size <= _hub.LimitBytes;
    }

    private DateTimeOffset EnqueuedNow()
    {
        // A clock that is set back must not make events older than those before them.
        var now = _time.GetUtcNow();
        return _lastEnqueuedAt = now > _lastEnqueuedAt ? now : _lastEnqueuedAt;
    }

    private void Write()
    {
        _disk.ThrowIfLow();
        if (_broken)
            OpenAgain();

        var ordinal = _lastOrdinal;
        try
        {
            var at = 0;
            while (_writing.TryNext(ref at, out var record))
            {
                EventRecord.SetOrdinal(record, ++ordinal);
                _log.Append(record);
            }

            if (_writing.IsEmpty)
                _log.TryDisk();
            _log.Commit();
        }
        catch
        {
            // FASTER refuses every further append after a failed write, and part of this one may be in the files.
            _broken = true;
            throw;
        }

        Volatile.Write(ref _lastOrdinal, ordinal);
    }

    private void OpenAgain()
    {
        var old = _log;
        _log = new PartitionLog(_folder, _options, old.DurableUntil);
        _broken = false;
        old.Dispose();
    }

    private void Refused(Exception e)
    {
        if (_refusal is null)
            _logger.AppendsRefused(_hub.Name, Number, e);
        _refusal = e.Message;
        _retry ??= _time.CreateTimer(_ => WriteNothing(), null, RetryEvery, RetryEvery);
    }

    /// <summary>Finds out whether it would write again.</summary>
    private void WriteNothing()
    {
        lock (_gate)
        {
            if (_scheduled || _closed)
                return;
            _scheduled = true;
        }

        _threads.Enqueue(this);
    }

    private void WroteAgain()
    {
        if (_refusal is null)
            return;
        _refusal = null;
        _retry?.Dispose();
        _retry = null;
        _logger.AppendsAccepted(_hub.Name, Number);
    }

    private ReadEvents Read(PartitionLog log, long from, long ordinal, int eventsMax, int bytesMax, ReadBuffer buffer)
    {
        from = Math.Max(from, log.Begin);
        var length = (int)Math.Min(log.DurableUntil - from, Math.Max(bytesMax, PartitionLog.PageBytes));
        if (length <= 0)
            return new ReadEvents([], from, ordinal);

        var bytes = buffer.Take(length);
        ReadOnlyMemory<byte> rest = bytes[..log.Read(from, bytes.Span)];
        var events = new List<HubEvent>((int)Math.Clamp(LastOrdinal - ordinal, 1, Math.Min(eventsMax, length / EventRecord.HeaderSize)));
        var next = from;
        while (events.Count < eventsMax && log.TryNext(ref next, ref rest, out var sequence, out var record))
        {
            events.Add(EventRecord.Read(sequence, record, _strings));
            ordinal = EventRecord.Ordinal(record.Span);
        }

        return new ReadEvents(events, next, ordinal);
    }

    private DateTimeOffset StartOf(PartitionLog log, long segmentStart)
    {
        if (_nextSegment.Address != segmentStart)
        {
            var first = log.FirstRecord(segmentStart).Span;
            _nextSegment = (segmentStart, first.IsEmpty ? DateTimeOffset.MaxValue : EventRecord.EnqueuedAt(first));
        }

        return _nextSegment.EnqueuedAt;
    }

    private string SlowestText() =>
        Positions.MinBy(p => p.DurableAddress) is { } slowest
            ? $", and consumer group {slowest.Group} has {LastOrdinal - slowest.Handled.Ordinal} events still to handle"
            : "";
}

/// <summary>Events that were read.</summary>
/// <param name="Next">Where the next read goes on.</param>
internal sealed record ReadEvents(IReadOnlyList<HubEvent> Events, long Next, long LastOrdinal);

/// <summary>The memory of one reader. Its own, not a pool's: a pool keeps as many large arrays as threads have ever returned one.</summary>
internal sealed class ReadBuffer
{
    // A reader that has caught up gives back what it took while it was behind.
    private const int KeptBytes = 1 << 20;

    private byte[] _bytes = [];

    public Memory<byte> Take(int length)
    {
        if (_bytes.Length < length || (_bytes.Length > KeptBytes && length < _bytes.Length / 16))
            _bytes = GC.AllocateUninitializedArray<byte>((int)BitOperations.RoundUpToPowerOf2((uint)length));
        return _bytes.AsMemory(0, length);
    }
}
