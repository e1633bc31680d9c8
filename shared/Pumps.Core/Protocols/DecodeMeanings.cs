namespace Pumps.Core.Protocols;

/// <summary>What error and warning codes mean, for people (DP1 section 9.2, DP2 section 12.2).</summary>
public static class DecodeMeanings
{
    public static string Meaning(this DecodeError error) => error switch
    {
        DecodeError.None => "no error",
        DecodeError.Truncated => "the frame is empty or cut: bytes are missing at the end",
        DecodeError.Magic => "the frame does not begin as one of this protocol does",
        DecodeError.Oversize => "the frame, its payload or its inflated payload is larger than the protocol allows",
        DecodeError.Length => "a length does not fit: bytes too many, or a body of the wrong size for its type",
        DecodeError.Crc => "the checksum is wrong: the frame was damaged on its way",
        DecodeError.Version => "the format version is not one this decoder reads",
        DecodeError.Flags => "a flag is set that must be understood and is not",
        DecodeError.Type => "the type of the frame is not known",
        DecodeError.Direction => "the frame travels the wrong way: a downlink frame on the uplink or the reverse",
        DecodeError.Identity => "the frame names another device than the one that proved its identity",
        DecodeError.Compress => "the compressed payload cannot be inflated to the size it announces",
        DecodeError.Varint => "a varint is cut, too long or not minimal",
        DecodeError.Tlv => "a field is cut or longer than what contains it",
        DecodeError.Tag => "the tag of a field is not allowed",
        DecodeError.Depth => "groups are nested too deeply",
        DecodeError.Count => "there are more fields, samples or items than allowed",
        DecodeError.Critical => "a field must be understood and is not known",
        DecodeError.WireType => "a field has another wire type than its definition",
        DecodeError.Duplicate => "a field or datapoint that may stand once stands twice",
        DecodeError.Missing => "a field that must be there is missing",
        DecodeError.Range => "a value is outside the range that the protocol allows",
        DecodeError.Field => "a field has a value that the protocol does not allow",
        DecodeError.Utf8 => "a text is not valid UTF-8",
        DecodeError.Series => "a series contradicts itself",
        DecodeError.Dict => "the dictionary of a command is not known",
        DecodeError.Command => "the command is not known",
        DecodeError.Expired => "the command had expired when it arrived",
        DecodeError.Key => "the firmware is signed with a key that is not trusted",
        DecodeError.Signature => "the signature of the firmware is wrong",
        DecodeError.Manifest => "the firmware manifest is not acceptable",
        DecodeError.Chunk => "a firmware chunk does not fit its transfer",
        DecodeError.Hash => "the firmware image is not the one its manifest describes",
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, "The error has no meaning."),
    };

    /// <summary>What a warning code (<c>W_...</c>) means.</summary>
    public static string WarningMeaning(string code) => code switch
    {
        "W_CLOCK_FUTURE" => "the device's clock is ahead; the time of receipt stands in",
        "W_CLOCK_ORDER" => "the device's clock was set back since the samples were taken",
        "W_CLOCK_PAST" => "the device's time is too old to be trusted; the time of receipt stands in",
        "W_CLOCK_UNSET" => "the device's clock is not set; the time of receipt stands in",
        "W_DICT_REVISION" => "the device uses a newer revision of its dictionary",
        "W_DICT_UNKNOWN" => "the dictionary is not known; values are kept by number",
        "W_ENUM" => "a code has no name",
        "W_FIELD_UNKNOWN" => "a field of a newer protocol revision was skipped",
        "W_MINOR_VERSION" => "the sender uses a newer minor version",
        "W_POINT_DUP" => "a datapoint stands twice",
        "W_POINT_TYPE" => "a datapoint has another type than its definition",
        "W_POINT_UNKNOWN" => "a datapoint is not in the dictionary",
        "W_RANGE" => "a measured value is outside its range; it must not drive anything",
        "W_RESERVED_BITS" => "a reserved alarm bit is set",
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "There is no such warning."),
    };
}
