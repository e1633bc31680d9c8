using Npgsql;
using Pumps.Handlers.Commands;

namespace Pumps.LocalRegion.Commands;

/// <summary>The bell of a region that sends its commands in the same process.</summary>
internal sealed class LocalBell : ICommandBell
{
    private TaskCompletionSource _rung = New();

    public Task RingAsync(CancellationToken cancel)
    {
        Volatile.Read(ref _rung).TrySetResult();
        return Task.CompletedTask;
    }

    /// <summary>Returns when it has rung since the last time, or after so long. Whoever waits looks for work afterwards, so no ring is lost.</summary>
    public async Task WaitAsync(TimeSpan longest, TimeProvider time, CancellationToken cancel)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        await Task.WhenAny(Volatile.Read(ref _rung).Task, Task.Delay(longest, time, over.Token));
        await over.CancelAsync();
        cancel.ThrowIfCancellationRequested();
        Interlocked.Exchange(ref _rung, New());
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>The local region's door to <see cref="SendCommands"/>: sends what is due, at once when the bell rings. Azure's is CommandFunctions.</summary>
/// <remarks>A device that is slow to answer holds up its own commands and nobody else's. What is under way when the process ends is looked at after the next start.</remarks>
internal sealed class CommandLoop(SendCommands sender, LocalBell bell, TimeProvider time, ILogger<CommandLoop> log) : IDisposable
{
    // Answers, expiries and whatever a crash has left behind: none of them is more urgent than this.
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    // One transaction; under a rush of group commands the next one follows at once.
    private const int AtOnce = 200;

    // Each waits for a device. A direct method costs a request in memory; this many is a burst of the whole region.
    private const int UnderWayMax = 2000;

    private readonly SemaphoreSlim _room = new(UnderWayMax);
    private bool _fails;

    public async Task RunAsync(CancellationToken cancel)
    {
        try
        {
            while (true)
                if (!await TryTakeAsync(cancel))
                    await bell.WaitAsync(LookEvery, time, cancel);
        }
        finally
        {
            for (var i = 0; i < UnderWayMax; i++)
                await _room.WaitAsync(CancellationToken.None);
        }
    }

    public void Dispose() => _room.Dispose();

    /// <returns>Whether there was something, so that there may be more.</returns>
    private async Task<bool> TryTakeAsync(CancellationToken cancel)
    {
        try
        {
            var (steps, _, _) = await sender.TakeAsync(AtOnce, cancel);
            foreach (var step in steps)
                if (step.Effect is not null)
                {
                    await _room.WaitAsync(cancel);
                    _ = TransmitAsync(step, cancel);
                }

            if (_fails)
                log.SendingWorks();
            _fails = false;
            return steps.Count > 0;
        }
        catch (NpgsqlException error)
        {
            // The loop is the host: commands are in the database, and are sent when it is back.
            if (!_fails)
                log.SendingFails(error);
            _fails = true;
            return false;
        }
    }

    private async Task TransmitAsync(CommandStep step, CancellationToken cancel)
    {
        try
        {
            await sender.TransmitAsync(step, cancel);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            // Its state says that it was sent; the next start sees whether an answer came.
        }
        catch (Exception error)
        {
            // The loop is the host: the command is looked at again when its answer is due.
            log.TransmissionFails(step.Command.Order.Id, step.Command.Target.DeviceId, error);
        }
        finally
        {
            _room.Release();
        }
    }
}

/// <summary>Event ids 2300-2399.</summary>
internal static partial class CommandLoopLog
{
    [LoggerMessage(2300, LogLevel.Error, "Commands cannot be sent now")]
    public static partial void SendingFails(this ILogger log, Exception error);

    [LoggerMessage(2301, LogLevel.Information, "Commands are sent again")]
    public static partial void SendingWorks(this ILogger log);

    [LoggerMessage(2302, LogLevel.Error, "Command {Command} for {Device} could not be handed over; it is looked at again when its answer is due")]
    public static partial void TransmissionFails(this ILogger log, string command, string device, Exception error);
}
