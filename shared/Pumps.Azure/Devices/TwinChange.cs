using System.Text.Json.Nodes;

namespace Pumps.Azure.Devices;

/// <summary>Patches of a twin, by the rules of RFC 7396: null deletes, an object is merged, anything else replaces.</summary>
internal static class TwinChange
{
    /// <summary>What a patch would change: members that are so already are left out. IoT Hub makes a new version of whatever it is sent.</summary>
    /// <returns>Null when it would change nothing.</returns>
    public static JsonObject? Of(JsonObject present, JsonObject patch)
    {
        var change = new JsonObject();
        foreach (var (name, value) in patch)
            if (value is JsonObject inner)
            {
                if (present[name] is JsonObject existing)
                {
                    if (Of(existing, inner) is { } innerChange) change[name] = innerChange;
                }
                else
                {
                    change[name] = inner.DeepClone();
                }
            }
            else if (value is null ? present.ContainsKey(name) : !JsonNode.DeepEquals(present[name], value))
            {
                change[name] = value?.DeepClone();
            }

        return change.Count > 0 ? change : null;
    }
}
