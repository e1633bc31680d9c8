using Azure.Core;
using Pumps.AzureShapes;

namespace Azure.Messaging.EventHubs.Producer;

public class SendEventOptions
{
    public string? PartitionId { get => throw Shape.Only; set => throw Shape.Only; }
}

public class CreateBatchOptions : SendEventOptions;

public sealed class EventDataBatch : IDisposable
{
    internal EventDataBatch() => throw Shape.Only;

    public int Count => throw Shape.Only;

    public long MaximumSizeInBytes => throw Shape.Only;

    public bool TryAdd(EventData eventData) => throw Shape.Only;

    public void Dispose() => throw Shape.Only;
}

public class EventHubProducerClientOptions;

public class EventHubProducerClient : IAsyncDisposable
{
    public EventHubProducerClient(
        string fullyQualifiedNamespace, string eventHubName, TokenCredential credential, EventHubProducerClientOptions? clientOptions = null) =>
        throw Shape.Only;

    public virtual Task<string[]> GetPartitionIdsAsync(CancellationToken cancellationToken = default) => throw Shape.Only;

    public virtual ValueTask<EventDataBatch> CreateBatchAsync(CreateBatchOptions options, CancellationToken cancellationToken = default) =>
        throw Shape.Only;

    public virtual Task SendAsync(EventDataBatch eventBatch, CancellationToken cancellationToken = default) => throw Shape.Only;

    public virtual ValueTask DisposeAsync() => throw Shape.Only;
}
