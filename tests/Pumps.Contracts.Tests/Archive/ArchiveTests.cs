using System.Collections.Concurrent;
using System.Globalization;
using Avro;
using Avro.File;
using Avro.Generic;
using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Contracts.Tests.Hubs;
using Pumps.Handlers.Hubs;
using Pumps.LocalRegion.Archive;
using Pumps.LocalRegion.Hubs;

namespace Pumps.Contracts.Tests.Archive;

/// <summary>The archive of the raw hubs, and back: what is replayed is what was archived.</summary>
public sealed class ArchiveTests
{
    private const string Hub = "raw-telemetry-dp1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private HubFixture _fixture = null!;
    private string _archive = null!;

    [SetUp]
    public void Prepare()
    {
        _fixture = new HubFixture(new HubSettings(Hub, 2, ["decode", "archive"]));
        _archive = _fixture.Folder + "-archive";
    }

    [TearDown]
    public void Clean()
    {
        _fixture.Dispose();
        if (Directory.Exists(_archive))
            Directory.Delete(_archive, recursive: true);
    }

    [Test]
    public async Task A_file_reads_as_one_of_Event_Hubs_Capture()
    {
        await using var hubs = _fixture.Open();
        await hubs.PublishAsync(Hub, [Telemetry("dp1-4711001", [1, 2, 255])], default);
        await ArchiveAsync(hubs, new ArchiveOptions(_archive, [Hub]), 1);

        var path = Directory.GetFiles(_archive, "*.avro", SearchOption.AllDirectories).Single();
        Assert.That(
            Path.GetRelativePath(_archive, path).Replace('\\', '/'), Does.Match($@"^{Hub}/[01]/\d{{4}}/\d\d/\d\d/\d\d/\d\d/\d\d\.avro$"));

        using var reader = DataFileReader<GenericRecord>.OpenReader(path);
        var schema = (RecordSchema)reader.GetSchema();
        Assert.That(schema.Fullname, Is.EqualTo("Microsoft.ServiceBus.Messaging.EventData"));
        Assert.That(
            schema.Fields.Select(f => f.Name),
            Is.EqualTo(new[] { "SequenceNumber", "Offset", "EnqueuedTimeUtc", "SystemProperties", "Properties", "Body" }));

        var e = reader.Next();
        var system = (IDictionary<string, object>)e["SystemProperties"];
        var application = (IDictionary<string, object>)e["Properties"];
        Assert.Multiple(() =>
        {
            Assert.That(e["SequenceNumber"], Is.EqualTo(64L));
            Assert.That(e["Offset"], Is.EqualTo("64"));
            Assert.That(e["EnqueuedTimeUtc"], Does.Match(@"^\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M$"));
            Assert.That(system[PropertyNames.DeviceId], Is.EqualTo("dp1-4711001"));
            Assert.That(system[PropertyNames.EnqueuedTime], Is.EqualTo("2025-06-01T12:00:00.1230000Z"));
            Assert.That(application.Keys, Is.EquivalentTo(new[] { PropertyNames.HeaderType, PropertyNames.Protocol }));
            Assert.That(e["Body"], Is.EqualTo(new byte[] { 1, 2, 255 }));
            Assert.That(reader.HasNext(), Is.False);
        });
    }

    [Test]
    public async Task What_is_archived_comes_back_by_a_replay_with_the_identity_of_the_original([Values] bool compress)
    {
        await using var hubs = _fixture.Open();
        await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 3000).Select(n => Telemetry($"dp1-{n % 30}", BitConverter.GetBytes(n)))], default);
        var originals = await ReadAsync(hubs, 3000);
        await ArchiveAsync(hubs, new ArchiveOptions(_archive, [Hub]) { Compress = compress }, 3000);

        var reports = new ConcurrentQueue<ReplayProgress>();
        var result = await new ReplaySource(hubs, TimeProvider.System).RunAsync(_archive, new Reports(reports), default);
        var replayed = await ReadAsync(hubs, 3000);

        Assert.That(result, Is.EqualTo(new ReplayProgress(2, 2, 3000, result.Faults)));
        Assert.That(result.Faults, Is.Empty);
        Assert.That(reports.Select(r => r.FilesDone), Is.EqualTo(new[] { 1, 2 }));

        var byIdentity = replayed.ToDictionary(e => e.Properties[PropertyNames.ReplayOf]!);
        foreach (var original in originals)
        {
            var again = byIdentity[$"{Hub}:{original.Partition}:{original.Sequence}"];
            Assert.That(again.Key, Is.EqualTo(original.Key));
            Assert.That(again.Partition, Is.EqualTo(original.Partition));
            Assert.That(again.Body, Is.EqualTo(original.Body));
            Assert.That(again.Properties.Items[..^2].ToArray(), Is.EquivalentTo(original.Properties.Items.ToArray()));
            Assert.That(
                DateTimeOffset.Parse(again.Properties[PropertyNames.ReplayEnqueuedTime]!, CultureInfo.InvariantCulture),
                Is.EqualTo(original.EnqueuedAt).Within(TimeSpan.FromMilliseconds(1)));
        }

        foreach (var device in replayed.GroupBy(e => e.Key))
            Assert.That(device.Select(e => BitConverter.ToInt32(e.Body)), Is.Ordered);
    }

    [Test]
    public async Task A_replay_of_a_replay_keeps_the_first_identity()
    {
        await using var hubs = _fixture.Open();
        await hubs.PublishAsync(
            Hub,
            [
                new OutgoingEvent(
                    "dp1-1",
                    new EventProperties(
                        new(PropertyNames.ReplayOf, "raw-telemetry-dp1:0:17"), new(PropertyNames.ReplayEnqueuedTime, "2024-01-01T00:00:00.0000000Z")),
                    new byte[] { 1 }),
            ],
            default);
        await ReadAsync(hubs, 1);
        await ArchiveAsync(hubs, new ArchiveOptions(_archive, [Hub]), 1);
        await new ReplaySource(hubs, TimeProvider.System).RunAsync(_archive, null, default);

        var properties = (await ReadAsync(hubs, 1)).Single().Properties.Items.ToArray();
        Assert.That(properties, Is.EquivalentTo(new KeyValuePair<string, string>[]
        {
            new(PropertyNames.ReplayOf, "raw-telemetry-dp1:0:17"), new(PropertyNames.ReplayEnqueuedTime, "2024-01-01T00:00:00.0000000Z"),
        }));
    }

    [Test]
    public async Task A_file_of_Event_Hubs_Capture_itself_with_fields_and_types_of_its_own_is_replayed()
    {
        WriteForeign(Path.Combine(_archive, "namespace", Hub, "3", "2024", "02", "29", "23", "59", "58.avro"));
        await using var hubs = _fixture.Open();

        var result = await new ReplaySource(hubs, TimeProvider.System).RunAsync(_archive, null, default);

        Assert.That(result.Faults, Is.Empty);
        var e = (await ReadAsync(hubs, 1)).Single();
        Assert.Multiple(() =>
        {
            Assert.That(e.Key, Is.EqualTo("dp1-4711001"));
            Assert.That(e.Body, Is.EqualTo(new byte[] { 7 }));
            Assert.That(e.Properties[PropertyNames.ReplayOf], Is.EqualTo($"{Hub}:3:42"));
            Assert.That(e.Properties[PropertyNames.ReplayEnqueuedTime], Is.EqualTo("2024-02-29T23:58:59.0000000Z"));
            Assert.That(e.Properties["level"], Is.EqualTo("2.5"));
            Assert.That(e.Properties["count"], Is.EqualTo("9"));
            Assert.That(e.Properties["nothing"], Is.Empty);
        });
    }

    [Test]
    public async Task A_broken_file_is_named_with_its_place_and_the_others_are_replayed()
    {
        await using var hubs = _fixture.Open();
        await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 4000).Select(n => Telemetry($"dp1-{n % 30}", new byte[100]))], default);
        await ReadAsync(hubs, 4000);
        await ArchiveAsync(hubs, new ArchiveOptions(_archive, [Hub]) { Compress = false }, 4000);
        var files = Directory.GetFiles(_archive, "*.avro", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        using (var torn = new FileStream(files[0], FileMode.Open))
            torn.SetLength(torn.Length - 5000);
        var stray = Path.Combine(_archive, "notes.avro");
        await File.WriteAllTextAsync(stray, "no Avro");

        var result = await new ReplaySource(hubs, TimeProvider.System).RunAsync(_archive, null, default);

        Assert.That(result.Faults.Select(f => f.File), Is.EqualTo(new[] { stray, files[0] }));
        Assert.That(result.Faults[1].EventsBefore, Is.InRange(1000, 2500));
        Assert.That(result.Faults[1].Reason, Does.Contain("broken"));
        Assert.That(result.Events, Is.EqualTo(hubs.Lags().Where(l => l.Group == "decode").Sum(l => l.Events)).And.GreaterThan(2500));
    }

    [Test]
    public async Task A_crash_before_a_file_is_closed_loses_nothing_and_doubles_nothing()
    {
        var copy = _fixture.Folder + "-crash";
        await using (var hubs = _fixture.Open())
        {
            await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 100).Select(n => Telemetry($"dp1-{n}", BitConverter.GetBytes(n)))], default);
            using var stop = new CancellationTokenSource();
            var archive = Archive(hubs, new ArchiveOptions(_archive, [Hub])).RunAsync(stop.Token);
            Assert.That(() => Directory.Exists(_archive) && Directory.GetFiles(_archive, "unfinished.tmp", SearchOption.AllDirectories).Length == 2, Is.True.After(30_000, 10));

            // What a crash leaves: unfinished files and no checkpoint.
            CopyFolder(_fixture.Folder, copy);
            CopyFolder(_archive, copy + "-archive");
            await stop.CancelAsync();
            await archive;
        }

        try
        {
            Assert.That(Directory.GetFiles(copy + "-archive", "*.avro", SearchOption.AllDirectories), Is.Empty);
            await using var recovered = _fixture.Open(folder: copy);
            await ArchiveAsync(recovered, new ArchiveOptions(copy + "-archive", [Hub]), 100);

            await new ReplaySource(recovered, TimeProvider.System).RunAsync(copy + "-archive", null, default);
            var numbers = (await ReadAsync(recovered, 200)).Where(e => e.Properties[PropertyNames.ReplayOf] is not null).Select(e => BitConverter.ToInt32(e.Body));
            Assert.That(numbers, Is.EquivalentTo(Enumerable.Range(0, 100)));
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
            Directory.Delete(copy + "-archive", recursive: true);
        }
    }

    [Test]
    public async Task A_window_that_is_full_ends_its_file_and_the_next_begins()
    {
        await using var hubs = _fixture.Open();
        using var stop = new CancellationTokenSource();
        var archive = Archive(hubs, new ArchiveOptions(_archive, [Hub]) { WindowBytes = 100_000 }).RunAsync(stop.Token);
        for (var round = 0; round < 3; round++)
        {
            await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 200).Select(_ => Telemetry("dp1-1", new byte[1000]))], default);
            Assert.That(() => hubs.Lags().Where(l => l.Group == "archive").Sum(l => l.Events), Is.Zero.After(30_000, 10));
        }

        await stop.CancelAsync();
        await archive;
        Assert.That(Directory.GetFiles(_archive, "*.avro", SearchOption.AllDirectories), Has.Length.EqualTo(3));
    }

    [Test]
    public async Task A_window_ends_by_time()
    {
        await using var hubs = _fixture.Open();
        using var stop = new CancellationTokenSource();
        var archive = Archive(hubs, new ArchiveOptions(_archive, [Hub]) { Window = TimeSpan.FromMilliseconds(300) }).RunAsync(stop.Token);
        await hubs.PublishAsync(Hub, [Telemetry("dp1-1", [1])], default);

        Assert.That(() => hubs.Lags().Where(l => l.Group == "archive").Sum(l => l.Events), Is.Zero.After(30_000, 10));
        Assert.That(Directory.GetFiles(_archive, "*.avro", SearchOption.AllDirectories), Has.Length.EqualTo(1));
        await stop.CancelAsync();
        await archive;
    }

    private static OutgoingEvent Telemetry(string device, byte[] body) =>
        new(
            device,
            new EventProperties(
                new(PropertyNames.DeviceId, device),
                new(PropertyNames.EnqueuedTime, "2025-06-01T12:00:00.1230000Z"),
                new(PropertyNames.HeaderType, "telemetry"),
                new(PropertyNames.Protocol, "dp1")),
            body);

    private static RawArchive Archive(EmbeddedHubs hubs, ArchiveOptions options) =>
        new(hubs, options, TimeProvider.System, NullLogger<RawArchive>.Instance);

    /// <summary>Archives until the given number of events is in files, by a clean stop.</summary>
    private static async Task ArchiveAsync(EmbeddedHubs hubs, ArchiveOptions options, long events)
    {
        Assert.That(hubs.Lags().Where(l => l.Group == "archive").Sum(l => l.Events), Is.EqualTo(events));
        using var stop = new CancellationTokenSource();
        var archive = Archive(hubs, options with { Window = TimeSpan.FromMilliseconds(200) }).RunAsync(stop.Token);
        Assert.That(() => hubs.Lags().Where(l => l.Group == "archive").Sum(l => l.Events), Is.Zero.After(30_000, 10));
        await stop.CancelAsync();
        await archive;
    }

    private static async Task<List<Read>> ReadAsync(EmbeddedHubs hubs, int count)
    {
        var got = new List<Read>();
        using var stop = new CancellationTokenSource(Patience);
        await HubFixture.PumpAsync(hubs, new HubPumpOptions("decode", Hub, "decode"), async (batch, _) =>
        {
            lock (got)
                got.AddRange(batch.Events.Select(e => new Read(batch.Partition, e.Sequence, e.EnqueuedAt, e.Key, new([.. e.Properties.Items]), e.Body.ToArray())));
            if (got.Count >= count)
                await stop.CancelAsync();
        }, stop.Token);
        Assert.That(got, Has.Count.EqualTo(count));
        return got;
    }

    // As Event Hubs may write it: more fields, numbers in the properties, no exact time.
    private static void WriteForeign(string path)
    {
        var schema = (RecordSchema)Schema.Parse(
            """
            {"type":"record","name":"EventData","namespace":"Microsoft.ServiceBus.Messaging","fields":[
              {"name":"SequenceNumber","type":"long"},{"name":"Offset","type":"string"},{"name":"EnqueuedTimeUtc","type":"string"},
              {"name":"SystemProperties","type":{"type":"map","values":["long","double","string","bytes"]}},
              {"name":"Properties","type":{"type":"map","values":["long","double","string","bytes","null"]}},
              {"name":"Body","type":["null","bytes"]},{"name":"Extra","type":["null","string"]}]}
            """);
        var record = new GenericRecord(schema);
        record.Add("SequenceNumber", 42L);
        record.Add("Offset", "4294967296");
        record.Add("EnqueuedTimeUtc", "2/29/2024 11:58:59 PM");
        record.Add("SystemProperties", new Dictionary<string, object>
        {
            [PropertyNames.DeviceId] = "dp1-4711001",
            ["iothub-connection-auth-method"] = "{\"scope\":\"device\"}",
            ["x-opt-sequence-number-epoch"] = -1L,
        });
        record.Add("Properties", new Dictionary<string, object?> { ["level"] = 2.5, ["count"] = 9L, ["nothing"] = null });
        record.Add("Body", new byte[] { 7 });
        record.Add("Extra", "unknown");

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var writer = DataFileWriter<GenericRecord>.OpenWriter(new GenericDatumWriter<GenericRecord>(schema), path);
        writer.Append(record);
    }

    private static void CopyFolder(string from, string to)
    {
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) == "lock")
                continue;
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using var source = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var copy = new FileStream(target, FileMode.Create);
            source.CopyTo(copy);
        }
    }

    private sealed record Read(string Partition, long Sequence, DateTimeOffset EnqueuedAt, string Key, EventProperties Properties, byte[] Body);

    // Progress<T> reports later, on other threads.
    private sealed class Reports(ConcurrentQueue<ReplayProgress> to) : IProgress<ReplayProgress>
    {
        public void Report(ReplayProgress value) => to.Enqueue(value);
    }
}
