using System.Globalization;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>The text that ECMAScript's <c>String(x)</c> gives a number, so that decoders in any language agree on it.</summary>
internal static class EcmaScriptNumber
{
    // ECMA-262, Number::toString: plain digits while the decimal point lies within these positions.
    private const int PointMax = 21;
    private const int PointMin = -5;

    /// <param name="value">A finite number.</param>
    public static string Format(double value)
    {
        if (value == 0)
            return "0";

        Span<char> shortest = stackalloc char[32];
        Shortest(Math.Abs(value), shortest, out var count, out var exponent);
        ReadOnlySpan<char> digits = shortest[..count];

        var sign = value < 0 ? "-" : "";
        var point = exponent + 1;
        if (point > PointMax || point < PointMin)
        {
            var fraction = digits.Length > 1 ? $".{digits[1..]}" : "";
            return $"{sign}{digits[0]}{fraction}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent)}";
        }

        if (point <= 0)
            return $"{sign}0.{new string('0', -point)}{digits}";

        return digits.Length <= point
            ? $"{sign}{digits}{new string('0', point - digits.Length)}"
            : $"{sign}{digits[..point]}.{digits[point..]}";
    }

    /// <summary>The fewest digits that read back as the same number, without leading or trailing zeros, and the decimal exponent of the first.</summary>
    private static void Shortest(double value, Span<char> digits, out int count, out int exponent)
    {
        Span<char> text = stackalloc char[32];
        value.TryFormat(text, out var length, "R", CultureInfo.InvariantCulture);
        text = text[..length];

        exponent = 0;
        var mark = text.IndexOf('E');
        if (mark >= 0)
        {
            exponent = int.Parse(text[(mark + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
            text = text[..mark];
        }

        var point = text.IndexOf('.');
        exponent += (point < 0 ? text.Length : point) - 1;
        count = 0;
        foreach (var c in text)
        {
            if (c == '.')
                continue;
            if (count == 0 && c == '0')
                exponent--;
            else
                digits[count++] = c;
        }

        while (digits[count - 1] == '0')
            count--;
    }
}
