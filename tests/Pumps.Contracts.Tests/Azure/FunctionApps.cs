using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>One function as its metadata declares it. Attributes are read, never constructed: shapes have no behaviour.</summary>
internal sealed record Function(FunctionApp App, MethodInfo Method)
{
    public string Name => (string)Attribute(typeof(FunctionAttribute)).ConstructorArguments[0].Value!;

    public IReadOnlyList<CustomAttributeData> Triggers =>
        [.. Method.GetParameters().SelectMany(p => p.CustomAttributes).Where(a => typeof(TriggerBindingAttribute).IsAssignableFrom(a.AttributeType))];

    public CustomAttributeData? EventHubTrigger => Triggers.FirstOrDefault(t => t.AttributeType == typeof(EventHubTriggerAttribute));

    public CustomAttributeData? HttpTrigger => Triggers.FirstOrDefault(t => t.AttributeType == typeof(HttpTriggerAttribute));

    public CustomAttributeData? TimerTrigger => Triggers.FirstOrDefault(t => t.AttributeType == typeof(TimerTriggerAttribute));

    /// <summary>The classes that the function calls: what its class is constructed with, as far as it is the project's.</summary>
    public IReadOnlyList<Type> Handlers =>
        [.. Method.DeclaringType!.GetConstructors().Single().GetParameters().Select(p => p.ParameterType).Where(t => t.GetMethod("HandleAsync") is not null)];

    public CustomAttributeData Attribute(Type type) => Method.CustomAttributes.Single(a => a.AttributeType == type);

    public override string ToString() => $"{App.Name}.{Name}";
}

/// <summary>A function app: its assembly and the sample of its settings.</summary>
internal sealed partial record FunctionApp(string Name, Assembly Assembly)
{
    public static readonly FunctionApp[] All =
    [
        new("Decode", typeof(Pumps.Decode.DecodeFunctions).Assembly),
        new("Datapoints", typeof(Pumps.Datapoints.LatestFunctions).Assembly),
        new("Devices", typeof(Pumps.Devices.ResultFunctions).Assembly),
        new("Portal", typeof(Pumps.Portal.PortalFunctions).Assembly),
    ];

    public static readonly string Repository = FindRepository();

    public IReadOnlyList<Function> Functions =>
        [.. Assembly.GetExportedTypes().SelectMany(t => t.GetMethods())
            .Where(m => m.CustomAttributes.Any(a => a.AttributeType == typeof(FunctionAttribute)))
            .Select(m => new Function(this, m))];

    public IReadOnlyDictionary<string, string> SampleSettings
    {
        get
        {
            using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository, "functions", Name, "sample.settings.json")));
            return json.RootElement.GetProperty("Values").EnumerateObject().ToDictionary(v => v.Name, v => v.Value.GetString()!);
        }
    }

    /// <summary>Names of settings in a binding: <c>%Name%</c>.</summary>
    public static IEnumerable<string> SettingsIn(string expression) => Setting().Matches(expression).Select(m => m.Groups[1].Value);

    public static string Resolve(string expression, Func<string, string> setting) => Setting().Replace(expression, m => setting(m.Groups[1].Value));

    private static string FindRepository()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Pumps.Functions.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException($"No Pumps.Functions.sln above {AppContext.BaseDirectory}.");
    }

    [GeneratedRegex("%([^%]+)%")]
    private static partial Regex Setting();
}
