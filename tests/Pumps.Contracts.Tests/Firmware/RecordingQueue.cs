using System.Collections.Concurrent;
using Pumps.Handlers.Firmware;

namespace Pumps.Contracts.Tests.Firmware;

/// <summary>Keeps who was queued, in order.</summary>
internal sealed class RecordingQueue : ITransferQueue
{
    public ConcurrentQueue<string> Devices { get; } = new();

    public Task EnqueueAsync(IReadOnlyList<string> deviceIds, CancellationToken cancel)
    {
        foreach (var device in deviceIds)
            Devices.Enqueue(device);
        return Task.CompletedTask;
    }
}
