using System.Globalization;

namespace Pumps.Core.Dictionaries;

/// <summary>The plausible range of a datapoint, computed once into the forms that values are compared in. Both ends belong to it.</summary>
public sealed class PointRange
{
    private readonly Bound? _min;
    private readonly Bound? _max;

    /// <exception cref="FormatException">The definition's min or max is not decimal text.</exception>
    public PointRange(PointDefinition definition)
    {
        _min = definition.Min is null ? null : Bound.Parse(definition.Min, definition.Name);
        _max = definition.Max is null ? null : Bound.Parse(definition.Max, definition.Name);

        var exponent = definition.Type is PointType.Decimal ? definition.Exponent ?? 0 : 0;
        MinMantissa = (long)Int128.Clamp(_min?.Ceiling(exponent) ?? long.MinValue, long.MinValue, long.MaxValue);
        MaxMantissa = (long)Int128.Clamp(_max?.Floor(exponent) ?? long.MaxValue, long.MinValue, long.MaxValue);
        MinUnsigned = (ulong)Int128.Clamp(_min?.Ceiling(0) ?? 0, 0, ulong.MaxValue);
        MaxUnsigned = (ulong)Int128.Clamp(_max?.Floor(0) ?? ulong.MaxValue, 0, ulong.MaxValue);
        MinDouble = definition.Min is null ? double.NegativeInfinity : double.Parse(definition.Min, CultureInfo.InvariantCulture);
        MaxDouble = definition.Max is null ? double.PositiveInfinity : double.Parse(definition.Max, CultureInfo.InvariantCulture);
    }

    /// <summary>Smallest integer, or smallest mantissa at the dictionary's exponent.</summary>
    public long MinMantissa { get; }

    public long MaxMantissa { get; }

    public ulong MinUnsigned { get; }

    public ulong MaxUnsigned { get; }

    public double MinDouble { get; }

    public double MaxDouble { get; }

    /// <summary>Whether mantissa × 10^exponent lies in the range, exactly, at whatever exponent.</summary>
    public bool Contains(long mantissa, int exponent) =>
        (_min is not { } min || mantissa >= min.Ceiling(exponent)) && (_max is not { } max || mantissa <= max.Floor(exponent));

    private readonly record struct Bound(Int128 Mantissa, int Exponent)
    {
        public static Bound Parse(string text, string point)
        {
            var dot = text.IndexOf('.', StringComparison.Ordinal);
            var digits = dot < 0 ? text : text.Remove(dot, 1);
            return Int128.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var mantissa)
                ? new(mantissa, dot < 0 ? 0 : dot + 1 - text.Length)
                : throw new FormatException($"point {point}: \"{text}\" is not a decimal number such as -1.50");
        }

        /// <summary>The smallest mantissa at this exponent that is not below the bound.</summary>
        public Int128 Ceiling(int exponent) => -new Bound(-Mantissa, Exponent).Floor(exponent);

        /// <summary>The largest mantissa at this exponent that is not above the bound.</summary>
        public Int128 Floor(int exponent)
        {
            var value = Mantissa;
            for (var shift = Exponent - exponent; shift > 0; shift--)
            {
                // Beyond any mantissa on the wire; more digits would change nothing.
                if (Int128.Abs(value) > Int128.MaxValue / 10)
                    return value;
                value *= 10;
            }

            for (var shift = Exponent - exponent; shift < 0; shift++)
            {
                var (quotient, remainder) = Int128.DivRem(value, 10);
                value = remainder < 0 ? quotient - 1 : quotient;
            }

            return value;
        }
    }
}
