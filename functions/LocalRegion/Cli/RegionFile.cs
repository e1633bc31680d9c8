using System.Globalization;
using System.Text.RegularExpressions;
using Pumps.Core.Capacity;

namespace Pumps.LocalRegion.Cli;

/// <summary>The text of a region's parameter file (bicep/regions), in which single values are read and replaced; everything else stays as it is.</summary>
/// <remarks>It knows as much of Bicep as these files use: objects, arrays, strings in single quotes, comments to the end of the line.</remarks>
internal sealed partial class RegionFile(string text)
{
    private const string Heading = "// plan: ";

    /// <summary>How the size that the file is for is written: the options of <c>pumps plan</c>. Null: it says none.</summary>
    public string? Plan => PlanLine().Match(Text) is { Success: true } line ? line.Groups[1].Value.TrimEnd() : null;

    public string Text { get; private set; } = text;

    /// <summary>Puts in what the plan derives and nothing else. What cannot be made smaller in Azure stays where it is large enough.</summary>
    /// <param name="options">The options of <c>pumps plan</c> that stand for the size.</param>
    /// <param name="partitions">Of hubs for which the file says none: those of the catalog.</param>
    /// <returns>A line for each value that was kept or is changed at a price.</returns>
    /// <exception cref="FormatException">The file lacks a member; the message says which.</exception>
    public IReadOnlyList<string> Put(CapacityPlan plan, string options, (int Raw, int Feeds) partitions)
    {
        var notes = new List<string>();
        SetPlan(options);
        Set("iotHub.tier", Quote(plan.IotHub.Tier));
        Set("iotHub.units", Number(plan.IotHub.UnitsPerHub));
        PutNamespace("rawHubs", plan.RawHubs, partitions.Raw, notes);
        PutNamespace("feedHubs", plan.FeedHubs, partitions.Feeds, notes);
        Set("database.sku", Quote(plan.Database.Sku));
        Set("database.tier", Quote(plan.Database.Tier));
        if (ReadNumber("database.storageGB") is { } storage && storage > plan.Database.StorageGB)
            notes.Add($"database.storageGB stays {storage}, though {plan.Database.StorageGB} would do: a disk cannot shrink.");
        else
            Set("database.storageGB", Number(plan.Database.StorageGB));
        Set("database.historyDays", Number(plan.Workload.RetentionDays));
        foreach (var app in plan.Apps)
            Set($"apps.{app.App}.instancesMax", Number(app.InstancesMax));
        return notes;
    }

    /// <summary>The value at a path such as <c>iotHub.units</c>, as it is written; null when there is none.</summary>
    public string? Read(string path) => Find(path, out _) is { } value ? Text[value] : null;

    /// <summary>Lines that differ, as a diff shows them: what goes with "- ", what comes with "+ ".</summary>
    public static IEnumerable<string> Difference(string before, string after)
    {
        var (old, now) = (before.Split('\n'), after.Split('\n'));
        // common[i, j]: lines that the rest of both from i and j on have in common, in order.
        var common = new int[old.Length + 1, now.Length + 1];
        for (var i = old.Length - 1; i >= 0; i--)
            for (var j = now.Length - 1; j >= 0; j--)
                common[i, j] = old[i] == now[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);

        for (int i = 0, j = 0; i < old.Length || j < now.Length;)
            if (i < old.Length && j < now.Length && old[i] == now[j])
                (i, j) = (i + 1, j + 1);
            else if (j == now.Length || (i < old.Length && common[i + 1, j] >= common[i, j + 1]))
                yield return "- " + old[i++];
            else
                yield return "+ " + now[j++];
    }

    private void PutNamespace(string member, NamespacePlan plan, int otherwise, List<string> notes)
    {
        Set($"{member}.throughputUnits", Number(plan.Units));
        Set($"{member}.throughputUnitsMax", Number(plan.UnitsMax));
        var now = ReadNumber($"{member}.partitions") ?? otherwise;
        if (now >= plan.Partitions)
            return;
        Set($"{member}.partitions", Number(plan.Partitions));
        notes.Add($"{member}.partitions is {plan.Partitions} instead of {now}: a hub that is already deployed must be made anew for that.");
    }

    private void SetPlan(string options)
    {
        var line = Heading + options;
        Text = PlanLine().IsMatch(Text)
            ? PlanLine().Replace(Text, _ => line, 1)
            : ParameterLine().Replace(Text, match => line + "\n" + match.Value, 1);
    }

    private void Set(string path, string value)
    {
        if (Find(path, out var end) is { } place)
            Text = string.Concat(Text.AsSpan(0, place.Start.Value), value, Text.AsSpan(place.End.Value));
        else if (end is { } at)
            Insert(at, path[(path.LastIndexOf('.') + 1)..], value);
        else
            throw new FormatException($"The file has no member {path}; it is no file of a region, or is written in a way that this command cannot change.");
    }

    // Before the closing brace of an object that is on one line or on several.
    private void Insert(int brace, string name, string value)
    {
        var line = Text.LastIndexOf('\n', brace) + 1;
        var ownLine = string.IsNullOrWhiteSpace(Text[line..brace]);
        Text = ownLine
            ? Text.Insert(line, $"{Text[line..brace]}  {name}: {value}\n")
            : Text[..brace].TrimEnd() + $", {name}: {value} " + Text[brace..];
    }

    private int? ReadNumber(string path) => Read(path) is { } value ? int.Parse(value, CultureInfo.InvariantCulture) : null;

    /// <param name="end">When the member is missing and its object is not: where that object's brace closes.</param>
    private Range? Find(string path, out int? end)
    {
        end = null;
        var at = Text.IndexOf("param region", StringComparison.Ordinal);
        var names = path.Split('.');
        for (var i = 0; i < names.Length && at >= 0; i++)
        {
            at = Text.IndexOf('{', at);
            if (at < 0)
                return null;
            at = MemberOf(at, names[i], out var close);
            if (at < 0)
            {
                end = i == names.Length - 1 ? close : null;
                return null;
            }
        }

        if (at < 0 || Text[at] is '{' or '[')
            return null;
        return at..EndOfValue(at);
    }

    /// <returns>Where the value of a member of the object at <paramref name="open"/> begins; -1 when it has no such member.</returns>
    private int MemberOf(int open, string name, out int close)
    {
        var depth = 0;
        for (var i = open; i < Text.Length; i++)
        {
            switch (Text[i])
            {
                case '\'':
                    i = EndOfString(i) - 1;
                    break;
                case '/' when Text.AsSpan(i).StartsWith("//", StringComparison.Ordinal):
                    i = Text.IndexOf('\n', i) is >= 0 and var line ? line : Text.Length;
                    break;
                case '{' or '[':
                    depth++;
                    break;
                case '}' or ']':
                    if (--depth == 0)
                    {
                        close = i;
                        return -1;
                    }

                    break;
                default:
                    if (depth == 1 && !IsName(Text[i - 1]) && Text.AsSpan(i).StartsWith(name, StringComparison.Ordinal) && Text[i + name.Length] == ':')
                    {
                        close = -1;
                        i += name.Length + 1;
                        while (Text[i] is ' ')
                            i++;
                        return i;
                    }

                    break;
            }
        }

        throw new FormatException("A brace of the file is not closed.");
    }

    private int EndOfValue(int start)
    {
        if (Text[start] == '\'')
            return EndOfString(start);
        var end = start;
        while (IsName(Text[end]))
            end++;
        return end;
    }

    private int EndOfString(int quote)
    {
        var i = quote + 1;
        while (i < Text.Length && Text[i] != '\'')
            i += Text[i] == '\\' ? 2 : 1;
        return i < Text.Length ? i + 1 : throw new FormatException("A string of the file is not closed.");
    }

    private static bool IsName(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-';

    private static string Quote(string value) => $"'{value}'";

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex("^// plan: ([^\r\n]*)", RegexOptions.Multiline)]
    private static partial Regex PlanLine();

    [GeneratedRegex("^param region = ", RegexOptions.Multiline)]
    private static partial Regex ParameterLine();
}
