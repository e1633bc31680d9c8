using Pumps.Azure.EventHubs;
using Pumps.Handlers.Hubs;

namespace Pumps.Contracts.Tests.Azure;

public sealed class PartitionPlanTests
{
    private static readonly string[] Partitions = [.. Enumerable.Range(0, 32).Select(i => $"{i}")];

    // Published FNV-1a values: "" 811c9dc5, "a" e40c292c, "foobar" bf9cf968. Another answer would move the devices of a running region
    // to other partitions.
    [TestCase("", "5")]
    [TestCase("a", "12")]
    [TestCase("foobar", "8")]
    public void A_key_keeps_its_partition_for_ever(string key, string partition) =>
        Assert.That(PartitionPlan.PartitionOf(key, Partitions), Is.EqualTo(partition));

    [Test]
    public void A_long_key_has_a_partition_too() =>
        Assert.That(Partitions, Does.Contain(PartitionPlan.PartitionOf(new string('k', 4000), Partitions)));

    [Test]
    public void Serial_numbers_in_a_row_spread_over_all_partitions()
    {
        var counts = Enumerable.Range(4_711_000, 32_000).CountBy(serial => PartitionPlan.PartitionOf($"dp1-{serial}", Partitions)).ToList();

        Assert.That(counts, Has.Count.EqualTo(32));
        Assert.That(counts.Max(c => c.Value), Is.LessThan(1200), "1000 is even");
    }

    [Test]
    public void A_thousand_devices_make_one_group_per_partition_and_keep_their_order()
    {
        var events = Enumerable.Range(0, 5000).Select(i => Event($"dp1-{i % 1000}", i)).ToList();

        var groups = PartitionPlan.Group(events, Partitions);

        Assert.That(groups, Has.Count.EqualTo(32));
        Assert.That(groups.Values.Sum(g => g.Count), Is.EqualTo(5000));
        foreach (var device in groups.Values.SelectMany(group => group.GroupBy(e => e.Key)))
            Assert.That(device.Select(Number), Is.Ordered.And.Exactly(5).Items, device.Key);
    }

    [Test]
    public async Task A_full_batch_is_sent_and_the_next_one_goes_on_where_it_ended()
    {
        var sent = new List<int[]>();

        await Send([.. Enumerable.Range(0, 10).Select(i => Event("a", i))], room: 4, sent);

        Assert.That(sent, Is.EqualTo(new int[][] { [0, 1, 2, 3], [4, 5, 6, 7], [8, 9] }));
    }

    [Test]
    public async Task An_event_that_no_batch_can_hold_is_named_after_those_before_it_were_sent()
    {
        var sent = new List<int[]>();
        OutgoingEvent[] events = [Event("a", 0), Event("dp1-77", 1, size: 5), Event("a", 2)];

        var error = await Assert.ThrowsAsync<EventTooLargeException>(() => Send(events, room: 4, sent));

        Assert.That(error!.Message, Does.Contain("dp1-77").And.Contain("5 bytes"));
        Assert.That(sent, Is.EqualTo(new int[][] { [0] }));
    }

    [Test]
    public async Task A_failed_send_goes_up_and_nothing_overtakes_it()
    {
        var tries = 0;
        OutgoingEvent[] events = [.. Enumerable.Range(0, 10).Select(i => Event("a", i))];

        await Assert.ThrowsAsync<TimeoutException>(() => PartitionPlan.SendAllAsync(
            events, () => ValueTask.FromResult(new Batch(4)), (batch, e) => batch.TryAdd(e), _ => ++tries == 2 ? throw new TimeoutException() : Task.CompletedTask));
        Assert.That(tries, Is.EqualTo(2));
    }

    private static Task Send(IReadOnlyList<OutgoingEvent> events, int room, List<int[]> sent) =>
        PartitionPlan.SendAllAsync(
            events,
            () => ValueTask.FromResult(new Batch(room)),
            (batch, e) => batch.TryAdd(e),
            batch =>
            {
                sent.Add([.. batch.Events.Select(Number)]);
                return Task.CompletedTask;
            });

    private static OutgoingEvent Event(string key, int number, int size = 1) => new(key, new(new KeyValuePair<string, string>("n", $"{number}")), new byte[size]);

    private static int Number(OutgoingEvent e) => int.Parse(e.Properties["n"]!);

    /// <summary>As the SDK's batch: takes events until its bytes are full.</summary>
    private sealed class Batch(int room) : IDisposable
    {
        private int _room = room;

        public List<OutgoingEvent> Events { get; } = [];

        public bool TryAdd(OutgoingEvent e)
        {
            if (e.Body.Length > _room)
                return false;
            _room -= e.Body.Length;
            Events.Add(e);
            return true;
        }

        public void Dispose() => Events.Clear();
    }
}
