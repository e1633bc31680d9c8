using Azure.Messaging.ServiceBus;
using Pumps.Azure.ServiceBus;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>What the queue of transfers hands to Service Bus.</summary>
public sealed class TransferQueueTests
{
    [Test]
    public async Task A_device_is_one_message_in_a_session_of_its_own()
    {
        var sender = new Sender();
        await new TransferQueue(sender).EnqueueAsync(["dp1-4711001", "dp2-00a1b2c3d4e5f607"], CancellationToken.None);

        Assert.That(
            sender.Sent.Single().Select(m => (m.SessionId, m.Body.ToString())),
            Is.EqualTo(new[] { ("dp1-4711001", "dp1-4711001"), ("dp2-00a1b2c3d4e5f607", "dp2-00a1b2c3d4e5f607") }));
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(TransferQueue.AtOnce)]
    [TestCase(TransferQueue.AtOnce + 1)]
    [TestCase((3 * TransferQueue.AtOnce) - 1)]
    public async Task Any_number_of_devices_goes_in_sends_that_the_queue_takes(int devices)
    {
        var sender = new Sender();
        var ids = Enumerable.Range(0, devices).Select(i => $"dp1-{i}").ToList();
        await new TransferQueue(sender).EnqueueAsync(ids, CancellationToken.None);

        Assert.That(sender.Sent.SelectMany(s => s.Select(m => m.SessionId)), Is.EqualTo(ids));
        Assert.That(sender.Sent.Select(s => s.Count), Has.All.InRange(1, TransferQueue.AtOnce));
    }

    private sealed class Sender : ServiceBusSender
    {
        public List<IReadOnlyList<ServiceBusMessage>> Sent { get; } = [];

        public override Task SendMessagesAsync(IEnumerable<ServiceBusMessage> messages, CancellationToken cancellationToken = default)
        {
            Sent.Add([.. messages]);
            return Task.CompletedTask;
        }
    }
}
