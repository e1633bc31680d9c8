using Azure.Messaging.EventHubs;
using Microsoft.Azure.Functions.Worker;
using Pumps.Azure.EventHubs;
using Pumps.Handlers.Devices;

namespace Pumps.Devices;

/// <summary>Azure's door to <see cref="TakeDeviceResults"/>. The local region's door to it is in its Doors.cs.</summary>
/// <remarks>The retry policy has no limit: without it the trigger moves its checkpoint past a batch that threw.</remarks>
public sealed class ResultFunctions(TakeDeviceResults handler)
{
    private const string Results = "command-results";

    [Function(nameof(TakeResults))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task TakeResults(
        [EventHubTrigger(Results, Connection = "FeedHubs", ConsumerGroup = "devices")] EventData[] events, FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(Results, events, context), context.CancellationToken);
}
