using Microsoft.Azure.Devices;
using Pumps.Handlers.Devices;

namespace Pumps.Azure.Devices;

/// <summary>What IoT Hub says of cloud-to-device messages whose sender asked for it. In the local region the gateway reports by itself.</summary>
public sealed class IotHubFeedback(ServiceClient service)
{
    // The receiver waits for the first batch; a timer that finds none must be free for its next turn.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Hands batches to a handler until there are none; a batch is forgotten when the handler has taken it.</summary>
    public async Task DrainAsync(Func<IReadOnlyList<DeliveryFeedback>, CancellationToken, Task> take, CancellationToken cancel)
    {
        var receiver = service.GetFeedbackReceiver();
        while (await ReceiveAsync(receiver, cancel) is { } batch)
        {
            await take([.. batch.Records.Select(View)], cancel);
            await receiver.CompleteAsync(batch, cancel);
        }
    }

    private static async Task<FeedbackBatch?> ReceiveAsync(FeedbackReceiver<FeedbackBatch> receiver, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        try
        {
            return await receiver.ReceiveAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return null;
        }
    }

    private static DeliveryFeedback View(FeedbackRecord record) => new(
        record.DeviceId, record.OriginalMessageId,
        record.StatusCode switch
        {
            FeedbackStatusCode.Success => DeliveryOutcome.Completed,
            FeedbackStatusCode.Expired => DeliveryOutcome.Expired,
            FeedbackStatusCode.Purged => DeliveryOutcome.Purged,
            // Rejected by the device: given back, not taken.
            _ => DeliveryOutcome.DeliveryCountExceeded,
        },
        new(DateTime.SpecifyKind(record.EnqueuedTimeUtc, DateTimeKind.Utc)));
}
