namespace Pumps.Fleet;

/// <summary>What a fleet has done so far. Numbers only grow, but for <see cref="Connected"/>.</summary>
public sealed class FleetStatistics
{
    private readonly long[] _faults = new long[Enum.GetValues<FrameFault>().Length];
    private long _connected;
    private long _acknowledged;
    private long _received;
    private long _disconnects;
    private long _connectFailures;
    private long _wrongDownlinks;
    private long _forgotten;

    public long Connected => Interlocked.Read(ref _connected);

    /// <summary>Messages that the other side has acknowledged, damaged ones included.</summary>
    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    /// <summary>Frames that came down.</summary>
    public long Received => Interlocked.Read(ref _received);

    public long Disconnects => Interlocked.Read(ref _disconnects);

    public long ConnectFailures => Interlocked.Read(ref _connectFailures);

    /// <summary>Why the last connection could not be made; null while all could.</summary>
    public string? LastConnectFailure { get; private set; }

    /// <summary>Frames that came down and could not be read.</summary>
    public long WrongDownlinks => Interlocked.Read(ref _wrongDownlinks);

    /// <summary>Samples that a device's buffer had no room for.</summary>
    public long Forgotten => Interlocked.Read(ref _forgotten);

    /// <summary>Messages that were made with this fault.</summary>
    public long Of(FrameFault fault) => Interlocked.Read(ref _faults[(int)fault]);

    internal void CountFault(FrameFault fault) => Interlocked.Increment(ref _faults[(int)fault]);

    internal void CountConnect() => Interlocked.Increment(ref _connected);

    internal void CountDisconnect()
    {
        Interlocked.Decrement(ref _connected);
        Interlocked.Increment(ref _disconnects);
    }

    internal void CountConnectFailure(string why)
    {
        LastConnectFailure = why;
        Interlocked.Increment(ref _connectFailures);
    }

    internal void CountAcknowledged() => Interlocked.Increment(ref _acknowledged);

    internal void CountReceived() => Interlocked.Increment(ref _received);

    internal void CountWrongDownlink() => Interlocked.Increment(ref _wrongDownlinks);

    internal void CountForgotten() => Interlocked.Increment(ref _forgotten);
}
