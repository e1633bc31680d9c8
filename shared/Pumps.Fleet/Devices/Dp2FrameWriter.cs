using System.Text;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Pumps.Fleet.Devices;

/// <summary>Writes one DP2 frame field by field, as the firmware of a small device does: one buffer, no objects.</summary>
/// <remarks>
/// Written from PROTOCOL.md alone, on purpose: a decoder that is only ever fed by the encoder beside it can share its mistakes.
/// An instance is reused; it is not thread-safe.
/// </remarks>
public sealed class Dp2FrameWriter
{
    private const byte Historical = 1 << 1;
    private const byte AckRequested = 1 << 2;

    private readonly byte[] _bytes = new byte[Dp2Limits.FrameMax];
    private readonly int[] _groups = new int[Dp2Limits.DepthMax + 1];
    private int _depth;
    private int _at;

    /// <summary>Starts a frame.</summary>
    /// <param name="kind">KIND as on the wire.</param>
    /// <param name="timeMs">TIME; 0 when the clock is not set.</param>
    public void Begin(byte kind, ulong device, long timeMs, uint sequence, bool historical = false, bool ackRequested = false)
    {
        _bytes[0] = 0xD7;
        _bytes[1] = 0x32;
        _bytes[2] = 0x20;
        _bytes[3] = Dp2Limits.HeaderMin;
        _bytes[4] = (byte)((historical ? Historical : 0) | (ackRequested ? AckRequested : 0));
        _bytes[5] = kind;
        WriteUInt64BigEndian(_bytes.AsSpan(8), device);
        WriteInt64LittleEndian(_bytes.AsSpan(16), timeMs);
        WriteUInt32LittleEndian(_bytes.AsSpan(24), sequence);
        _at = Dp2Limits.HeaderMin;
        _depth = 0;
    }

    /// <summary>Ends the frame and returns a copy of its bytes.</summary>
    public byte[] End()
    {
        WriteUInt16LittleEndian(_bytes.AsSpan(6), (ushort)(_at - Dp2Limits.HeaderMin));
        WriteUInt32LittleEndian(_bytes.AsSpan(_at), Crc32C.Compute(_bytes.AsSpan(0, _at)));
        return _bytes.AsSpan(0, _at + Dp2Limits.CrcSize).ToArray();
    }

    /// <summary>Appends fields that are encoded already.</summary>
    public void Raw(ReadOnlySpan<byte> fields)
    {
        fields.CopyTo(_bytes.AsSpan(_at));
        _at += fields.Length;
    }

    public void Uint(uint id, ulong value)
    {
        Tag(id, WireType.Uvarint);
        Varint(value);
    }

    public void Sint(uint id, long value)
    {
        Tag(id, WireType.Svarint);
        Varint(Zigzag(value));
    }

    public void Bytes(uint id, ReadOnlySpan<byte> value)
    {
        Tag(id, WireType.Bytes);
        Varint((ulong)value.Length);
        value.CopyTo(_bytes.AsSpan(_at));
        _at += value.Length;
    }

    public void Text(uint id, string value) => Bytes(id, Encoding.UTF8.GetBytes(value));

    public void Null(uint id, byte reason)
    {
        Tag(id, WireType.Null);
        _bytes[_at++] = reason;
    }

    /// <summary>Writes a value of a dictionary's type. NaN is sent as "not available".</summary>
    public void Point(uint id, PointType type, int exponent, double value)
    {
        if (double.IsNaN(value))
        {
            Null(id, 0);
            return;
        }

        switch (type)
        {
            case PointType.Decimal:
                Sint(id, Mantissa(value, exponent));
                break;
            case PointType.Int:
                Sint(id, (long)Math.Round(value));
                break;
            case PointType.Float32:
                Tag(id, WireType.F32);
                WriteSingleLittleEndian(_bytes.AsSpan(_at), (float)value);
                _at += 4;
                break;
            case PointType.Float64:
                Tag(id, WireType.F64);
                WriteDoubleLittleEndian(_bytes.AsSpan(_at), value);
                _at += 8;
                break;
            case PointType.Bool or PointType.Uint or PointType.Enum or PointType.Bitmask:
                Uint(id, (ulong)Math.Round(value));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "not a number");
        }
    }

    public void BeginGroup(uint id)
    {
        Tag(id, WireType.Group);
        _groups[_depth++] = _at;
        _at++;
    }

    /// <summary>Writes the length that <see cref="BeginGroup"/> left one byte for, and makes room when it needs two.</summary>
    public void EndGroup()
    {
        var start = _groups[--_depth];
        var length = _at - start - 1;
        if (length >= 0x80)
        {
            _bytes.AsSpan(start + 1, length).CopyTo(_bytes.AsSpan(start + 2));
            _bytes[start] = (byte)(length | 0x80);
            _bytes[start + 1] = (byte)(length >> 7);
            _at++;
        }
        else
        {
            _bytes[start] = (byte)length;
        }
    }

    /// <summary>One series of a telemetry frame (section 6.1): values of one datapoint at a fixed interval, as differences.</summary>
    public void Series(uint point, long firstOffsetMs, long intervalMs, ReadOnlySpan<double> values, int exponent)
    {
        BeginGroup(5);
        Span<byte> path = stackalloc byte[10];
        Bytes(1, path[..WriteVarint(path, point)]);
        Sint(2, firstOffsetMs);
        Uint(3, (ulong)intervalMs);
        Uint(5, (ulong)values.Length);

        Span<byte> packed = stackalloc byte[values.Length * 10];
        Span<byte> nulls = stackalloc byte[(values.Length + 7) / 8];
        nulls.Clear();
        var (used, last, missing) = (0, 0L, false);
        for (var i = 0; i < values.Length; i++)
        {
            if (double.IsNaN(values[i]))
            {
                nulls[i >> 3] |= (byte)(1 << (i & 7));
                missing = true;
                continue;
            }

            var mantissa = Mantissa(values[i], exponent);
            used += WriteVarint(packed[used..], Zigzag(mantissa - last));
            last = mantissa;
        }

        Bytes(6, packed[..used]);
        if (missing)
            Bytes(8, nulls);
        EndGroup();
    }

    private static long Mantissa(double value, int exponent) => (long)Math.Round(value * Math.Pow(10, -exponent), MidpointRounding.AwayFromZero);

    private static ulong Zigzag(long value) => (ulong)(value << 1) ^ (ulong)(value >> 63);

    private void Tag(uint id, WireType wire) => Varint((id * 8) + (uint)wire);

    private void Varint(ulong value) => _at += WriteVarint(_bytes.AsSpan(_at), value);

    private static int WriteVarint(Span<byte> to, ulong value)
    {
        var at = 0;
        for (; value >= 0x80; value >>= 7)
            to[at++] = (byte)(value | 0x80);
        to[at++] = (byte)value;
        return at;
    }
}
