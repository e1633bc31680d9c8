using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;

namespace Pumps.Core.Dictionaries;

/// <summary>Reads a dictionary in the format of the registered files (<c>shared/catalog/dictionaries</c>).</summary>
public static class DictionaryJson
{
    /// <summary>Parses one dictionary file.</summary>
    /// <exception cref="FormatException">A member is missing or has a value that the format does not allow; the message names it.</exception>
    /// <exception cref="JsonException">The text is not JSON.</exception>
    public static DataDictionary Parse(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        return Read(document.RootElement);
    }

    /// <inheritdoc cref="Parse"/>
    public static DataDictionary Read(JsonElement root)
    {
        var id = Number<ushort>(root, "id", "dictionary");
        var where = $"dictionary {id}";
        return new DataDictionary(
            id,
            Number<ushort>(root, "revision", where),
            Text(root, "name", where),
            [.. Items(root, "points").Select(p => ReadPoint(p, where))],
            Items(root, "events").Select(e => new EventDefinition(
                Number<uint>(e, "code", where), Text(e, "name", where), Number<byte>(e, "severity", where), Number<ushort>(e, "since", where, 1))),
            Items(root, "commands").Select(c => new CommandDefinition(
                Number<uint>(c, "code", where), Text(c, "name", where),
                [.. Items(c, "args").Select(a => a.GetUInt32())], Number<ushort>(c, "since", where, 1))),
            Labels(root, "states"));
    }

    private static PointDefinition ReadPoint(JsonElement point, string dictionary)
    {
        var id = Number<uint>(point, "id", dictionary);
        var where = $"{dictionary}, point {id}";
        var access = OptionalText(point, "access") ?? "r";
        return new PointDefinition
        {
            Id = id,
            Name = Text(point, "name", where),
            Type = ReadType(Text(point, "type", where), where),
            Unit = OptionalText(point, "unit"),
            Exponent = Has(point, "exponent") ? Number<sbyte>(point, "exponent", where) : null,
            Min = OptionalText(point, "min"),
            Max = OptionalText(point, "max"),
            Labels = Labels(point, "enum"),
            Child = Number<ushort>(point, "child", where, 0),
            ChildRevision = Number<ushort>(point, "childRevision", where, 0),
            Since = Number<ushort>(point, "since", where, 1),
            Readable = access.Contains('r', StringComparison.Ordinal),
            Writable = access.Contains('w', StringComparison.Ordinal),
            Description = OptionalText(point, "description") ?? "",
        };
    }

    private static PointType ReadType(string name, string where) =>
        Enum.TryParse<PointType>(name, ignoreCase: true, out var type) && type is not PointType.Unknown
            ? type
            : throw new FormatException($"{where}: unknown type \"{name}\"");

    private static FrozenDictionary<uint, string>? Labels(JsonElement owner, string member) =>
        Has(owner, member)
            ? owner.GetProperty(member).EnumerateObject().ToFrozenDictionary(
                e => uint.Parse(e.Name, CultureInfo.InvariantCulture), e => e.Value.GetString()!)
            : null;

    private static IEnumerable<JsonElement> Items(JsonElement owner, string member) =>
        Has(owner, member) ? owner.GetProperty(member).EnumerateArray() : [];

    private static bool Has(JsonElement owner, string member) =>
        owner.TryGetProperty(member, out var value) && value.ValueKind is not JsonValueKind.Null;

    private static string? OptionalText(JsonElement owner, string member) =>
        Has(owner, member) ? owner.GetProperty(member).ToString() : null;

    private static string Text(JsonElement owner, string member, string where) =>
        OptionalText(owner, member) ?? throw new FormatException($"{where}: \"{member}\" is missing");

    private static T Number<T>(JsonElement owner, string member, string where, T? otherwise = null) where T : struct, IParsable<T>
    {
        if (!Has(owner, member))
            return otherwise ?? throw new FormatException($"{where}: \"{member}\" is missing");

        return T.TryParse(owner.GetProperty(member).ToString(), CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException($"{where}: \"{member}\" is not a number in range");
    }
}
