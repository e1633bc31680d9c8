using Azure.Core;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Pumps.AzureShapes;

namespace Azure.Messaging.ServiceBus
{
    public class ServiceBusClient
    {
        public ServiceBusClient(string fullyQualifiedNamespace, TokenCredential credential) => throw Shape.Only;

        public virtual ServiceBusSender CreateSender(string queueOrTopicName) => throw Shape.Only;
    }

    public class ServiceBusSender
    {
        protected ServiceBusSender()
        {
        }

        public virtual Task SendMessageAsync(ServiceBusMessage message, CancellationToken cancellationToken = default) => throw Shape.Only;

        public virtual Task SendMessagesAsync(IEnumerable<ServiceBusMessage> messages, CancellationToken cancellationToken = default) => throw Shape.Only;
    }

    /// <summary>It keeps what is put into it: what a fake of the sender takes.</summary>
    public class ServiceBusMessage
    {
        public ServiceBusMessage(BinaryData body) => Body = body;

        public BinaryData Body { get; set; }

        public string? SessionId { get; set; }
    }

    public class ServiceBusException : Exception
    {
        public ServiceBusException(bool isTransient, string message, Exception? innerException = null)
            : base(message, innerException) => IsTransient = isTransient;

        public bool IsTransient { get; }
    }
}

namespace Microsoft.Azure.Functions.Worker
{
    public sealed class ServiceBusTriggerAttribute : TriggerBindingAttribute
    {
        public ServiceBusTriggerAttribute(string queueName) => throw Shape.Only;

        public string? Connection { get => throw Shape.Only; set => throw Shape.Only; }

        public bool IsSessionsEnabled { get => throw Shape.Only; set => throw Shape.Only; }
    }
}
