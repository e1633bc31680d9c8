using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Unicode;
using Pumps.Core.Protocols;

namespace Pumps.Core.Feeds;

/// <summary>A growing buffer of JSON text as UTF-8. Reused: <see cref="Clear"/> keeps the memory.</summary>
/// <remarks>
/// Feeds are written at tens of thousands of observations a second, so values go straight from mantissa and exponent to digits:
/// a decimal keeps exactly the digits that the protocol gave (2430 × 10^-2 is <c>24.30</c>).
/// </remarks>
public sealed class Utf8Output : IBufferWriter<byte>
{
    private const long MsPerDay = 86_400_000;

    private byte[] _bytes = new byte[4096];
    private long _day = long.MinValue;
    private readonly byte[] _dayText = new byte[10];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>A stretch of what was written. Valid until the next <see cref="Clear"/>; growing moves it, so take it after the last write.</summary>
    public ReadOnlyMemory<byte> Slice(int start, int length) => _bytes.AsMemory(start, length);

    public void Clear() => Length = 0;

    /// <summary>Takes back what was written after <paramref name="length"/>.</summary>
    public void Rewind(int length) => Length = Math.Min(Length, length);

    public void Append(ReadOnlySpan<byte> utf8)
    {
        utf8.CopyTo(Room(utf8.Length));
        Length += utf8.Length;
    }

    public void Append(byte ascii)
    {
        Room(1)[0] = ascii;
        Length++;
    }

    public void Append(string text)
    {
        var room = Room(text.Length * 3);
        Utf8.FromUtf16(text, room, out _, out var written);
        Length += written;
    }

    public void Append(long number)
    {
        number.TryFormat(Room(20), out var written);
        Length += written;
    }

    public void Append(ulong number)
    {
        number.TryFormat(Room(20), out var written);
        Length += written;
    }

    /// <summary>Writes mantissa × 10^exponent, digit for digit.</summary>
    public void AppendDecimal(long mantissa, int exponent) => Length += DecimalText.Write(Room(DecimalText.SizeMax), mantissa, exponent);

    /// <summary>Writes the shortest text that reads back as the same number.</summary>
    public void Append(float number)
    {
        number.TryFormat(Room(32), out var written, provider: System.Globalization.CultureInfo.InvariantCulture);
        Length += written;
    }

    /// <inheritdoc cref="Append(float)"/>
    public void Append(double number)
    {
        number.TryFormat(Room(32), out var written, provider: System.Globalization.CultureInfo.InvariantCulture);
        Length += written;
    }

    /// <summary>Writes <c>2025-06-01T12:00:00.000Z</c>, without quotes. Times that four-digit years cannot hold are cut to the nearest that they can.</summary>
    public void AppendTime(long unixMs)
    {
        unixMs = Math.Clamp(unixMs, -62_135_596_800_000, 253_402_300_799_999);
        var day = Math.DivRem(unixMs, MsPerDay, out var ms);
        if (ms < 0)
        {
            day--;
            ms += MsPerDay;
        }

        if (day != _day)
        {
            DateTimeOffset.FromUnixTimeMilliseconds(day * MsPerDay).TryFormat(_dayText, out _, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
            _day = day;
        }

        var room = Room(24);
        _dayText.CopyTo(room);
        var rest = (int)ms;
        room[10] = (byte)'T';
        Two(room[11..], rest / 3_600_000);
        room[13] = (byte)':';
        Two(room[14..], rest / 60_000 % 60);
        room[16] = (byte)':';
        Two(room[17..], rest / 1000 % 60);
        room[19] = (byte)'.';
        room[20] = (byte)('0' + rest % 1000 / 100);
        Two(room[21..], rest % 100);
        room[23] = (byte)'Z';
        Length += 24;
    }

    /// <summary>Writes a JSON string, quoted and escaped so that it is harmless in a page as well.</summary>
    public void AppendString(ReadOnlySpan<byte> utf8)
    {
        Append((byte)'"');
        var room = Room(utf8.Length * 6);
        JavaScriptEncoder.Default.EncodeUtf8(utf8, room, out _, out var written);
        Length += written;
        Append((byte)'"');
    }

    /// <summary>Writes bytes as a JSON string of lower-case hex.</summary>
    public void AppendHex(ReadOnlySpan<byte> bytes)
    {
        Append((byte)'"');
        Convert.TryToHexStringLower(bytes, Room(bytes.Length * 2), out var written);
        Length += written;
        Append((byte)'"');
    }

    void IBufferWriter<byte>.Advance(int count) => Length += count;

    Memory<byte> IBufferWriter<byte>.GetMemory(int sizeHint)
    {
        Room(Math.Max(sizeHint, 256));
        return _bytes.AsMemory(Length);
    }

    Span<byte> IBufferWriter<byte>.GetSpan(int sizeHint) => Room(Math.Max(sizeHint, 256));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Span<byte> Room(int size)
    {
        if (_bytes.Length - Length < size)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + size));
        return _bytes.AsSpan(Length);
    }

    private static void Two(Span<byte> at, int number)
    {
        var (tens, ones) = Math.DivRem(number, 10);
        at[1] = (byte)('0' + ones);
        at[0] = (byte)('0' + tens);
    }
}
