using Pumps.Handlers.Hubs;

namespace Pumps.Handlers.Observability;

/// <summary>Carries the W3C trace context of a message from hub to hub.</summary>
public static class TraceContext
{
    /// <summary>The <c>traceparent</c> property of an event, as it is passed on; none when the message is not traced.</summary>
    public static ReadOnlySpan<KeyValuePair<string, string>> Of(EventProperties properties)
    {
        foreach (ref readonly var item in properties.Items)
            if (item.Key == PropertyNames.TraceParent)
                return new(in item);
        return [];
    }
}
