using Pumps.Azure.EventHubs;
using Pumps.Handlers.Hubs;

namespace Pumps.Contracts.Tests.Azure;

public sealed class HubBatchesTests
{
    private static readonly DateTimeOffset Enqueued = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);

    [Test]
    public void Properties_of_the_service_and_of_the_message_come_over_as_text()
    {
        var e = Translate(
            new() { ["iothub-connection-device-id"] = "dp1-4711001", ["iothub-enqueuedtime"] = new DateTime(2025, 6, 1, 12, 0, 1, 500, DateTimeKind.Utc) },
            new() { ["headerType"] = "telemetry", ["utcOffset"] = 120, ["ratio"] = 0.5, ["flag"] = true });

        Assert.That(e.Properties[PropertyNames.DeviceId], Is.EqualTo("dp1-4711001"));
        Assert.That(e.Properties[PropertyNames.EnqueuedTime], Is.EqualTo("2025-06-01T12:00:01.5000000Z"));
        Assert.That(e.Properties[PropertyNames.HeaderType], Is.EqualTo("telemetry"));
        Assert.That(e.Properties[PropertyNames.UtcOffset], Is.EqualTo("120"));
        Assert.That(e.Properties["ratio"], Is.EqualTo("0.5"));
        Assert.That(e.Properties["flag"], Is.EqualTo("true"));
    }

    [Test]
    public void A_device_cannot_pass_itself_off_as_another()
    {
        var e = Translate(new() { ["iothub-connection-device-id"] = "dp1-1" }, new() { ["iothub-connection-device-id"] = "dp1-2" });

        Assert.That(e.Properties[PropertyNames.DeviceId], Is.EqualTo("dp1-1"));
        Assert.That(e.Key, Is.EqualTo("dp1-1"));
    }

    [Test]
    public void Only_a_replay_may_name_an_original()
    {
        var claim = new Dictionary<string, object> { [PropertyNames.ReplayOf] = "raw-event-dp1:0:1", [PropertyNames.ReplayEnqueuedTime] = "1999-01-01" };
        var replay = new Dictionary<string, object>(claim) { [PropertyNames.DeviceId] = "dp1-1" };

        Assert.That(Translate(new() { [PropertyNames.DeviceId] = "dp1-1" }, claim).Properties[PropertyNames.ReplayOf], Is.Null);
        Assert.That(Translate([], replay).Properties[PropertyNames.ReplayOf], Is.EqualTo("raw-event-dp1:0:1"));
    }

    [TestCase("key", "device", "subject", "key")]
    [TestCase(null, "device", "subject", "device")]
    [TestCase(null, null, "subject", "subject")]
    [TestCase(null, null, null, "")]
    public void The_key_is_the_partition_key_or_else_the_device(string? partitionKey, string? device, string? subject, string expected)
    {
        var system = new Dictionary<string, object>();
        var application = new Dictionary<string, object>();
        if (device is not null)
            system[PropertyNames.DeviceId] = device;
        if (subject is not null)
            application[PropertyNames.CloudEventSubject] = subject;

        Assert.That(Translate(system, application, partitionKey).Key, Is.EqualTo(expected));
    }

    [Test]
    public void The_partition_comes_from_the_metadata_of_the_trigger()
    {
        var metadata = new Dictionary<string, object?> { ["PartitionContext"] = """{"EventHubName":"raw-event-dp1","PartitionId":"7"}""" };

        Assert.That(HubBatches.PartitionOf("raw-event-dp1", metadata), Is.EqualTo("7"));
    }

    [TestCase(null)]
    [TestCase("{}")]
    [TestCase("""{"PartitionId":null}""")]
    public void Without_the_partition_the_hub_stops_and_says_why(string? context)
    {
        var metadata = new Dictionary<string, object?> { ["PartitionContext"] = context };

        var error = Assert.Throws<InvalidOperationException>(() => HubBatches.PartitionOf("raw-event-dp1", metadata));

        Assert.That(error!.Message, Does.Contain("raw-event-dp1").And.Contain("PartitionId"));
    }

    private static HubEvent Translate(Dictionary<string, object> system, Dictionary<string, object> application, string? partitionKey = null) =>
        HubBatches.ToEvent(1, Enqueued, partitionKey, system, application, new byte[] { 1 });
}
