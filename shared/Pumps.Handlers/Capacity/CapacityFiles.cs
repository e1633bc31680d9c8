using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Pumps.Core.Capacity;
using Pumps.Handlers.Offerings;

namespace Pumps.Handlers.Capacity;

/// <summary>Reads what a plan is computed from: <c>capacity/</c> of the catalog, each file checked against its schema.</summary>
public static class CapacityFiles
{
    private static readonly JsonSerializerOptions Snake = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    private static readonly JsonSerializerOptions Camel = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <exception cref="CatalogException">A file is missing, breaks its schema, or has too few or too many names.</exception>
    public static CapacityLimits Limits(string catalog)
    {
        var root = Root(catalog, "capacity/limits.json", "limits");
        return Read<CapacityLimits>("capacity/limits.json", Values(root.GetProperty("limits")), Snake) with
        {
            IotHubTiers = Rows<IotHubTier>(root, "iotHubTiers"),
            PremiumSizes = Rows<PremiumSize>(root, "premiumSizes"),
            DatabaseServers = Rows<DatabaseServer>(root, "databaseServers"),
            DatabaseDisks = Rows<DatabaseDisk>(root, "databaseDisks"),
        };
    }

    /// <exception cref="CatalogException">As for <see cref="Limits"/>.</exception>
    public static EventCosts Costs(string catalog)
    {
        var root = Root(catalog, "capacity/costs.json", "costs");
        return Read<EventCosts>("capacity/costs.json", Values(root.GetProperty("measured"), root.GetProperty("assumed")), Snake);
    }

    /// <summary>The prices of a location.</summary>
    /// <param name="changes">Prices that take the place of those in the file, by name.</param>
    /// <exception cref="CatalogException">As for <see cref="Limits"/>; also for a changed price that has no such name.</exception>
    public static PriceList Prices(string catalog, string location, IReadOnlyDictionary<string, double> changes)
    {
        var name = $"capacity/prices/{location}.json";
        var root = Root(catalog, name, "prices");
        var listed = root.GetProperty("prices");
        var values = Values(listed);
        foreach (var (price, value) in changes)
            values[price] = values.ContainsKey(price)
                ? value
                : throw new CatalogException([new(name, "/prices", $"there is no price \"{price}\"; there are {string.Join(", ", values.Select(v => v.Key))}")]);

        var unverified = new List<string>();
        var sources = root.GetProperty("sources");
        foreach (var price in listed.EnumerateArray())
            if (price.GetProperty("source").GetString() is not { } source)
                unverified.Add(price.GetProperty("name").GetString()!);
            else if (!sources.TryGetProperty(source, out _))
                throw new CatalogException([new(name, "/prices", $"\"{price.GetProperty("name").GetString()}\" has the source \"{source}\", which is not in /sources")]);
        // Who gives a price knows where it comes from.
        unverified.RemoveAll(changes.ContainsKey);

        var guesses = new JsonObject(values.Select(v => KeyValuePair.Create(v.Key, (JsonNode?)(unverified.Contains(v.Key) ? v.Value!.GetValue<double>() : 0))));
        return Read<PriceList>(name, values, Camel) with
        {
            Location = root.GetProperty("location").GetString()!,
            Currency = root.GetProperty("currency").GetString()!,
            AsOf = root.GetProperty("asOf").GetString()!,
            Unverified = unverified,
            UnverifiedOnly = Read<PriceList>(name, guesses, Camel),
        };
    }

    private static JsonElement Root(string catalog, string file, string schema)
    {
        var faults = new List<CatalogFault>();
        return CatalogLoader.ReadFile(catalog, file, schema, faults) ?? throw new CatalogException(faults);
    }

    private static JsonObject Values(params ReadOnlySpan<JsonElement> lists)
    {
        var values = new JsonObject();
        foreach (var list in lists)
            foreach (var item in list.EnumerateArray())
                values[item.GetProperty("name").GetString()!] = item.GetProperty("value").GetDouble();
        return values;
    }

    private static T Read<T>(string file, JsonObject values, JsonSerializerOptions options)
    {
        try
        {
            return values.Deserialize<T>(options)!;
        }
        catch (JsonException fault)
        {
            throw new CatalogException([new(file, "/", fault.Message)]);
        }
    }

    private static IReadOnlyList<T> Rows<T>(JsonElement root, string table) => root.GetProperty(table).GetProperty("rows").Deserialize<List<T>>(Camel)!;
}
