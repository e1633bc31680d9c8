using System.Text.Json;
using System.Text.RegularExpressions;
using Pumps.Contracts.Tests.Azure;

namespace Pumps.Contracts.Tests.Bicep;

/// <summary>The folder bicep/, compiled once for all tests.</summary>
[SetUpFixture]
internal sealed class Infrastructure
{
    private static readonly Lazy<BicepCompiler> Started = new(() => new());
    private static readonly Dictionary<string, Region> Read = [];

    public static string Folder { get; } = Path.Combine(FunctionApp.Repository, "bicep");

    /// <summary>Names of the regions: one parameter file each.</summary>
    public static IEnumerable<string> Regions => Directory.GetFiles(Path.Combine(Folder, "regions"), "*.bicepparam").Select(f => Path.GetFileNameWithoutExtension(f)!).Order();

    public static BicepCompiler Compiler => Started.Value;

    public static JsonElement Apps { get; } = JsonElement.Parse(File.ReadAllText(Path.Combine(Folder, "apps.json")));

    public static string ParameterFile(string region) => Path.Combine(Folder, "regions", $"{region}.bicepparam");

    public static string SnapshotFile(string region) => Path.Combine(Folder, "regions", $"{region}.snapshot.json");

    public static Region Region(string name)
    {
        lock (Read)
            return Read.TryGetValue(name, out var known) ? known : Read[name] = new(name, Compiler.Snapshot(ParameterFile(name)));
    }

    /// <summary>A region as it would be with one more member in its file.</summary>
    public static Region RegionWith(string name, string member)
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("pumps-region-").FullName, "region.bicepparam");
        try
        {
            File.WriteAllText(file, File.ReadAllText(ParameterFile(name))
                .Replace("using '../", $"using '{Path.GetRelativePath(Path.GetDirectoryName(file)!, Folder)}/", StringComparison.Ordinal)
                .Replace("param region = {", $"param region = {{\n  {member}", StringComparison.Ordinal));
            return new(name, Compiler.Snapshot(file));
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }

    [OneTimeTearDown]
    public void Stop()
    {
        if (Started.IsValueCreated)
            Started.Value.Dispose();
    }
}

/// <summary>A resource as a deployment would create it.</summary>
internal sealed record Resource(string Id, string Type, string Name, JsonElement Body)
{
    /// <summary>The last part of the name: of <c>namespace/hub/group</c> the group.</summary>
    public string LastName => Name[(Name.LastIndexOf('/') + 1)..];

    public JsonElement Properties => Body.GetProperty("properties");

    /// <summary>For a role assignment, a lock or a diagnostic setting: the resource that it is about.</summary>
    public string Target => Id[..Id.LastIndexOf("/providers/", StringComparison.Ordinal)];

    public JsonElement? Find(params ReadOnlySpan<string> path)
    {
        var value = Body;
        foreach (var member in path)
            if (value.ValueKind is not JsonValueKind.Object || !value.TryGetProperty(member, out value))
                return null;
        return value;
    }

    public override string ToString() => $"{Type} {Name}";
}

/// <summary>One region as its parameter file would deploy it.</summary>
internal sealed partial record Region(string Name, string Text)
{
    public IReadOnlyList<Resource> Resources { get; } =
        [.. JsonElement.Parse(Text).GetProperty("predictedResources").EnumerateArray().Select(r => new Resource(
            r.GetProperty("id").GetString()!, r.GetProperty("type").GetString()!, r.GetProperty("name").GetString()!, r))];

    public string Code => Of("Microsoft.Resources/resourceGroups").Single().Name["pumps-".Length..];

    public bool IsPrivate => Of("Microsoft.Network/virtualNetworks").Any();

    /// <summary>Every deployment of an app: its folder, its offering where it has one, and its name in this region.</summary>
    public IEnumerable<(FunctionApp App, string? Offering, string Name)> Deployments(IEnumerable<string> offerings) =>
        FunctionApp.All.SelectMany(app => Infrastructure.Apps.GetProperty(app.Name).GetProperty("deployed").GetString() == "offering"
            ? offerings.Select(o => (app, (string?)o, $"pumps-{Code}-{app.Name}-{o}".ToLowerInvariant()))
            : [(app, null, $"pumps-{Code}-{app.Name}".ToLowerInvariant())]);

    public IEnumerable<Resource> Of(string type) => Resources.Where(r => r.Type == type);

    /// <summary>The namespace of the raw hubs or of the feeds.</summary>
    public Resource Namespace(string kind) => Of("Microsoft.EventHub/namespaces").Single(n => n.Name.StartsWith($"pumps-{Code}-{kind}-", StringComparison.Ordinal));

    /// <summary>Hubs of a namespace with the consumer groups of each.</summary>
    public IReadOnlyDictionary<string, string[]> Hubs(string kind)
    {
        var prefix = Namespace(kind).Name + "/";
        return Of("Microsoft.EventHub/namespaces/eventhubs").Where(h => h.Name.StartsWith(prefix, StringComparison.Ordinal)).ToDictionary(
            h => h.LastName,
            h => Of("Microsoft.EventHub/namespaces/eventhubs/consumergroups")
                .Where(g => g.Name.StartsWith(h.Name + "/", StringComparison.Ordinal)).Select(g => g.LastName).ToArray());
    }

    /// <summary>Who may do what where, one line each: identity, role, and the end of the target's id.</summary>
    public IEnumerable<string> Grants(IReadOnlyDictionary<string, string> roleNames) =>
        Of("Microsoft.Authorization/roleAssignments").Select(a =>
        {
            var role = a.Properties.GetProperty("roleDefinitionId").GetString()!;
            return Grant(Identity().Match(a.Properties.GetProperty("principalId").GetString()!).Groups[1].Value, roleNames[role[(role.LastIndexOf('/') + 1)..]], a.Target);
        });

    public static string Grant(string identity, string role, string target)
    {
        // Without subscription and group, which are the same for all.
        var path = target.Split("/providers/")[^1].Split('/');
        return $"{identity} {role} {string.Join('/', path.Skip(1).Where((_, i) => i % 2 == 1))}";
    }

    [GeneratedRegex("^\\[reference\\('[^']*/userAssignedIdentities/([^'/]+)', '[^']+'\\)\\.principalId\\]$")]
    private static partial Regex Identity();
}
