namespace Pumps.Core.Protocols.Dp1;

/// <summary>Finds telegrams in the raw byte stream of a service port (PROTOCOL.md, section 2).</summary>
/// <remarks>
/// A B5 may also occur inside a telegram. So the reader tries: it waits for B5, reads LEN, reads LEN + 2 more bytes and checks the CRC; after any
/// framing error it goes on searching one byte after the B5 it had tried, in the bytes it already has. A silence of 50 ms ends an attempt. It
/// keeps 253 bytes at most. What it returns has passed framing and CRC only; <see cref="Dp1Decoder"/> checks the rest.
/// <code>
/// while (reader.TryRead(ref bytes, nowMs, out var telegram))
///     Handle(telegram);
/// </code>
/// </remarks>
public sealed class Dp1StreamReader
{
    /// <summary>A gap this long between two bytes cannot be inside a telegram.</summary>
    public const int SilenceMs = 50;

    private readonly byte[] _kept = new byte[Dp1Layout.TelegramSizeMax];
    private int _length;
    private int _returned;
    private long _lastByteMs;

    /// <summary>Bytes that belong to no telegram, so far.</summary>
    public long Discarded { get; private set; }

    /// <summary>Takes bytes from <paramref name="input"/> until a telegram is complete or the input is used up.</summary>
    /// <param name="input">Bytes that arrived at <paramref name="nowMs"/>; what was taken is cut off. Empty input only looks for a silence.</param>
    /// <param name="nowMs">Any clock in milliseconds that does not go back.</param>
    /// <param name="telegram">Valid until the next call.</param>
    public bool TryRead(ref ReadOnlySpan<byte> input, long nowMs, out ReadOnlySpan<byte> telegram)
    {
        Remove(_returned);
        _returned = 0;

        var isSilent = _length > 0 && nowMs - _lastByteMs >= SilenceMs;
        while (true)
        {
            var size = SizeOf(_kept.AsSpan(0, _length));
            if (size == 0 || (_length >= size && Dp1Crc.Compute(_kept.AsSpan(0, size)) != 0))
            {
                SkipDelimiter();
            }
            else if (_length >= size)
            {
                _returned = size;
                telegram = _kept.AsSpan(0, size);
                return true;
            }
            else if (isSilent && _length > 0)
            {
                SkipDelimiter();
            }
            else if (input.IsEmpty)
            {
                telegram = default;
                return false;
            }
            else
            {
                isSilent = false;
                Take(ref input, size, nowMs);
            }
        }
    }

    /// <summary>The bytes needed of what begins here: of the telegram, or to know its size. 0: no telegram begins here.</summary>
    private static int SizeOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == 0) return 1;
        if (bytes[0] != Dp1Layout.StartDelimiter) return 0;
        if (bytes.Length == 1) return 2;

        return bytes[1] is >= Dp1Layout.LenMin and <= Dp1Layout.LenMax ? bytes[1] + Dp1Layout.LenExcess : 0;
    }

    private void Take(ref ReadOnlySpan<byte> input, int size, long nowMs)
    {
        var count = Math.Min(size - _length, input.Length);
        input[..count].CopyTo(_kept.AsSpan(_length));
        input = input[count..];
        _length += count;
        _lastByteMs = nowMs;
    }

    /// <summary>Gives up the attempt: the search goes on one byte after the delimiter that was tried.</summary>
    private void SkipDelimiter()
    {
        var next = _kept.AsSpan(1, _length - 1).IndexOf(Dp1Layout.StartDelimiter);
        var count = next < 0 ? _length : next + 1;
        Discarded += count;
        Remove(count);
    }

    private void Remove(int count)
    {
        _kept.AsSpan(count, _length - count).CopyTo(_kept);
        _length -= count;
    }
}
