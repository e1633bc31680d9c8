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

/// <summary>A command of a product: what people may ask, and what the device's protocol makes of it.</summary>
/// <param name="Confirm">Dangerous: it is taken only when whoever gives it says that they mean it.</param>
/// <param name="Repeatable">Whether it may be sent again when nobody knows whether it arrived. A device that restarts may forget what it has done.</param>
/// <param name="TimeToLive">Time to live of an order that names none, and the longest there is: see <see cref="CommandLimits"/>.</param>
/// <param name="Code">The command's code in DP1's table, or in the DP2 dictionary.</param>
/// <param name="Dictionary">DP2: the dictionary the code is from; else 0.</param>
/// <param name="Revision">DP2: the first revision that has the command and its arguments, so that devices with older dictionaries take it too.</param>
public sealed record ProductCommand(
    string Name, string Description, CommandRole Role, bool Confirm, bool Repeatable, TimeSpan TimeToLive, IReadOnlyList<CommandArgument> Arguments,
    uint Code, ushort Dictionary, ushort Revision)
{
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
