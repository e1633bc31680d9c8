using System.Buffers;
using System.Runtime.CompilerServices;

namespace Pumps.Core.Feeds;

/// <summary>
/// Walks through JSON as <see cref="ObservationWriter"/> writes it: no blanks, no escapes, no exponents, one object in another at most. Takes a
/// third of a general reader's time. What is otherwise, be it good or bad, gives -1 and is left to a general reader.
/// </summary>
public static class UsualJson
{
    // Without these a string ends at the next quote.
    private static readonly SearchValues<byte> Unusual = SearchValues.Create([(byte)'\\', .. Enumerable.Range(0, ' ').Select(c => (byte)c)]);

    /// <summary>False when a string in it may end elsewhere than at its next quote. To be asked first.</summary>
    public static bool MayBe(ReadOnlySpan<byte> json) => !json.ContainsAny(Unusual);

    /// <summary>Where an object of numbers, strings and literals ends, or -1 when it is none; qualities may hold objects of these.</summary>
    public static int EndOfObject(ReadOnlySpan<byte> json, int at, bool mayNest)
    {
        if (!Is('{', json, at))
            return -1;
        if (Is('}', json, at + 1))
            return at + 2;

        do
        {
            at = EndOfString(json, at + 1);
            if (!Is(':', json, at))
                return -1;
            at = EndOfValue(json, at + 1, mayNest);
        }
        while (Is(',', json, at));

        return Is('}', json, at) ? at + 1 : -1;
    }

    /// <summary>Where a value that such an object may have ends, or -1.</summary>
    public static int EndOfValue(ReadOnlySpan<byte> json, int at, bool mayNest) => ((uint)at < (uint)json.Length ? json[at] : (byte)0) switch
    {
        (byte)'"' => EndOfString(json, at),
        (byte)'{' => mayNest ? EndOfObject(json, at, mayNest: false) : -1,
        (byte)'t' => json[at..].StartsWith("true"u8) ? at + 4 : -1,
        (byte)'f' => json[at..].StartsWith("false"u8) ? at + 5 : -1,
        (byte)'n' => json[at..].StartsWith("null"u8) ? at + 4 : -1,
        _ => EndOfNumber(json, at),
    };

    /// <summary>Where a string ends, behind its quote, or -1.</summary>
    public static int EndOfString(ReadOnlySpan<byte> json, int at)
    {
        if (!Is('"', json, at))
            return -1;

        for (at++; (uint)at < (uint)json.Length; at++)
            if (json[at] == '"')
                return at + 1;
        return -1;
    }

    /// <summary>Numbers without exponent.</summary>
    public static int EndOfNumber(ReadOnlySpan<byte> json, int at)
    {
        var whole = Is('-', json, at) ? at + 1 : at;
        at = EndOfDigits(json, whole);
        if (at == whole || (json[whole] == '0' && at > whole + 1))
            return -1;
        if (!Is('.', json, at))
            return at;

        var fraction = at + 1;
        at = EndOfDigits(json, fraction);
        return at > fraction ? at : -1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int EndOfDigits(ReadOnlySpan<byte> json, int at)
    {
        while ((uint)at < (uint)json.Length && char.IsAsciiDigit((char)json[at]))
            at++;
        return at;
    }

    /// <summary>Whether this character is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Is(char expected, ReadOnlySpan<byte> json, int at) => (uint)at < (uint)json.Length && json[at] == expected;
}
