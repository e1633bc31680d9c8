using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Azure.Messaging.EventHubs;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.DependencyInjection;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;

namespace Pumps.Azure.EventHubs;

/// <summary>Translates what the Event Hubs trigger delivers into what handlers take.</summary>
public static class HubBatches
{
    /// <summary>The batch of one invocation: events of one partition, oldest first.</summary>
    /// <param name="hub">The hub's name in the catalog.</param>
    public static HubBatch From(string hub, EventData[] events, FunctionContext context)
    {
        var partition = PartitionOf(hub, context.BindingContext.BindingData);
        var sampler = context.InstanceServices.GetRequiredService<MessageSampler>();
        return new(hub, partition, Array.ConvertAll(events, e => Enter(sampler, ToEvent(
            e.SequenceNumber, e.EnqueuedTime, e.PartitionKey, e.SystemProperties, e.Properties, e.EventBody.ToMemory()))));
    }

    /// <summary>IoT Hub begins no traces: what came straight from a device enters the region here, and some of it is chosen to be traced.</summary>
    internal static HubEvent Enter(MessageSampler sampler, HubEvent e)
    {
        if (e.Properties[PropertyNames.DeviceId] is not { } device || e.Properties[PropertyNames.TraceParent] is not null)
            return e;
        var invocation = Activity.Current;
        if (sampler.Enter(device) is not { } span)
            return e;
        var traced = e with { Properties = e.Properties.Inject(span) };
        span.Dispose();
        Activity.Current = invocation;
        return traced;
    }

    /// <summary>The partition, from the trigger's metadata: JSON with a member <c>PartitionId</c>.</summary>
    /// <remarks>
    /// Hub, partition and sequence identify an event for ever. With a made-up partition two events would pass for one and the second would be
    /// lost, so a host that does not send the metadata stops the hub: the retries go on, the alert comes, and nothing is lost.
    /// </remarks>
    internal static string PartitionOf(string hub, IReadOnlyDictionary<string, object?> metadata)
    {
        if (metadata.TryGetValue("PartitionContext", out var value) && value?.ToString() is { Length: > 0 } json)
        {
            using var context = JsonDocument.Parse(json);
            if (context.RootElement.TryGetProperty("PartitionId", out var id) && id.GetString() is { Length: > 0 } partition)
                return partition;
        }

        throw new InvalidOperationException(
            $"The Functions host delivered a batch of {hub} without PartitionContext.PartitionId in its trigger metadata ({string.Join(", ", metadata.Keys)}).");
    }

    internal static HubEvent ToEvent(
        long sequence, DateTimeOffset enqueuedAt, string? partitionKey, IReadOnlyDictionary<string, object> system,
        IDictionary<string, object> application, ReadOnlyMemory<byte> body)
    {
        // What the service says of a message comes first and so wins: a device can send a property of any name. Identity and time of an
        // original are believed only from a replay, which does not come through IoT Hub.
        var items = new KeyValuePair<string, string>[system.Count + application.Count];
        var count = 0;
        foreach (var (name, value) in system)
            items[count++] = new(name, Text(value));
        var fromDevice = system.ContainsKey(PropertyNames.DeviceId);
        foreach (var (name, value) in application)
            if (!fromDevice || !PropertyNames.IsReplay(name))
                items[count++] = new(name, Text(value));
        var properties = new EventProperties(items[..count]);

        // Events that were sent to a partition carry no key; their device is in the properties.
        var key = partitionKey ?? properties[PropertyNames.DeviceId] ?? properties[PropertyNames.CloudEventSubject] ?? "";
        return new(sequence, enqueuedAt, key, properties, body);
    }

    // AMQP properties are typed. Times get one form on every hub: ISO 8601, UTC.
    private static string Text(object? value) => value switch
    {
        null => "",
        string text => text,
        DateTime time => Iso(new DateTimeOffset(DateTime.SpecifyKind(time, DateTimeKind.Utc))),
        DateTimeOffset time => Iso(time.ToUniversalTime()),
        bool flag => flag ? "true" : "false",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };

    private static string Iso(DateTimeOffset time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture);
}
