using System.Buffers.Binary;
using System.Text;
using Npgsql;

namespace Pumps.Postgres;

/// <summary>Rows in PostgreSQL's binary COPY format, written straight from spans: no boxing, no string, no converter per value.</summary>
/// <remarks>
/// Source: PostgreSQL manual, COPY, "Binary Format". Big endian.
/// <code>
///  header   "PGCOPY\n" FF 0D 0A 00, flags int32 0, extension int32 0
///  row      fields int16, then per field: length int32 (-1 is null), bytes
///  trailer  int16 -1
/// </code>
/// </remarks>
internal sealed class CopyWriter
{
    private static ReadOnlySpan<byte> Header =>
        [0x50, 0x47, 0x43, 0x4F, 0x50, 0x59, 0x0A, 0xFF, 0x0D, 0x0A, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    // timestamptz is microseconds since 2000-01-01.
    private const long EpochTicks = 630_822_816_000_000_000;
    private const byte JsonbVersion = 1;

    private byte[] _buffer = new byte[1 << 20];
    private int _length;

    public void Begin()
    {
        _length = 0;
        Header.CopyTo(Reserve(Header.Length));
    }

    public void Row(short fields) => BinaryPrimitives.WriteInt16BigEndian(Reserve(2), fields);

    public void Null() => BinaryPrimitives.WriteInt32BigEndian(Reserve(4), -1);

    public void Boolean(bool value)
    {
        var at = Field(1);
        at[0] = value ? (byte)1 : (byte)0;
    }

    public void Long(long value) => BinaryPrimitives.WriteInt64BigEndian(Field(8), value);

    public void Timestamp(DateTimeOffset value) => Long(value.UtcTicks / TimeSpan.TicksPerMicrosecond - EpochTicks / TimeSpan.TicksPerMicrosecond);

    public void Text(string value)
    {
        var at = Field(Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, at);
    }

    public void Jsonb(ReadOnlySpan<byte> json)
    {
        var at = Field(json.Length + 1);
        at[0] = JsonbVersion;
        json.CopyTo(at[1..]);
    }

    public void End() => BinaryPrimitives.WriteInt16BigEndian(Reserve(2), -1);

    /// <summary>Sends what was written as one COPY. The rows count when the transaction around it commits.</summary>
    public async Task SendAsync(NpgsqlConnection session, string copy, CancellationToken cancel)
    {
        await using var stream = await session.BeginRawBinaryCopyAsync(copy, cancel);
        await stream.WriteAsync(_buffer.AsMemory(0, _length), cancel);
    }

    private Span<byte> Field(int length)
    {
        var at = Reserve(4 + length);
        BinaryPrimitives.WriteInt32BigEndian(at, length);
        return at[4..];
    }

    private Span<byte> Reserve(int count)
    {
        if (_buffer.Length - _length < count)
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + count));

        _length += count;
        return _buffer.AsSpan(_length - count, count);
    }
}
