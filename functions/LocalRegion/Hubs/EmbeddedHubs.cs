using System.Buffers;
using System.Text.RegularExpressions;
using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion.Hubs;

/// <summary>The local region's Event Hubs: partitioned durable logs in one folder, with consumer groups.</summary>
/// <remarks>
/// What a publish has returned for survives kill -9 and a loss of power. Events of one key keep their order. Delivery is at least
/// once: after a crash a group sees again what it handled since its last saved checkpoint (<see cref="HubStorageOptions.CheckpointInterval"/>).
/// </remarks>
public sealed partial class EmbeddedHubs : IHubPublisher, IAsyncDisposable
{
    /// <summary>Largest event, with key, properties and body.</summary>
    public const int EventBytesMax = PartitionLog.RecordBytesMax;

    // Age makes old segments removable while nothing happens.
    private static readonly TimeSpan TrimInterval = TimeSpan.FromMinutes(1);

    private readonly HubStorageOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly FileStream _lock;
    private readonly FlushThreads _threads;
    private readonly Dictionary<string, HubPartition[]> _hubs;
    private readonly ConsumerPosition[] _positions;
    private readonly string _checkpointPath;

    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _saving = new(1);
    private readonly Task _saver;
    private TaskCompletionSource _changed = NewSignal();
    private bool _unsaved;

    private EmbeddedHubs(
        HubStorageOptions options, TimeProvider time, ILogger logger, FileStream lockFile, FlushThreads threads, Dictionary<string, HubPartition[]> hubs)
    {
        (_options, _time, _logger, _lock, _threads, _hubs) = (options, time, logger, lockFile, threads, hubs);
        _positions = [.. hubs.Values.SelectMany(h => h).SelectMany(p => p.Positions)];
        _checkpointPath = Path.Combine(options.Folder, "checkpoints");
        StartPositions();
        _saver = Task.WhenAll(SaveWhenChangedAsync(), TrimByAgeAsync());
    }

    /// <summary>Opens the hubs, creating what is not there.</summary>
    /// <exception cref="InvalidDataException">What is stored does not fit the settings, or is damaged.</exception>
    public static EmbeddedHubs Open(HubStorageOptions options, IReadOnlyList<HubSettings> hubs, TimeProvider time, ILogger<EmbeddedHubs> logger)
    {
        Directory.CreateDirectory(options.Folder);
        Check(options, hubs);
        var lockFile = Lock(options.Folder);
        var threads = new FlushThreads();
        try
        {
            var disk = new DiskSpace(options);
            var opened = hubs
                .SelectMany(hub => Enumerable.Range(0, hub.Partitions).Select(number => (Hub: hub, Number: number)))
                .AsParallel().AsOrdered()
                .Select(p => (p.Hub.Name, Partition: new HubPartition(p.Hub, p.Number, options, threads, disk, time, logger)))
                .ToList();
            return new EmbeddedHubs(
                options, time, logger, lockFile, threads, opened.GroupBy(p => p.Name, p => p.Partition).ToDictionary(g => g.Key, g => g.ToArray()));
        }
        catch (Exception e)
        {
            threads.Dispose();
            lockFile.Dispose();
            if (e is AggregateException { InnerExceptions: [var first, ..] })
                throw new InvalidDataException($"The hubs in '{options.Folder}' cannot be opened: {first.Message}", e);
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task PublishAsync(string hub, IReadOnlyList<OutgoingEvent> events, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var partitions = Partitions(hub);
        var count = events.Count;
        if (count == 0)
            return;

        var sizes = ArrayPool<int>.Shared.Rent(count);
        var order = ArrayPool<int>.Shared.Rent(count);
        try
        {
            var ends = GroupByPartition(events, partitions.Length, sizes, order);
            var publication = new Publication();
            Exception? error = null;
            try
            {
                for (var i = 0; i < partitions.Length; i++)
                {
                    var from = i == 0 ? 0 : ends[i - 1];
                    if (ends[i] > from)
                        await partitions[i].AppendAsync(events, sizes, order.AsMemory(from, ends[i] - from), publication, cancel);
                }
            }
            catch (Exception e)
            {
                error = e;
            }

            publication.Done(error);
            await publication.Task;
        }
        finally
        {
            ArrayPool<int>.Shared.Return(sizes);
            ArrayPool<int>.Shared.Return(order);
        }
    }

    /// <summary>Appends one event; completes when it is durable. Made for thousands of callers at once: they share one sync.</summary>
    public ValueTask AppendAsync(string hub, in OutgoingEvent e)
    {
        var partitions = Partitions(hub);
        var partition = partitions[PartitionOf.Key(e.Key, partitions.Length)];
        var size = EventRecord.Measure(e, EventBytesMax);
        var waiter = SingleAppend.Take();
        return partition.TryAppend(e, size, waiter) ? waiter.Task : AppendWhenRoomAsync(partition, e, size, waiter);
    }

    /// <summary>How far every consumer group is behind, by hub, group and partition.</summary>
    public IReadOnlyList<HubLag> Lags()
    {
        var now = _time.GetUtcNow();
        return
        [
            .. from hub in _hubs
               from partition in hub.Value
               from position in partition.Positions
               let events = Math.Max(0, partition.LastOrdinal - position.Handled.Ordinal)
               let since = events == 0 ? now : position.Since
               select new HubLag(
                   position.Service, hub.Key, position.Group, partition.Number, events, since == default || since > now ? TimeSpan.Zero : now - since, position.Error),
        ];
    }

    /// <summary>Hubs that refuse appends, such as for want of disk, each with the reason.</summary>
    public IReadOnlyDictionary<string, string> Unwritable() =>
        _hubs.Select(h => (h.Key, Refusal: h.Value.Select(p => p.Refusal).FirstOrDefault(r => r is not null)))
            .Where(h => h.Refusal is not null)
            .ToDictionary(h => h.Key, h => h.Refusal!);

    /// <summary>Writes what was handled so far to disk, now. Otherwise it happens by itself.</summary>
    public async Task SaveCheckpointsAsync()
    {
        await _saving.WaitAsync();
        try
        {
            if (!Interlocked.Exchange(ref _unsaved, false))
                return;
            try
            {
                var positions = Array.ConvertAll(_positions, p => (Of: p, At: p.Handled));
                CheckpointFile.Write(_checkpointPath, positions);
                foreach (var (of, at) in positions)
                    of.Saved(at);
            }
            catch
            {
                Volatile.Write(ref _unsaved, true);
                throw;
            }

            foreach (var partition in _hubs.Values.SelectMany(p => p))
                partition.Trim();
        }
        finally
        {
            _saving.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested)
            return;
        await _stop.CancelAsync();
        await _saver;
        try
        {
            foreach (var partition in _hubs.Values.SelectMany(p => p))
                await partition.DisposeAsync();
            await SaveCheckpointsAsync();
        }
        finally
        {
            _threads.Dispose();
            await _lock.DisposeAsync();
            _saving.Dispose();
            _stop.Dispose();
        }
    }

    internal HubPartition[] Partitions(string hub) =>
        _hubs.TryGetValue(hub, out var partitions)
            ? partitions
            : throw new ArgumentException($"There is no hub '{hub}'. The catalog's routes declare: {string.Join(", ", _hubs.Keys)}.");

    internal void Advance(ConsumerPosition position, long address, long ordinal)
    {
        position.Advance(address, ordinal);
        Volatile.Write(ref _unsaved, true);
        _changed.TrySetResult();
    }

    private static async ValueTask AppendWhenRoomAsync(HubPartition partition, OutgoingEvent e, int size, SingleAppend waiter)
    {
        do
            await partition.WaitForRoomAsync(size, CancellationToken.None);
        while (!partition.TryAppend(e, size, waiter));
        await waiter.Task;
    }

    // Counting sort: the indexes of partition 0 first, then those of 1, ..., each in the given order. Gives the end of each part.
    private static int[] GroupByPartition(IReadOnlyList<OutgoingEvent> events, int partitions, int[] sizes, int[] order)
    {
        var count = events.Count;
        var partitionOf = ArrayPool<int>.Shared.Rent(count);
        var ends = new int[partitions];
        for (var i = 0; i < count; i++)
        {
            sizes[i] = EventRecord.Measure(events[i], EventBytesMax);
            ends[partitionOf[i] = PartitionOf.Key(events[i].Key, partitions)]++;
        }

        for (var i = 1; i < partitions; i++)
            ends[i] += ends[i - 1];
        var at = (int[])ends.Clone();
        for (var i = count - 1; i >= 0; i--)
            order[--at[partitionOf[i]]] = i;

        ArrayPool<int>.Shared.Return(partitionOf);
        return ends;
    }

    private static void Check(HubStorageOptions options, IReadOnlyList<HubSettings> hubs)
    {
        if (options.SegmentBytes < PartitionLog.PageBytes || !int.IsPow2(options.SegmentBytes))
            throw new ArgumentException($"SegmentBytes is {options.SegmentBytes}; it must be a power of two and at least {PartitionLog.PageBytes}.");

        foreach (var hub in hubs)
        {
            foreach (var name in hub.ConsumerGroups.Append(hub.Name))
                if (!NamePattern().IsMatch(name))
                    throw new ArgumentException($"'{name}' is no name for a hub or consumer group: use letters, digits, '-', '_', '.' and '$'.");
            if (hub.Partitions is < 1 or > 32)
                throw new ArgumentException($"Hub {hub.Name} has {hub.Partitions} partitions; a hub has 1 to 32.");

            var folder = Path.Combine(options.Folder, hub.Name);
            var stored = Directory.Exists(folder) ? Directory.GetDirectories(folder) : [];
            if (stored.Length != hub.Partitions && stored.Any(partition => Directory.EnumerateFiles(partition).Any()))
                throw new InvalidDataException(
                    $"Hub {hub.Name} is stored with {stored.Length} partitions in '{folder}', the catalog says {hub.Partitions}. Another number would break the order of events per device: set it back, or move the folder away after all consumer groups have caught up.");
        }
    }

    private static FileStream Lock(string folder)
    {
        try
        {
            return new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e)
        {
            throw new IOException($"The hubs in '{folder}' are in use by another process.", e);
        }
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void StartPositions()
    {
        var saved = CheckpointFile.Read(_checkpointPath);
        foreach (var partition in _hubs.Values.SelectMany(p => p))
            foreach (var position in partition.Positions)
            {
                if (!saved.TryGetValue((position.Hub, position.Group, partition.Number), out var at))
                    at = (partition.Begin, partition.OrdinalBeforeFirst);
                else if (at.Address > partition.DurableUntil)
                {
                    _logger.CheckpointBeyondLog(position.Hub, position.Group, partition.Number, at.Address, partition.DurableUntil);
                    at = (partition.DurableUntil, partition.LastOrdinal);
                }

                position.Start(at.Address, at.Ordinal);
            }
    }

    private async Task SaveWhenChangedAsync()
    {
        var failing = false;
        try
        {
            while (true)
            {
                await _changed.Task.WaitAsync(_stop.Token);
                await Task.Delay(_options.CheckpointInterval, _time, _stop.Token);
                _changed = NewSignal();
                try
                {
                    await SaveCheckpointsAsync();
                    if (failing)
                        _logger.CheckpointsSavedAgain();
                    failing = false;
                }
                catch (IOException e)
                {
                    if (!failing)
                        _logger.CheckpointsNotSaved(e);
                    failing = true;
                    _changed.TrySetResult();
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Closing saves once more, after the last append.
        }
    }

    private async Task TrimByAgeAsync()
    {
        using var timer = new PeriodicTimer(TrimInterval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token))
                foreach (var partition in _hubs.Values.SelectMany(p => p))
                    partition.Trim();
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Closing.
        }
    }

    [GeneratedRegex(@"^[A-Za-z0-9$][A-Za-z0-9._$-]*$")]
    private static partial Regex NamePattern();
}
