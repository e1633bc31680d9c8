using Azure.Core;
using Azure.Messaging.ServiceBus;
using Microsoft.Extensions.Options;
using Pumps.Handlers.Commands;

namespace Pumps.Azure.ServiceBus;

/// <summary>Rings by a message in the queue <c>commands</c>; the Devices app answers it. The local region's bell is a signal in its process.</summary>
public sealed class CommandBell(IOptions<ServiceBusOptions> options, TokenCredential credential) : ICommandBell
{
    public const string Queue = "commands";

    private readonly Lazy<ServiceBusSender> _sender = new(() => new ServiceBusClient(options.Value.FullyQualifiedNamespace, credential).CreateSender(Queue));

    public Task RingAsync(CancellationToken cancel) =>
        _sender.Value.SendMessageAsync(new ServiceBusMessage(BinaryData.FromString("due")), cancel);
}
