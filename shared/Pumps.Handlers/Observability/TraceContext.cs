using System.Diagnostics;
using Microsoft.Extensions.Options;
using Pumps.Handlers.Hubs;

namespace Pumps.Handlers.Observability;

/// <summary>
/// W3C trace context in the properties of events: <c>traceparent</c> follows a message from the gateway across every hub.
/// An event without one is not traced, and costs a walk over its few properties.
/// </summary>
public static class TraceContext
{
    /// <summary>The sender's span, or null when the event carries none or one that cannot be read. Devices may set the property: nothing is trusted but its form.</summary>
    public static ActivityContext? Extract(EventProperties properties) =>
        properties[PropertyNames.TraceParent] is { } parent && ActivityContext.TryParse(parent, traceState: null, isRemote: true, out var context) ? context : null;

    /// <summary>The property that carries the trace on, for an event made from this one; nothing when it is not traced.</summary>
    public static KeyValuePair<string, string>[] Of(EventProperties properties) =>
        properties[PropertyNames.TraceParent] is { } parent ? [new(PropertyNames.TraceParent, parent)] : [];

    /// <summary>The properties with the span's context, in place of any they had; unchanged when there is no span or nobody records it.</summary>
    public static EventProperties Inject(this EventProperties properties, Activity? span)
    {
        if (span is not { Recorded: true, Id: { } id })
            return properties;

        var items = properties.Items;
        var at = 0;
        while (at < items.Length && items[at].Key != PropertyNames.TraceParent)
            at++;
        var result = new KeyValuePair<string, string>[Math.Max(items.Length, at + 1)];
        items.CopyTo(result);
        result[at] = new(PropertyNames.TraceParent, id);
        return new(result);
    }
}

/// <summary>Chooses, where messages enter the region, the few that are traced: every n-th, whoever sent it.</summary>
public sealed class MessageSampler(IOptions<TelemetryOptions> options)
{
    private readonly int _every = options.Value.MessagesPerTrace;
    private long _count;

    /// <summary>The span of a message that enters now, to be ended when a hub has it; null for one that is not chosen.</summary>
    public Activity? Enter(string device)
    {
        if (_every == 0 || Interlocked.Increment(ref _count) % _every != 0)
            return null;

        // A trace of its own: the span of the invocation or connection that is current now would be its parent, and choose for it.
        var above = Activity.Current;
        Activity.Current = null;
        var span = Metrics.Activities.StartActivity(BatchTrace.Prefix + "enter", ActivityKind.Producer, default(ActivityContext), [new("device", device)]);
        if (span is null)
            Activity.Current = above;
        return span;
    }
}

/// <summary>
/// Traces the handling of one batch, as a part of its <see cref="Handling"/>. A batch without a traced event has no span at all. One with some
/// has a span of its own, linked to them, and in the trace of each a span as long as the batch. Handlers pass <c>traceparent</c> on as it
/// is (<see cref="TraceContext.Of"/>), so a message's trace has one span for every service that it went through, all below its arrival.
/// </summary>
public sealed class BatchTrace : IDisposable
{
    internal const string Prefix = "pumps.";

    // Spans in one batch: a replay may bring thousands of traced events at once, and 32 tell as much.
    internal const int SpansMax = 32;

    private static readonly BatchTrace Nothing = new(null, []);

    private readonly Activity? _batch;
    private readonly List<Activity> _spans;

    private BatchTrace(Activity? batch, List<Activity> spans) => (_batch, _spans) = (batch, spans);

    public static BatchTrace Begin(string service, HubBatch batch)
    {
        if (!Metrics.Activities.HasListeners())
            return Nothing;

        List<ActivityContext>? traced = null;
        foreach (var e in batch.Events)
            if (TraceContext.Extract(e.Properties) is { } context && context.TraceFlags.HasFlag(ActivityTraceFlags.Recorded))
            {
                (traced ??= []).Add(context);
                if (traced.Count == SpansMax)
                    break;
            }
        return traced is null ? Nothing : Begin(service, batch, traced);
    }

    private static BatchTrace Begin(string service, HubBatch batch, List<ActivityContext> traced)
    {
        var tags = new KeyValuePair<string, object?>[]
        {
            new("service", service), new("hub", batch.Hub), new("partition", batch.Partition), new("events", batch.Events.Count),
        };
        var spans = new List<Activity>(traced.Count);
        foreach (var context in traced)
            if (Metrics.Activities.StartActivity(Prefix + service, ActivityKind.Consumer, context, tags) is { } span)
                spans.Add(span);

        // The batch's span comes last, so that it is the current one while the handler works: its database calls hang below it.
        var above = Activity.Current;
        Activity.Current = null;
        var own = Metrics.Activities.StartActivity(
            Prefix + service + ".batch", ActivityKind.Consumer, default(ActivityContext), tags, traced.Select(t => new ActivityLink(t)));
        if (own is null)
            Activity.Current = above;
        return new(own, spans);
    }

    /// <summary>The batch could not be handled: its spans are exported, whatever was chosen.</summary>
    public void Fail()
    {
        _batch?.SetStatus(ActivityStatusCode.Error);
        foreach (var span in _spans)
            span.SetStatus(ActivityStatusCode.Error);
    }

    public void Dispose()
    {
        _batch?.Dispose();
        for (var i = _spans.Count - 1; i >= 0; i--)
            _spans[i].Dispose();
    }
}
