using System.Collections.Frozen;
using System.Text;

namespace Pumps.Core.Dictionaries;

/// <summary>Type of a datapoint; the numbers are those of DP2 section 4.1. 0 stands for an id that no dictionary knows.</summary>
public enum PointType : byte
{
    Unknown = 0,
    Bool = 1,
    Uint = 2,
    Int = 3,
    Decimal = 4,
    Float32 = 5,
    Float64 = 6,
    String = 7,
    Bytes = 8,
    Enum = 9,
    Bitmask = 10,
    Group = 11,
}

/// <summary>What a dictionary says of one datapoint.</summary>
public sealed class PointDefinition
{
    private const int LowCodeCount = 64;

    private readonly ulong _lowCodes;
    private byte[][]? _labelJson;

    public required uint Id { get; init; }

    public required string Name { get; init; }

    public required PointType Type { get; init; }

    /// <summary>UCUM code; null for text, enums, booleans and masks.</summary>
    public string? Unit { get; init; }

    /// <summary>Exponent of a decimal sent as a bare mantissa.</summary>
    public sbyte? Exponent { get; init; }

    /// <summary>Plausible range as decimal text, both ends included; null when open.</summary>
    public string? Min { get; init; }

    public string? Max { get; init; }

    /// <summary>Names of the enum's codes; null for other types.</summary>
    public FrozenDictionary<uint, string>? Labels
    {
        get;
        init
        {
            field = value;
            _lowCodes = LowCodes(value);
        }
    }

    public ushort Child { get; init; }

    public ushort ChildRevision { get; init; }

    public ushort Since { get; init; } = 1;

    /// <summary>Whether a command may take this point as an argument.</summary>
    public bool Writable { get; init; }

    /// <summary>Whether the point can be read; false for <c>w</c> only.</summary>
    public bool Readable { get; init; } = true;

    public string Description { get; init; } = "";

    /// <summary>The name as UTF-8, for writers that must not allocate.</summary>
    public byte[] NameUtf8 => field ??= Encoding.UTF8.GetBytes(Name);

    /// <summary>The name of an enum's code as JSON text; empty when the enum does not have it.</summary>
    public ReadOnlySpan<byte> LabelJson(ulong code)
    {
        var labels = _labelJson ??= [.. Enumerable.Range(0, LowCodeCount).Select(low => MakeLabelJson((uint)low))];
        return code < LowCodeCount ? labels[code] : code <= uint.MaxValue ? MakeLabelJson((uint)code) : [];
    }

    private byte[] MakeLabelJson(uint code) => Labels?.GetValueOrDefault(code) is { } label ? Encoding.UTF8.GetBytes($"\"{label}\"") : [];

    /// <summary>The plausible range in the forms that decoders compare in.</summary>
    public PointRange Range => field ??= new PointRange(this);

    /// <summary>Whether the enum has this code. Low codes, which all registered enums keep to, are one bit test.</summary>
    public bool HasLabel(ulong code) =>
        code < LowCodeCount
            ? (_lowCodes >> (int)code & 1) != 0
            : code <= uint.MaxValue && Labels is not null && Labels.ContainsKey((uint)code);

    private static ulong LowCodes(FrozenDictionary<uint, string>? labels)
    {
        ulong codes = 0;
        foreach (var code in labels?.Keys ?? [])
            if (code < LowCodeCount)
                codes |= 1UL << (int)code;
        return codes;
    }
}
