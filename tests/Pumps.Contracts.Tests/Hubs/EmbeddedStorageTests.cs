using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Pumps.Handlers.Hubs;
using Pumps.LocalRegion.Hubs;

namespace Pumps.Contracts.Tests.Hubs;

/// <summary>What only the embedded hubs have: files, a disk that fills, crashes.</summary>
public sealed class EmbeddedStorageTests
{
    private const string Hub = "raw-telemetry-dp1";
    private const string Group = "decode";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private HubFixture _fixture = null!;

    [SetUp]
    public void Prepare() => _fixture = new HubFixture(new HubSettings(Hub, 2, [Group]));

    [TearDown]
    public void Clean() => _fixture.Dispose();

    [Test]
    public async Task Everything_acknowledged_is_in_a_copy_of_the_folder_taken_at_any_moment()
    {
        await using var hubs = _fixture.Open();
        var acknowledged = new ConcurrentDictionary<string, bool>();
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 50).Select(w => Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                await hubs.AppendAsync(Hub, Event($"dp1-{w}", $"{w}:{i}"));
                acknowledged[$"{w}:{i}"] = true;
            }
        })).ToList();

        for (var crash = 0; crash < 8; crash++)
        {
            var before = acknowledged.Count;
            Assert.That(() => acknowledged.Count, Is.GreaterThan(before + 1000).After(30_000, 5));

            // Copying is not stopping: what is acknowledged before the copy begins must be in it, and nothing in it may be torn.
            var missing = acknowledged.Keys.ToHashSet();
            var copy = Path.Combine(_fixture.Folder, "..", $"{Path.GetFileName(_fixture.Folder)}-{crash}");
            CopyFolder(_fixture.Folder, copy);
            try
            {
                // Of what was being written when the copy was made any part may be there, so nobody knows how many events those are.
                await using var recovered = _fixture.Open(folder: copy);
                await HubFixture.ConsumeUntilAsync(recovered, Hub, Group, e => missing.Remove(Text(e)), () => missing.Count == 0);

                // And the log goes on where it ended.
                await recovered.PublishAsync(Hub, [Event("dp1-0", "after")], default);
                var after = false;
                await HubFixture.ConsumeUntilAsync(recovered, Hub, Group, e => after |= Text(e) == "after", () => after);
            }
            finally
            {
                Directory.Delete(copy, recursive: true);
            }
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
    }

    [Test]
    public async Task Remains_of_a_write_that_a_crash_tore_never_come_back_as_events()
    {
        // With bodies of seven bytes an event takes as much of the log as a commit record does, so that remains line up with whatever is written before them.
        await using (var hubs = _fixture.Open())
            await hubs.PublishAsync(Hub, [.. Enumerable.Range(1_000_000, 1000).Select(n => Event("dp1-1", $"{n}"))], default);

        // A write of which the first sector did not reach the disk, and the commit record at its end did.
        var log = Directory.GetFiles(_fixture.Folder, "log.0", SearchOption.AllDirectories).MaxBy(f => new FileInfo(f).Length)!;
        File.Delete(Path.Combine(Path.GetDirectoryName(log)!, "commit"));
        await using (var file = new FileStream(log, FileMode.Open))
        {
            file.Position = 64;
            file.Write(new byte[112]);
            file.WriteByte(1);
        }

        // Seven events and their commit record end where a sector ends, so that nothing but the recovery stands between them and the remains.
        var written = Enumerable.Range(0, 7).Select(n => $"event {n}").ToList();
        await using (var recovered = _fixture.Open())
        {
            Assert.That(recovered.Lags().Sum(l => l.Events), Is.Zero);
            await recovered.PublishAsync(Hub, [.. written.Select(body => Event("dp1-1", body))], default);
        }

        // And another crash, before a new commit point was saved.
        File.Delete(Path.Combine(Path.GetDirectoryName(log)!, "commit"));
        await using var again = _fixture.Open();
        Assert.That(again.Lags().Sum(l => l.Events), Is.EqualTo(7));
        var found = new List<string>();
        await HubFixture.ConsumeUntilAsync(again, Hub, Group, e => found.Add(Text(e)), () => found.Count >= 7);
        Assert.That(found, Is.EqualTo(written));
    }

    [Test]
    public async Task What_a_crash_left_of_a_write_that_nobody_acknowledged_may_come_and_the_rest_is_not_waited_for()
    {
        string log;
        byte[] durable;
        await using (var hubs = _fixture.Open())
        {
            await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 50).Select(n => Event("dp1-1", $"{n}"))], default);
            log = Directory.GetFiles(_fixture.Folder, "log.0", SearchOption.AllDirectories).MaxBy(f => new FileInfo(f).Length)!;
            durable = await File.ReadAllBytesAsync(log);
            await hubs.PublishAsync(Hub, [.. Enumerable.Range(50, 6000).Select(n => Event("dp1-1", $"{n} {new string('x', 100)}"))], default);
        }

        // The second page of the write reached the disk, the first did not: zeros end a page, so the records of the next one are found.
        File.Delete(Path.Combine(Path.GetDirectoryName(log)!, "commit"));
        await using (var file = new FileStream(log, FileMode.Open))
        {
            file.Write(durable);
            file.Write(new byte[PartitionLog.PageBytes - durable.Length]);
        }

        await using var recovered = _fixture.Open();
        var found = new List<string>();
        await HubFixture.ConsumeUntilAsync(recovered, Hub, Group, e => found.Add(Text(e).Split(' ')[0]), () => found[^1] == "6049");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(found.Take(50), Is.EqualTo(Enumerable.Range(0, 50).Select(n => $"{n}")));
            Assert.That(found, Has.Count.LessThan(6050).And.Unique);
            Assert.That(recovered.Lags().Sum(l => l.Events), Is.Zero);
        }
    }

    [Test]
    public async Task A_log_that_lost_acknowledged_bytes_is_refused_and_named()
    {
        await using (var hubs = _fixture.Open())
            await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 1000).Select(n => Event("dp1-1", $"{n}"))], default);
        var log = Directory.GetFiles(_fixture.Folder, "log.0", SearchOption.AllDirectories).MaxBy(f => new FileInfo(f).Length)!;
        File.Delete(log);

        Assert.That(() => _fixture.Open(), Throws.TypeOf<InvalidDataException>().With.Message.Contains(Path.GetDirectoryName(log)!));
    }

    [Test]
    public async Task After_a_crash_a_group_gets_again_what_it_handled_since_its_checkpoint_and_nothing_else()
    {
        var copy = _fixture.Folder + "-crash";
        try
        {
            await using (var hubs = _fixture.Open(o => o with { CheckpointInterval = TimeSpan.FromHours(1) }))
            {
                var first = 0;
                await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 100).Select(n => Event($"dp1-{n}", "first"))], default);
                await HubFixture.ConsumeUntilAsync(hubs, Hub, Group, _ => first++, () => first == 100);

                // The pump above stopped in order, which saves. What follows is handled, but not saved when the folder is copied.
                await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 50).Select(n => Event($"dp1-{n}", "second"))], default);
                using var stop = new CancellationTokenSource();
                var handled = 0;
                var pump = HubFixture.PumpAsync(hubs, new HubPumpOptions("test", Hub, Group), (b, _) =>
                {
                    Interlocked.Add(ref handled, b.Events.Count);
                    return Task.CompletedTask;
                }, stop.Token);
                Assert.That(() => Volatile.Read(ref handled), Is.EqualTo(50).After(30_000, 5));
                CopyFolder(_fixture.Folder, copy);
                await stop.CancelAsync();
                await pump;
            }

            await using var recovered = _fixture.Open(folder: copy);
            var again = new List<string>();
            Assert.That(recovered.Lags().Sum(l => l.Events), Is.EqualTo(50));
            await HubFixture.ConsumeUntilAsync(recovered, Hub, Group, e => again.Add(Text(e)), () => again.Count == 50);
            Assert.That(again, Is.All.EqualTo("second"));
        }
        finally
        {
            Directory.Delete(copy, recursive: true);
        }
    }

    [Test]
    public async Task A_handled_batch_is_saved_within_the_checkpoint_interval()
    {
        var copy = _fixture.Folder + "-crash";
        await using var hubs = _fixture.Open(o => o with { CheckpointInterval = TimeSpan.FromMilliseconds(20) });
        await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 100).Select(n => Event($"dp1-{n}", "x"))], default);
        using var stop = new CancellationTokenSource();
        var pump = HubFixture.PumpAsync(hubs, new HubPumpOptions("test", Hub, Group), (_, _) => Task.CompletedTask, stop.Token);

        Assert.That(LagOfCopy, Is.Zero.After(30_000, 50));
        await stop.CancelAsync();
        await pump;

        long LagOfCopy()
        {
            CopyFolder(_fixture.Folder, copy);
            try
            {
                var recovered = _fixture.Open(folder: copy);
                var lag = recovered.Lags().Sum(l => l.Events);
                recovered.DisposeAsync().AsTask().GetAwaiter().GetResult();
                return lag;
            }
            finally
            {
                Directory.Delete(copy, recursive: true);
            }
        }
    }

    [Test]
    public async Task Lag_is_exact()
    {
        await using var hubs = _fixture.Open();
        await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 700).Select(n => Event($"dp1-{n}", "x"))], default);
        Assert.That(hubs.Lags().Sum(l => l.Events), Is.EqualTo(700));

        // One batch is handled, the second one is held: the lag is what has not been handled.
        using var stop = new CancellationTokenSource(Patience);
        var handled = 0;
        var inHandler = new TaskCompletionSource();
        var pump = HubFixture.PumpAsync(hubs, new HubPumpOptions("decode", Hub, Group) { EventsMax = 100 }, async (batch, cancel) =>
        {
            if (batch.Partition == "0" && Interlocked.Add(ref handled, batch.Events.Count) > 100)
            {
                Interlocked.Add(ref handled, -batch.Events.Count);
                inHandler.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancel);
            }
        }, stop.Token);
        await inHandler.Task.WaitAsync(Patience);
        Assert.That(() => hubs.Lags().Single(l => l.Partition == 1).Events, Is.Zero.After(30_000, 5));

        var held = hubs.Lags().Single(l => l.Partition == 0);
        Assert.That(held.Events, Is.GreaterThan(0).And.EqualTo(Total(0) - 100));
        Assert.That(held.Age, Is.GreaterThan(TimeSpan.Zero));

        await stop.CancelAsync();
        await pump;

        long Total(int partition) => Enumerable.Range(0, 700).Count(n => PartitionOfKey($"dp1-{n}") == partition);
    }

    [Test]
    public async Task Lag_stays_exact_when_old_events_are_gone_and_after_a_restart()
    {
        var settings = new HubSettings(Hub, 1, [Group]) { RetentionBytes = 1 << 20 };
        using var fixture = new HubFixture(settings);
        await using (var hubs = fixture.Open())
        {
            for (var i = 0; i < 40; i++)
                await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 100).Select(n => Event("dp1-1", new string('x', 1000)))], default);
            var handled = 0;
            await HubFixture.ConsumeUntilAsync(hubs, Hub, Group, _ => handled++, () => handled == 4000);
            await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 7).Select(n => Event("dp1-1", "y"))], default);
            Assert.That(hubs.Lags().Single().Events, Is.EqualTo(7));
        }

        await using var again = fixture.Open();
        Assert.That(again.Lags().Single().Events, Is.EqualTo(7));
    }

    [Test]
    public async Task Handled_events_go_by_size_and_those_of_a_slow_group_stay()
    {
        var settings = new HubSettings(Hub, 1, [Group, "slow"]) { RetentionBytes = 2 << 20 };
        using var fixture = new HubFixture(settings);
        await using var hubs = fixture.Open();
        await FillAsync(hubs, megabytes: 6);

        var handled = 0;
        await HubFixture.ConsumeUntilAsync(hubs, Hub, Group, _ => handled++, () => handled == 6 * 8);
        await hubs.SaveCheckpointsAsync();
        Assert.That(StoredBytes(fixture), Is.GreaterThan(6 << 20), "The slow group has not handled anything.");

        var slow = 0;
        await HubFixture.ConsumeUntilAsync(hubs, Hub, "slow", _ => slow++, () => slow == 6 * 8);
        await hubs.SaveCheckpointsAsync();
        Assert.That(StoredBytes(fixture), Is.LessThan(4 << 20));
        Assert.That(slow, Is.EqualTo(6 * 8));
    }

    [Test]
    public async Task Handled_events_go_by_age()
    {
        var time = new SettableTime();
        using var fixture = new HubFixture(new HubSettings(Hub, 1, [Group]) { RetentionAge = TimeSpan.FromHours(2) }) { Time = time };
        await using var hubs = fixture.Open();
        await FillAsync(hubs, megabytes: 3);
        var handled = 0;
        await HubFixture.ConsumeUntilAsync(hubs, Hub, Group, _ => handled++, () => handled == 3 * 8);
        await hubs.SaveCheckpointsAsync();
        var young = StoredBytes(fixture);

        time.Now += TimeSpan.FromHours(3);
        await FillAsync(hubs, megabytes: 3);
        await HubFixture.ConsumeUntilAsync(hubs, Hub, Group, _ => handled++, () => handled == 6 * 8);
        await hubs.SaveCheckpointsAsync();

        Assert.That(young, Is.GreaterThan(3 << 20));
        Assert.That(StoredBytes(fixture), Is.LessThan(young + (2 << 20)));
    }

    [Test]
    public async Task A_full_hub_makes_publishers_wait_then_fails_clearly_and_takes_events_again_when_the_group_has_caught_up()
    {
        using var fixture = new HubFixture(new HubSettings(Hub, 1, [Group]) { LimitBytes = 4 << 20 });
        await using var hubs = fixture.Open(o => o with { FullTimeout = TimeSpan.FromMilliseconds(200), CheckpointInterval = TimeSpan.FromMilliseconds(10) });

        var published = 0;
        var full = await Assert.ThrowsAsync<HubFullException>(async () =>
        {
            while (published < 1000)
            {
                await FillAsync(hubs, eighths: 1);
                published++;
            }
        });
        Assert.That(full!.Message, Does.Contain(Hub).And.Contain(Group));
        Assert.That(published, Is.InRange(24, 32));
        Assert.That(StoredBytes(fixture), Is.LessThan(6 << 20));

        // A publish that waits goes through as soon as a consumer has made room; nothing that was taken is lost.
        await using var patient = new PatientPublish(hubs);
        var handled = 0;
        await HubFixture.ConsumeUntilAsync(hubs, Hub, Group, _ => handled++, () => handled == published + 20);
        await patient.Done;
    }

    [Test]
    public async Task A_disk_below_its_reserve_takes_nothing_and_goes_on_by_itself()
    {
        var free = 1L << 30;
        await using var hubs = _fixture.Open(o => o with { FreeBytes = _ => Volatile.Read(ref free) });
        await hubs.PublishAsync(Hub, [Event("dp1-1", "before")], default);

        Volatile.Write(ref free, 10 << 20);
        await Assert.ThatAsync(
            async () =>
            {
                // What was asked a moment ago may still be believed.
                while (true)
                    await hubs.AppendAsync(Hub, Event("dp1-1", "may be"));
            },
            Throws.TypeOf<HubFullException>().With.Message.Contains("10 MiB left"));

        Volatile.Write(ref free, 1L << 30);
        await hubs.PublishAsync(Hub, [Event("dp1-1", "after")], default);
        var got = new List<string>();
        await HubFixture.ConsumeUntilAsync(hubs, Hub, Group, e => got.Add(Text(e)), () => got.Contains("after"));
        Assert.That(got.Where(e => e != "may be"), Is.EqualTo(new[] { "before", "after" }));
    }

    [Test]
    public async Task A_disk_that_fails_to_write_loses_nothing_acknowledged_and_recovers_without_a_restart()
    {
        var failing = false;
        await using var hubs = _fixture.Open(o => o with
        {
            BeforeWrite = _ =>
            {
                if (Volatile.Read(ref failing))
                    throw new IOException("No space left on device");
            },
        });
        var expected = new List<string>();
        for (var round = 0; round < 5; round++)
        {
            for (var i = 0; i < 100; i++)
            {
                await hubs.AppendAsync(Hub, Event($"dp1-{i % 7}", $"{round}:{i}"));
                expected.Add($"{round}:{i}");
            }

            Volatile.Write(ref failing, true);
            for (var i = 0; i < 3; i++)
                await Assert.ThatAsync(
                    async () => await hubs.AppendAsync(Hub, Event("dp1-1", "refused")),
                    Throws.InstanceOf<IOException>().With.Message.Contains("No space left on device"));
            Assert.That(hubs.Unwritable()[Hub], Does.Contain("No space left on device"));
            Volatile.Write(ref failing, false);
        }

        // Without another append.
        Assert.That(() => hubs.Unwritable(), Is.Empty.After(30).Seconds.PollEvery(50).MilliSeconds);
        await hubs.PublishAsync(Hub, [Event("dp1-1", "end")], default);
        expected.Add("end");
        Assert.That(hubs.Lags().Sum(l => l.Events), Is.EqualTo(expected.Count));

        var got = new List<string>();
        await HubFixture.ConsumeUntilAsync(hubs, Hub, Group, e => got.Add(Text(e)), () => got.Count == expected.Count);
        Assert.That(got, Is.EquivalentTo(expected));

        await hubs.DisposeAsync();
        await using var again = _fixture.Open();
        Assert.That(again.Lags().Sum(l => l.Events), Is.Zero);
    }

    [Test]
    public async Task A_disk_that_is_really_full_loses_nothing_acknowledged_and_recovers_without_a_restart()
    {
        var mount = _fixture.Folder + "-disk";
        Directory.CreateDirectory(mount);
        if (!OperatingSystem.IsLinux() || await RunAsync("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", mount) != 0)
        {
            Directory.Delete(mount);
            Assert.Ignore("Only root on Linux can mount a small disk; the test above fails the writes instead.");
        }

        try
        {
            // One partition, and no reserve: the disk itself says no.
            using var fixture = new HubFixture(new HubSettings(Hub, 1, [Group]) { RetentionAge = TimeSpan.Zero }) { Folder = Path.Combine(mount, "hubs") };
            await using var hubs = fixture.Open(o => o with { MinFreeBytes = 0, CheckpointInterval = TimeSpan.FromMilliseconds(10) });
            var ballast = Path.Combine(mount, "ballast");
            await File.WriteAllBytesAsync(ballast, new byte[4 << 20]);

            var acknowledged = 0;
            await Assert.ThatAsync(
                async () =>
                {
                    while (acknowledged < 10_000)
                    {
                        await hubs.AppendAsync(Hub, Event("dp1-1", $"{acknowledged}:{new string('x', 20_000)}"));
                        acknowledged++;
                    }
                },
                Throws.InstanceOf<IOException>().With.Message.Contains("No space left"));
            Assert.That(acknowledged, Is.GreaterThan(100));
            await Assert.ThatAsync(async () => await hubs.AppendAsync(Hub, Event("dp1-1", new string('x', 20_000))), Throws.InstanceOf<IOException>());

            File.Delete(ballast);
            await hubs.AppendAsync(Hub, Event("dp1-1", $"{acknowledged++}:"));

            var got = new List<string>();
            await HubFixture.ConsumeUntilAsync(hubs, Hub, Group, e => got.Add(Text(e).Split(':')[0]), () => got.Count == acknowledged);
            Assert.That(got, Is.EqualTo(Enumerable.Range(0, acknowledged).Select(n => $"{n}")));
        }
        finally
        {
            Assert.That(await RunAsync("umount", mount), Is.Zero);
            Directory.Delete(mount);
        }
    }

    [Test]
    public async Task The_largest_event_fits_and_a_larger_one_is_refused_by_its_size()
    {
        await using var hubs = _fixture.Open();
        var largest = new byte[EmbeddedHubs.EventBytesMax - 100];
        Random.Shared.NextBytes(largest);
        for (var i = 0; i < 5; i++)
            await hubs.PublishAsync(Hub, [Event("dp1-1", "small"), new OutgoingEvent("dp1-1", EventProperties.None, largest)], default);

        var bodies = new List<byte[]>();
        await HubFixture.ConsumeUntilAsync(hubs, Hub, Group, e => bodies.Add(e.Body.ToArray()), () => bodies.Count == 10);
        Assert.That(bodies.Where((_, i) => i % 2 == 1), Is.All.EqualTo(largest));

        await Assert.ThatAsync(
            async () => await hubs.PublishAsync(Hub, [Event("dp1-1", "not taken either"), new("dp1-1", EventProperties.None, new byte[EmbeddedHubs.EventBytesMax])], default),
            Throws.TypeOf<EventTooLargeException>().With.Message.Contains($"{EmbeddedHubs.EventBytesMax}"));
        Assert.That(hubs.Lags().Sum(l => l.Events), Is.Zero);
    }

    [Test]
    public async Task Two_processes_cannot_open_the_same_folder()
    {
        await using var hubs = _fixture.Open();
        Assert.That(() => _fixture.Open(), Throws.InstanceOf<IOException>().With.Message.Contains("another process"));
    }

    [Test]
    public async Task Another_number_of_partitions_is_refused_because_it_would_break_the_order()
    {
        await using (var hubs = _fixture.Open())
            await hubs.PublishAsync(Hub, [Event("dp1-1", "x")], default);

        using var other = new HubFixture(new HubSettings(Hub, 3, [Group])) { Folder = _fixture.Folder };
        Assert.That(() => other.Open(), Throws.TypeOf<InvalidDataException>().With.Message.Contains("stored with 2 partitions"));
    }

    // Pinned: if one of the next two fails, stored events of running regions lose their order or can no longer be read.
    [Test]
    public async Task A_key_keeps_its_partition()
    {
        using var fixture = new HubFixture(new HubSettings(Hub, 4, [Group]));
        await using var hubs = fixture.Open();
        var partitions = new ConcurrentDictionary<string, string>();
        await hubs.PublishAsync(Hub, [.. Enumerable.Range(0, 8).Select(n => Event($"dp1-471100{n}", "x"))], default);
        using var stop = new CancellationTokenSource(Patience);
        await HubFixture.PumpAsync(hubs, new HubPumpOptions("test", Hub, Group), async (batch, _) =>
        {
            foreach (var e in batch.Events)
                partitions[e.Key] = batch.Partition;
            if (partitions.Count == 8)
                await stop.CancelAsync();
        }, stop.Token);

        Assert.That(Enumerable.Range(0, 8).Select(n => partitions[$"dp1-471100{n}"]), Is.EqualTo(new[] { "2", "0", "1", "0", "3", "1", "2", "2" }));
    }

    [Test]
    public async Task A_stored_event_keeps_its_layout()
    {
        await using var hubs = _fixture.Open();
        await hubs.PublishAsync(Hub, [Event("dp1-4711000", "body")], default);

        var log = Directory.GetFiles(_fixture.Folder, "log.0", SearchOption.AllDirectories).Single();
        await using var file = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = 64 + 12;
        var record = new byte[24 + 11 + 3 + 11 + 4];
        await file.ReadExactlyAsync(record);
        Assert.Multiple(() =>
        {
            Assert.That(record[..16], Is.EqualTo(new byte[] { 1, 1, 11, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0 }));
            Assert.That(Encoding.UTF8.GetString(record, 24, record.Length - 24), Is.EqualTo("dp1-4711000\u0001\u000b\0dp1-4711000body"));
        });
    }

    private static OutgoingEvent Event(string key, string body) =>
        new(key, new EventProperties(new KeyValuePair<string, string>(PropertyNames.DeviceId, key)), Encoding.UTF8.GetBytes(body));

    private static string Text(HubEvent e) => Encoding.UTF8.GetString(e.Body.Span);

    // Eight events of 128 KiB are a megabyte.
    private static Task FillAsync(EmbeddedHubs hubs, int megabytes = 0, int eighths = 0) =>
        hubs.PublishAsync(
            Hub, [.. Enumerable.Repeat(new OutgoingEvent("dp1-1", EventProperties.None, new byte[(128 << 10) + 100]), megabytes * 8 + eighths)], default);

    private static long StoredBytes(HubFixture fixture) =>
        Directory.GetFiles(fixture.Folder, "log.*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length);

    // The specification of the partition of a key, apart from the code: FNV-1a and a final mix.
    private static int PartitionOfKey(string key, int partitions = 2)
    {
        var hash = Encoding.UTF8.GetBytes(key).Aggregate(2166136261u, (h, b) => (h ^ b) * 16777619u);
        hash = (hash ^ (hash >> 16)) * 0x7feb352du;
        return (int)((hash ^ (hash >> 15)) % (uint)partitions);
    }

    private static void CopyFolder(string from, string to)
    {
        // The checkpoints and commit points first: they may be older than the logs, as after a crash, but never newer.
        foreach (var file in Directory.GetFiles(from, "*", SearchOption.AllDirectories).OrderBy(f => Path.GetFileName(f).StartsWith("log.", StringComparison.Ordinal)))
        {
            if (file.EndsWith(".next", StringComparison.Ordinal) || Path.GetFileName(file) == "lock")
                continue;
            var target = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            using var source = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var copy = new FileStream(target, FileMode.Create);
            source.CopyTo(copy);
        }
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    /// <summary>Publishes twenty events, again and again while the hub says that it is full.</summary>
    private sealed class PatientPublish(EmbeddedHubs hubs) : IAsyncDisposable
    {
        public Task Done { get; } = Task.Run(async () =>
        {
            for (var i = 0; i < 20;)
            {
                try
                {
                    await FillAsync(hubs, eighths: 1);
                    i++;
                }
                catch (HubFullException)
                {
                    // Not taken: the same one again.
                }
            }
        });

        public async ValueTask DisposeAsync() => await Done;
    }

    private sealed class SettableTime : TimeProvider
    {
        public DateTimeOffset Now { get; set; } = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
