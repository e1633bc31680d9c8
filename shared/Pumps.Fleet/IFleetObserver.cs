using Pumps.Core.Protocols;

namespace Pumps.Fleet;

/// <summary>What was done to a message on purpose.</summary>
public enum FrameFault : byte
{
    None,
    Duplicate,
    Disorder,
    BitFlip,
    Truncate,
    Garbage,
    Oversize,
}

/// <summary>Header type of a message: the application property that routes go by.</summary>
public enum HeaderType : byte
{
    Telemetry,
    Event,
    Command,
}

public static class HeaderTypes
{
    private static readonly string[] Names = ["telemetry", "event", "command"];

    public static string Name(this HeaderType type) => Names[(int)type];
}

/// <summary>One message as it leaves a device.</summary>
/// <param name="ObservedAtMs">The device's own time stamp in the frame, ms since 1970 UTC; 0 when its clock is not set.</param>
/// <param name="Historical">The content was buffered while there was no link.</param>
public sealed record DeviceFrame(
    string DeviceId, Protocol Protocol, HeaderType HeaderType, FrameKind Kind, uint Sequence, long ObservedAtMs, bool Historical, byte[] Bytes)
{
    public FrameFault Fault { get; init; }

    /// <summary>The bytes are a frame of this device that was not damaged on purpose.</summary>
    public bool IsSound => Fault is FrameFault.None or FrameFault.Duplicate or FrameFault.Disorder;
}

/// <summary>Watches what a fleet does, for tests that compare it with what arrived. Called from many connections: must be thread-safe and quick.</summary>
public interface IFleetObserver
{
    /// <summary>The other side has taken the message: it acknowledged the publish.</summary>
    void Acknowledged(DeviceFrame frame);

    /// <summary>A frame came down to a device.</summary>
    void Received(string deviceId, ReadOnlySpan<byte> frame);
}
