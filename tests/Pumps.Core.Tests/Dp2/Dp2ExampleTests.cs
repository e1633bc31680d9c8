using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Pumps.Core.Protocols;

namespace Pumps.Core.Tests.Dp2;

/// <summary>The worked examples of the specification, read from its text (section 15).</summary>
public sealed partial class Dp2ExampleTests
{
    private static readonly string[] Examples =
    [
        .. File.ReadAllText(Path.Combine(Dp2Samples.Folder, "../../../shared/Pumps.Core/Protocols/Dp2/PROTOCOL.md"))
            .Split("### Example ")[1..],
    ];

    private static IEnumerable<TestCaseData> Cases() =>
        Examples.Select(text => new TestCaseData(text).SetArgDisplayNames(text[..text.IndexOf('\n', StringComparison.Ordinal)]));

    [Test]
    public void The_specification_has_fifteen_examples() => Assert.That(Examples, Has.Length.EqualTo(15));

    [TestCaseSource(nameof(Cases))]
    public void An_example_decodes_as_its_text_says(string text)
    {
        var blocks = Block().Matches(text).Select(m => m.Groups[2].Value).ToArray();
        var context = text.Contains("direction = down", StringComparison.Ordinal) ? Dp2Samples.Down : Dp2Samples.Up;
        var error = Dp2Samples.Decode(Dp2Samples.Hex(blocks[0]), out var frame, context);

        var refused = Rejected().Match(text);
        Assert.That(error.Code(), Is.EqualTo(refused.Success ? refused.Groups[1].Value : ""));
        if (refused.Success)
            return;

        var json = Dp2Samples.Json(frame);
        var result = Accepted().Match(text);
        Assert.Multiple(() =>
        {
            Assert.That(json.GetProperty("kind").GetString(), Is.EqualTo(result.Groups[1].Value));
            Assert.That(json.GetProperty("seq").GetInt64(), Is.EqualTo(long.Parse(result.Groups[2].Value, CultureInfo.InvariantCulture)));
            Assert.That(json.GetProperty("time").GetProperty("effectiveMs").GetString(), Is.EqualTo(result.Groups[3].Value));
            Assert.That(json.GetProperty("time").GetProperty("quality").GetString(), Is.EqualTo(result.Groups[4].Value));
            Assert.That(string.Join(", ", frame.Warnings.Codes()), Is.EqualTo(result.Groups[5].Value));
            Assert.That(Lines(json.GetProperty("body")), Is.EqualTo(PointLines(blocks)));
        });

        // The text shows the members that are neither null nor empty lists.
        using var body = JsonDocument.Parse(blocks[^1]);
        foreach (var member in body.RootElement.EnumerateObject())
            Assert.That(
                JsonElement.DeepEquals(json.GetProperty("body").GetProperty(member.Name), member.Value), $"{member.Name}: {json.GetProperty("body")}");
    }

    private static string[] PointLines(string[] blocks) =>
        [.. blocks.SelectMany(b => b.Split('\n')).Where(line => line.Contains('@', StringComparison.Ordinal))];

    private static string[] Lines(JsonElement body) =>
        body.TryGetProperty("points", out var points) || body.TryGetProperty("args", out points)
            ? [.. points.EnumerateArray().Select(Line)]
            : [];

    private static string Line(JsonElement point)
    {
        var path = point.GetProperty("path").GetString()!;
        var name = point.GetProperty("name").GetString() ?? $"#{point.GetProperty("id")}";
        var value = point.GetProperty("value");
        var quality = point.GetProperty("quality").GetString();
        return (path.Length > 0 ? path + "." : "") + name
            + " = " + (value.ValueKind is JsonValueKind.Null ? "null" : value.ToString().Replace("True", "true", StringComparison.Ordinal).Replace("False", "false", StringComparison.Ordinal))
            + (value.ValueKind is not JsonValueKind.Null && point.GetProperty("unit").GetString() is { } unit ? $" {unit}" : "")
            + (point.TryGetProperty("label", out var label) ? $" ({label.GetString()})" : "")
            + (quality == "good" ? "" : $"  [{quality}]")
            + $"   @{point.GetProperty("timeMs").GetString()}";
    }

    [GeneratedRegex(@"^```(json)?\n(.*?)\n```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^Result: rejected, \*\*(E_\w+)\*\*", RegexOptions.Multiline)]
    private static partial Regex Rejected();

    [GeneratedRegex(@"^Result: (\w+), seq (\d+), effective time (\d+) \((\w+)\)(?:, warnings (.*))?\.$", RegexOptions.Multiline)]
    private static partial Regex Accepted();
}
