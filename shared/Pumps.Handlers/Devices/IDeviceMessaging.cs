namespace Pumps.Handlers.Devices;

/// <summary>When the sender of a cloud-to-device message wants to be told what became of it (IoT Hub's <c>iothub-ack</c>).</summary>
public enum DeliveryAck
{
    None,
    Positive,
    Negative,
    Full,
}

/// <summary>What became of a cloud-to-device message.</summary>
public enum DeliveryOutcome
{
    /// <summary>The device acknowledged it.</summary>
    Completed,

    /// <summary>Its time ran out in the queue.</summary>
    Expired,

    /// <summary>It was delivered as often as allowed and never acknowledged.</summary>
    DeliveryCountExceeded,

    /// <summary>Its queue was purged, or its device was removed.</summary>
    Purged,
}

/// <summary>A message for a device, kept in its queue until the device acknowledges it.</summary>
/// <param name="MessageId">Names the message in <see cref="DeliveryFeedback"/> and on the device.</param>
public sealed record CloudMessage(string MessageId, ReadOnlyMemory<byte> Body)
{
    /// <summary>The sender's own properties, in order.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Properties { get; init; } = [];

    public string? CorrelationId { get; init; }

    public string? UserId { get; init; }

    public string? ContentType { get; init; }

    public string? ContentEncoding { get; init; }

    public DeliveryAck Ack { get; init; }

    /// <summary>How long it may wait; null takes the hub's default, one hour.</summary>
    public TimeSpan? TimeToLive { get; init; }
}

/// <summary>The outcome of a message whose sender asked for it. Delivered at least once.</summary>
public sealed record DeliveryFeedback(string DeviceId, string MessageId, DeliveryOutcome Outcome, DateTimeOffset At);

/// <summary>A device's answer to a direct method.</summary>
/// <param name="Status">The device's own status, 200 by custom for success.</param>
/// <param name="Payload">JSON text.</param>
public sealed record MethodResponse(int Status, string Payload);

/// <summary>The properties of a device's twin. The documents are JSON objects without <c>$version</c>.</summary>
public sealed record DeviceTwin(string DeviceId, string Desired, long DesiredVersion, string Reported, long ReportedVersion);

/// <summary>Why a device could not be reached, or a request to it was refused.</summary>
/// <param name="Code">Stable name, one of <see cref="DeviceRefusals"/>.</param>
public sealed record DeviceRefusal(string Code, string Detail);

/// <summary>Codes of <see cref="DeviceRefusal"/>; beside each, IoT Hub's name for it.</summary>
public static class DeviceRefusals
{
    /// <summary>DeviceNotFound (404001).</summary>
    public const string UnknownDevice = "unknown_device";

    /// <summary>DeviceNotOnline (404103).</summary>
    public const string DeviceOffline = "device_offline";

    /// <summary>DeviceMaximumQueueDepthExceeded (403004).</summary>
    public const string DeviceQueueFull = "device_queue_full";

    /// <summary>GatewayTimeout (504101): the device took the method and did not answer in time.</summary>
    public const string DeviceTimeout = "device_timeout";

    /// <summary>MessageTooLarge (413001).</summary>
    public const string TooLarge = "too_large";

    /// <summary>ArgumentInvalid (400004).</summary>
    public const string Invalid = "invalid";

    /// <summary>PreconditionFailed (412001): the twin is not at the version that the caller has read.</summary>
    public const string VersionConflict = "version_conflict";
}

/// <summary>An answer or a refusal.</summary>
public readonly struct DeviceAnswer<T>
    where T : class
{
    private DeviceAnswer(T? value, DeviceRefusal? refusal) => (Value, Refusal) = (value, refusal);

    public T? Value { get; }

    public DeviceRefusal? Refusal { get; }

    public static implicit operator DeviceAnswer<T>(T value) => new(value, null);

    public static implicit operator DeviceAnswer<T>(DeviceRefusal refusal) => new(null, refusal);
}

/// <summary>From the cloud to a device. Azure: IoT Hub's service API; local region: the gateway.</summary>
public interface IDeviceMessaging
{
    /// <summary>Queues a message, durably, at most 50 per device. Not safe to repeat: every call queues one.</summary>
    /// <returns>The message as queued, or <c>unknown_device</c>, <c>device_queue_full</c>, <c>too_large</c>, <c>invalid</c>.</returns>
    Task<DeviceAnswer<CloudMessage>> SendAsync(string deviceId, CloudMessage message, CancellationToken cancel);

    /// <summary>Calls a direct method of a connected device and awaits its answer.</summary>
    /// <param name="payload">JSON text, at most 128 KB.</param>
    /// <param name="connectTimeout">How long to wait for a device that is not connected.</param>
    /// <returns>The device's answer, or <c>unknown_device</c>, <c>device_offline</c>, <c>device_timeout</c>, <c>too_large</c>, <c>invalid</c>.</returns>
    Task<DeviceAnswer<MethodResponse>> InvokeAsync(
        string deviceId, string method, string payload, TimeSpan responseTimeout, TimeSpan connectTimeout, CancellationToken cancel);

    Task<DeviceTwin?> FindTwinAsync(string deviceId, CancellationToken cancel);

    /// <summary>Merges a patch into the desired properties (null deletes a property) and tells the device when it is connected.</summary>
    /// <param name="patch">A JSON object.</param>
    /// <param name="ifVersion">When given, the desired properties must be at this version.</param>
    /// <returns>The twin after it, or <c>unknown_device</c>, <c>too_large</c>, <c>invalid</c>, <c>version_conflict</c>.</returns>
    Task<DeviceAnswer<DeviceTwin>> UpdateDesiredAsync(string deviceId, string patch, long? ifVersion, CancellationToken cancel);
}
