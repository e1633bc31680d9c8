using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols;

/// <summary>Whether a value may be used. Only <see cref="Good"/> may drive control, alarms, billing or learning.</summary>
public enum Quality : byte
{
    Good,
    NotAvailable,
    OutOfRange,
    UnknownEnum,
    TypeMismatch,
    UnknownId,
}

/// <summary>How a value lies on the wire (DP2 section 4). DP1 values use <see cref="Uvarint"/> and <see cref="Svarint"/> for unsigned and signed.</summary>
public enum WireType : byte
{
    Uvarint = 0,
    Svarint = 1,
    Bytes = 2,
    F32 = 3,
    F64 = 4,
    Dec = 5,
    Null = 6,
    Group = 7,
}

/// <summary>One decoded value, without allocation: numbers in place, text and bytes as a slice of <see cref="DatapointBuffer.Source"/>.</summary>
/// <remarks>
/// <see cref="Type"/> says how to read the value: <c>Bool</c>, <c>Uint</c>, <c>Enum</c>, <c>Bitmask</c> in <see cref="Bits"/>; <c>Int</c> in
/// <see cref="Bits"/> as two's complement; <c>Decimal</c> as mantissa in <see cref="Bits"/> (two's complement) times 10^<see cref="Exponent"/>;
/// <c>Float32</c>, <c>Float64</c> as IEEE bits; <c>String</c>, <c>Bytes</c> as <see cref="Offset"/> and <see cref="Length"/>.
/// <see cref="HasValue"/> is false where the quality leaves none. For an id that is not in the dictionary, <see cref="Definition"/> is null,
/// <see cref="Quality"/> is <c>UnknownId</c> and the value is read by <see cref="Wire"/>.
/// For <c>TypeMismatch</c>, <see cref="Offset"/> and <see cref="Length"/> give the encoded value after its tag.
/// </remarks>
public struct Datapoint
{
    public PointDefinition? Definition;
    public uint Id;

    /// <summary>Index into <see cref="DatapointBuffer.Paths"/>; 0 is the top level.</summary>
    public int Path;

    public PointType Type;
    public WireType Wire;
    public Quality Quality;
    public bool HasValue;
    public sbyte Exponent;

    /// <summary>Why the value is not available (DP2 NULL); -1 when the wire gave no reason.</summary>
    public short Reason;

    public ulong Bits;
    public int Offset;
    public int Length;

    /// <summary>When the value was true, ms since 1970 UTC.</summary>
    public long TimeMs;
}

/// <summary>The datapoints of one frame, in decoded order. Reused from frame to frame: it grows, it never shrinks.</summary>
public sealed class DatapointBuffer
{
    private Datapoint[] _points = new Datapoint[64];
    private string[] _paths = new string[8];
    private byte[] _source = new byte[512];

    public DatapointBuffer() => Clear();

    public int Count { get; private set; }

    public int PathCount { get; private set; }

    public int SourceLength { get; private set; }

    public ReadOnlySpan<Datapoint> Points => _points.AsSpan(0, Count);

    /// <summary>The path of each container seen, such as <c>pumps[1]</c> or <c>zones[4].probes[1]</c>; entry 0 is the empty text.</summary>
    public ReadOnlySpan<string> Paths => _paths.AsSpan(0, PathCount);

    /// <summary>The bytes that <see cref="Datapoint.Offset"/> points into.</summary>
    public ReadOnlySpan<byte> Source => _source.AsSpan(0, SourceLength);

    public void Clear()
    {
        Count = 0;
        PathCount = 1;
        _paths[0] = "";
        SourceLength = 0;
    }

    /// <summary>Adds an empty datapoint and returns it for filling in place.</summary>
    public ref Datapoint Add()
    {
        if (Count == _points.Length)
            Array.Resize(ref _points, Count * 2);

        ref var point = ref _points[Count++];
        point = default;
        point.Reason = -1;
        return ref point;
    }

    /// <summary>Takes back the datapoint added last.</summary>
    internal void RemoveLast() => Count--;

    public int AddPath(string path)
    {
        if (PathCount == _paths.Length)
            Array.Resize(ref _paths, PathCount * 2);

        _paths[PathCount] = path;
        return PathCount++;
    }

    /// <summary>Copies bytes to the end of <see cref="Source"/> and returns their offset.</summary>
    public int AddSource(ReadOnlySpan<byte> bytes)
    {
        var offset = SourceLength;
        if (_source.Length - offset < bytes.Length)
            Array.Resize(ref _source, Math.Max(_source.Length * 2, offset + bytes.Length));

        bytes.CopyTo(_source.AsSpan(offset));
        SourceLength = offset + bytes.Length;
        return offset;
    }
}
