using Azure.Messaging.EventHubs;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Options;
using Pumps.Azure.EventHubs;
using Pumps.Handlers.Datapoints;

namespace Pumps.Datapoints;

/// <summary>Azure's doors to <see cref="KeepLatest"/>. The local region's doors to it are in its Doors.cs.</summary>
/// <remarks>The retry policy has no limit: without it the trigger moves its checkpoint past a batch that threw.</remarks>
public sealed class LatestFunctions(KeepLatest handler, IOptions<OfferingOptions> options)
{
    private const string Group = "latest";
    private const string Hubs = "FeedHubs";

    [Function(nameof(LatestTelemetry))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task LatestTelemetry(
        [EventHubTrigger(OfferingOptions.TelemetryHubSetting, Connection = Hubs, ConsumerGroup = Group)] EventData[] events,
        FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(options.Value.TelemetryHub, events, context), context.CancellationToken);

    [Function(nameof(LatestEvents))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task LatestEvents(
        [EventHubTrigger(OfferingOptions.EventsHubSetting, Connection = Hubs, ConsumerGroup = Group)] EventData[] events,
        FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(options.Value.EventsHub, events, context), context.CancellationToken);
}
