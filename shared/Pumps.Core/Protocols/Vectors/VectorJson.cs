using System.Globalization;
using System.Text.Json;
using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Vectors;

/// <summary>Reads the members of vector files; what is missing or wrong is named in a <see cref="FormatException"/>.</summary>
internal static class VectorJson
{
    public static JsonElement? Optional(JsonElement owner, string member) =>
        owner.ValueKind is JsonValueKind.Object && owner.TryGetProperty(member, out var value) && value.ValueKind is not JsonValueKind.Null
            ? value
            : null;

    public static JsonElement Member(JsonElement owner, string member) =>
        Optional(owner, member) ?? throw new FormatException($"\"{member}\" is missing");

    public static string Text(JsonElement owner, string member) => Member(owner, member).ToString();

    public static string? OptionalText(JsonElement owner, string member) => Optional(owner, member)?.ToString();

    public static byte[] Hex(JsonElement value)
    {
        try
        {
            return Convert.FromHexString(value.ToString());
        }
        catch (FormatException wrong)
        {
            throw new FormatException($"\"{value}\" is not hex: {wrong.Message}", wrong);
        }
    }

    /// <summary>A number that stands as a JSON number or as text.</summary>
    public static T? Number<T>(JsonElement owner, string member) where T : struct, IParsable<T>
    {
        if (OptionalText(owner, member) is not { } text)
            return null;

        return T.TryParse(text, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException($"\"{member}\": {text} is not a number in range");
    }
}

/// <summary>The <c>context</c> of a vector: what the decoder is told beside the bytes.</summary>
internal static class VectorContext
{
    public static DecodeContext Read(
        JsonElement context, Protocol protocol, DictionarySet dictionaries, Func<IReadOnlyDictionary<string, string>, IFirmwareSignatures> keys) => new(
            VectorJson.OptionalText(context, "direction") is "down" ? Direction.Down : Direction.Up,
            VectorJson.Number<long>(context, "receivedAtMs"),
            VectorJson.Number<int>(context, "utcOffsetMin") ?? 0,
            Identity(context, protocol),
            Dictionaries(context, dictionaries),
            keys(Keys(context)));

    /// <summary>Trusted keys, key id to public key, both as hex.</summary>
    public static Dictionary<string, string> Keys(JsonElement owner) =>
        VectorJson.Optional(owner, "trustedKeys") is { } trusted
            ? trusted.EnumerateObject().ToDictionary(key => key.Name, key => key.Value.ToString())
            : [];

    /// <summary>The identity proven by the transport: a DP1 serial is decimal, a DP2 EUI-64 16 hex digits.</summary>
    private static ulong? Identity(JsonElement context, Protocol protocol)
    {
        if (VectorJson.OptionalText(context, "deviceId") is not { } text)
            return null;

        var style = protocol is Protocol.Dp1 ? NumberStyles.None : NumberStyles.AllowHexSpecifier;
        return ulong.TryParse(text, style, CultureInfo.InvariantCulture, out var identity)
            ? identity
            : throw new FormatException($"\"deviceId\": {text} is not the identity of a {protocol.Name()} device");
    }

    /// <summary>The registered dictionaries with the extra ones, each cut back to the revision that this decoder is to know.</summary>
    private static DictionarySet Dictionaries(JsonElement context, DictionarySet known)
    {
        if (VectorJson.Optional(context, "extraDictionaries") is { } extra)
            known = known.With(extra.ValueKind is JsonValueKind.Array
                ? extra.EnumerateArray().Select(DictionaryJson.Read)
                : extra.EnumerateObject().Select(entry => DictionaryJson.Read(entry.Value)));

        if (VectorJson.Optional(context, "knownRevisions") is { } revisions)
            known = known.With(
                from entry in revisions.EnumerateObject()
                let id = uint.Parse(entry.Name, CultureInfo.InvariantCulture)
                let dictionary = known.Find(id)
                where dictionary is not null
                select dictionary.AtRevision(ushort.Parse(entry.Value.ToString(), CultureInfo.InvariantCulture)));

        return known;
    }
}
