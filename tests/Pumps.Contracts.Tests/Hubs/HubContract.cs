using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Pumps.Handlers.Hubs;

namespace Pumps.Contracts.Tests.Hubs;

/// <summary>What handlers may rely on when they publish to hubs and are given batches of them.</summary>
public abstract class HubContract
{
    protected const string Hub = "irrigation-telemetry";
    protected const string Group = "latest";
    protected const string OtherGroup = "history";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>The hub of the present test: <see cref="Hub"/> with several partitions and both groups, empty at the start.</summary>
    protected abstract IHubPublisher Publisher { get; }

    /// <summary>Brings batches of <see cref="Hub"/> to the handler until cancelled; failures are repeated without a long pause.</summary>
    protected abstract Task RunConsumerAsync(string group, Func<HubBatch, CancellationToken, Task> handler, CancellationToken cancel);

    /// <summary>Ends and starts what keeps the hub, as a restart of the host does.</summary>
    protected abstract Task RestartAsync();

    [Test]
    public async Task Events_come_as_they_were_published()
    {
        var before = DateTimeOffset.UtcNow.AddSeconds(-1);
        var properties = new EventProperties(
            new(PropertyNames.DeviceId, "dp1-4711001"), new(PropertyNames.HeaderType, "telemetry"), new("größe", "3 µm"), new(PropertyNames.TraceParent, ""));
        await Publisher.PublishAsync(Hub, [new OutgoingEvent("dp1-4711001", properties, new byte[] { 0, 1, 2, 255 })], default);
        await Publisher.PublishAsync(Hub, [new OutgoingEvent("dp1-4711001", EventProperties.None, ReadOnlyMemory<byte>.Empty)], default);

        var got = await ReadAsync(Group, 2);

        Assert.Multiple(() =>
        {
            Assert.That(got.Select(e => e.Key), Is.All.EqualTo("dp1-4711001"));
            Assert.That(got[0].Properties.Items.ToArray(), Is.EqualTo(properties.Items.ToArray()));
            Assert.That(got[0].Body, Is.EqualTo(new byte[] { 0, 1, 2, 255 }));
            Assert.That(got[1].Properties.Items.Length, Is.Zero);
            Assert.That(got[1].Body, Is.Empty);
            Assert.That(got[0].EnqueuedAt, Is.InRange(before, DateTimeOffset.UtcNow.AddSeconds(1)));
            Assert.That(got[1].Sequence, Is.GreaterThan(got[0].Sequence));
        });
    }

    [Test]
    public async Task The_memory_of_an_event_may_be_reused_once_the_publish_has_returned()
    {
        var body = "first"u8.ToArray();
        await Publisher.PublishAsync(Hub, [new OutgoingEvent("dp1-1", EventProperties.None, body)], default);
        "other"u8.CopyTo(body);

        Assert.That((await ReadAsync(Group, 1))[0].Text, Is.EqualTo("first"));
    }

    [Test]
    public async Task Events_of_a_key_keep_their_order_with_many_publishers_at_once()
    {
        const int devices = 40, publishes = 25, perPublish = 8;
        await Task.WhenAll(Enumerable.Range(0, devices).Select(async device =>
        {
            for (var i = 0; i < publishes; i++)
                await Publisher.PublishAsync(
                    Hub, [.. Enumerable.Range(i * perPublish, perPublish).Select(n => Event($"dp1-{device}", Number(n)))], default);
        }));

        var got = await ReadAsync(Group, devices * publishes * perPublish);

        var byKey = got.GroupBy(e => e.Key).ToDictionary(g => g.Key, g => g.Select(e => e.Text).ToList());
        Assert.That(byKey, Has.Count.EqualTo(devices));
        Assert.That(byKey.Values, Is.All.EqualTo(Enumerable.Range(0, publishes * perPublish).Select(Number).ToList()));
    }

    [Test]
    public async Task A_publish_of_many_keys_keeps_the_order_of_each()
    {
        var events = Enumerable.Range(0, 6000).Select(n => Event($"dp2-{n % 97}", Number(n))).ToList();
        await Publisher.PublishAsync(Hub, events, default);

        var got = await ReadAsync(Group, events.Count);

        Assert.That(got.Select(e => e.Partition).Distinct().Count(), Is.GreaterThan(1));
        foreach (var key in got.GroupBy(e => e.Key))
        {
            Assert.That(key.Select(e => e.Partition).Distinct().Count(), Is.EqualTo(1));
            Assert.That(key.Select(e => int.Parse(e.Text, CultureInfo.InvariantCulture)), Is.Ordered);
        }
    }

    [Test]
    public async Task Sequences_grow_within_a_partition()
    {
        await Publisher.PublishAsync(Hub, [.. Enumerable.Range(0, 2000).Select(n => Event($"dp1-{n % 50}", Number(n)))], default);

        foreach (var partition in (await ReadAsync(Group, 2000)).GroupBy(e => e.Partition))
            Assert.That(partition.Select(e => e.Sequence), Is.Ordered.And.Unique);
    }

    [Test]
    public async Task Every_group_gets_every_event()
    {
        await Publisher.PublishAsync(Hub, [.. Enumerable.Range(0, 300).Select(n => Event($"dp1-{n}", Number(n)))], default);

        var one = await ReadAsync(Group, 300);
        var other = await ReadAsync(OtherGroup, 300);

        Assert.That(one.Select(e => (e.Partition, e.Sequence)), Is.EquivalentTo(other.Select(e => (e.Partition, e.Sequence))));
    }

    [Test]
    public async Task Events_that_come_while_a_consumer_waits_are_brought_to_it()
    {
        using var stop = new CancellationTokenSource(Patience);
        var arrived = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        var consumer = RunConsumerAsync(Group, (batch, _) =>
        {
            arrived.TrySetResult(Encoding.UTF8.GetString(batch.Events[0].Body.Span));
            return Task.CompletedTask;
        }, stop.Token);

        await Publisher.PublishAsync(Hub, [Event("dp1-1", "now")], default);

        Assert.That(await arrived.Task.WaitAsync(Patience), Is.EqualTo("now"));
        await stop.CancelAsync();
        await consumer;
    }

    [Test]
    public async Task What_was_published_is_there_after_a_restart()
    {
        await Publisher.PublishAsync(Hub, [.. Enumerable.Range(0, 500).Select(n => Event($"dp1-{n % 20}", Number(n)))], default);
        await RestartAsync();
        await Publisher.PublishAsync(Hub, [.. Enumerable.Range(500, 500).Select(n => Event($"dp1-{n % 20}", Number(n)))], default);

        var got = await ReadAsync(Group, 1000);

        Assert.That(got.Select(e => int.Parse(e.Text, CultureInfo.InvariantCulture)), Is.EquivalentTo(Enumerable.Range(0, 1000)));
        foreach (var key in got.GroupBy(e => e.Key))
            Assert.That(key.Select(e => int.Parse(e.Text, CultureInfo.InvariantCulture)), Is.Ordered);
    }

    [Test]
    public async Task A_group_goes_on_after_a_restart_where_it_stopped()
    {
        await Publisher.PublishAsync(Hub, [.. Enumerable.Range(0, 400).Select(n => Event($"dp1-{n}", Number(n)))], default);
        await ReadAsync(Group, 400);
        await RestartAsync();
        await Publisher.PublishAsync(Hub, [.. Enumerable.Range(400, 100).Select(n => Event($"dp1-{n}", Number(n)))], default);

        var got = await ReadAsync(Group, 100);

        Assert.That(got.Select(e => int.Parse(e.Text, CultureInfo.InvariantCulture)), Is.EquivalentTo(Enumerable.Range(400, 100)));
    }

    [Test]
    public async Task A_batch_that_throws_comes_again_the_same_until_it_is_handled_and_nothing_overtakes_it()
    {
        await Publisher.PublishAsync(Hub, [Event("dp1-1", "0"), Event("dp1-1", "1")], default);
        var attempts = new ConcurrentQueue<string[]>();
        using var stop = new CancellationTokenSource(Patience);
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        var consumer = RunConsumerAsync(Group, async (batch, cancel) =>
        {
            attempts.Enqueue([.. batch.Events.Select(e => Encoding.UTF8.GetString(e.Body.Span))]);
            if (attempts.Count == 1)
                await Publisher.PublishAsync(Hub, [Event("dp1-1", "2")], cancel);
            if (attempts.Count <= 3)
                throw new IOException("The database is away.");
            if (batch.Events.Any(e => e.Body.Span.SequenceEqual("2"u8)))
                done.SetResult();
        }, stop.Token);
        await done.Task.WaitAsync(Patience);
        await stop.CancelAsync();
        await consumer;

        var seen = attempts.ToArray();
        Assert.That(seen[..4], Is.All.EqualTo(seen[0]));
        Assert.That(seen[3..].SelectMany(a => a), Is.EqualTo(new[] { "0", "1", "2" }));
    }

    [Test]
    public async Task A_batch_that_was_cancelled_is_not_handled_and_comes_again()
    {
        await Publisher.PublishAsync(Hub, [Event("dp1-1", "0")], default);
        using var stop = new CancellationTokenSource(Patience);
        await RunConsumerAsync(Group, async (_, cancel) =>
        {
            await stop.CancelAsync();
            cancel.ThrowIfCancellationRequested();
        }, stop.Token);

        Assert.That((await ReadAsync(Group, 1))[0].Text, Is.EqualTo("0"));
    }

    [Test]
    public async Task A_hub_that_nobody_declared_is_named_in_the_error() =>
        await Assert.ThatAsync(
            async () => await Publisher.PublishAsync("no-such-hub", [Event("dp1-1", "0")], default),
            Throws.ArgumentException.With.Message.Contains("no-such-hub"));

    protected static OutgoingEvent Event(string key, string body) =>
        new(key, new EventProperties(new KeyValuePair<string, string>(PropertyNames.DeviceId, key)), Encoding.UTF8.GetBytes(body));

    protected static string Number(int n) => n.ToString(CultureInfo.InvariantCulture);

    /// <summary>Reads with a group until it has the given number of events, then stops it.</summary>
    protected async Task<IReadOnlyList<Received>> ReadAsync(string group, int count)
    {
        var got = new List<Received>();
        using var stop = new CancellationTokenSource();
        var consumer = RunConsumerAsync(group, async (batch, _) =>
        {
            lock (got)
                got.AddRange(batch.Events.Select(e => new Received(batch.Partition, e.Sequence, e.EnqueuedAt, e.Key, new([.. e.Properties.Items]), e.Body.ToArray())));
            if (got.Count >= count)
                await stop.CancelAsync();
        }, stop.Token);
        stop.CancelAfter(Patience);
        await consumer;

        Assert.That(got, Has.Count.EqualTo(count));
        return got;
    }

    protected sealed record Received(string Partition, long Sequence, DateTimeOffset EnqueuedAt, string Key, EventProperties Properties, byte[] Body)
    {
        public string Text => Encoding.UTF8.GetString(Body);
    }
}
