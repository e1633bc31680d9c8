using System.Diagnostics;
using Microsoft.Extensions.Options;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;

namespace Pumps.Contracts.Tests.Observability;

[NonParallelizable]
public sealed class TraceContextTests
{
    private const string Parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    private readonly List<Activity> _ended = [];
    private ActivityListener _listener = null!;

    [SetUp]
    public void Listen()
    {
        _ended.Clear();
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Metrics.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Add,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    [TearDown]
    public void StopListening() => _listener.Dispose();

    [Test]
    public void What_is_injected_is_extracted()
    {
        using var span = Metrics.Activities.StartActivity("pumps.enter");

        var properties = new EventProperties(new KeyValuePair<string, string>("offering", "irrigation")).Inject(span);

        Assert.That(properties["offering"], Is.EqualTo("irrigation"));
        Assert.That(TraceContext.Extract(properties)!.Value.TraceId, Is.EqualTo(span!.TraceId));
        Assert.That(TraceContext.Extract(properties)!.Value.SpanId, Is.EqualTo(span.SpanId));
    }

    [Test]
    public void An_injected_context_takes_the_place_of_a_given_one()
    {
        using var span = Metrics.Activities.StartActivity("pumps.enter");

        var properties = new EventProperties(new(PropertyNames.TraceParent, Parent), new("offering", "irrigation")).Inject(span);

        Assert.That(properties.Items.ToArray().Select(p => p.Key), Is.EqualTo(new[] { PropertyNames.TraceParent, "offering" }));
        Assert.That(properties[PropertyNames.TraceParent], Is.EqualTo(span!.Id));
    }

    [TestCase("")]
    [TestCase("hello")]
    [TestCase("00-00000000000000000000000000000000-b7ad6b7169203331-01")]
    [TestCase("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331")]
    public void A_context_that_cannot_be_read_is_none(string parent) =>
        Assert.That(TraceContext.Extract(new(new KeyValuePair<string, string>(PropertyNames.TraceParent, parent))), Is.Null);

    [Test]
    public void One_message_in_so_many_is_chosen()
    {
        var sampler = new MessageSampler(Options.Create(new TelemetryOptions { MessagesPerTrace = 10 }));

        var chosen = 0;
        for (var i = 0; i < 1000; i++)
            using (var span = sampler.Enter("dp1-1"))
                chosen += span is null ? 0 : 1;

        Assert.That(chosen, Is.EqualTo(100));
    }

    [Test]
    public void A_batch_without_traced_events_has_no_span()
    {
        using (BatchTrace.Begin("decode", Batch(null, null, Parent[..^1] + "0")))
            Assert.That(Activity.Current, Is.Null);

        Assert.That(_ended, Is.Empty);
    }

    [Test]
    public void A_batch_is_linked_to_its_traced_events_and_stands_in_the_trace_of_each()
    {
        using (BatchTrace.Begin("decode", Batch(null, Parent, null)))
            Assert.That(Activity.Current?.OperationName, Is.EqualTo("pumps.decode.batch"));

        var batch = _ended.Single(a => a.OperationName == "pumps.decode.batch");
        var message = _ended.Single(a => a.OperationName == "pumps.decode");
        Assert.Multiple(() =>
        {
            Assert.That(Activity.Current, Is.Null);
            Assert.That(batch.Links.Single().Context.TraceId.ToString(), Is.EqualTo(Parent[3..35]));
            Assert.That(batch.TraceId.ToString(), Is.Not.EqualTo(Parent[3..35]));
            Assert.That(batch.GetTagItem("events"), Is.EqualTo(3));
            Assert.That(message.TraceId.ToString(), Is.EqualTo(Parent[3..35]));
            Assert.That(message.ParentSpanId.ToString(), Is.EqualTo(Parent[36..52]));
        });
    }

    [Test]
    public void A_batch_full_of_traced_events_has_a_bounded_number_of_spans()
    {
        BatchTrace.Begin("decode", Batch([.. Enumerable.Repeat(Parent, 1000)])).Dispose();

        Assert.That(_ended, Has.Count.EqualTo(33));
    }

    private static HubBatch Batch(params string?[] parents) => new("raw-telemetry-dp1", "0",
    [
        .. parents.Select((parent, i) => new HubEvent(i, DateTimeOffset.UnixEpoch, "dp1-1",
            parent is null ? EventProperties.None : new(new KeyValuePair<string, string>(PropertyNames.TraceParent, parent)), default)),
    ]);
}
