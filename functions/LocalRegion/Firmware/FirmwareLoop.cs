using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Pumps.Handlers.Firmware;

namespace Pumps.LocalRegion.Firmware;

/// <summary>The queue of transfers of a region that serves its devices in the same process. What is in it when the process ends is due after the next start.</summary>
internal sealed class LocalTransferQueue : ITransferQueue
{
    private readonly Channel<string> _devices = Channel.CreateUnbounded<string>(new() { SingleReader = true });

    public IAsyncEnumerable<string> ReadAllAsync(CancellationToken cancel) => _devices.Reader.ReadAllAsync(cancel);

    public Task EnqueueAsync(IReadOnlyList<string> deviceIds, CancellationToken cancel)
    {
        foreach (var device in deviceIds)
            _devices.Writer.TryWrite(device);
        return Task.CompletedTask;
    }
}

/// <summary>
/// The local region's door to <see cref="AdvanceRollouts"/>, <see cref="QueueTransfers"/> and <see cref="RunTransfer"/>. Azure's are FirmwareFunctions and
/// RolloutFunctions.
/// </summary>
internal sealed class FirmwareLoop(
    AdvanceRollouts rollouts, QueueTransfers due, RunTransfer serve, LocalTransferQueue queue, IOptions<FirmwareOptions> options, TimeProvider time,
    ILogger<FirmwareLoop> log) : IDisposable
{
    // A probe of an index; somebody may be waiting at a screen.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    // It counts the transfers of each open rollout: a second for a million of them.
    private static readonly TimeSpan LeadEvery = TimeSpan.FromSeconds(2);

    private readonly int _atOnce = options.Value.TransfersMax;
    private readonly SemaphoreSlim _room = new(options.Value.TransfersMax);

    public Task RunAsync(CancellationToken cancel) => Task.WhenAll(
        Recurring.RunAsync("Leading rollouts", LeadEvery, () => LeadAsync(cancel), time, log, cancel),
        Recurring.RunAsync("Queueing firmware transfers", LookEvery, () => due.HandleAsync(cancel), time, log, cancel),
        ServeAllAsync(cancel));

    public void Dispose() => _room.Dispose();

    private async Task LeadAsync(CancellationToken cancel)
    {
        foreach (var rollout in await rollouts.ListOpenAsync(cancel))
            await rollouts.HandleAsync(rollout, cancel);
    }

    private async Task ServeAllAsync(CancellationToken cancel)
    {
        try
        {
            await foreach (var device in queue.ReadAllAsync(cancel))
            {
                await _room.WaitAsync(cancel);
                _ = ServeAsync(device, cancel);
            }
        }
        finally
        {
            for (var i = 0; i < _atOnce; i++)
                await _room.WaitAsync(CancellationToken.None);
        }
    }

    private async Task ServeAsync(string device, CancellationToken cancel)
    {
        try
        {
            await serve.HandleAsync(device, cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // The next start takes the transfer over, and asks the device what it has.
        }
        catch (Exception error)
        {
            // The loop is the host: the transfer is taken up again when its lease is over.
            log.TurnFails(device, error);
        }
        finally
        {
            _room.Release();
        }
    }
}

/// <summary>Event ids 2400-2499.</summary>
internal static partial class FirmwareLoopLog
{
    [LoggerMessage(2400, LogLevel.Error, "The firmware transfer of {Device} could not go on; it is taken up again in some minutes")]
    public static partial void TurnFails(this ILogger log, string device, Exception error);
}
