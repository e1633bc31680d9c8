using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Contracts.Tests.Gateway;

public sealed class ConnectionEventsTests
{
    private static readonly DateTimeOffset Noon = new(2025, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private string _file = "";

    [SetUp]
    public void Prepare() => _file = Path.GetTempFileName();

    [TearDown]
    public void Remove() => File.Delete(_file);

    [Test]
    public void Every_start_has_a_higher_number_also_when_the_clock_was_set_back()
    {
        var today = ConnectionEvents.CountStart(_file, new FakeTimeProvider(Noon));
        var yesterday = ConnectionEvents.CountStart(_file, new FakeTimeProvider(Noon.AddDays(-1)));
        var tomorrow = ConnectionEvents.CountStart(_file, new FakeTimeProvider(Noon.AddDays(1)));

        Assert.That(new[] { today, yesterday, tomorrow }, Is.Ordered.And.Unique);
        Assert.That(tomorrow, Is.EqualTo(Noon.AddDays(1).UtcTicks));
    }

    [Test]
    public async Task A_later_change_has_a_higher_number_also_when_the_clock_was_set_back()
    {
        var hub = new Recorder();
        var events = new ConnectionEvents(hub, "connections", ConnectionEvents.CountStart(_file, new FakeTimeProvider(Noon)), new FakeTimeProvider(Noon), NullLogger<ConnectionEvents>.Instance);
        events.Take(new("dp2-1", true, null, Noon));
        events.Take(new("dp2-1", false, "client", Noon.AddHours(-1)));
        events.Take(new("dp2-1", false, "shutdown", Noon));
        using var stop = new CancellationTokenSource();
        var running = events.RunAsync(stop.Token);
        await hub.Published.Task.WaitAsync(GatewayHost.Patience);
        await stop.CancelAsync();

        Assert.That(async () => await running, Throws.InstanceOf<OperationCanceledException>());
        var sequences = hub.Events.Select(e => JsonElement.Parse(e.Body.Span).GetProperty(ConnectionEvent.Sequence).GetString()).ToList();
        Assert.That(sequences.Prepend(events.StartSequence), Is.Ordered.Using<string>(StringComparer.Ordinal).And.Unique.And.Exactly(3).Items);
    }

    private sealed class Recorder : IHubPublisher
    {
        public TaskCompletionSource Published { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public List<OutgoingEvent> Events { get; } = [];

        public Task PublishAsync(string hub, IReadOnlyList<OutgoingEvent> events, CancellationToken cancel)
        {
            Events.AddRange(events);
            if (Events.Count == 2) Published.SetResult();
            return Task.CompletedTask;
        }
    }
}
