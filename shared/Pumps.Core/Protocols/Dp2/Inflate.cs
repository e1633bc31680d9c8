namespace Pumps.Core.Protocols.Dp2;

/// <summary>A bounded reader of one raw DEFLATE stream (RFC 1951).</summary>
/// <remarks>
/// DP2 (section 2.2) wants to know three things that a stream class does not tell: that the stream is complete, that it gives exactly
/// the announced size, and that nothing follows it. Output goes into a buffer of exactly that size, so nothing is inflated beyond it.
/// </remarks>
internal static class Inflate
{
    private const int CodeBitsMax = 15;
    private const int LiteralCodes = 286;
    private const int DistanceCodes = 30;
    private const int EndOfBlock = 256;

    private static readonly Code FixedLiterals = BuildFixedLiterals();
    private static readonly Code FixedDistances = BuildFixedDistances();

    private static ReadOnlySpan<byte> LengthOrder => [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

    private static ReadOnlySpan<ushort> LengthBase =>
        [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];

    private static ReadOnlySpan<byte> LengthExtra => [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];

    private static ReadOnlySpan<ushort> DistanceBase =>
        [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577];

    private static ReadOnlySpan<byte> DistanceExtra =>
        [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];

    /// <summary>Whether <paramref name="source"/> is one complete stream, with nothing behind it, that fills <paramref name="target"/> exactly.</summary>
    public static bool TryInflate(ReadOnlySpan<byte> source, Span<byte> target)
    {
        var bits = new BitReader(source);
        var written = 0;
        bool last;
        do
        {
            last = bits.Read(1) == 1;
            var good = bits.Read(2) switch
            {
                0 => TryStored(ref bits, target, ref written),
                1 => TryCoded(ref bits, FixedLiterals, FixedDistances, target, ref written),
                2 => TryReadCodes(ref bits, out var literals, out var distances) && TryCoded(ref bits, literals, distances, target, ref written),
                _ => false,
            };
            if (!good || bits.Overrun)
                return false;
        }
        while (!last);

        return written == target.Length && bits.AtEnd;
    }

    private static bool TryStored(ref BitReader bits, Span<byte> target, ref int written)
    {
        bits.AlignToByte();
        var length = bits.Read(16);
        if (bits.Read(16) != (length ^ 0xFFFF) || bits.Overrun || length > target.Length - written)
            return false;

        if (!bits.TryCopy(target.Slice(written, length)))
            return false;

        written += length;
        return true;
    }

    private static bool TryCoded(ref BitReader bits, in Code literals, in Code distances, Span<byte> target, ref int written)
    {
        while (true)
        {
            var symbol = literals.Decode(ref bits);
            if (symbol is < 0 or >= LiteralCodes || bits.Overrun)
                return false;

            if (symbol == EndOfBlock)
                return true;

            if (symbol < EndOfBlock)
            {
                if (written == target.Length)
                    return false;
                target[written++] = (byte)symbol;
                continue;
            }

            symbol -= EndOfBlock + 1;
            var length = LengthBase[symbol] + bits.Read(LengthExtra[symbol]);
            symbol = distances.Decode(ref bits);
            if (symbol is < 0 or >= DistanceCodes)
                return false;

            var distance = DistanceBase[symbol] + bits.Read(DistanceExtra[symbol]);
            if (bits.Overrun || distance > written || length > target.Length - written)
                return false;

            // Source and target may overlap: a distance below the length repeats bytes just written.
            for (var end = written + length; written < end; written++)
                target[written] = target[written - distance];
        }
    }

    private static bool TryReadCodes(ref BitReader bits, out Code literals, out Code distances)
    {
        literals = distances = default;
        var literalCount = bits.Read(5) + 257;
        var distanceCount = bits.Read(5) + 1;
        var lengthCount = bits.Read(4) + 4;
        if (literalCount > LiteralCodes || distanceCount > DistanceCodes)
            return false;

        Span<byte> lengths = stackalloc byte[LiteralCodes + DistanceCodes];
        lengths.Clear();
        for (var i = 0; i < lengthCount; i++)
            lengths[LengthOrder[i]] = (byte)bits.Read(3);
        if (!Code.TryBuild(lengths[..LengthOrder.Length], mayBeSingle: false, out var lengthCode))
            return false;

        lengths.Clear();
        for (var i = 0; i < literalCount + distanceCount;)
        {
            var symbol = lengthCode.Decode(ref bits);
            if (symbol < 0 || bits.Overrun)
                return false;

            if (symbol < 16)
            {
                lengths[i++] = (byte)symbol;
                continue;
            }

            if (symbol == 16 && i == 0)
                return false;

            var repeated = symbol == 16 ? lengths[i - 1] : (byte)0;
            var times = symbol switch { 16 => 3 + bits.Read(2), 17 => 3 + bits.Read(3), _ => 11 + bits.Read(7) };
            if (times > literalCount + distanceCount - i)
                return false;

            lengths.Slice(i, times).Fill(repeated);
            i += times;
        }

        return lengths[EndOfBlock] != 0
            && Code.TryBuild(lengths[..literalCount], mayBeSingle: true, out literals)
            && Code.TryBuild(lengths.Slice(literalCount, distanceCount), mayBeSingle: true, out distances);
    }

    private static Code BuildFixedLiterals()
    {
        Span<byte> lengths = stackalloc byte[288];
        lengths[..144].Fill(8);
        lengths[144..256].Fill(9);
        lengths[256..280].Fill(7);
        lengths[280..].Fill(8);
        Code.TryBuild(lengths, mayBeSingle: false, out var code);
        return code;
    }

    private static Code BuildFixedDistances()
    {
        Span<byte> lengths = stackalloc byte[32];
        lengths.Fill(5);
        Code.TryBuild(lengths, mayBeSingle: false, out var code);
        return code;
    }

    /// <summary>A canonical Huffman code: how many codes of each length, and the symbols in the order of their codes.</summary>
    private readonly struct Code(ushort[] counts, ushort[] symbols)
    {
        /// <summary>Builds a code. It must be complete; a literal or distance code may also be one single code of one bit, and distances may be none.</summary>
        public static bool TryBuild(ReadOnlySpan<byte> lengths, bool mayBeSingle, out Code code)
        {
            var counts = new ushort[CodeBitsMax + 1];
            foreach (var length in lengths)
                counts[length]++;

            var unused = counts[0];
            counts[0] = 0;
            var left = 1;
            var longest = 0;
            Span<int> offsets = stackalloc int[CodeBitsMax + 2];
            offsets.Clear();
            for (var length = 1; length <= CodeBitsMax; length++)
            {
                left = (left << 1) - counts[length];
                if (left < 0)
                {
                    code = default;
                    return false;
                }

                if (counts[length] != 0)
                    longest = length;
                offsets[length + 1] = offsets[length] + counts[length];
            }

            var symbols = new ushort[lengths.Length - unused];
            for (var symbol = 0; symbol < lengths.Length; symbol++)
                if (lengths[symbol] != 0)
                    symbols[offsets[lengths[symbol]]++] = (ushort)symbol;

            code = new Code(counts, symbols);
            return left == 0 || (mayBeSingle && longest <= 1);
        }

        /// <summary>The next symbol, or -1 when the bits are no code.</summary>
        public int Decode(ref BitReader bits)
        {
            var code = 0;
            var first = 0;
            var index = 0;
            for (var length = 1; length <= CodeBitsMax; length++)
            {
                code |= bits.Read(1);
                var count = counts[length];
                if (code - first < count)
                    return symbols[index + code - first];

                index += count;
                first = (first + count) << 1;
                code <<= 1;
            }

            return -1;
        }
    }

    /// <summary>Reads bits, least significant first. Beyond the end it gives zeros and sets <see cref="Overrun"/>.</summary>
    private ref struct BitReader(ReadOnlySpan<byte> source)
    {
        private readonly ReadOnlySpan<byte> _source = source;
        private int _position;
        private uint _held;
        private int _count;

        public bool Overrun { get; private set; }

        /// <summary>Whether every byte has been used; the spare bits of the last one do not count.</summary>
        public readonly bool AtEnd => _position == _source.Length && !Overrun;

        public int Read(int bits)
        {
            while (_count < bits)
            {
                if (_position == _source.Length)
                {
                    Overrun = true;
                    return 0;
                }

                _held |= (uint)_source[_position++] << _count;
                _count += 8;
            }

            var value = _held & ((1u << bits) - 1);
            _held >>= bits;
            _count -= bits;
            return (int)value;
        }

        // Read takes whole bytes only as it needs them, so less than one byte is held here.
        public void AlignToByte()
        {
            _held = 0;
            _count = 0;
        }

        public bool TryCopy(Span<byte> target)
        {
            if (target.Length > _source.Length - _position)
                return false;

            _source.Slice(_position, target.Length).CopyTo(target);
            _position += target.Length;
            return true;
        }
    }
}
