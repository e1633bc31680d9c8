using Azure.Messaging.EventHubs;
using Microsoft.Azure.Functions.Worker;
using Pumps.Azure.EventHubs;
using Pumps.Handlers.Devices;

namespace Pumps.Devices;

/// <summary>Azure's doors to <see cref="TrackConnections"/>. The local region's doors are in its Doors.cs and Upkeep.cs.</summary>
/// <remarks>The retry policy has no limit: without it the trigger moves its checkpoint past a batch that threw.</remarks>
public sealed class ConnectionFunctions(TrackConnections handler)
{
    // IoT Hub's route for device connection state events ends here.
    private const string Connections = "device-connections";

    [Function(nameof(TakeConnections))]
    [ExponentialBackoffRetry(-1, "00:00:05", "00:05:00")]
    public Task TakeConnections(
        [EventHubTrigger(Connections, Connection = "RawHubs", ConsumerGroup = "devices")] EventData[] events, FunctionContext context) =>
        handler.HandleAsync(HubBatches.From(Connections, events, context), context.CancellationToken);

    // IoT Hub itself tells of a disconnect up to a minute late; a finer timer would be false precision.
    [Function(nameof(SettleConnections))]
    public Task SettleConnections([TimerTrigger("*/15 * * * * *")] TimerInfo timer, FunctionContext context) =>
        handler.SettleAsync(context.CancellationToken);
}
