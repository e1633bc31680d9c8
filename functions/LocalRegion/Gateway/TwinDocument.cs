using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Pumps.LocalRegion.Gateway;

/// <summary>What is wrong with a patch; the number is the status that a device is answered.</summary>
internal enum TwinFault
{
    None = 0,
    Invalid = 400,
    VersionConflict = 412,
    TooLarge = 413,
}

/// <summary>Reading and merging of twin properties by IoT Hub's rules. Pure.</summary>
/// <remarks>Source: "Understand and use device twins in IoT Hub", sections on size and format; merging is that of RFC 7396.</remarks>
internal static class TwinDocument
{
    // Whole numbers of more than 52 bits would lose digits in the SDKs of devices.
    private const long IntegerMax = 4503599627370495;
    private const long IntegerMin = -4503599627370496;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = GatewayLimits.TwinDepth + 2, AllowDuplicateProperties = false };

    /// <summary>Reads a patch. Never throws: it comes from a device.</summary>
    /// <param name="fault">What is wrong, for the sender to read.</param>
    public static JsonObject? TryParse(ReadOnlySpan<byte> patch, out string fault)
    {
        fault = "";
        JsonNode? node;
        try
        {
            node = JsonNode.Parse(patch, null, Strict);
        }
        catch (JsonException e)
        {
            fault = "The patch is not JSON: " + e.Message;
            return null;
        }

        if (node is not JsonObject parsed)
        {
            fault = "The patch is not a JSON object.";
            return null;
        }

        // Clients send back what they have read; the version in it is no property.
        parsed.Remove("$version");
        fault = FaultOf(parsed, 1) ?? "";
        return fault.Length == 0 ? parsed : null;
    }

    /// <summary>Merges a checked patch into a document: null deletes, an object is merged, anything else replaces.</summary>
    /// <returns>The new document; null when it would be larger than IoT Hub allows.</returns>
    public static string? Merge(string document, JsonObject patch)
    {
        var target = JsonNode.Parse(document)!.AsObject();
        Merge(target, patch);
        var merged = target.ToJsonString();
        return Encoding.UTF8.GetByteCount(merged) <= GatewayLimits.TwinSectionBytes ? merged : null;
    }

    /// <summary>A document with <c>$version</c> at its end, as devices read it.</summary>
    public static string WithVersion(string document, long version) =>
        document == "{}" ? $$"""{"$version":{{version}}}""" : $$"""{{document.AsSpan(0, document.Length - 1)}},"$version":{{version}}}""";

    private static void Merge(JsonObject target, JsonObject patch)
    {
        foreach (var (name, value) in patch)
            if (value is null) target.Remove(name);
            else if (value is not JsonObject inner) target[name] = value.DeepClone();
            else
            {
                if (target[name] is not JsonObject existing) target[name] = existing = [];
                Merge(existing, inner);
            }
    }

    private static string? FaultOf(JsonNode? node, int depth)
    {
        if (depth > GatewayLimits.TwinDepth + 1) return $"Properties are nested more than {GatewayLimits.TwinDepth} deep.";
        switch (node)
        {
            case JsonObject inner:
                foreach (var (name, value) in inner)
                    if ((FaultOf(name) ?? FaultOf(value, depth + 1)) is { } fault)
                        return fault;
                return null;
            case JsonArray array:
                return array.Select(item => FaultOf(item, depth + 1)).FirstOrDefault(f => f is not null);
            case JsonValue value when value.GetValueKind() is JsonValueKind.String:
                return Encoding.UTF8.GetByteCount(value.GetValue<string>()) > GatewayLimits.TwinStringBytes
                    ? $"A text has more than {GatewayLimits.TwinStringBytes} bytes."
                    : null;
            case JsonValue value when value.GetValueKind() is JsonValueKind.Number && value.TryGetValue<long>(out var number):
                return number is < IntegerMin or > IntegerMax ? $"{number} is not between {IntegerMin} and {IntegerMax}." : null;
            default:
                return null;
        }
    }

    private static string? FaultOf(string name)
    {
        if (name.Length == 0 || Encoding.UTF8.GetByteCount(name) > GatewayLimits.TwinKeyBytes) return $"A property name has not 1 to {GatewayLimits.TwinKeyBytes} bytes.";
        foreach (var c in name)
            if (c is '.' or '$' or ' ' || char.IsControl(c))
                return $"The property name '{name}' has a '.', '$', space or control character.";
        return null;
    }
}
