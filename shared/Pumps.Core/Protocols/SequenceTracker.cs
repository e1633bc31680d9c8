using System.Globalization;

namespace Pumps.Core.Protocols;

/// <summary>What a sequence number says of a frame (DP1 section 8, DP2 section 10).</summary>
public enum SequenceCase : byte
{
    /// <summary>Nothing was known of this sender: accept.</summary>
    First,

    /// <summary>The sender started anew (IDENT, describe): accept.</summary>
    Restart,

    /// <summary>The next number: accept.</summary>
    Ok,

    /// <summary>Numbers were left out: accept and count them.</summary>
    Gap,

    /// <summary>Seen before: discard, neither store nor alarm twice.</summary>
    Duplicate,

    /// <summary>A number that a gap had left out: accept.</summary>
    Late,

    /// <summary>So old that its order is unknown. DP1: accept the content. DP2: accept only what is historical, else it may be a replay.</summary>
    Stale,
}

/// <summary>A classified sequence number; its text is <c>ok</c>, <c>gap:3</c>, <c>late</c>, ...</summary>
/// <param name="Missing">For a gap, how many numbers were left out; else 0.</param>
public readonly record struct SequenceClass(SequenceCase Case, uint Missing = 0)
{
    private static readonly string[] Names = ["first", "restart", "ok", "gap", "duplicate", "late", "stale"];

    /// <summary>The word alone, without the count: a label for metrics.</summary>
    public string Name => Names[(int)Case];

    public override string ToString() =>
        Case is SequenceCase.Gap ? string.Create(CultureInfo.InvariantCulture, $"gap:{Missing}") : Name;
}

/// <summary>
/// What a receiver remembers of the sequence numbers of one sender: the last one and which of the numbers behind it it has seen.
/// One instance per device and direction; 16 bytes. The default value knows nothing.
/// </summary>
/// <remarks>
/// Both protocols count modulo a power of two and classify by d = (number − last): DP1 modulo 2^8 with a window of 32 numbers, DP2 modulo
/// 2^32 with 64. d in the upper half means that the number lies behind.
/// </remarks>
public struct SequenceTracker
{
    private const int Dp1Window = 32;
    private const int Dp2Window = 64;

    // Bit k is set when the number last - 1 - k was seen.
    private ulong _seenBehind;
    private uint _last;
    private bool _started;

    public readonly bool HasStarted => _started;

    /// <summary>The newest number accepted in order.</summary>
    public readonly uint Last => _last;

    /// <summary>Classifies a decoded frame by its protocol and remembers its number.</summary>
    public SequenceClass Classify(DecodedFrame frame) => frame.Protocol is Protocol.Dp1
        ? ClassifyDp1((byte)frame.Sequence, frame.IsRestart)
        : ClassifyDp2(frame.Sequence, frame.IsRestart);

    /// <summary>DP1, section 8. <paramref name="isRestart"/>: the telegram is an IDENT.</summary>
    public SequenceClass ClassifyDp1(byte sequence, bool isRestart) =>
        Classify(sequence, isRestart, (byte)(sequence - _last), byte.MaxValue, Dp1Window);

    /// <summary>DP2, section 10. <paramref name="isRestart"/>: the frame is a describe.</summary>
    public SequenceClass ClassifyDp2(uint sequence, bool isRestart) =>
        Classify(sequence, isRestart, sequence - _last, uint.MaxValue, Dp2Window);

    private SequenceClass Classify(uint sequence, bool isRestart, uint ahead, uint largest, int window)
    {
        if (!_started || isRestart)
        {
            var first = _started ? SequenceCase.Restart : SequenceCase.First;
            (_started, _last, _seenBehind) = (true, sequence, 0);
            return new(first);
        }

        if (ahead == 0)
            return new(SequenceCase.Duplicate);

        if (ahead <= largest / 2)
        {
            Advance(sequence, ahead, window);
            return ahead == 1 ? new(SequenceCase.Ok) : new(SequenceCase.Gap, ahead - 1);
        }

        var behind = largest - ahead + 1;
        if (behind > window)
            return new(SequenceCase.Stale);

        var bit = 1UL << (int)(behind - 1);
        if ((_seenBehind & bit) != 0)
            return new(SequenceCase.Duplicate);

        _seenBehind |= bit;
        return new(SequenceCase.Late);
    }

    /// <summary>Makes a number the last one; the old last one lies now <paramref name="ahead"/> behind it.</summary>
    private void Advance(uint sequence, uint ahead, int window)
    {
        // A shift by 64 is a shift by 0, hence the two steps.
        _seenBehind = ahead <= window ? (_seenBehind << (int)(ahead - 1) << 1) | (1UL << (int)(ahead - 1)) : 0;
        if (window < 64)
            _seenBehind &= (1UL << window) - 1;
        _last = sequence;
    }
}
