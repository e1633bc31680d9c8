namespace Pumps.Core.Protocols;

/// <summary>What both protocols say of a frame. An instance is reused: each decode overwrites it.</summary>
public abstract class DecodedFrame
{
    public abstract Protocol Protocol { get; }

    public FrameKind Kind { get; internal set; }

    public Direction Direction { get; internal set; }

    /// <summary>DP1 serial, or DP2 EUI-64 as a number in printing order.</summary>
    public ulong Device { get; internal set; }

    public uint Sequence { get; internal set; }

    /// <summary>Effective time of the frame, ms since 1970 UTC.</summary>
    public long EffectiveMs { get; internal set; }

    public ClockQuality Clock { get; internal set; }

    /// <summary>Content was buffered on the device: it may be late, and must not raise live alarms.</summary>
    public bool Historical { get; internal set; }

    /// <summary>Sequence tracking starts anew with this frame (DP1 IDENT, DP2 describe).</summary>
    public bool IsRestart { get; internal set; }

    public DecodeWarnings Warnings { get; internal set; }

    public DatapointBuffer Points { get; } = new();
}
