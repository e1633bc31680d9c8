using System.Globalization;
using System.Text.Json;
using Pumps.Core.Commands;
using Pumps.Core.Dictionaries;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Handlers.Offerings;

/// <content>The commands of a product, tied to the protocol: DP1's table, or a DP2 dictionary.</content>
public static partial class CatalogLoader
{
    private const int TimeToLiveDefault = 60;

    private static List<ProductCommand> ReadCommands(string file, JsonElement root, Product product, DictionarySet dictionaries, List<CatalogFault> faults)
    {
        var commands = new List<ProductCommand>();
        if (!root.TryGetProperty("commands", out var list) || dictionaries.Find(product.Dictionary) is not { } own)
            return commands;

        var components = ReadComponents(file, root, product, own, dictionaries, faults);
        var i = 0;
        foreach (var c in list.EnumerateArray())
        {
            var place = $"/commands/{i++}";
            var timeToLive = TimeSpan.FromSeconds(c.TryGetProperty("timeToLiveSeconds", out var seconds) ? seconds.GetInt32() : TimeToLiveDefault);
            if (timeToLive > CommandLimits.TimeToLiveMax(product.Protocol))
                faults.Add(new(file, $"{place}/timeToLiveSeconds", $"{product.Protocol.Name()} keeps a command at most {CommandLimits.TimeToLiveMax(product.Protocol).TotalSeconds} s"));

            var name = Text(c, "name");
            ComponentRange? component = null;
            if (name.IndexOf("[].", StringComparison.Ordinal) is > 0 and var dot && !components.TryGetValue(name[..dot], out component))
            {
                faults.Add(new(file, $"{place}/name", $"\"instances\" does not say how many \"{name[..dot]}\" there are"));
                continue;
            }

            Unique(Arguments(c).Select(a => (file, Text(a, "name"))), faults, $"{place}/arguments");
            var isRepeatable = !c.TryGetProperty("repeatable", out var repeatable) || repeatable.GetBoolean();
            var wire = Optional(c, "wire") ?? name[(name.LastIndexOf('.') + 1)..];
            var setsClock = product.Protocol is Protocol.Dp1 && wire == Dp1CommandInfo.SetClock;
            if (setsClock && isRepeatable)
                faults.Add(new(file, place, $"{wire} needs \"repeatable\": false: in a queue its time grows old"));
            var command = product.Protocol is Protocol.Dp1 ? ReadDp1Command(file, place, c, wire, own, faults)
                : component is null ? ReadDp2Command(file, place, c, wire, own, dictionaries, faults)
                : ReadPartsCommand(file, place, c, wire, component, own, dictionaries, faults);
            if (command is { Code: var code, Dictionary: var dictionary, Revision: var revision, Arguments: var arguments })
                commands.Add(new(
                    name, Text(c, "description"),
                    Optional(c, "role") switch { "viewer" => CommandRole.Viewer, "ops" => CommandRole.Ops, _ => CommandRole.Operator },
                    c.TryGetProperty("confirm", out var confirm) && confirm.GetBoolean(), isRepeatable, timeToLive, arguments, code, dictionary, revision)
                {
                    Component = component, SetsClock = setsClock,
                });
        }

        Unique(commands.Select(c => (file, c.Name)), faults, "/commands");
        return commands;
    }

    /// <summary>How many parts of each kind a product may have.</summary>
    private static Dictionary<string, ComponentRange> ReadComponents(
        string file, JsonElement root, Product product, DataDictionary own, DictionarySet dictionaries, List<CatalogFault> faults)
    {
        var components = new Dictionary<string, ComponentRange>();
        if (!root.TryGetProperty("instances", out var list))
            return components;

        var i = 0;
        foreach (var c in list.EnumerateArray())
        {
            var place = $"/instances/{i++}";
            var (name, min, max) = (Text(c, "point"), c.GetProperty("min").GetUInt32(), c.GetProperty("max").GetUInt32());
            if (product.Protocol is Protocol.Dp1)
                faults.Add(new(file, place, "DP1 has no way to name a part of a device"));
            else if (own.Points.FirstOrDefault(p => p.Name == name) is not { Type: PointType.Group } group || dictionaries.Find(group.Child) is null)
                faults.Add(new(file, $"{place}/point", $"dictionary {own.Id} ({own.Name}) has no group \"{name}\""));
            else if (min > max)
                faults.Add(new(file, place, $"min is {min} and max is {max}"));
            else if (!components.TryAdd(name, new(name, group.Id, min, max)))
                faults.Add(new(file, $"{place}/point", $"\"{name}\" is there more than once"));
        }

        return components;
    }

    /// <summary>
    /// A command for a part of the device: code and arguments are those of the part's dictionary, the frame names the device's own and the way
    /// from it (DP2 section 8.1).
    /// </summary>
    private static (uint Code, ushort Dictionary, ushort Revision, List<CommandArgument> Arguments)? ReadPartsCommand(
        string file, string place, JsonElement c, string wire, ComponentRange component, DataDictionary own, DictionarySet dictionaries, List<CatalogFault> faults)
    {
        if (c.TryGetProperty("dictionary", out _))
            faults.Add(new(file, $"{place}/dictionary", $"commands of \"{component.Point}\" are of its own dictionary"));
        var group = own.Find(component.Group)!;
        if (ReadDp2Command(file, place, c, wire, dictionaries.Find(group.Child)!, dictionaries, faults) is not { } command)
            return null;
        if (command.Revision > group.ChildRevision)
            faults.Add(new(file, place, $"{wire} is in revision {command.Revision} of dictionary {command.Dictionary}; \"{component.Point}\" is of revision {group.ChildRevision}"));
        return command with { Dictionary = own.Id, Revision = group.Since };
    }

    private static (uint Code, ushort Dictionary, ushort Revision, List<CommandArgument> Arguments)? ReadDp1Command(
        string file, string place, JsonElement c, string wire, DataDictionary own, List<CatalogFault> faults)
    {
        if (Dp1CommandInfo.Find(wire) is not { } info)
        {
            faults.Add(new(file, place, $"DP1 has no command \"{wire}\""));
            return null;
        }

        var arguments = new List<CommandArgument>();
        foreach (var a in Arguments(c))
        {
            var field = Optional(a, "field") == "arg2" ? 2u : 1u;
            if (ReadArgument(file, place, a, field, own.Points.FirstOrDefault(p => p.Name == Text(a, "name")), own, faults) is not { } argument)
                continue;

            arguments.Add(argument);
            var (min, max) = field == 1 ? ((long)info.Argument1Min, (long)info.Argument1Max) : (info.Argument2Min, info.Argument2Max);
            if (CommandArgument.Scale(argument.Min, -argument.Exponent) < min || CommandArgument.Scale(argument.Max, -argument.Exponent) > max)
                faults.Add(new(file, place,
                    $"argument \"{argument.Name}\" may be {argument.Min} to {argument.Max}; arg{field} of DP1's {wire} carries {CommandArgument.Scale(min, argument.Exponent)} to {CommandArgument.Scale(max, argument.Exponent)}: narrow it with min and max"));
        }

        if (info.Name == Dp1CommandInfo.SetClock)
        {
            if (arguments.Count > 0)
                faults.Add(new(file, $"{place}/arguments", $"{info.Name} takes none: the region says the time when it sends the command"));
            return (info.Code, 0, 0, []);
        }

        foreach (var (field, min, max) in new[] { (1u, (long)info.Argument1Min, (long)info.Argument1Max), (2u, info.Argument2Min, info.Argument2Max) })
            if (arguments.Count(a => a.Field == field) is var count && (count > 1 || (count == 0 && min != max)))
                faults.Add(new(file, place, $"arg{field} of DP1's {wire} takes {min} to {max}: one argument must say which, and only one"));
        return (info.Code, 0, 0, arguments);
    }

    private static (uint Code, ushort Dictionary, ushort Revision, List<CommandArgument> Arguments)? ReadDp2Command(
        string file, string place, JsonElement c, string wire, DataDictionary own, DictionarySet dictionaries, List<CatalogFault> faults)
    {
        var dictionary = c.TryGetProperty("dictionary", out var other) ? dictionaries.Find(other.GetUInt16()) : own;
        if (dictionary?.Commands.Values.FirstOrDefault(d => d.Name == wire) is not { } definition)
        {
            faults.Add(new(file, place, dictionary is null ? $"there is no dictionary {other} in dictionaries/" : $"dictionary {dictionary.Id} ({dictionary.Name}) has no command \"{wire}\""));
            return null;
        }

        var arguments = new List<CommandArgument>();
        foreach (var a in Arguments(c))
        {
            var point = definition.Arguments.Select(dictionary.Find).FirstOrDefault(p => p?.Name == Text(a, "name"));
            if (point is null || a.TryGetProperty("type", out _) || a.TryGetProperty("field", out _))
                faults.Add(new(file, place, $"argument \"{Text(a, "name")}\": {wire} of dictionary {dictionary.Id} takes {Points(definition.Arguments, dictionary)}, each with the type of its point"));
            else if (ReadArgument(file, place, a, point.Id, point, dictionary, faults) is { } argument)
                arguments.Add(argument);
        }

        if (definition.Arguments.FirstOrDefault(id => arguments.All(a => a.Field != id)) is not 0 and var missing && dictionary.Find(missing) is { } absent)
            faults.Add(new(file, place, $"{wire} of dictionary {dictionary.Id} needs the argument \"{absent.Name}\""));
        arguments.Sort((a, b) => a.Field.CompareTo(b.Field));
        var revision = definition.Arguments.Select(id => dictionary.Find(id)?.Since ?? 1).Append(definition.Since).Max();
        return (definition.Code, dictionary.Id, (ushort)revision, arguments);
    }

    private static CommandArgument? ReadArgument(
        string file, string place, JsonElement a, uint field, PointDefinition? point, DataDictionary dictionary, List<CatalogFault> faults)
    {
        var name = Text(a, "name");
        var type = Optional(a, "type") switch { "bool" => PointType.Bool, "uint" => PointType.Uint, "int" => PointType.Int, _ => PointType.Unknown };
        if (type is not PointType.Unknown)
            point = null;
        else if (point is null)
        {
            faults.Add(new(file, place, $"argument \"{name}\" has no type, and dictionary {dictionary.Id} ({dictionary.Name}) has no such point"));
            return null;
        }
        else
            type = point.Type;

        if (type is not (PointType.Bool or PointType.Uint or PointType.Int or PointType.Decimal or PointType.Enum or PointType.Bitmask))
        {
            faults.Add(new(file, place, $"argument \"{name}\" is a {type.ToString().ToLowerInvariant()}; commands take bool, uint, int, decimal, enum and bitmask"));
            return null;
        }

        var (low, high) = (Number(point?.Min), Number(point?.Max));
        if (type is PointType.Bool)
            (low, high) = (0, 1);
        if (type is PointType.Enum)
            (low, high) = (point!.Labels!.Keys.Min(), point.Labels.Keys.Max());
        if (type is PointType.Uint or PointType.Bitmask)
            low ??= 0;
        var (min, max) = (Number(Optional(a, "min")) ?? low, Number(Optional(a, "max")) ?? high);
        if (min is null || max is null || min > max || min < low || max > high)
        {
            faults.Add(new(file, place, $"argument \"{name}\" needs a range within {low?.ToString(CultureInfo.InvariantCulture) ?? "-"} to {high?.ToString(CultureInfo.InvariantCulture) ?? "-"}"));
            return null;
        }

        var argument = new CommandArgument(
            name, type, Optional(a, "unit") ?? point?.Unit, point?.Exponent ?? 0, min.Value, max.Value, point?.Labels, Number(Optional(a, "default")), field);
        if (argument.Default is { } fallback && argument.ToWire(fallback) is null)
            faults.Add(new(file, place, $"argument \"{name}\" has the default {fallback}, which is not {argument.Allowed}"));
        return argument;
    }

    private static IEnumerable<JsonElement> Arguments(JsonElement command) =>
        command.TryGetProperty("arguments", out var arguments) ? arguments.EnumerateArray() : [];

    private static string Points(uint[] ids, DataDictionary dictionary) =>
        ids.Length == 0 ? "nothing" : string.Join(", ", ids.Select(id => dictionary.Find(id)?.Name));

    private static string? Optional(JsonElement e, string name) => e.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static decimal? Number(string? text) => text is null ? null : decimal.Parse(text, CultureInfo.InvariantCulture);
}
