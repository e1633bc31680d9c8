using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion.Hubs;

/// <summary>What one service reads, and how.</summary>
/// <param name="Service">Name in metrics and logs.</param>
public sealed record HubPumpOptions(string Service, string Hub, string Group)
{
    /// <summary>Events in a batch, at most. A service that keeps up gets smaller ones.</summary>
    public int EventsMax { get; init; } = 5000;

    /// <summary>Bytes of log in a batch, at most; one event may be larger.</summary>
    public int BytesMax { get; init; } = 2 << 20;

    /// <summary>
    /// Least time between the starts of two batches that are not full. Under load events coalesce this long; an event that comes
    /// alone is handled at once.
    /// </summary>
    public TimeSpan Linger { get; init; }

    /// <summary>Events in a batch from which on the service counts as busy, and <see cref="BusyLinger"/> takes the place of <see cref="Linger"/>.</summary>
    public int BusyEvents { get; init; } = int.MaxValue;

    /// <summary>Under heavy load: a store that writes each device once per batch writes less when batches are larger.</summary>
    public TimeSpan BusyLinger { get; init; }

    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Brings the events of a hub to a handler, for one consumer group: one loop per partition.</summary>
/// <remarks>
/// In order, at least once, and never past a batch that the handler has not taken: a batch that throws is brought again, the same
/// events, after a growing pause, without end. A loop with nothing to do waits on a signal and costs nothing.
/// </remarks>
public sealed class HubPump(
    EmbeddedHubs hubs, HubPumpOptions options, Func<HubBatch, CancellationToken, Task> handler, TimeProvider time, ILogger<HubPump> logger)
{
    private static readonly TimeSpan LingerStep = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs until cancelled; then returns when every loop has stopped and what was handled is saved.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var loops = hubs.Partitions(options.Hub).Select(partition => Task.Run(() => RunAsync(partition, PositionIn(partition), cancel), CancellationToken.None));
        try
        {
            await Task.WhenAll(loops);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            await hubs.SaveCheckpointsAsync();
        }
    }

    private ConsumerPosition PositionIn(HubPartition partition)
    {
        var position = partition.Positions.FirstOrDefault(p => p.Group == options.Group)
            ?? throw new ArgumentException(
                $"Hub {options.Hub} has no consumer group '{options.Group}'. The catalog's routes declare: {string.Join(", ", partition.Positions.Select(p => p.Group))}.");
        position.Service = options.Service;
        return position;
    }

    private async Task RunAsync(HubPartition partition, ConsumerPosition position, CancellationToken cancel)
    {
        var buffer = new ReadBuffer();
        var lastStart = long.MinValue;
        var lastEvents = 0L;
        while (true)
        {
            var (address, ordinal) = position.Handled;
            await partition.WaitForEventsAsync(address, cancel);
            await LingerAsync(partition, ordinal, lastEvents < options.BusyEvents ? options.Linger : options.BusyLinger, lastStart, cancel);
            lastStart = time.GetTimestamp();

            var (next, lastOrdinal) = await HandleNextAsync(partition, position, buffer, cancel);
            lastEvents = lastOrdinal - ordinal;
            hubs.Advance(position, next, lastOrdinal);
        }
    }

    private async Task LingerAsync(HubPartition partition, long handled, TimeSpan linger, long lastStart, CancellationToken cancel)
    {
        if (linger == TimeSpan.Zero || lastStart == long.MinValue)
            return;

        // In steps: a batch that has become full meanwhile goes at once.
        while (partition.LastOrdinal - handled < options.EventsMax && linger - time.GetElapsedTime(lastStart) is { Ticks: > 0 } left)
            await Task.Delay(left < LingerStep ? left : LingerStep, time, cancel);
    }

    private async Task<(long Next, long LastOrdinal)> HandleNextAsync(
        HubPartition partition, ConsumerPosition position, ReadBuffer buffer, CancellationToken cancel)
    {
        ReadEvents? read = null;
        var pause = options.FirstRetry;
        while (true)
        {
            try
            {
                cancel.ThrowIfCancellationRequested();
                read ??= Read(partition, position, buffer);
                if (read.Events.Count > 0)
                    await handler(new HubBatch(options.Hub, $"{partition.Number}", read.Events), cancel);
                HandledAgain(position);
                return (read.Next, read.LastOrdinal);
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancel.IsCancellationRequested)
            {
                // The pump is the host: here, and nowhere before, an exception ends; its batch does not.
                Fails(position, read, e);
            }

            await Task.Delay(pause, time, cancel);
            pause = pause * 2 < options.LongestRetry ? pause * 2 : options.LongestRetry;
        }
    }

    private ReadEvents Read(HubPartition partition, ConsumerPosition position, ReadBuffer buffer)
    {
        var (address, ordinal) = position.Handled;
        var read = partition.Read(address, ordinal, options.EventsMax, options.BytesMax, buffer);
        if (read.Events.Count > 0)
            position.Reading(read.Events[0].EnqueuedAt);
        return read;
    }

    private void Fails(ConsumerPosition position, ReadEvents? read, Exception e)
    {
        if (position.Error is null)
        {
            var sequence = read is { Events: [var first, ..] } ? first.Sequence : position.Handled.Address;
            logger.BatchFails(options.Service, options.Hub, options.Group, position.Partition, sequence, read?.Events.Count ?? 0, e);
        }

        position.Error = e.Message;
    }

    private void HandledAgain(ConsumerPosition position)
    {
        if (position.Error is null)
            return;
        position.Error = null;
        logger.BatchHandledAgain(options.Service, options.Hub, options.Group, position.Partition);
    }
}
