using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Handlers.Hubs;
using Pumps.LocalRegion.Hubs;

namespace Pumps.Contracts.Tests.Hubs;

public sealed class EmbeddedHubsTests : HubContract
{
    private readonly HubFixture _fixture = new(new HubSettings(Hub, 4, [Group, OtherGroup]));
    private EmbeddedHubs _hubs = null!;

    protected override IHubPublisher Publisher => _hubs;

    [SetUp]
    public void Start()
    {
        _fixture.Clean();
        _hubs = _fixture.Open();
    }

    [TearDown]
    public async Task Stop()
    {
        await _hubs.DisposeAsync();
        _fixture.Dispose();
    }

    protected override Task RunConsumerAsync(string group, Func<HubBatch, CancellationToken, Task> handler, CancellationToken cancel) =>
        HubFixture.PumpAsync(_hubs, new HubPumpOptions("test", Hub, group), handler, cancel);

    protected override async Task RestartAsync()
    {
        await _hubs.DisposeAsync();
        _hubs = _fixture.Open();
    }
}

/// <summary>Hubs in a folder of their own below the temporary one.</summary>
internal sealed class HubFixture(params HubSettings[] hubs) : IDisposable
{
    public string Folder { get; init; } = Path.Combine(Path.GetTempPath(), $"pumps-hubs-{Guid.NewGuid():N}");

    public TimeProvider Time { get; init; } = TimeProvider.System;

    public EmbeddedHubs Open(Func<HubStorageOptions, HubStorageOptions>? change = null, string? folder = null)
    {
        var options = new HubStorageOptions(folder ?? Folder) { SegmentBytes = 1 << 20 };
        return EmbeddedHubs.Open(change?.Invoke(options) ?? options, hubs, Time, NullLogger<EmbeddedHubs>.Instance);
    }

    public static Task PumpAsync(
        EmbeddedHubs hubs, HubPumpOptions options, Func<HubBatch, CancellationToken, Task> handler, CancellationToken cancel) =>
        new HubPump(
            hubs, options with { FirstRetry = TimeSpan.FromMilliseconds(1), LongestRetry = TimeSpan.FromMilliseconds(5) },
            handler, TimeProvider.System, NullLogger<HubPump>.Instance).RunAsync(cancel);

    /// <summary>Handles with a group until a condition holds, which is looked at after every batch.</summary>
    public static async Task ConsumeUntilAsync(
        EmbeddedHubs hubs, string hub, string group, Action<HubEvent> take, Func<bool> done)
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var gate = new Lock();
        await PumpAsync(hubs, new HubPumpOptions("test", hub, group), async (batch, _) =>
        {
            bool enough;
            lock (gate)
            {
                foreach (var e in batch.Events)
                    take(e);
                enough = done();
            }

            if (enough)
                await stop.CancelAsync();
        }, stop.Token);
        Assert.That(done(), Is.True, "The events did not come in time.");
    }

    public void Clean()
    {
        Dispose();
        Directory.CreateDirectory(Folder);
    }

    public void Dispose()
    {
        if (Directory.Exists(Folder))
            Directory.Delete(Folder, recursive: true);
    }
}
