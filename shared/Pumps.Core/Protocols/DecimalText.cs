using System.Text;

namespace Pumps.Core.Protocols;

/// <summary>Decimals as text, digit for digit: mantissa 2430 with exponent -2 is <c>24.30</c>, never <c>24.3</c> or <c>24.299999</c>.</summary>
public static class DecimalText
{
    /// <summary>Sign, 20 digits of a 64-bit number, point, and up to 128 zeros on either side.</summary>
    public const int SizeMax = 160;

    /// <summary>Writes mantissa × 10^exponent with exactly -exponent fraction digits, or as a plain integer for exponents from 0.</summary>
    /// <returns>The number of bytes written; <paramref name="to"/> must have room for <see cref="SizeMax"/>.</returns>
    public static int Write(Span<byte> to, long mantissa, int exponent)
    {
        var sign = 0;
        if (mantissa < 0)
            to[sign++] = (byte)'-';

        // One byte is left free for the point, so that mostly only the digits before it move.
        var magnitude = mantissa < 0 ? 0UL - (ulong)mantissa : (ulong)mantissa;
        var text = to[sign..];
        magnitude.TryFormat(text[1..], out var count);
        var whole = count + Math.Min(exponent, 0);
        if (whole > 0)
        {
            for (var i = 0; i < whole; i++)
                text[i] = text[i + 1];
        }
        else
        {
            text.Slice(1, count).CopyTo(text[(2 - whole)..]);
            text[..(2 - whole)].Fill((byte)'0');
            whole = 1;
            count = 1 - exponent;
        }

        if (exponent < 0)
        {
            text[whole] = (byte)'.';
            return sign + count + 1;
        }

        var zeros = mantissa == 0 ? 0 : exponent;
        text.Slice(count, zeros).Fill((byte)'0');
        return sign + count + zeros;
    }

    public static string Format(long mantissa, int exponent)
    {
        Span<byte> text = stackalloc byte[SizeMax];
        return Encoding.ASCII.GetString(text[..Write(text, mantissa, exponent)]);
    }
}
