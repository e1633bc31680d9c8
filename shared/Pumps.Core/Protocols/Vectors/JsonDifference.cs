using System.Text.Json;

namespace Pumps.Core.Protocols.Vectors;

/// <summary>One place where two JSON values differ. A side that is missing there is null.</summary>
public sealed record JsonDifference(string Path, string? Expected, string? Actual)
{
    public override string ToString() => $"{Path}: expected {Expected ?? "nothing"}, got {Actual ?? "nothing"}";

    /// <summary>All differences between two values. The order of members is free, that of list items is not; 1 and "1" differ.</summary>
    public static List<JsonDifference> Between(JsonElement expected, JsonElement actual)
    {
        var differences = new List<JsonDifference>();
        Compare("$", expected, actual, differences);
        return differences;
    }

    private static void Compare(string path, JsonElement expected, JsonElement actual, List<JsonDifference> differences)
    {
        if (expected.ValueKind is JsonValueKind.Object && actual.ValueKind is JsonValueKind.Object)
        {
            foreach (var member in expected.EnumerateObject())
                if (actual.TryGetProperty(member.Name, out var other))
                    Compare($"{path}.{member.Name}", member.Value, other, differences);
                else
                    differences.Add(new($"{path}.{member.Name}", member.Value.GetRawText(), null));

            foreach (var member in actual.EnumerateObject())
                if (!expected.TryGetProperty(member.Name, out _))
                    differences.Add(new($"{path}.{member.Name}", null, member.Value.GetRawText()));
        }
        else if (expected.ValueKind is JsonValueKind.Array && actual.ValueKind is JsonValueKind.Array)
        {
            for (var i = 0; i < Math.Max(expected.GetArrayLength(), actual.GetArrayLength()); i++)
                if (i >= actual.GetArrayLength())
                    differences.Add(new($"{path}[{i}]", expected[i].GetRawText(), null));
                else if (i >= expected.GetArrayLength())
                    differences.Add(new($"{path}[{i}]", null, actual[i].GetRawText()));
                else
                    Compare($"{path}[{i}]", expected[i], actual[i], differences);
        }
        else if (!JsonElement.DeepEquals(expected, actual))
        {
            differences.Add(new(path, expected.GetRawText(), actual.GetRawText()));
        }
    }
}
