using System.Text.Json;
using System.Text.Json.Nodes;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;

namespace Pumps.Azure.Devices;

/// <summary>What the Device Provisioning Service asks when a device registers, as far as it matters here.</summary>
public sealed record AllocationRequest(string RegistrationId, IReadOnlyList<string> LinkedHubs);

/// <summary>The JSON of the Device Provisioning Service's custom allocation.</summary>
/// <remarks>
/// <code>
/// request   { "deviceRuntimeContext": { "registrationId": ..., ... }, "linkedHubs": [ ... ], "enrollmentGroup": { ... } }
/// response  { "iotHubHostName": ..., "initialTwin": { "tags": { ... }, "properties": { "desired": { ... } } } }
/// </code>
/// Source: "Understand custom allocation policies", Azure IoT Hub Device Provisioning Service documentation.
/// </remarks>
public static class CustomAllocation
{
    // A request is about 2 KB; a factory's own payload adds what it likes.
    private const int BytesMax = 256 * 1024;

    /// <returns>Null when it is not what the service sends.</returns>
    public static async Task<AllocationRequest?> ReadAsync(Stream body, CancellationToken cancel)
    {
        var bytes = new byte[BytesMax];
        if (await body.ReadAtLeastAsync(bytes, BytesMax, throwOnEndOfStream: false, cancel) is var count && count == BytesMax)
            return null;
        try
        {
            using var json = JsonDocument.Parse(bytes.AsMemory(0, count));
            return json.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("deviceRuntimeContext", out var context) && context.ValueKind is JsonValueKind.Object
                && context.TryGetProperty("registrationId", out var id) && id.ValueKind is JsonValueKind.String
                && root.TryGetProperty("linkedHubs", out var hubs) && hubs.ValueKind is JsonValueKind.Array
                ? new(id.GetString()!, [.. hubs.EnumerateArray().Where(h => h.ValueKind is JsonValueKind.String).Select(h => h.GetString()!)])
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <returns>The status and the body. With any other status than 200 the service ends the registration as failed.</returns>
    public static (int Status, JsonObject Body) Write(Answer<Allocation>? answer) => answer switch
    {
        Answer<Allocation>.Found { Value: var allocation } => (200, new()
        {
            ["iotHubHostName"] = allocation.Hub,
            ["initialTwin"] = new JsonObject
            {
                ["tags"] = TwinTags.Of(allocation.Device),
                ["properties"] = new JsonObject { ["desired"] = JsonNode.Parse(allocation.Desired) },
            },
        }),
        Answer<Allocation>.Refused refused => Fault(refused.Rule, refused.Detail),
        _ => Fault("invalid_allocation_request", "This is not the request of a custom allocation: a JSON object with deviceRuntimeContext.registrationId and linkedHubs."),
    };

    private static (int Status, JsonObject Body) Fault(string rule, string detail) =>
        (400, new() { ["type"] = "urn:pumps:" + rule, ["detail"] = detail });
}
