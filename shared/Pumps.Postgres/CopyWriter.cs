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

    // What goes to the server at once: it reads in pieces of 8 KiB, and what was just written is still in the processor's cache.
    private const int PieceBytes = 64 << 10;

    private byte[] _buffer = new byte[2 * PieceBytes];
    private int _length;

    /// <summary>Sends rows as one COPY, as they are made. They count when the transaction around it commits, and only then.</summary>
    public async Task SendAsync<T>(NpgsqlConnection session, string copy, IEnumerable<T> rows, Action<CopyWriter, T> write, CancellationToken cancel)
    {
        await using var stream = await session.BeginRawBinaryCopyAsync(copy, cancel);
        _length = 0;
        Header.CopyTo(Reserve(Header.Length));
        foreach (var row in rows)
        {
            write(this, row);
            if (_length < PieceBytes)
                continue;
            await stream.WriteAsync(_buffer.AsMemory(0, _length), cancel);
            _length = 0;
        }

        BinaryPrimitives.WriteInt16BigEndian(Reserve(2), -1);
        await stream.WriteAsync(_buffer.AsMemory(0, _length), cancel);
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
