using Pumps.LocalRegion.Hubs;

namespace Pumps.LocalRegion.Archive;

/// <summary>What is archived, and how.</summary>
/// <param name="Folder">Below it: <c>{hub}/{partition}/{yyyy}/{MM}/{dd}/{HH}/{mm}/{ss}.avro</c>, the time at which the file was begun.</param>
public sealed record ArchiveOptions(string Folder, IReadOnlyList<string> Hubs)
{
    public string Group { get; init; } = "archive";

    /// <summary>Capture's default.</summary>
    public static readonly TimeSpan WindowDefault = TimeSpan.FromMinutes(5);

    /// <summary>Time that a file covers, from its first event on.</summary>
    public TimeSpan Window { get; init; } = WindowDefault;

    /// <summary>Bytes of log that a file covers. Capture's default.</summary>
    public long WindowBytes { get; init; } = 300L << 20;

    /// <summary>Deflate, which every Avro reader knows. Frames of one product shrink to a fifth.</summary>
    public bool Compress { get; init; } = true;

    /// <summary>Files begun longer ago than this are deleted; null keeps them for ever.</summary>
    public TimeSpan? RetentionAge { get; init; }

    public TimeSpan FirstRetry { get; init; } = TimeSpan.FromSeconds(1);

    public TimeSpan LongestRetry { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Keeps the raw hubs as Avro files, exactly as Event Hubs Capture does: the twin of the capture that Bicep sets on them.</summary>
/// <remarks>
/// No event is missing: the consumer group moves only when its file is durable and has its name. A clean stop closes the files.
/// After kill -9 between naming a file and saving the checkpoint (<see cref="HubStorageOptions.CheckpointInterval"/>) its events
/// are in the next file too; a replay gives both the same identity. The group is behind by up to a window by its nature.
/// </remarks>
public sealed class RawArchive(EmbeddedHubs hubs, ArchiveOptions options, TimeProvider time, ILogger<RawArchive> logger)
{
    private const string Unfinished = "unfinished.tmp";
    private const int ReadEventsMax = 5000;
    private const int ReadBytesMax = 1 << 20;

    // Nobody waits for the archive: events gather this long, so that a quiet device does not cost a read each.
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(500);

    private static readonly TimeSpan RetentionInterval = TimeSpan.FromHours(1);

    /// <summary>Runs until cancelled; then closes its files and returns.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var loops = options.Hubs
            .SelectMany(hub => hubs.Partitions(hub).Select(partition => (Partition: partition, Position: PositionIn(hub, partition))))
            .Select(p => Task.Run(() => RunAsync(p.Partition, p.Position, cancel), CancellationToken.None))
            .ToList();
        if (options.RetentionAge is { } age)
            loops.Add(RemoveOldAsync(age, cancel));

        try
        {
            await Task.WhenAll(loops);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            await hubs.SaveCheckpointsAsync();
        }
    }

    private ConsumerPosition PositionIn(string hub, HubPartition partition)
    {
        var position = partition.Positions.FirstOrDefault(p => p.Group == options.Group)
            ?? throw new ArgumentException($"Hub {hub} has no consumer group '{options.Group}'; a hub that is archived needs it in the catalog's routes.");
        position.Service = options.Group;
        return position;
    }

    private async Task RunAsync(HubPartition partition, ConsumerPosition position, CancellationToken cancel)
    {
        var buffer = new ReadBuffer();
        var pause = options.FirstRetry;
        while (true)
        {
            await partition.WaitForEventsAsync(position.Handled.Address, cancel);
            try
            {
                await WriteFileAsync(partition, position, buffer, cancel);
                pause = options.FirstRetry;
                if (position.Error is not null)
                    logger.ArchivesAgain(position.Hub, position.Partition);
                position.Error = null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidDataException or Avro.AvroException)
            {
                // The position has not moved: the next file begins where this one did.
                if (position.Error is null)
                    logger.ArchiveFails(position.Hub, position.Partition, e);
                position.Error = e.Message;
                await Task.Delay(pause, time, cancel);
                pause = pause * 2 < options.LongestRetry ? pause * 2 : options.LongestRetry;
            }

            cancel.ThrowIfCancellationRequested();
        }
    }

    private async Task WriteFileAsync(HubPartition partition, ConsumerPosition position, ReadBuffer buffer, CancellationToken cancel)
    {
        var begun = time.GetUtcNow();
        var number = $"{position.Partition}";
        var (address, ordinal) = position.Handled;
        var first = (Address: address, Ordinal: ordinal);
        using var file = new ArchiveFile(Path.Combine(options.Folder, position.Hub, number, Unfinished), options.Compress);

        do
        {
            var read = partition.Read(address, ordinal, ReadEventsMax, ReadBytesMax, buffer);
            foreach (var e in read.Events)
                file.Append(e);
            if (ordinal == first.Ordinal && read.Events is [var oldest, ..])
                position.Reading(oldest.EnqueuedAt);
            (address, ordinal) = (read.Next, read.LastOrdinal);
        }
        while (address - first.Address < options.WindowBytes && await MoreComesAsync(partition, address, begun + options.Window, cancel));

        if (ordinal != first.Ordinal)
            file.Finish(FreePath(position.Hub, number, begun));
        hubs.Advance(position, address, ordinal);
    }

    // False when the window is over, or the region stops: then the file is closed with what it has.
    private async Task<bool> MoreComesAsync(HubPartition partition, long address, DateTimeOffset end, CancellationToken cancel)
    {
        try
        {
            var left = end - time.GetUtcNow();
            if (left <= TimeSpan.Zero)
                return false;

            if (partition.DurableUntil - address < ReadBytesMax)
                await Task.Delay(Linger < left ? Linger : left, time, cancel);
            left = end - time.GetUtcNow();
            await partition.WaitForEventsAsync(address, cancel).WaitAsync(left > TimeSpan.Zero ? left : TimeSpan.Zero, time, cancel);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // What is there already still goes into the file: an archive of a stopped region is whole.
            return partition.DurableUntil > address;
        }
    }

    // Two files of one second: one was closed by its size, or the clock was set back.
    private string FreePath(string hub, string partition, DateTimeOffset begun)
    {
        while (true)
        {
            var path = Path.Combine(options.Folder, CaptureFormat.PathOf(hub, partition, begun));
            if (!File.Exists(path))
                return path;
            begun += TimeSpan.FromSeconds(1);
        }
    }

    private async Task RemoveOldAsync(TimeSpan age, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(RetentionInterval, time);
        do
        {
            foreach (var file in options.Hubs.Select(hub => Path.Combine(options.Folder, hub)).Where(Directory.Exists)
                         .SelectMany(folder => Directory.EnumerateFiles(folder, "*.avro", SearchOption.AllDirectories)))
                if (CapturePath.TryParse(file, out var path) && path.Begun < time.GetUtcNow() - age)
                    File.Delete(file);
        }
        while (await timer.WaitForNextTickAsync(cancel));
    }
}
