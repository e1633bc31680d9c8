using System.Globalization;
using System.Text.Json;
using Pumps.Core.Dictionaries;

namespace Pumps.Core.Commands;

/// <summary>Who may give a command.</summary>
public enum CommandRole : byte
{
    Viewer,
    Operator,
    Ops,
}

/// <summary>An argument of a command as people give it, and its place on the wire.</summary>
/// <param name="Type">Bool, uint, int, decimal, enum or bitmask.</param>
/// <param name="Exponent">The wire carries the value times 10 to the power of minus this.</param>
/// <param name="Min">Both ends of the range are included.</param>
/// <param name="Labels">An enum's codes and names; people give the name.</param>
/// <param name="Default">Taken when the argument is not given; null: it must be given.</param>
/// <param name="Field">DP1: 1 or 2, for arg1 or arg2. DP2: the id of the datapoint.</param>
public sealed record CommandArgument(
    string Name, PointType Type, string? Unit, int Exponent, decimal Min, decimal Max, IReadOnlyDictionary<uint, string>? Labels, decimal? Default, uint Field)
{
    /// <summary>What would be right, for people.</summary>
    public string Allowed => Type switch
    {
        PointType.Bool => "true or false",
        PointType.Enum => "one of " + string.Join(", ", Labels!.Where(l => l.Key >= Min && l.Key <= Max).OrderBy(l => l.Key).Select(l => l.Value)),
        _ => $"a number from {Text(Min)} to {Text(Max)}{(Unit is null ? "" : " " + Unit)}, in steps of {Text(Step)}",
    };

    private decimal Step => Scale(1, Exponent);

    /// <summary>The number that the wire carries for a value; null when the value is not allowed.</summary>
    public long? ToWire(JsonElement value)
    {
        decimal number;
        switch (Type)
        {
            case PointType.Bool:
                if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
                    return null;
                number = value.GetBoolean() ? 1 : 0;
                break;
            case PointType.Enum:
                if (value.ValueKind is not JsonValueKind.String || value.GetString() is not { } name || Labels!.FirstOrDefault(l => l.Value == name) is not { Value: not null } label)
                    return null;
                number = label.Key;
                break;
            default:
                if (value.ValueKind is not JsonValueKind.Number || !value.TryGetDecimal(out number))
                    return null;
                break;
        }

        return ToWire(number);
    }

    /// <inheritdoc cref="ToWire(JsonElement)"/>
    public long? ToWire(decimal number)
    {
        if (number < Min || number > Max)
            return null;
        var scaled = Scale(number, -Exponent);
        return scaled == decimal.Truncate(scaled) ? (long)scaled : null;
    }

    /// <summary>A number times ten to a power; the catalog holds exponents from -12 to 12.</summary>
    public static decimal Scale(decimal number, int exponent)
    {
        for (; exponent > 0; exponent--)
            number *= 10;
        for (; exponent < 0; exponent++)
            number /= 10;
        return number;
    }

    private static string Text(decimal number) => number.ToString("0.############", CultureInfo.InvariantCulture);
}

/// <summary>Parts of a device that there are several of and that take commands of their own, such as the pumps of a station.</summary>
/// <param name="Point">The group of the product's dictionary.</param>
/// <param name="Group">Its id.</param>
/// <param name="Min">Number of the first; both ends of the range are included. It is the product's: a device with fewer refuses the others itself.</param>
public sealed record ComponentRange(string Point, uint Group, uint Min, uint Max);

/// <summary>A command of a product: what people may ask, and what the device's protocol makes of it.</summary>
/// <param name="Name">Of a part of the device: with its group, as datapoints are named, and <c>[]</c> for every instance: <c>pumps[].start</c>.</param>
/// <param name="Confirm">Dangerous: it is taken only when whoever gives it says that they mean it.</param>
/// <param name="Repeatable">Whether it may be sent again when nobody knows whether it arrived. A device that restarts may forget what it has done.</param>
/// <param name="TimeToLive">Time to live of an order that names none, and the longest there is: see <see cref="CommandLimits"/>.</param>
/// <param name="Code">The command's code in DP1's table, or in the DP2 dictionary.</param>
/// <param name="Dictionary">DP2: the dictionary that the frame names, which is the device's own where the command is for a part of it; else 0.</param>
/// <param name="Revision">DP2: the first revision that has the command and its arguments, so that devices with older dictionaries take it too.</param>
public sealed record ProductCommand(
    string Name, string Description, CommandRole Role, bool Confirm, bool Repeatable, TimeSpan TimeToLive, IReadOnlyList<CommandArgument> Arguments,
    uint Code, ushort Dictionary, ushort Revision)
{
    /// <summary>The parts it is for; null: the device itself.</summary>
    public ComponentRange? Component { get; init; }

    /// <summary>DP1: its number is the device's civil time at the moment of sending. People do not give it, and it must not lie in a queue.</summary>
    public bool SetsClock { get; init; }

    /// <summary>How people name it: <c>start</c>, or <c>pumps[1].start to pumps[8].start</c>.</summary>
    public string Allowed => Component is { } parts ? $"{Of(parts.Min)} to {Of(parts.Max)}" : Name;

    /// <summary>Whether there is such an instance of its parts; null for the device itself.</summary>
    public bool Takes(uint? instance) => Component is { } parts ? instance >= parts.Min && instance <= parts.Max : instance is null;

    /// <summary>Splits a name as people give it: <c>pumps[2].start</c> is <c>pumps[].start</c> of instance 2, <c>start</c> is itself.</summary>
    public static (string Name, uint? Instance) Split(string given)
    {
        var open = given.IndexOf('[', StringComparison.Ordinal) + 1;
        var length = open == 0 ? -1 : given.AsSpan(open).IndexOf(']');
        // One name for one thing: no leading zeros.
        return length > 0 && uint.TryParse(given.AsSpan(open, length), NumberStyles.None, CultureInfo.InvariantCulture, out var instance)
               && (length == 1 || given[open] != '0')
            ? (given.Remove(open, length), instance)
            : (given, null);
    }

    /// <summary>Whether two commands, as people name them, are for the same part of a device, or one of them for all of it.</summary>
    public static bool Meet(string one, string other) => PartOf(one) is not { } a || PartOf(other) is not { } b || a == b;

    private static string? PartOf(string given) => given.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot ? given[..dot] : null;

    private string Of(uint instance) => Name.Replace("[]", string.Create(CultureInfo.InvariantCulture, $"[{instance}]"), StringComparison.Ordinal);

    /// <summary>Puts given arguments into the order of <see cref="Arguments"/> as the wire carries them.</summary>
    /// <param name="faults">Each argument that is missing, unknown or not allowed, and what would be right.</param>
    public long[] Bind(IReadOnlyDictionary<string, JsonElement> given, List<ArgumentFault> faults)
    {
        var values = new long[Arguments.Count];
        for (var i = 0; i < values.Length; i++)
        {
            var argument = Arguments[i];
            if (given.TryGetValue(argument.Name, out var value))
            {
                if (argument.ToWire(value) is { } wire)
                    values[i] = wire;
                else
                    faults.Add(new(ArgumentFaultKind.Invalid, argument.Name, value.GetRawText(), argument.Allowed));
            }
            else if (argument.Default is { } fallback)
            {
                values[i] = argument.ToWire(fallback) ?? throw new InvalidOperationException($"The default of {argument.Name} of {Name} is not one of its values.");
            }
            else
            {
                faults.Add(new(ArgumentFaultKind.Missing, argument.Name, null, argument.Allowed));
            }
        }

        foreach (var (name, value) in given)
            if (Arguments.All(a => a.Name != name))
                faults.Add(new(ArgumentFaultKind.Unknown, name, value.GetRawText(),
                    Arguments.Count == 0 ? $"nothing: {Name} has no arguments" : "one of " + string.Join(", ", Arguments.Select(a => a.Name))));
        return values;
    }
}

public enum ArgumentFaultKind : byte
{
    Invalid,
    Missing,
    Unknown,
}

/// <summary>What is wrong with an argument.</summary>
public sealed record ArgumentFault(ArgumentFaultKind Kind, string Argument, string? Given, string Allowed);
