using System.Globalization;
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
        Span<byte> digits = stackalloc byte[20];
        var magnitude = mantissa < 0 ? 0UL - (ulong)mantissa : (ulong)mantissa;
        magnitude.TryFormat(digits, out var count, default, CultureInfo.InvariantCulture);
        digits = digits[..count];

        var length = 0;
        if (mantissa < 0)
            to[length++] = (byte)'-';

        if (exponent >= 0)
        {
            digits.CopyTo(to[length..]);
            length += count;
            if (mantissa == 0)
                return length;

            to.Slice(length, exponent).Fill((byte)'0');
            return length + exponent;
        }

        var whole = count + exponent;
        if (whole > 0)
        {
            digits[..whole].CopyTo(to[length..]);
            length += whole;
        }
        else
        {
            to[length++] = (byte)'0';
        }

        to[length++] = (byte)'.';
        if (whole < 0)
        {
            to.Slice(length, -whole).Fill((byte)'0');
            length -= whole;
        }

        var fraction = digits[Math.Max(whole, 0)..];
        fraction.CopyTo(to[length..]);
        return length + fraction.Length;
    }

    public static string Format(long mantissa, int exponent)
    {
        Span<byte> text = stackalloc byte[SizeMax];
        return Encoding.ASCII.GetString(text[..Write(text, mantissa, exponent)]);
    }
}
