using System.Buffers.Binary;
using System.Text;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>Writes fields (section 4) one after the other. Grows as needed, is reused by <see cref="Clear"/>.</summary>
public sealed class Dp2FieldWriter
{
    private byte[] _bytes = new byte[256];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Unsigned(uint id, ulong value)
    {
        Tag(id, WireType.Uvarint);
        Varint(value);
    }

    public void Signed(uint id, long value)
    {
        Tag(id, WireType.Svarint);
        Varint(Dp2Wire.Zigzag(value));
    }

    public void Bytes(uint id, ReadOnlySpan<byte> value)
    {
        Tag(id, WireType.Bytes);
        Varint((uint)value.Length);
        Raw(value);
    }

    public void Text(uint id, string value) => Bytes(id, Encoding.UTF8.GetBytes(value));

    public void Float32(uint id, float value)
    {
        Tag(id, WireType.F32);
        BinaryPrimitives.WriteSingleLittleEndian(Reserve(4), value);
    }

    public void Float64(uint id, double value)
    {
        Tag(id, WireType.F64);
        BinaryPrimitives.WriteDoubleLittleEndian(Reserve(8), value);
    }

    /// <summary>mantissa × 10^exponent, the exponent from −12 to 12.</summary>
    public void Decimal(uint id, long mantissa, int exponent)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Math.Abs(exponent), Dp2Limits.ExponentMax, nameof(exponent));
        Tag(id, WireType.Dec);
        Reserve(1)[0] = (byte)exponent;
        Varint(Dp2Wire.Zigzag(mantissa));
    }

    public void Null(uint id, byte reason)
    {
        Tag(id, WireType.Null);
        Reserve(1)[0] = reason;
    }

    /// <summary>Opens a group; <see cref="EndGroup"/> with the returned mark closes it.</summary>
    public int BeginGroup(uint id)
    {
        Tag(id, WireType.Group);
        Reserve(1);
        return Length;
    }

    public void EndGroup(int mark)
    {
        // One byte was reserved for the length. A longer length moves the content, which is rare and short.
        var length = Length - mark;
        Span<byte> prefix = stackalloc byte[Dp2Wire.VarintMax];
        var size = Dp2Wire.WriteVarint(prefix, (uint)length);
        Reserve(size - 1);
        _bytes.AsSpan(mark, length).CopyTo(_bytes.AsSpan(mark + size - 1));
        prefix[..size].CopyTo(_bytes.AsSpan(mark - 1));
    }

    public void Varint(ulong value)
    {
        Span<byte> bytes = stackalloc byte[Dp2Wire.VarintMax];
        Raw(bytes[..Dp2Wire.WriteVarint(bytes, value)]);
    }

    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    internal void Tag(uint id, WireType wire)
    {
        if (id is 0 or > Dp2Limits.FieldIdMax)
            throw new ArgumentOutOfRangeException(nameof(id), id, "a field id is 1..16777215");
        Varint(((ulong)id << 3) | (uint)wire);
    }

    private Span<byte> Reserve(int count)
    {
        if (_bytes.Length - Length < count)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + count));
        Length += count;
        return _bytes.AsSpan(Length - count, count);
    }
}
