using System.Buffers.Binary;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>Reads DP2 frames.</summary>
/// <remarks>
/// Little endian. Source: Device Protocol 2 (PROTOCOL.md beside this file); the numbers below are the checks of its section 12.1.
/// <code>
///  offset size field
///       0    2 magic      D7 32
///       2    1 version    high nibble 2, low nibble minor
///       3    1 HLEN       28..64
///       4    1 flags      0 compressed, 1 historical, 2 ack requested, 6 and 7 critical
///       5    1 kind       bit 7 set on the downlink
///       6    2 PLEN       0..8192
///       8    8 device     EUI-64 in printing order
///      16    8 time       ms, 0 = clock not set
///      24    4 sequence
///      28      header extension
///    HLEN      payload    fields, or uvarint size and DEFLATE
///         + 4             CRC-32C over all bytes before it
/// </code>
/// </remarks>
public static class Dp2Decoder
{
    internal const byte Magic0 = 0xD7;
    internal const byte Magic1 = 0x32;
    internal const byte MajorVersion = 2;
    internal const byte FlagCompressed = 1 << 0;
    internal const byte FlagHistorical = 1 << 1;
    internal const byte FlagAckRequested = 1 << 2;
    internal const byte FlagsCritical = 0xC0;
    internal const byte DownlinkKind = 0x80;

    /// <summary>Decodes one frame. Total: any bytes give a frame or the first check that failed, in bounded time and memory.</summary>
    /// <returns><see cref="DecodeError.None"/>, or the error; then <see cref="Dp2Frame.ErrorOffset"/> says where.</returns>
    public static DecodeError TryDecode(ReadOnlySpan<byte> bytes, in DecodeContext context, Dp2Frame frame)
    {
        frame.Clear();
        var error = ReadHeader(bytes, context, frame, out var at, out var payload);
        var headerLength = 0;
        if (error is DecodeError.None)
        {
            headerLength = bytes[3];
            error = frame.Compressed ? Decompress(ref payload, frame, out at) : DecodeError.None;
        }

        if (error is DecodeError.None && !new Dp2PayloadReader(payload, context, frame).TryReadAtOnce())
        {
            frame.ClearPayload();
            error = Dp2Syntax.Check(payload, out at);                                            // 14
            if (error is DecodeError.None)
                error = new Dp2PayloadReader(payload, context, frame, isChecked: true).Read(out at); // 15, 16
        }

        frame.ErrorOffset = error is DecodeError.None ? 0 : headerLength + at;
        return error;
    }

    private static DecodeError ReadHeader(
        ReadOnlySpan<byte> bytes, in DecodeContext context, Dp2Frame frame, out int at, out ReadOnlySpan<byte> payload)
    {
        payload = default;
        at = 0;
        if (bytes.Length < 1) return DecodeError.Truncated;                                      // 1
        if (bytes[0] != Magic0) return DecodeError.Magic;
        at = 1;
        if (bytes.Length < 2) return DecodeError.Truncated;
        if (bytes[1] != Magic1) return DecodeError.Magic;
        at = Dp2Limits.FrameMax;
        if (bytes.Length > Dp2Limits.FrameMax) return DecodeError.Oversize;                      // 2
        at = 2;
        if (bytes.Length < 3) return DecodeError.Truncated;                                      // 3
        if (bytes[2] >> 4 != MajorVersion) return DecodeError.Version;
        at = bytes.Length;
        if (bytes.Length < Dp2Limits.FrameMin) return DecodeError.Truncated;                     // 4
        at = 3;
        int headerLength = bytes[3];
        if (headerLength is < Dp2Limits.HeaderMin or > Dp2Limits.HeaderMax) return DecodeError.Length; // 5
        at = 6;
        var payloadLength = BinaryPrimitives.ReadUInt16LittleEndian(bytes[6..]);
        if (payloadLength > Dp2Limits.PayloadMax) return DecodeError.Oversize;                   // 6
        var crcAt = headerLength + payloadLength;
        at = bytes.Length;
        if (bytes.Length < crcAt + Dp2Limits.CrcSize) return DecodeError.Truncated;              // 7
        at = crcAt + Dp2Limits.CrcSize;
        if (bytes.Length > crcAt + Dp2Limits.CrcSize) return DecodeError.Length;
        at = crcAt;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[crcAt..]) != Crc32C.Compute(bytes[..crcAt])) return DecodeError.Crc; // 8
        at = 4;
        var flags = bytes[4];
        if ((flags & FlagsCritical) != 0) return DecodeError.Flags;                              // 9
        at = 5;
        if (KindOf(bytes[5]) is not { } kind) return DecodeError.Type;                           // 10
        frame.Kind = kind;
        frame.Direction = (bytes[5] & DownlinkKind) == 0 ? Direction.Up : Direction.Down;
        if (frame.Direction != context.Direction) return DecodeError.Direction;
        at = 8;
        frame.Device = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        if (context.Identity is { } identity && identity != frame.Device) return DecodeError.Identity; // 11
        at = 16;
        var time = BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..]);
        if (time > Dp2Limits.TimeMax) return DecodeError.Range;                                  // 12

        frame.MinorVersion = (byte)(bytes[2] & 0x0F);
        if (frame.MinorVersion > 0)
            frame.Warnings |= DecodeWarnings.MinorVersion;
        frame.Compressed = (flags & FlagCompressed) != 0;
        frame.Historical = (flags & FlagHistorical) != 0;
        frame.AckRequested = (flags & FlagAckRequested) != 0;
        frame.Sequence = BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]);
        frame.IsRestart = kind is FrameKind.Describe;
        frame.SetHeaderExtension(bytes[Dp2Limits.HeaderMin..headerLength]);
        SetTime(frame, (long)time, context);
        payload = bytes[headerLength..crcAt];
        return DecodeError.None;
    }

    /// <summary>Section 11. Without a receiver's clock only an unset clock can be told, and its time is then 0.</summary>
    private static void SetTime(Dp2Frame frame, long time, in DecodeContext context)
    {
        frame.DeviceMs = time == 0 ? null : time;
        frame.EffectiveMs = time;
        if (frame.Direction is Direction.Down)
            frame.Clock = time == 0 ? ClockQuality.Unset : ClockQuality.Unchecked;
        else if (time == 0)
            (frame.Clock, frame.Warnings) = (ClockQuality.Unset, frame.Warnings | DecodeWarnings.ClockUnset);
        else if (time > context.ReceivedAtMs + Dp2Limits.ClockAheadMs)
            (frame.Clock, frame.Warnings) = (ClockQuality.Future, frame.Warnings | DecodeWarnings.ClockFuture);
        else if (time < context.ReceivedAtMs - Dp2Limits.OldestMs)
            (frame.Clock, frame.Warnings) = (ClockQuality.Past, frame.Warnings | DecodeWarnings.ClockPast);
        else
            frame.Clock = ClockQuality.Ok;

        if (frame.Clock is not (ClockQuality.Ok or ClockQuality.Unchecked))
            frame.EffectiveMs = context.ReceivedAtMs ?? 0;
    }

    /// <summary>Check 13: the size, then one complete DEFLATE stream of exactly that size, then nothing.</summary>
    private static DecodeError Decompress(ref ReadOnlySpan<byte> payload, Dp2Frame frame, out int at)
    {
        at = 0;
        var position = 0;
        if (Dp2Wire.TryReadVarint(payload, ref position, payload.Length, out var size) is not DecodeError.None and var error)
            return error;
        if (size > Dp2Limits.InflatedMax)
            return DecodeError.Oversize;

        at = position;
        var inflated = frame.InflateBuffer((int)size);
        if (!Inflate.TryInflate(payload[position..], inflated))
            return DecodeError.Compress;

        payload = inflated;
        return DecodeError.None;
    }

    internal static byte CodeOf(FrameKind kind) => kind switch
    {
        FrameKind.Telemetry => 0x01,
        FrameKind.Event => 0x02,
        FrameKind.Response => 0x03,
        FrameKind.Describe => 0x04,
        FrameKind.FirmwareStatus => 0x05,
        FrameKind.Command => 0x81,
        FrameKind.FirmwareOffer => 0x82,
        FrameKind.FirmwareChunk => 0x83,
        FrameKind.FirmwareControl => 0x84,
        _ => 0x85,
    };

    private static FrameKind? KindOf(byte code) => code switch
    {
        0x01 => FrameKind.Telemetry,
        0x02 => FrameKind.Event,
        0x03 => FrameKind.Response,
        0x04 => FrameKind.Describe,
        0x05 => FrameKind.FirmwareStatus,
        0x81 => FrameKind.Command,
        0x82 => FrameKind.FirmwareOffer,
        0x83 => FrameKind.FirmwareChunk,
        0x84 => FrameKind.FirmwareControl,
        0x85 => FrameKind.Ack,
        _ => null,
    };
}
