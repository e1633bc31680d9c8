namespace Pumps.Core.Protocols.Dp1;

/// <summary>Telegram types; the numbers are TT on the wire (PROTOCOL.md, section 4).</summary>
public enum Dp1Type : byte
{
    Status = 0x10,
    Batch = 0x11,
    Counters = 0x12,
    Ident = 0x13,
    Alarm = 0x20,
    State = 0x21,
    FirmwareProgress = 0x22,
    CommandResponse = 0x30,
    FirmwareAck = 0x31,
    Command = 0x40,
    FirmwareBegin = 0x50,
    FirmwareBlock = 0x51,
    FirmwareControl = 0x52,
}

/// <summary>What section 4 says of one telegram type. <see cref="BodySize"/> is the smallest size of a BATCH, the only size of all others.</summary>
public sealed record Dp1TypeInfo(Dp1Type Type, string Name, Direction Direction, FrameKind Kind, int BodySize)
{
    private static readonly Dp1TypeInfo?[] ByCode = Index(
    [
        new(Dp1Type.Status, "STATUS", Direction.Up, FrameKind.Telemetry, 25),
        new(Dp1Type.Batch, "BATCH", Direction.Up, FrameKind.Telemetry, Dp1Layout.BatchHeadSize),
        new(Dp1Type.Counters, "COUNTERS", Direction.Up, FrameKind.Telemetry, 13),
        new(Dp1Type.Ident, "IDENT", Direction.Up, FrameKind.Describe, 23),
        new(Dp1Type.Alarm, "ALARM", Direction.Up, FrameKind.Event, 17),
        new(Dp1Type.State, "STATE", Direction.Up, FrameKind.Event, 6),
        new(Dp1Type.FirmwareProgress, "FWPROG", Direction.Up, FrameKind.Event, 7),
        new(Dp1Type.CommandResponse, "CMDRSP", Direction.Up, FrameKind.Response, 10),
        new(Dp1Type.FirmwareAck, "FWACK", Direction.Up, FrameKind.FirmwareStatus, 6),
        new(Dp1Type.Command, "CMD", Direction.Down, FrameKind.Command, 10),
        new(Dp1Type.FirmwareBegin, "FWBEGIN", Direction.Down, FrameKind.FirmwareOffer, 14),
        new(Dp1Type.FirmwareBlock, "FWBLOCK", Direction.Down, FrameKind.FirmwareChunk, 3 + Dp1Layout.BlockSize),
        new(Dp1Type.FirmwareControl, "FWCTRL", Direction.Down, FrameKind.FirmwareControl, 2),
    ]);

    public static IEnumerable<Dp1TypeInfo> All => ByCode.OfType<Dp1TypeInfo>();

    /// <summary>The entry of a TT value; null for the reserved ones.</summary>
    public static Dp1TypeInfo? Find(byte code) => ByCode[code];

    public static Dp1TypeInfo Of(Dp1Type type) =>
        Find((byte)type) ?? throw new ArgumentOutOfRangeException(nameof(type), type, "DP1 has no such telegram type.");

    private static Dp1TypeInfo?[] Index(Dp1TypeInfo[] types)
    {
        var byCode = new Dp1TypeInfo?[256];
        foreach (var type in types)
            byCode[(byte)type.Type] = type;
        return byCode;
    }
}
