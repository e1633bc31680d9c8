using System.Globalization;
using System.Reflection;
using System.Text.Json;
using Microsoft.Azure.Functions.Worker;
using Pumps.Core.Offerings;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Offerings;
using Pumps.LocalRegion;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>What neither the compiler nor the Functions analyzers say about bindings.</summary>
public sealed class FunctionAppTests
{
    private static readonly Catalog Catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);

    private static IEnumerable<Function> Functions => FunctionApp.All.SelectMany(app => app.Functions);

    private static IEnumerable<Function> HubReaders => Functions.Where(f => f.EventHubTrigger is not null);

    [Test]
    public void Every_app_has_functions_with_names_of_their_own() =>
        Assert.Multiple(() =>
        {
            foreach (var app in FunctionApp.All)
                Assert.That(app.Functions.Select(f => f.Name), Is.Unique.And.Not.Empty, app.Name);
        });

    [TestCaseSource(nameof(Functions))]
    public void A_function_has_one_trigger_and_one_constructor(object function)
    {
        var (_, method) = (Function)function;

        Assert.That(((Function)function).Triggers, Has.Count.EqualTo(1), "Two triggers compile without a warning.");
        Assert.That(method.DeclaringType!.GetConstructors(), Has.Length.EqualTo(1));
        Assert.That(typeof(Task).IsAssignableFrom(method.ReturnType), "An async void would be gone before it fails.");
    }

    [TestCaseSource(nameof(HubReaders))]
    public void A_batch_is_an_array(object function)
    {
        // IReadOnlyList<EventData> and List<string> compile, and the worker then calls the function with null.
        var batch = ((Function)function).Method.GetParameters()
            .Single(p => p.CustomAttributes.Any(a => a.AttributeType == typeof(EventHubTriggerAttribute)));

        Assert.That(batch.ParameterType.IsArray, $"{batch.ParameterType} {batch.Name}");
        Assert.That(Named((Function)function, "IsBatched"), Is.Null.Or.EqualTo(true));
    }

    [TestCaseSource(nameof(HubReaders))]
    public void A_failed_batch_is_tried_again_without_limit(object function)
    {
        var retry = ((Function)function).Attribute(typeof(ExponentialBackoffRetryAttribute));

        Assert.That(retry.ConstructorArguments[0].Value, Is.EqualTo(-1));
    }

    [TestCaseSource(nameof(HubReaders))]
    public void A_trigger_names_a_hub_and_a_consumer_group_of_the_catalog(object function)
    {
        foreach (var (hub, group) in ReadBy((Function)function))
        {
            var declared = Catalog.Routes.Hubs.SingleOrDefault(h => h.Name == hub);

            Assert.That(declared, Is.Not.Null, $"{hub} is no hub of the catalog.");
            Assert.That(declared!.ConsumerGroups, Does.Contain(group), hub);
        }
    }

    [TestCaseSource(nameof(HubReaders))]
    public void A_trigger_reads_the_namespace_that_holds_its_hub(object function)
    {
        var connection = Catalog.Routes.RawHubs.Any(h => ReadBy((Function)function).Any(r => r.Hub == h.Name)) ? "RawHubs" : "FeedHubs";

        Assert.That(Named((Function)function, "Connection"), Is.EqualTo(connection));
    }

    [Test]
    public void Every_function_has_its_twin_in_the_local_region_and_the_other_way_round()
    {
        var azure = HubReaders.SelectMany(f => ReadBy(f).Select(r => $"{r.Hub} / {r.Group} -> {f.Handlers.Single()}"));
        var local = Doors.For(Catalog).Select(d => $"{d.Hub} / {d.ConsumerGroup} -> {d.Handler}");

        Assert.That(azure, Is.Unique.And.EquivalentTo(local));
    }

    [TestCaseSource(nameof(Functions))]
    public void Every_setting_of_a_binding_is_in_the_sample_settings(object function)
    {
        var it = (Function)function;
        var sample = it.App.SampleSettings;
        var bindings = it.Triggers.SelectMany(t => t.ConstructorArguments.Select(a => a.Value as string))
            .Concat(it.Triggers.SelectMany(t => t.NamedArguments.Select(a => a.TypedValue.Value as string))).OfType<string>();

        Assert.That(bindings.SelectMany(FunctionApp.SettingsIn), Is.SubsetOf(sample.Keys));
        if (Named(it, "Connection") is string connection)
            Assert.That(sample.Keys, Does.Contain(connection + "__fullyQualifiedNamespace").And.Contain(connection + "__credential"));
    }

    [Test]
    public void No_sample_setting_is_a_secret() =>
        Assert.That(
            FunctionApp.All.SelectMany(app => app.SampleSettings.Values),
            Has.None.Match("(AccountKey|SharedAccessKey|Password)="));

    [Test]
    public void The_host_reads_its_extensions_where_it_looks_for_them()
    {
        using var host = JsonDocument.Parse(File.ReadAllText(Path.Combine(FunctionApp.Repository, "host.json")));
        var hubs = host.RootElement.GetProperty("extensions").GetProperty("eventHubs");

        Assert.That(host.RootElement.GetProperty("version").GetString(), Is.EqualTo("2.0"));
        Assert.That(hubs.GetProperty("maxEventBatchSize").GetInt32(), Is.LessThanOrEqualTo(hubs.GetProperty("prefetchCount").GetInt32()));
        Assert.That(hubs.GetProperty("initialOffsetOptions").GetProperty("type").GetString(), Is.EqualTo("fromStart"));
    }

    /// <summary>A turn of a device may be as long as its options allow, and nobody else may get the device meanwhile.</summary>
    [Test]
    public void The_host_keeps_a_session_longer_than_a_turn_and_gives_back_one_that_has_nothing_to_do()
    {
        using var host = JsonDocument.Parse(File.ReadAllText(Path.Combine(FunctionApp.Repository, "host.json")));
        var bus = host.RootElement.GetProperty("extensions").GetProperty("serviceBus");
        TimeSpan Of(string name) => TimeSpan.Parse(bus.GetProperty(name).GetString()!, CultureInfo.InvariantCulture);
        var turn = typeof(FirmwareOptions).GetProperty(nameof(FirmwareOptions.Turn))!.GetCustomAttribute<System.ComponentModel.DataAnnotations.RangeAttribute>()!;

        Assert.That(Of("maxAutoLockRenewalDuration"), Is.GreaterThan(TimeSpan.Parse((string)turn.Maximum, CultureInfo.InvariantCulture)));
        Assert.That(Of("sessionIdleTimeout"), Is.InRange(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2)));
        Assert.That(
            bus.GetProperty("maxConcurrentSessions").GetInt32(), Is.GreaterThanOrEqualTo(new CommandOptions().MethodsPerSecond),
            "One instance serves all transfers that one unit of S1 has at a time.");
        Assert.That(bus.TryGetProperty("autoCompleteMessages", out _), Is.False, "Every function leaves the settling of its message to the host.");
    }

    [Test]
    public void Every_app_brings_the_host_json_of_the_repository() =>
        Assert.Multiple(() =>
        {
            foreach (var app in FunctionApp.All)
                Assert.That(
                    File.ReadAllText(Path.Combine(FunctionApp.Repository, "functions", app.Name, $"{app.Name}.csproj")), Does.Contain("../FunctionApp.props"));
        });

    /// <summary>What a function reads in every deployment: an app that is deployed per offering reads one hub for each.</summary>
    private static IEnumerable<(string Hub, string Group)> ReadBy(Function function)
    {
        var hub = (string)function.Triggers[0].ConstructorArguments[0].Value!;
        var group = (string)Named(function, "ConsumerGroup")!;
        return FunctionApp.SettingsIn(hub).Any()
            ? Catalog.Offerings.Keys.Select(offering => (FunctionApp.Resolve(hub, name => name == "Offering" ? offering : $"unknown setting {name}"), group))
            : [(hub, group)];
    }

    private static object? Named(Function function, string argument) =>
        function.Triggers[0].NamedArguments.Where(a => a.MemberName == argument).Select(a => a.TypedValue.Value).SingleOrDefault();
}
