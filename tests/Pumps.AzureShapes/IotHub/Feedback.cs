using Pumps.AzureShapes;

namespace Microsoft.Azure.Devices;

public enum FeedbackStatusCode
{
    Success = 0,
    Expired = 1,
    DeliveryCountExceeded = 2,
    Rejected = 3,
    Purged = 4,
}

public abstract class Receiver<T>
{
    public abstract Task<T> ReceiveAsync(CancellationToken cancellationToken);

    public abstract Task CompleteAsync(T t, CancellationToken cancellationToken);
}

public abstract class FeedbackReceiver<T> : Receiver<T>;

public class FeedbackBatch
{
    public IEnumerable<FeedbackRecord> Records { get => throw Shape.Only; set => throw Shape.Only; }
}

public class FeedbackRecord
{
    public string OriginalMessageId { get => throw Shape.Only; set => throw Shape.Only; }

    public string DeviceId { get => throw Shape.Only; set => throw Shape.Only; }

    public FeedbackStatusCode StatusCode { get => throw Shape.Only; set => throw Shape.Only; }

    public DateTime EnqueuedTimeUtc { get => throw Shape.Only; set => throw Shape.Only; }
}
