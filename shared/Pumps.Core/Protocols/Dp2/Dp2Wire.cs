using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>The limits of DP2 (section 12.3). They are part of the protocol: a frame beyond one of them is refused.</summary>
public static class Dp2Limits
{
    public const int FrameMin = 32;
    public const int FrameMax = 8260;
    public const int HeaderMin = 28;
    public const int HeaderMax = 64;
    public const int PayloadMax = 8192;
    public const int InflatedMax = 65_536;
    public const int CrcSize = 4;
    public const int DepthMax = 6;
    public const int FieldsMax = 4096;
    public const int SamplesMax = 4096;
    public const int PathNumbersMax = 9;
    public const int AcksMax = 64;
    public const int ExponentMax = 12;
    public const int ChunksMax = 65_535;
    public const int ChunkBytesMax = 4096;
    public const int ManifestMax = 1024;
    public const int ImageMax = 1 << 28;
    public const uint FieldIdMax = 16_777_215;

    /// <summary>Ids below are structural in every points container, ids from here on belong to the dictionary.</summary>
    public const uint DatapointIdMin = 16;

    /// <summary>2^53 − 1, so that a time fits every reader's numbers.</summary>
    public const ulong TimeMax = (1UL << 53) - 1;

    /// <summary>How far a device's clock may be ahead of the receiver's.</summary>
    public const long ClockAheadMs = 300_000;

    /// <summary>400 days: the oldest time that is believed, and the oldest offset of a sample.</summary>
    public const long OldestMs = 400L * 86_400_000;
}

/// <summary>Varints and fields: reading of bytes that nobody has checked yet (Try…), and of a payload whose syntax is known to be good.</summary>
internal static class Dp2Wire
{
    /// <summary>Bytes of the longest varint.</summary>
    public const int VarintMax = 10;

    /// <summary>Reads one uvarint that must end before <paramref name="end"/>, in its shortest form (section 1.1).</summary>
    /// <returns><c>None</c>, <c>Tlv</c> when the container ends first, <c>Varint</c> when it is too long or above 64 bits.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static DecodeError TryReadVarint(ReadOnlySpan<byte> bytes, ref int position, int end, out ulong value)
    {
        // Tags of datapoints have two bytes, most values one or two.
        var at = position;
        if (at < end)
        {
            uint first = bytes[at];
            if (first < 0x80)
            {
                value = first;
                position = at + 1;
                return DecodeError.None;
            }

            if (at + 1 < end)
            {
                uint second = bytes[at + 1];
                if (second - 1 < 0x7F)
                {
                    value = (first & 0x7F) | (second << 7);
                    position = at + 2;
                    return DecodeError.None;
                }
            }
        }

        return TryReadLongVarint(bytes, ref position, end, out value);
    }

    private static DecodeError TryReadLongVarint(ReadOnlySpan<byte> bytes, ref int position, int end, out ulong value)
    {
        value = 0;
        for (var shift = 0; ; shift += 7)
        {
            if (position >= end)
                return DecodeError.Tlv;

            var group = bytes[position];
            if (shift == 63 && group > 1)
                return DecodeError.Varint;

            position++;
            value |= (ulong)(group & 0x7F) << shift;
            if (group >= 0x80)
                continue;

            if (group != 0 || shift == 0)
                return DecodeError.None;

            position--;
            return DecodeError.Varint;
        }
    }

    /// <summary>Reads a uvarint whose syntax has been checked.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong ReadVarint(ReadOnlySpan<byte> bytes, ref int position)
    {
        uint first = bytes[position++];
        if (first < 0x80)
            return first;

        uint second = bytes[position++];
        return second < 0x80 ? (first & 0x7F) | (second << 7) : ReadLongVarint(bytes, ref position, (first & 0x7F) | ((second & 0x7F) << 7));
    }

    private static ulong ReadLongVarint(ReadOnlySpan<byte> bytes, ref int position, ulong firstTwo)
    {
        var value = firstTwo;
        for (var shift = 14; ; shift += 7)
        {
            ulong group = bytes[position++];
            value |= (group & 0x7F) << shift;
            if (group < 0x80)
                return value;
        }
    }

    public static int WriteVarint(Span<byte> target, ulong value)
    {
        var length = 0;
        for (; value >= 0x80; value >>= 7)
            target[length++] = (byte)(value | 0x80);
        target[length++] = (byte)value;
        return length;
    }

    public static long Unzigzag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);

    public static ulong Zigzag(long value) => (ulong)(value << 1) ^ (ulong)(value >> 63);

    /// <summary>Reads the field at <paramref name="position"/> by all rules of check 14, but for the fields within a group, and moves behind it.</summary>
    /// <returns>False when a rule is broken; <see cref="Dp2Syntax"/> tells which.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryReadField(ReadOnlySpan<byte> bytes, ref int position, int end, out Dp2Field field)
    {
        field = new Dp2Field { Start = position };
        if (TryReadVarint(bytes, ref position, end, out var tag) is not DecodeError.None || tag < 1 << 3 || tag >> 3 > Dp2Limits.FieldIdMax)
            return false;

        field.Id = (uint)(tag >> 3);
        field.Wire = (WireType)(tag & 7);
        field.Value = position;
        if (field.Wire > WireType.Svarint)
            return TryReadRareValue(bytes, ref position, end, ref field);

        var error = TryReadVarint(bytes, ref position, end, out field.Number);
        field.End = position;
        return error is DecodeError.None;
    }

    private static bool TryReadRareValue(ReadOnlySpan<byte> bytes, ref int position, int end, ref Dp2Field field)
    {
        switch (field.Wire)
        {
            case WireType.Bytes:
            case WireType.Group:
                if (TryReadVarint(bytes, ref position, end, out var length) is not DecodeError.None || length > (ulong)(end - position))
                    return false;
                field.Content = position;
                position += (int)length;
                break;
            case WireType.F32:
                if (end - position < 4)
                    return false;
                field.Number = BinaryPrimitives.ReadUInt32LittleEndian(bytes[position..]);
                position += 4;
                break;
            case WireType.F64:
                if (end - position < 8)
                    return false;
                field.Number = BinaryPrimitives.ReadUInt64LittleEndian(bytes[position..]);
                position += 8;
                break;
            case WireType.Dec:
                if (position == end)
                    return false;
                field.Exponent = (sbyte)bytes[position++];
                if (field.Exponent is < -Dp2Limits.ExponentMax or > Dp2Limits.ExponentMax
                    || TryReadVarint(bytes, ref position, end, out field.Number) is not DecodeError.None)
                    return false;
                break;
            case WireType.Null:
                if (position == end)
                    return false;
                field.Number = bytes[position++];
                break;
        }

        field.End = position;
        return true;
    }

    /// <summary>Reads the field at <paramref name="position"/> of a payload whose syntax has been checked, and moves behind it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Dp2Field ReadField(ReadOnlySpan<byte> bytes, ref int position)
    {
        var start = position;
        var tag = ReadVarint(bytes, ref position);
        var field = new Dp2Field { Id = (uint)(tag >> 3), Wire = (WireType)(tag & 7), Start = start, Value = position };
        switch (field.Wire)
        {
            case WireType.Uvarint:
            case WireType.Svarint:
                field.Number = ReadVarint(bytes, ref position);
                break;
            case WireType.Bytes:
            case WireType.Group:
                var length = (int)ReadVarint(bytes, ref position);
                field.Content = position;
                position += length;
                break;
            case WireType.F32:
                field.Number = BinaryPrimitives.ReadUInt32LittleEndian(bytes[position..]);
                position += 4;
                break;
            case WireType.F64:
                field.Number = BinaryPrimitives.ReadUInt64LittleEndian(bytes[position..]);
                position += 8;
                break;
            case WireType.Dec:
                field.Exponent = (sbyte)bytes[position++];
                field.Number = ReadVarint(bytes, ref position);
                break;
            case WireType.Null:
                field.Number = bytes[position++];
                break;
        }

        field.End = position;
        return field;
    }
}

/// <summary>One field of a payload. Positions count from the start of the payload.</summary>
internal struct Dp2Field
{
    public uint Id;
    public WireType Wire;
    public sbyte Exponent;

    /// <summary>The number as it stands on the wire: zigzag for SVARINT and DEC, IEEE bits for floats, the reason of a NULL.</summary>
    public ulong Number;

    /// <summary>Where the tag begins.</summary>
    public int Start;

    /// <summary>Where the value begins, its length included.</summary>
    public int Value;

    /// <summary>Where the content of BYTES and GROUP begins, behind the length.</summary>
    public int Content;

    public int End;

    public readonly long Signed => Dp2Wire.Unzigzag(Number);

    public readonly int ContentLength => End - Content;
}
