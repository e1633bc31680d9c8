namespace Pumps.Core.Protocols.Dp1;

/// <summary>The fields of a telegram's head that its sender chooses (PROTOCOL.md, section 2).</summary>
/// <param name="Clock">Seconds since 2000 on the device's civil clock; FFFFFFFF when it is not set.</param>
/// <param name="SizeClass">Pump size class, 1..4.</param>
public readonly record struct Dp1Header(uint Serial, byte Sequence, uint Clock, byte SizeClass = 1);

/// <summary>A firmware version, written <c>2.15.0</c>.</summary>
public readonly record struct Dp1Version(byte Major, byte Minor, byte Patch)
{
    public override string ToString() => $"{Major}.{Minor}.{Patch}";
}

/// <summary>What a BATCH says beside its samples (PROTOCOL.md, section 4.2).</summary>
/// <param name="First">Device clock of sample 0; FFFFFFFF when it was taken before the clock was set.</param>
/// <param name="Gaps">Bit i is set when sample i is a gap: the device was off.</param>
public readonly record struct Dp1Batch(uint First, ushort IntervalSeconds, byte Count, uint Gaps)
{
    public bool IsGap(int sample) => (Gaps & (1u << sample)) != 0;
}

/// <summary>IDENT, section 4.4. <paramref name="Model"/> is without the padding.</summary>
public readonly record struct Dp1Ident(
    byte Hardware, Dp1Version Firmware, byte ResetCause, ushort Boots, byte Capabilities, string Model, ushort IntervalSeconds, byte ProtocolMinor);

/// <summary>The masks of an ALARM, section 4.5. <paramref name="First"/> is a bit number, or FF for none.</summary>
public readonly record struct Dp1Alarm(uint Active, uint Changed, byte First)
{
    public uint Raised => Changed & Active;

    public uint Cleared => Changed & ~Active;

    /// <summary>The highest severity among the raised alarms, or among the active ones if none was raised; 0 if none is active.</summary>
    public byte Severity => Dp1Alarms.HighestSeverity(Raised != 0 ? Raised : Active);
}

/// <summary>STATE, section 4.6. The meaning of <paramref name="Detail"/> depends on the cause: command token or alarm bit.</summary>
public readonly record struct Dp1StateChange(byte From, byte To, byte Cause, byte Mode, ushort Detail);

/// <summary>FWPROG, section 4.7.</summary>
public readonly record struct Dp1FirmwareProgress(byte Image, byte State, ushort BlocksDone, ushort BlocksTotal, byte Result);

/// <summary>CMDRSP, section 4.8.</summary>
public readonly record struct Dp1CommandResponse(ushort Token, byte Code, byte Result, short Detail, uint Value);

/// <summary>FWACK, section 4.9.</summary>
public readonly record struct Dp1FirmwareAck(byte Image, ushort Block, byte Status, ushort Next);

/// <summary>CMD, section 4.10.</summary>
public readonly record struct Dp1Command(ushort Token, byte Code, short Argument1, uint Argument2, bool NoResponse = false);

/// <summary>FWBEGIN, section 4.11.</summary>
public readonly record struct Dp1FirmwareBegin(
    byte Image, Dp1Version Firmware, uint ImageSize, ushort Blocks, ushort ImageCrc, byte HardwareMin, byte HardwareMax)
{
    /// <summary>The number of blocks that an image of this size has.</summary>
    public static uint BlocksOf(uint imageSize) => (uint)(((ulong)imageSize + Dp1Layout.BlockSize - 1) / Dp1Layout.BlockSize);
}

/// <summary>FWBLOCK without its data, section 4.12; the data is <see cref="Dp1Telegram.BlockData"/>.</summary>
public readonly record struct Dp1FirmwareBlock(byte Image, ushort Block);

/// <summary>FWCTRL, section 4.13.</summary>
public readonly record struct Dp1FirmwareControl(byte Image, byte Action);
