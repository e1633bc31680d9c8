using Azure.Core;
using Azure.Messaging.ServiceBus;
using Microsoft.Extensions.Options;
using Pumps.Handlers.Firmware;

namespace Pumps.Azure.ServiceBus;

/// <summary>The queue <c>firmware</c>, in which each device is a session of its own; the Devices app serves it. The local region's is a channel in its process.</summary>
public sealed class TransferQueue : ITransferQueue
{
    public const string Queue = "firmware";

    /// <summary>
    /// Messages sent at once. Each has its device's id twice, of 128 characters at most, and some hundred bytes around it: so many are half of the 256 KB that
    /// the Standard tier takes in one send, in which sessions may be mixed, since the queue has no partitions.
    /// </summary>
    public const int AtOnce = 200;

    private readonly Lazy<ServiceBusSender> _sender;

    public TransferQueue(IOptions<ServiceBusOptions> options, TokenCredential credential) =>
        _sender = new(() => new ServiceBusClient(options.Value.FullyQualifiedNamespace, credential).CreateSender(Queue));

    internal TransferQueue(ServiceBusSender sender) => _sender = new(sender);

    /// <summary>When a send fails, those before it stand in the queue; their devices have a second turn when all are queued again.</summary>
    public async Task EnqueueAsync(IReadOnlyList<string> deviceIds, CancellationToken cancel)
    {
        foreach (var devices in deviceIds.Chunk(AtOnce))
            await _sender.Value.SendMessagesAsync(devices.Select(d => new ServiceBusMessage(BinaryData.FromString(d)) { SessionId = d }), cancel);
    }
}
