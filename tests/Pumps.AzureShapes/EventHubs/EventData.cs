using Pumps.AzureShapes;

namespace Azure.Messaging.EventHubs;

public class EventData
{
    public EventData(ReadOnlyMemory<byte> eventBody) => throw Shape.Only;

    public BinaryData EventBody => throw Shape.Only;

    public DateTimeOffset EnqueuedTime => throw Shape.Only;

    public string? PartitionKey => throw Shape.Only;

    public IDictionary<string, object> Properties => throw Shape.Only;

    public IReadOnlyDictionary<string, object> SystemProperties => throw Shape.Only;

    public long SequenceNumber => throw Shape.Only;
}

public class EventHubsException : Exception
{
    public EventHubsException(bool isTransient, string eventHubName, string message)
        : base(message) => IsTransient = isTransient;

    public bool IsTransient { get; }
}
