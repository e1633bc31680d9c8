namespace Pumps.Core.Protocols;

/// <summary>Why a frame was refused. One code per frame: the first check that failed (DP1 section 9.1, DP2 section 12.1).</summary>
public enum DecodeError : byte
{
    None,
    Truncated,
    Magic,
    Oversize,
    Length,
    Crc,
    Version,
    Flags,
    Type,
    Direction,
    Identity,
    Compress,
    Varint,
    Tlv,
    Tag,
    Depth,
    Count,
    Critical,
    WireType,
    Duplicate,
    Missing,
    Range,
    Field,
    Utf8,
    Series,
    Dict,
    Command,
    Expired,
    Key,
    Signature,
    Manifest,
    Chunk,
    Hash,
}

/// <summary>What was kept although something was wrong with it; a frame may carry several.</summary>
[Flags]
public enum DecodeWarnings : ushort
{
    None = 0,
    ClockFuture = 1 << 0,
    ClockOrder = 1 << 1,
    ClockPast = 1 << 2,
    ClockUnset = 1 << 3,
    DictRevision = 1 << 4,
    DictUnknown = 1 << 5,
    Enum = 1 << 6,
    FieldUnknown = 1 << 7,
    MinorVersion = 1 << 8,
    PointDup = 1 << 9,
    PointType = 1 << 10,
    PointUnknown = 1 << 11,
    Range = 1 << 12,
    ReservedBits = 1 << 13,
}

/// <summary>The stable codes of errors and warnings. They are API: dead letters, metrics and the portal show them.</summary>
public static class DecodeCodes
{
    private static readonly string[] Errors =
    [
        "", "E_TRUNCATED", "E_MAGIC", "E_OVERSIZE", "E_LENGTH", "E_CRC", "E_VERSION", "E_FLAGS", "E_TYPE", "E_DIRECTION", "E_IDENTITY",
        "E_COMPRESS", "E_VARINT", "E_TLV", "E_TAG", "E_DEPTH", "E_COUNT", "E_CRITICAL", "E_WIRETYPE", "E_DUPLICATE", "E_MISSING",
        "E_RANGE", "E_FIELD", "E_UTF8", "E_SERIES", "E_DICT", "E_COMMAND", "E_EXPIRED", "E_KEY", "E_SIGNATURE", "E_MANIFEST",
        "E_CHUNK", "E_HASH",
    ];

    // In the order of the bits, which is the order of the alphabet: decoded output lists warnings sorted.
    private static readonly string[] Warnings =
    [
        "W_CLOCK_FUTURE", "W_CLOCK_ORDER", "W_CLOCK_PAST", "W_CLOCK_UNSET", "W_DICT_REVISION", "W_DICT_UNKNOWN", "W_ENUM",
        "W_FIELD_UNKNOWN", "W_MINOR_VERSION", "W_POINT_DUP", "W_POINT_TYPE", "W_POINT_UNKNOWN", "W_RANGE", "W_RESERVED_BITS",
    ];

    public static string Code(this DecodeError error) => Errors[(int)error];

    /// <summary>The codes of all warnings set, sorted.</summary>
    public static IEnumerable<string> Codes(this DecodeWarnings warnings)
    {
        for (var bit = 0; bit < Warnings.Length; bit++)
            if (((int)warnings & (1 << bit)) != 0)
                yield return Warnings[bit];
    }
}
