using System.Globalization;
using System.Threading.Channels;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion.Gateway;

/// <summary>Publishes who comes and goes at the gateway, as IoT Hub's route for connection events does.</summary>
/// <remarks>
/// What a stop of the region ends is not published: the next start tells <see cref="TrackConnections"/> that the hub has started anew. A device
/// that replaces its own connection has not left.
/// </remarks>
/// <param name="start">Of <see cref="CountStart"/>.</param>
internal sealed class ConnectionEvents(IHubPublisher hubs, string hub, long start, TimeProvider time, ILogger<ConnectionEvents> log)
{
    private const int BatchMax = 1000;
    private static readonly TimeSpan RetryEvery = TimeSpan.FromSeconds(1);

    // Whoever connects waits for nothing: a hundred thousand changes are 10 MB.
    private readonly Channel<OutgoingEvent> _changes = Channel.CreateUnbounded<OutgoingEvent>(new UnboundedChannelOptions { SingleReader = true });
    private uint _count;

    /// <summary>The number of this start: above that of every event before it, below that of every event after it.</summary>
    public string StartSequence { get; } = ConnectionEvent.SequenceAt(start, 0);

    /// <summary>Gives a start of the region its number, which is above that of every start before it also when the clock was set back meanwhile.</summary>
    /// <param name="file">Keeps the last one.</param>
    public static long CountStart(string file, TimeProvider time)
    {
        var last = File.Exists(file) && long.TryParse(File.ReadAllText(file), NumberStyles.None, CultureInfo.InvariantCulture, out var kept) ? kept : 0;
        var start = Math.Max(time.GetUtcNow().UtcTicks, last + 1);
        var fresh = file + ".new";
        File.WriteAllText(fresh, start.ToString(CultureInfo.InvariantCulture));
        File.Move(fresh, file, overwrite: true);
        return start;
    }

    /// <summary>Hears a change. Order per device is the order of the calls.</summary>
    public void Take(ConnectionChange change)
    {
        if (change.Reason is "shutdown" or "replaced")
            return;
        // Counted, not timed: a clock that is set back must not make a later change look older.
        var sequence = ConnectionEvent.SequenceAt(start, Interlocked.Increment(ref _count));
        _changes.Writer.TryWrite(ConnectionEvent.Of(change.DeviceId, change.Connected, change.At, sequence));
    }

    public async Task RunAsync(CancellationToken cancel)
    {
        var batch = new List<OutgoingEvent>(BatchMax);
        while (await _changes.Reader.WaitToReadAsync(cancel))
        {
            while (batch.Count < BatchMax && _changes.Reader.TryRead(out var change))
                batch.Add(change);
            await PublishAsync(batch, cancel);
            batch.Clear();
        }
    }

    // A hub that refuses, such as for want of disk, takes them later: a change that got lost would show a device as connected until it comes again.
    private async Task PublishAsync(List<OutgoingEvent> batch, CancellationToken cancel)
    {
        for (var fails = false; ; fails = true)
        {
            try
            {
                await hubs.PublishAsync(hub, batch, cancel);
                return;
            }
            catch (IOException error)
            {
                if (!fails)
                    log.ConnectionsNotPublished(batch.Count, RetryEvery, error);
            }

            await Task.Delay(RetryEvery, time, cancel);
        }
    }
}
