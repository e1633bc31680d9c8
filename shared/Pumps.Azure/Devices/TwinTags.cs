using System.Text.Json;
using System.Text.Json.Nodes;
using Pumps.Handlers.Devices;

namespace Pumps.Azure.Devices;

/// <summary>A device's tags as they stand in its twin; a tag that is missing there, or of another type, is an empty text here, or null.</summary>
internal static class TwinTags
{
    public static JsonObject Of(DeviceRegistration device) => ToPatch(new()
    {
        Protocol = device.Protocol, Offering = device.Offering, Product = device.Product, Customer = device.Customer, Region = device.Region,
        UtcOffsetMinutes = device.UtcOffsetMinutes,
    });

    /// <summary>A twin's patch: null deletes.</summary>
    public static JsonObject ToPatch(TagChange change)
    {
        var patch = new JsonObject();
        Add("protocol", change.Protocol);
        Add("offering", change.Offering);
        Add("product", change.Product);
        Add("customer", change.Customer);
        Add("region", change.Region);
        if (change.UtcOffsetMinutes is { } offset) patch["utcOffset"] = offset;
        return patch;

        void Add(string name, string? value)
        {
            if (value is not null) patch[name] = value.Length == 0 ? null : value;
        }
    }

    public static DeviceRegistration Read(string deviceId, string tags)
    {
        using var document = JsonDocument.Parse(tags);
        var root = document.RootElement;
        return new(
            deviceId, Text("protocol"), Text("offering"), Text("product"), Text("customer"), Text("region"),
            root.TryGetProperty("utcOffset", out var offset) && offset.ValueKind is JsonValueKind.Number && offset.TryGetInt32(out var minutes) ? minutes : null);

        string Text(string name) => root.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString()! : "";
    }
}
