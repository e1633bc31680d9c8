using System.Diagnostics.CodeAnalysis;

namespace Pumps.Core.Provisioning;

/// <summary>The code on a device's label with which its owner claims it: <c>XXXX-XXXX-XXXX</c>, 60 bits.</summary>
/// <remarks>
/// Crockford's base 32: digits and capitals without I, L, O and U. Who reads O or I from a label means 0 or 1.
/// At the rate that <see cref="ClaimThrottle"/> allows, guessing one device's code takes longer than pumps exist.
/// </remarks>
public static class ClaimCode
{
    /// <summary>Random bytes that make a code.</summary>
    public const int RandomBytes = 8;

    private const string Alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private const int Symbols = 12;

    /// <param name="random">At least <see cref="RandomBytes"/> bytes from a cryptographic source.</param>
    public static string Create(ReadOnlySpan<byte> random)
    {
        var bits = BitConverter.ToUInt64(random);
        Span<char> code = stackalloc char[Symbols + 2];
        var at = 0;
        for (var i = 0; i < Symbols; i++, bits >>= 5)
        {
            if (i is 4 or 8)
                code[at++] = '-';
            code[at++] = Alphabet[(int)(bits & 31)];
        }

        return new(code);
    }

    /// <summary>The one form of a code, however it was typed.</summary>
    public static bool TryNormalize(string? typed, [NotNullWhen(true)] out string? code)
    {
        code = null;
        if (typed is null || typed.Length > 4 * Symbols)
            return false;

        Span<char> symbols = stackalloc char[4 * Symbols];
        var count = 0;
        foreach (var c in typed)
        {
            if (c is '-' or ' ')
                continue;
            var symbol = char.ToUpperInvariant(c) switch { 'O' => '0', 'I' or 'L' => '1', var other => other };
            if (!Alphabet.Contains(symbol))
                return false;
            symbols[count++] = symbol;
        }

        if (count != Symbols)
            return false;
        code = new(symbols[..count]);
        return true;
    }
}

/// <summary>Wrong codes of one device, or of one claimant, and until when no further one is looked at.</summary>
public sealed record ClaimAttempts(int Failures, DateTimeOffset LastAt, DateTimeOffset? LockedUntil)
{
    public static ClaimAttempts None { get; } = new(0, DateTimeOffset.MinValue, null);
}

/// <summary>How fast codes may be tried: five at once, then one per lock, and each lock is twice as long as the one before.</summary>
public static class ClaimThrottle
{
    /// <summary>Typing errors are forgiven; a label is read wrong twice, not six times.</summary>
    public const int FreeFailures = 5;

    private static readonly TimeSpan FirstLock = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan LockMax = TimeSpan.FromHours(24);

    // After a quiet week everything is forgotten: the owner may have found the label.
    private static readonly TimeSpan Forgotten = TimeSpan.FromDays(7);

    /// <returns>How long to wait before another code is looked at; null: now.</returns>
    public static TimeSpan? Wait(ClaimAttempts attempts, DateTimeOffset at) => attempts.LockedUntil is { } until && until > at ? until - at : null;

    public static ClaimAttempts Fail(ClaimAttempts attempts, DateTimeOffset at)
    {
        var failures = at - attempts.LastAt > Forgotten ? 1 : attempts.Failures + 1;
        if (failures < FreeFailures)
            return new(failures, at, null);

        var hold = FirstLock * Math.Pow(2, Math.Min(failures - FreeFailures, 10));
        return new(failures, at, at + (hold < LockMax ? hold : LockMax));
    }
}
