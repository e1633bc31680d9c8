using System.Globalization;
using System.Text;
using Avro.File;
using Avro.Generic;
using Pumps.Handlers.Hubs;
using Pumps.LocalRegion.Hubs;

namespace Pumps.LocalRegion.Archive;

/// <summary>A file that could not be replayed to its end.</summary>
/// <param name="EventsBefore">Events of the file that were replayed; the fault is behind them.</param>
public sealed record ReplayFault(string File, long EventsBefore, string Reason);

/// <summary>How far a replay has come; its result at the end.</summary>
public sealed record ReplayProgress(int Files, int FilesDone, long Events, IReadOnlyList<ReplayFault> Faults);

/// <summary>Publishes archived events again to the hubs they came from.</summary>
/// <remarks>
/// Reads the region's own archive and the files of Event Hubs Capture, with whatever extra fields and properties they have. Every
/// event carries the identity and time of its original (<see cref="PropertyNames.ReplayOf"/>), so that what follows recognizes it:
/// a replay may be repeated, and broken off. One file at a time, one block of it in memory; order per partition is kept.
/// </remarks>
public sealed class ReplaySource(IHubPublisher publisher, TimeProvider time)
{
    private const int BatchEvents = 1000;
    private const int BatchBytes = 1 << 20;

    private static readonly TimeSpan FullPause = TimeSpan.FromSeconds(1);

    /// <summary>Replays every <c>.avro</c> file below a folder, oldest first per hub and partition.</summary>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public async Task<ReplayProgress> RunAsync(string folder, IProgress<ReplayProgress>? progress, CancellationToken cancel)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"There is no folder '{folder}' to replay. Name an archive, or a part of one.");

        // Zero-padded dates: the order of the names is the order of time.
        var files = Directory.GetFiles(folder, "*.avro", SearchOption.AllDirectories);
        Array.Sort(files, StringComparer.Ordinal);

        var faults = new List<ReplayFault>();
        var events = 0L;
        for (var i = 0; i < files.Length; i++)
        {
            var (replayed, fault) = await ReplayAsync(files[i], cancel);
            events += replayed;
            if (fault is not null)
                faults.Add(new ReplayFault(files[i], replayed, fault));
            progress?.Report(new ReplayProgress(files.Length, i + 1, events, [.. faults]));
        }

        return new ReplayProgress(files.Length, files.Length, events, faults);
    }

    private async Task<(long Events, string? Fault)> ReplayAsync(string file, CancellationToken cancel)
    {
        if (!CapturePath.TryParse(file, out var path))
            return (0, "The path does not end in {hub}/{partition}/{yyyy}/{MM}/{dd}/{HH}/{mm}/{ss}.avro, so its hub is not known.");

        var replayed = 0L;
        var batch = new List<OutgoingEvent>();
        var bytes = 0;
        string? fault = null;

        using var events = Read(file, path).GetEnumerator();
        while (true)
        {
            var (next, error) = TryNext(events);
            fault = error;
            if (next is { } e)
            {
                batch.Add(e);
                bytes += e.Body.Length;
            }

            if (batch.Count > 0 && (next is null || batch.Count == BatchEvents || bytes >= BatchBytes))
            {
                if (await PublishAsync(path.Hub, batch, cancel) is { } refused)
                    return (replayed, refused);
                replayed += batch.Count;
                batch.Clear();
                bytes = 0;
            }

            if (next is null)
                return (replayed, fault);
        }
    }

    // A broken file breaks the reader in many ways (index, length, format, end of stream); all of them mean the same.
    private static (OutgoingEvent? Event, string? Fault) TryNext(IEnumerator<OutgoingEvent> events)
    {
        try
        {
            return (events.MoveNext() ? events.Current : null, null);
        }
        catch (Exception e)
        {
            return (null, $"It is broken from here on: {e.Message}");
        }
    }

    /// <returns>Why the hub will never take it, or null.</returns>
    private async Task<string?> PublishAsync(string hub, List<OutgoingEvent> batch, CancellationToken cancel)
    {
        while (true)
        {
            try
            {
                await publisher.PublishAsync(hub, batch, cancel);
                return null;
            }
            catch (ArgumentException e)
            {
                return e.Message;
            }
            catch (HubFullException)
            {
                // A replay is faster than what follows it: wait for the slowest.
                await Task.Delay(FullPause, time, cancel);
            }
        }
    }

    private static IEnumerable<OutgoingEvent> Read(string file, CapturePath path)
    {
        using var reader = DataFileReader<GenericRecord>.OpenReader(file);
        while (reader.HasNext())
            yield return ToEvent(reader.Next(), path);
    }

    private static OutgoingEvent ToEvent(GenericRecord record, CapturePath path)
    {
        var system = Map(record, "SystemProperties");
        var application = Map(record, "Properties");
        var sequence = Field(record, "SequenceNumber") is long number
            ? number
            : throw new InvalidDataException("the event has no SequenceNumber; this is no file of Event Hubs Capture.");

        var properties = new List<KeyValuePair<string, string>>(system.Count + application.Count + 2);
        foreach (var (name, value) in system.Where(p => !p.Key.StartsWith(CaptureFormat.BrokerPrefix, StringComparison.Ordinal)).Concat(application))
            if (name is not (PropertyNames.ReplayOf or PropertyNames.ReplayEnqueuedTime))
                properties.Add(new(name, Text(value)));

        // What was a replay already keeps the identity of its first original.
        properties.Add(new(PropertyNames.ReplayOf, Text(application.GetValueOrDefault(PropertyNames.ReplayOf)) is { Length: > 0 } first
            ? first
            : string.Create(CultureInfo.InvariantCulture, $"{path.Hub}:{path.Partition}:{sequence}")));
        properties.Add(new(PropertyNames.ReplayEnqueuedTime, Text(application.GetValueOrDefault(PropertyNames.ReplayEnqueuedTime)) is { Length: > 0 } time
            ? time
            : EnqueuedAt(record, system).UtcDateTime.ToString("O", CultureInfo.InvariantCulture)));

        var key = Text(system.GetValueOrDefault(CaptureFormat.PartitionKey)) is { Length: > 0 } partitionKey
            ? partitionKey
            : Text(system.GetValueOrDefault(PropertyNames.DeviceId));
        return new OutgoingEvent(key, new EventProperties([.. properties]), Field(record, "Body") as byte[] ?? []);
    }

    // The exact time first; the field of that name has seconds only.
    private static DateTimeOffset EnqueuedAt(GenericRecord record, IDictionary<string, object?> system)
    {
        if (system.TryGetValue(CaptureFormat.EnqueuedTimeMilliseconds, out var exact) && exact is long milliseconds)
            return DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);

        foreach (var text in new[] { Text(system.TryGetValue(PropertyNames.EnqueuedTime, out var iot) ? iot : null), Text(Field(record, "EnqueuedTimeUtc")) })
            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var parsed))
                return parsed;
        throw new InvalidDataException("the event has no EnqueuedTimeUtc that can be read.");
    }

    private static object? Field(GenericRecord record, string name) => record.TryGetValue(name, out var value) ? value : null;

    private static Dictionary<string, object?> Map(GenericRecord record, string name) =>
        Field(record, name) is IDictionary<string, object> map ? map.ToDictionary(p => p.Key, object? (p) => p.Value) : [];

    private static string Text(object? value) => value switch
    {
        null => "",
        string text => text,
        byte[] bytes => Encoding.UTF8.GetString(bytes),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
