using Azure.Core;
using Newtonsoft.Json;
using Newtonsoft.Json.Linq;
using Pumps.AzureShapes;

namespace Microsoft.Azure.Devices;

public enum TransportType
{
    Amqp = 0,
    Amqp_WebSocket_Only = 1,
}

public enum DeliveryAcknowledgement
{
    None,
    PositiveOnly,
    NegativeOnly,
    Full,
}

public class ServiceClientOptions;

public class ServiceClientTransportSettings;

/// <summary>Its constructor and its disposal do nothing, for those who derive a fake from it.</summary>
public class ServiceClient : IDisposable
{
    public ServiceClient()
    {
    }

    public static ServiceClient Create(
        string hostName, TokenCredential credential, TransportType transportType = 0, ServiceClientTransportSettings? transportSettings = null,
        ServiceClientOptions? options = null) => throw Shape.Only;

    public virtual Task SendAsync(string deviceId, Message message, TimeSpan? timeout = default, TimeSpan? connectTimeout = default) => throw Shape.Only;

    public virtual Task<CloudToDeviceMethodResult> InvokeDeviceMethodAsync(
        string deviceId, CloudToDeviceMethod cloudToDeviceMethod, CancellationToken cancellationToken = default) => throw Shape.Only;

    public virtual FeedbackReceiver<FeedbackBatch> GetFeedbackReceiver() => throw Shape.Only;

    protected virtual void Dispose(bool disposing)
    {
    }

    public void Dispose() => Dispose(true);
}

public sealed class Message : IDisposable
{
    private readonly byte[] _body;

    public Message(byte[] byteArray) => _body = byteArray;

    public string? MessageId { get; set; }

    public DateTime ExpiryTimeUtc { get; set; }

    public string? CorrelationId { get; set; }

    public DeliveryAcknowledgement Ack { get; set; }

    public string? UserId { get; set; }

    public string? ContentType { get; set; }

    public string? ContentEncoding { get; set; }

    public IDictionary<string, string> Properties { get; } = new Dictionary<string, string>();

    public byte[] GetBytes() => _body;

    public void Dispose()
    {
    }
}

public class CloudToDeviceMethod
{
    private string? _payload;

    public CloudToDeviceMethod(string methodName, TimeSpan responseTimeout, TimeSpan connectionTimeout) =>
        (MethodName, ResponseTimeout, ConnectionTimeout) = (methodName, responseTimeout, connectionTimeout);

    public string MethodName { get; set; }

    public TimeSpan ResponseTimeout { get; set; }

    public TimeSpan ConnectionTimeout { get; set; }

    public string? GetPayloadAsJson() => _payload;

    public CloudToDeviceMethod SetPayloadJson(string json)
    {
        _payload = json;
        return this;
    }
}

public class CloudToDeviceMethodResult
{
    [JsonProperty("status")]
    public int Status { get; set; }

    [JsonProperty("payload")]
    internal JRaw? Payload { get; set; }

    public string? GetPayloadAsJson() => (string?)Payload?.Value;
}
