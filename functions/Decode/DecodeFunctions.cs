using Azure.Messaging.EventHubs;
using Microsoft.Azure.Functions.Worker;
using Pumps.Azure.EventHubs;
using Pumps.Handlers.Decoding;

namespace Pumps.Decode;

/// <summary>Azure's doors to <see cref="DecodeFrames"/>, one per raw hub. The local region's doors to it are in its Doors.cs.</summary>
/// <remarks>
/// Without a retry policy the Event Hubs trigger moves its checkpoint past a batch that threw. -1: no limit. A stalled partition raises an
/// alert; a skipped batch is lost and nobody notices.
/// </remarks>
public sealed class DecodeFunctions(DecodeFrames handler)
{
    private const string TelemetryDp1 = "raw-telemetry-dp1";
    private const string TelemetryDp2 = "raw-telemetry-dp2";
    private const string EventDp1 = "raw-event-dp1";
    private const string EventDp2 = "raw-event-dp2";
    private const string CommandDp1 = "raw-command-dp1";
    private const string CommandDp2 = "raw-command-dp2";
    private const string Unrouted = "raw-unrouted";
    private const string Group = "decode";
    private const string Hubs = "RawHubs";

    [Function(nameof(DecodeTelemetryDp1))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task DecodeTelemetryDp1(
        [EventHubTrigger(TelemetryDp1, Connection = Hubs, ConsumerGroup = Group)] EventData[] events, FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(TelemetryDp1, events, context), context.CancellationToken);

    [Function(nameof(DecodeTelemetryDp2))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task DecodeTelemetryDp2(
        [EventHubTrigger(TelemetryDp2, Connection = Hubs, ConsumerGroup = Group)] EventData[] events, FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(TelemetryDp2, events, context), context.CancellationToken);

    [Function(nameof(DecodeEventDp1))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task DecodeEventDp1(
        [EventHubTrigger(EventDp1, Connection = Hubs, ConsumerGroup = Group)] EventData[] events, FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(EventDp1, events, context), context.CancellationToken);

    [Function(nameof(DecodeEventDp2))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task DecodeEventDp2(
        [EventHubTrigger(EventDp2, Connection = Hubs, ConsumerGroup = Group)] EventData[] events, FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(EventDp2, events, context), context.CancellationToken);

    [Function(nameof(DecodeCommandDp1))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task DecodeCommandDp1(
        [EventHubTrigger(CommandDp1, Connection = Hubs, ConsumerGroup = Group)] EventData[] events, FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(CommandDp1, events, context), context.CancellationToken);

    [Function(nameof(DecodeCommandDp2))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task DecodeCommandDp2(
        [EventHubTrigger(CommandDp2, Connection = Hubs, ConsumerGroup = Group)] EventData[] events, FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(CommandDp2, events, context), context.CancellationToken);

    /// <summary>What no route matched: devices without tags, unknown header types. The handler sets it aside with the reason.</summary>
    [Function(nameof(DecodeUnrouted))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task DecodeUnrouted(
        [EventHubTrigger(Unrouted, Connection = Hubs, ConsumerGroup = Group)] EventData[] events, FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(Unrouted, events, context), context.CancellationToken);
}
