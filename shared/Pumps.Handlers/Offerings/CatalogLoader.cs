using System.Globalization;
using System.Text.Json;
using NJsonSchema;
using NJsonSchema.Validation;
using Pumps.Core.Dictionaries;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;

namespace Pumps.Handlers.Offerings;

/// <summary>A fault of the catalog: the file, the place in it, and the rule it breaks.</summary>
public sealed record CatalogFault(string File, string Path, string Rule)
{
    public override string ToString() => $"{File}: {Path}: {Rule}";
}

/// <summary>The catalog cannot be used. The message lists every fault, one a line.</summary>
public sealed class CatalogException(IReadOnlyList<CatalogFault> faults)
    : Exception("The catalog has faults:" + string.Concat(faults.Select(f => $"{Environment.NewLine}  {f}")))
{
    public IReadOnlyList<CatalogFault> Faults { get; } = faults;
}

/// <summary>
/// Reads the catalog folder: <c>routes.json</c>, <c>offerings/</c>, <c>products/</c>, <c>dictionaries/</c>. Every file is checked against
/// its schema in <c>schema/</c>, then the whole against the rules that tie files together. A new product, dictionary or offering is a new file.
/// </summary>
public static partial class CatalogLoader
{
    /// <summary>A Standard namespace holds ten Event Hubs; the raw hubs are one namespace, each region's feeds another.</summary>
    private const int HubsPerNamespace = 10;

    /// <summary>The catalog that is deployed beside the program.</summary>
    public static string DefaultFolder => Path.Combine(AppContext.BaseDirectory, "catalog");

    /// <exception cref="CatalogException">A file or a rule between files is broken.</exception>
    public static Catalog Load(string folder)
    {
        var faults = new List<CatalogFault>();
        if (!Directory.Exists(folder))
            throw new CatalogException([new(folder, "/", "the folder does not exist")]);

        var offerings = Read(folder, "offerings", "offering", faults).Select(f => (f.Name, Value: ToOffering(f.Root))).ToList();
        var productFiles = Read(folder, "products", "product", faults).ToList();
        var products = productFiles.Select(f => (f.Name, Value: ToProduct(f.Root))).ToList();
        var dictionaries = ReadDictionaries(folder, faults);
        var routesFile = ReadFile(folder, "routes.json", "routes", faults);

        Unique(offerings.Select(o => (o.Name, o.Value.Id)), faults);
        Unique(products.Select(p => (p.Name, p.Value.Id)), faults);
        Unique(dictionaries.Select(d => (d.Name, d.Value.Id.ToString(CultureInfo.InvariantCulture))), faults);

        var set = new DictionarySet(dictionaries.Select(d => d.Value).DistinctBy(d => d.Id));
        for (var i = 0; i < products.Count; i++)
        {
            var (name, product) = products[i];
            CheckProduct(name, product, offerings.Select(o => o.Value.Id), set, faults);
            products[i] = (name, product with { Commands = ReadCommands(name, productFiles[i].Root, product, set, faults) });
        }

        foreach (var (name, dictionary) in dictionaries)
            CheckDictionary(name, dictionary, set, faults);

        if (routesFile is null || faults.Count > 0)
            throw new CatalogException(faults);

        var routes = ToRoutes(routesFile.Value, offerings.Select(o => o.Value.Id));
        CheckRoutes(routes, faults);
        return faults.Count == 0
            ? new(offerings.Select(o => o.Value), products.Select(p => p.Value), set, routes)
            : throw new CatalogException(faults);
    }

    private static void CheckProduct(string file, Product product, IEnumerable<string> offerings, DictionarySet dictionaries, List<CatalogFault> faults)
    {
        if (!offerings.Contains(product.Offering))
            faults.Add(new(file, "/offering", $"there is no offering \"{product.Offering}\" in offerings/"));
        if (product is { Protocol: Protocol.Dp1, FirmwareClass: not null })
            faults.Add(new(file, "/firmwareClass", "an image for dp1 has no manifest that could name it"));
        if (dictionaries.Find(product.Dictionary) is not { } dictionary)
        {
            faults.Add(new(file, "/dictionary", $"there is no dictionary {product.Dictionary} in dictionaries/"));
            return;
        }

        for (var i = 0; i < product.Counters.Count; i++)
            if (!Has(dictionary, product.Counters[i].Point.Split('.'), dictionaries))
                faults.Add(new(file, $"/counters/{i}/point", $"dictionary {dictionary.Id} ({dictionary.Name}) has no point \"{product.Counters[i].Point}\""));
    }

    private static bool Has(DataDictionary dictionary, ReadOnlySpan<string> path, DictionarySet dictionaries)
    {
        var name = path[0].Replace("[]", "", StringComparison.Ordinal);
        var point = dictionary.Points.FirstOrDefault(p => p.Name == name);
        if (point is null)
            return false;
        if (path.Length == 1)
            return point.Type is not PointType.Group;
        return point.Type is PointType.Group && dictionaries.Find(point.Child) is { } child && Has(child, path[1..], dictionaries);
    }

    private static void CheckDictionary(string file, DataDictionary dictionary, DictionarySet set, List<CatalogFault> faults)
    {
        for (var i = 0; i < dictionary.Points.Count; i++)
        {
            var point = dictionary.Points[i];
            if (point.Type is PointType.Decimal && point.Exponent is null)
                faults.Add(new(file, $"/points/{i}/exponent", "a decimal needs an exponent"));
            if (point.Type is PointType.Enum && point.Labels is null)
                faults.Add(new(file, $"/points/{i}/enum", "an enum needs at least one entry"));
            if (point.Type is PointType.Group && set.Find(point.Child) is null)
                faults.Add(new(file, $"/points/{i}/child", $"there is no dictionary {point.Child} in dictionaries/"));
        }

        Unique(dictionary.Points.Select(p => ($"{file}: points", p.Id.ToString(CultureInfo.InvariantCulture))), faults);
        Unique(dictionary.Points.Select(p => ($"{file}: points", p.Name)), faults);
        foreach (var command in dictionary.Commands.Values)
            foreach (var argument in command.Arguments)
                if (dictionary.Find(argument) is not { Writable: true })
                    faults.Add(new(file, "/commands", $"command \"{command.Name}\" takes point {argument}, which is not a writable point of this dictionary"));
    }

    private static void CheckRoutes(Routes routes, List<CatalogFault> faults)
    {
        const string file = "routes.json";
        if (routes.RawHubs.Count > HubsPerNamespace)
            faults.Add(new(file, "/raw", $"{routes.RawHubs.Count} raw hubs; a Standard namespace holds {HubsPerNamespace}"));
        if (routes.FeedHubs.Count > HubsPerNamespace)
            faults.Add(new(file, "/feeds", $"{routes.FeedHubs.Count} feed hubs; a Standard namespace holds {HubsPerNamespace}"));
        foreach (var required in new[] { "protocol", "offering" })
            if (routes.Enrichments.All(e => e.Name != required))
                faults.Add(new(file, "/enrichments", $"the pipeline needs an enrichment named \"{required}\""));
        foreach (var feed in routes.Feeds.Where(f => f.PerOffering != f.Hub.Contains("{offering}", StringComparison.Ordinal)))
            faults.Add(new(file, "/feeds", $"hub \"{feed.Hub}\": names in perOffering contain {{offering}}, names in shared do not"));
        Unique(routes.Hubs.Select(h => (file, h.Name)), faults);
        Unique(routes.Raw.Select(r => (file, $"{r.HeaderType} of {r.Protocol.Name()}")), faults);
        Unique(routes.Feeds.SelectMany(f => f.Kinds).Select(k => (file, $"feed of {k.Name()}")), faults);
    }

    private static void Unique(IEnumerable<(string File, string Id)> items, List<CatalogFault> faults, string place = "/id")
    {
        foreach (var twice in items.GroupBy(i => i.Id).Where(g => g.Count() > 1))
            faults.Add(new(twice.Last().File, place, $"\"{twice.Key}\" is there more than once ({string.Join(", ", twice.Select(t => t.File).Distinct())})"));
    }

    private static List<(string Name, DataDictionary Value)> ReadDictionaries(string folder, List<CatalogFault> faults)
    {
        var dictionaries = new List<(string, DataDictionary)>();
        foreach (var (name, root) in Read(folder, "dictionaries", "dictionary", faults))
        {
            try
            {
                dictionaries.Add((name, DictionaryJson.Read(root)));
            }
            catch (FormatException fault)
            {
                faults.Add(new(name, "/", fault.Message));
            }
        }

        return dictionaries;
    }

    private static IEnumerable<(string Name, JsonElement Root)> Read(string folder, string part, string schema, List<CatalogFault> faults)
    {
        var files = Directory.Exists(Path.Combine(folder, part)) ? Directory.GetFiles(Path.Combine(folder, part), "*.json") : [];
        if (files.Length == 0)
            faults.Add(new(part, "/", "the catalog needs at least one file here"));

        foreach (var file in files.Order(StringComparer.Ordinal))
        {
            var name = $"{part}/{Path.GetFileName(file)}";
            if (ReadFile(folder, name, schema, faults) is { } root)
                yield return (name, root);
        }
    }

    /// <returns>The root element; null, and faults, when the file cannot be read or breaks its schema.</returns>
    internal static JsonElement? ReadFile(string folder, string name, string schemaName, List<CatalogFault> faults)
    {
        var file = Path.Combine(folder, name);
        if (!File.Exists(file))
        {
            faults.Add(new(name, "/", "the file does not exist"));
            return null;
        }

        var text = File.ReadAllText(file);
        JsonElement root;
        try
        {
            root = JsonElement.Parse(text);
        }
        catch (JsonException fault)
        {
            faults.Add(new(name, $"line {fault.LineNumber + 1}", "not valid JSON: " + fault.Message));
            return null;
        }

        var schema = JsonSchema.FromJsonAsync(File.ReadAllText(Path.Combine(folder, "schema", $"{schemaName}.schema.json"))).GetAwaiter().GetResult();
        var broken = schema.Validate(text);
        faults.AddRange(broken.SelectMany(Innermost).Select(b => new CatalogFault(name, Pointer(b.Path), $"{b.Kind} (line {b.LineNumber})")));
        return broken.Count == 0 ? root : null;
    }

    /// <summary>The rule that was broken, where the validator only says which item of a list has broken one.</summary>
    private static IEnumerable<ValidationError> Innermost(ValidationError error) =>
        error is ChildSchemaValidationError children ? children.Errors.Values.SelectMany(e => e).SelectMany(Innermost) : [error];

    /// <summary>A place as a JSON pointer; the validator writes <c>#/commands[1].role</c>.</summary>
    private static string Pointer(string? path) =>
        path?.Replace("#", "", StringComparison.Ordinal).Replace('[', '/').Replace("]", "", StringComparison.Ordinal).Replace('.', '/') ?? "/";

    private static Offering ToOffering(JsonElement o) => new(
        Text(o, "id"), Text(o, "name"),
        o.TryGetProperty("description", out var description) ? description.GetString()! : "");

    private static Product ToProduct(JsonElement p) => new(
        Text(p, "id"), Text(p, "name"), Text(p, "offering"), ToProtocol(p), p.GetProperty("dictionary").GetUInt16(),
        p.TryGetProperty("models", out var models) ? [.. models.EnumerateArray().Select(m => m.GetString()!)] : [],
        p.GetProperty("reportIntervalSeconds").GetInt32(),
        p.TryGetProperty("counters", out var counters)
            ? [.. counters.EnumerateArray().Select(c => new Counter(
                Text(c, "point"),
                c.TryGetProperty("modulus", out var modulus) ? decimal.Parse(modulus.GetString()!, CultureInfo.InvariantCulture) : null))]
            : [])
    {
        FirmwareClass = p.TryGetProperty("firmwareClass", out var firmware) ? firmware.GetGuid() : null,
    };

    private static Routes ToRoutes(JsonElement root, IEnumerable<string> offerings)
    {
        var raw = root.GetProperty("raw");
        var feeds = root.GetProperty("feeds");
        Feed[] allFeeds = [.. ToFeeds(feeds, "perOffering", true), .. ToFeeds(feeds, "shared", false)];
        var routes = raw.GetProperty("routes").EnumerateArray().Select(r => new Route(Text(r, "hub"), Text(r, "headerType"), ToProtocol(r))).ToArray();
        var fallback = Text(raw, "fallback");
        var connections = raw.GetProperty("connections");
        return new Routes(
            [.. root.GetProperty("enrichments").EnumerateArray().Select(e => new Enrichment(Text(e, "name"), Text(e, "value")))],
            routes,
            fallback,
            Text(connections, "hub"),
            allFeeds,
            [
                .. routes.Select(r => r.Hub).Append(fallback).Select(h => ToHub(h, raw, Texts(raw, "consumerGroups"), raw.GetProperty("capture").GetBoolean())),
                ToHub(Text(connections, "hub"), raw, Texts(connections, "consumerGroups"), captured: false),
            ],
            [.. allFeeds.SelectMany(f => (f.PerOffering ? offerings.Select(f.HubFor) : [f.Hub]).Select(h => ToHub(h, feeds, f.ConsumerGroups, false)))]);
    }

    private static IEnumerable<Feed> ToFeeds(JsonElement feeds, string member, bool perOffering) =>
        feeds.GetProperty(member).EnumerateArray().Select(f => new Feed(
            Text(f, "hub"),
            [.. Texts(f, "kinds").Select(k => Enum.GetValues<FrameKind>().Single(v => v.Name() == k))],
            Texts(f, "consumerGroups"),
            perOffering));

    private static Hub ToHub(string name, JsonElement settings, IReadOnlyList<string> groups, bool captured) => new(
        name, settings.GetProperty("partitions").GetInt32(), settings.GetProperty("localPartitions").GetInt32(),
        TimeSpan.FromHours(settings.GetProperty("retentionHours").GetInt32()), groups, captured);

    private static Protocol ToProtocol(JsonElement owner) => Text(owner, "protocol") == "dp1" ? Protocol.Dp1 : Protocol.Dp2;

    private static string Text(JsonElement owner, string member) => owner.GetProperty(member).GetString()!;

    private static string[] Texts(JsonElement owner, string member) => [.. owner.GetProperty(member).EnumerateArray().Select(e => e.GetString()!)];
}
