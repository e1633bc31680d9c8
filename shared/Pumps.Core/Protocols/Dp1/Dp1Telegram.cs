namespace Pumps.Core.Protocols.Dp1;

/// <summary>A decoded DP1 telegram. An instance is reused: each decode overwrites it.</summary>
/// <remarks>
/// Of the bodies, the one that <see cref="Type"/> names is valid; measured values of STATUS, BATCH, COUNTERS and ALARM are in
/// <see cref="DecodedFrame.Points"/>. After an error nothing here may be used but <see cref="ErrorOffset"/>.
/// </remarks>
public sealed class Dp1Telegram : DecodedFrame
{
    private readonly byte[] _blockData = new byte[Dp1Layout.BlockSize];

    public override Protocol Protocol => Protocol.Dp1;

    public Dp1Type Type { get; internal set; }

    /// <summary>Pump size class as sent; 1..4 are known.</summary>
    public byte SizeClass { get; internal set; }

    /// <summary>CLOCK as sent: seconds since 2000 on the device's civil clock; FFFFFFFF when it is not set.</summary>
    public uint DeviceClock { get; internal set; }

    /// <summary>Where in the telegram the check failed that refused it; 0 after success.</summary>
    public int ErrorOffset { get; internal set; }

    /// <summary>STATUS: the alarm bits.</summary>
    public uint AlarmMask { get; internal set; }

    public Dp1Batch Batch { get; internal set; }

    public Dp1Ident Ident { get; internal set; }

    public Dp1Alarm Alarm { get; internal set; }

    public Dp1StateChange StateChange { get; internal set; }

    public Dp1FirmwareProgress FirmwareProgress { get; internal set; }

    public Dp1CommandResponse CommandResponse { get; internal set; }

    public Dp1FirmwareAck FirmwareAck { get; internal set; }

    public Dp1Command Command { get; internal set; }

    public Dp1FirmwareBegin FirmwareBegin { get; internal set; }

    public Dp1FirmwareBlock FirmwareBlock { get; internal set; }

    /// <summary>FWBLOCK: the 128 bytes, padding included.</summary>
    public ReadOnlySpan<byte> BlockData => _blockData;

    public Dp1FirmwareControl FirmwareControl { get; internal set; }

    internal Span<byte> BlockBuffer => _blockData;

    /// <summary>The fields that its sender chose; encoding this header again gives the same bytes.</summary>
    public Dp1Header Header => new((uint)Device, (byte)Sequence, DeviceClock, SizeClass);
}
