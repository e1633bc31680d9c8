namespace Pumps.Handlers.Hubs;

/// <summary>The few properties of an event, in order. Small and immutable: looked up by walking.</summary>
public class EventProperties
{
    public static readonly EventProperties None = new([]);

    private KeyValuePair<string, string>[]? _items;

    public EventProperties(params KeyValuePair<string, string>[] items) => _items = items;

    /// <summary>For those that are read when somebody looks at them.</summary>
    protected EventProperties()
    {
    }

    public ReadOnlySpan<KeyValuePair<string, string>> Items => _items ??= Load();

    /// <summary>Reads the properties where they were not given: a log reads them only for the consumers that look at them.</summary>
    protected virtual KeyValuePair<string, string>[] Load() => [];

    /// <summary>The value, or null when the property is absent.</summary>
    public string? this[string name]
    {
        get
        {
            foreach (ref readonly var item in Items)
                if (item.Key == name)
                    return item.Value;
            return null;
        }
    }
}

/// <summary>Names of properties on raw hubs and feeds. They are API: partners filter by them.</summary>
public static class PropertyNames
{
    // Set by IoT Hub (and by the local gateway) on every device-to-cloud message.
    public const string DeviceId = "iothub-connection-device-id";
    public const string EnqueuedTime = "iothub-enqueuedtime";
    public const string MessageId = "message-id";
    public const string CreationTime = "iothub-creation-time-utc";

    // Set by the device.
    public const string HeaderType = "headerType";

    // Set by enrichment from the twin tags; "$twin.tags.x" stands for a missing tag.
    public const string Protocol = "protocol";
    public const string Offering = "offering";
    public const string Product = "product";
    public const string Customer = "customer";
    public const string Region = "region";
    public const string UtcOffset = "utcOffset";

    // Set on replay: the identity and time of the archived original.
    public const string ReplayOf = "replay-of";
    public const string ReplayEnqueuedTime = "replay-enqueuedtime";

    // CloudEvents 1.0, binary mode over AMQP.
    public const string CloudEventId = "cloudEvents:id";
    public const string CloudEventSource = "cloudEvents:source";
    public const string CloudEventType = "cloudEvents:type";
    public const string CloudEventSubject = "cloudEvents:subject";
    public const string CloudEventTime = "cloudEvents:time";

    public const string Dictionary = "dictionary";
    public const string Decoder = "decoder";
    public const string TraceParent = "traceparent";

    /// <summary>Whether only a replay may set this property: from a device it would be a claim about time and identity.</summary>
    public static bool IsReplay(string name) => name is ReplayOf or ReplayEnqueuedTime;

    /// <summary>IoT Hub puts the literal text of the expression where a tag is missing; such a value counts as missing.</summary>
    public static string? Tag(this EventProperties properties, string name) =>
        properties[name] is { Length: > 0 } value && !value.StartsWith("$twin.", StringComparison.Ordinal) ? value : null;
}
