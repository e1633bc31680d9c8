using Azure.Messaging.EventHubs;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Options;
using Pumps.Azure.EventHubs;
using Pumps.Handlers.Datapoints;

namespace Pumps.Datapoints;

/// <summary>Azure's doors to <see cref="KeepHistory"/>. The local region's doors to it are in its Doors.cs.</summary>
/// <remarks>The retry policy has no limit: without it the trigger moves its checkpoint past a batch that threw.</remarks>
public sealed class HistoryFunctions(KeepHistory handler, IOptions<OfferingOptions> options)
{
    private const string Group = "history";
    private const string Hubs = "FeedHubs";

    [Function(nameof(HistoryTelemetry))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task HistoryTelemetry(
        [EventHubTrigger(OfferingOptions.TelemetryHubSetting, Connection = Hubs, ConsumerGroup = Group)] EventData[] events,
        FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(options.Value.TelemetryHub, events, context), context.CancellationToken);

    [Function(nameof(HistoryEvents))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task HistoryEvents(
        [EventHubTrigger(OfferingOptions.EventsHubSetting, Connection = Hubs, ConsumerGroup = Group)] EventData[] events,
        FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(options.Value.EventsHub, events, context), context.CancellationToken);
}
