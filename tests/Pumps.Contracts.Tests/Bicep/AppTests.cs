using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Pumps.Azure.ServiceBus;
using Pumps.Contracts.Tests.Azure;
using Pumps.Core.Offerings;
using Pumps.Handlers.Capacity;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Offerings;

namespace Pumps.Contracts.Tests.Bicep;

/// <summary>What code binds to is deployed, and what is deployed is used: apps, settings, hubs, groups, queues and roles.</summary>
[TestFixtureSource(typeof(Infrastructure), nameof(Infrastructure.Regions))]
public sealed class AppTests(string regionName)
{
    private static readonly Catalog Catalog = CatalogLoader.Load(CatalogLoader.DefaultFolder);

    // The apps of the offerings read these groups; they are no part of the repository yet.
    private static readonly string[] GroupsOfComingApps = ["offering"];

    // What the Functions host itself reads, and the settings that Program.cs of every app reads.
    private static readonly string[] HostSettings =
    [
        "AzureWebJobsStorage__accountName", "AzureWebJobsStorage__credential", "AzureWebJobsStorage__clientId",
        "APPLICATIONINSIGHTS_CONNECTION_STRING", "APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "AZURE_CLIENT_ID", "ConnectionStrings__Postgres",
    ];

    private readonly Region _region = Infrastructure.Region(regionName);

    [Test]
    public void Every_app_of_the_repository_is_deployed_and_no_other()
    {
        var folders = Directory.GetDirectories(Path.Combine(FunctionApp.Repository, "functions"))
            .Where(f => Directory.GetFiles(f, "*.csproj") is [var project] && File.ReadAllText(project).Contains("FunctionApp.props", StringComparison.Ordinal))
            .Select(f => Path.GetFileName(f)!).ToList();

        Assert.That(Infrastructure.Apps.EnumerateObject().Select(a => a.Name), Is.EquivalentTo(folders), "bicep/apps.json");
        Assert.That(FunctionApp.All.Select(a => a.Name), Is.EquivalentTo(folders), "FunctionApp.All of the tests");
        Assert.That(
            _region.Of("Microsoft.Web/sites").Select(s => s.Name[..s.Name.LastIndexOf('-')]),
            Is.EquivalentTo(_region.Deployments(Catalog.Offerings.Keys).Select(d => d.Name)));
    }

    [Test]
    public void The_hubs_of_the_catalog_are_deployed_each_with_its_groups()
    {
        Assert.Multiple(() =>
        {
            foreach (var (kind, hubs) in new[] { ("raw", Catalog.Routes.RawHubs), ("feeds", Catalog.Routes.FeedHubs) })
            {
                var deployed = _region.Hubs(kind);
                Assert.That(deployed.Keys, Is.EquivalentTo(hubs.Select(h => h.Name)), kind);
                foreach (var hub in hubs.Where(h => deployed.ContainsKey(h.Name)))
                    Assert.That(deployed[hub.Name].Except(Partners), Is.EquivalentTo(hub.ConsumerGroups), hub.Name);
            }
        });
    }

    [Test]
    public void Every_trigger_finds_its_hub_and_its_consumer_group()
    {
        Assert.Multiple(() =>
        {
            foreach (var (function, kind, hub, group, _) in Readers)
            {
                Assert.That(_region.Hubs(kind).Keys, Does.Contain(hub), $"{function} reads hub {hub} of {kind}");
                Assert.That(_region.Hubs(kind).GetValueOrDefault(hub, []), Does.Contain(group), $"{function} reads group {group} of {hub}");
            }
        });
    }

    [Test]
    public void Every_hub_and_every_consumer_group_is_used()
    {
        var read = Readers.Select(r => $"{r.Hub}/{r.Group}").ToHashSet();

        Assert.Multiple(() =>
        {
            foreach (var (hub, groups) in _region.Hubs("raw").Concat(_region.Hubs("feeds")))
            {
                Assert.That(groups, Is.Not.Empty, hub);
                Assert.That(groups.Where(g => !read.Contains($"{hub}/{g}")).Except(Partners).Except(GroupsOfComingApps), Is.Empty, $"Nobody reads this group of {hub}.");
            }
        });
    }

    [Test]
    public void Every_queue_has_its_function_and_every_function_its_queue()
    {
        var declared = Infrastructure.Apps.EnumerateObject().SelectMany(a => a.Value.GetProperty("queues").EnumerateArray())
            .Select(q => $"{q.GetProperty("name").GetString()} {q.GetProperty("sessions").GetBoolean()}");
        var bound = FunctionApp.All.SelectMany(a => a.Functions).SelectMany(f => f.Triggers).Where(t => t.AttributeType.Name == "ServiceBusTriggerAttribute")
            .Select(t => $"{t.ConstructorArguments[0].Value} {t.NamedArguments.Any(n => n is { MemberName: "IsSessionsEnabled", TypedValue.Value: true })}");

        Assert.That(declared, Is.EquivalentTo(bound), "bicep/apps.json: name and sessions of queues");
        Assert.That(_region.Of("Microsoft.ServiceBus/namespaces/queues").Select(q => $"{q.LastName} {q.Properties.GetProperty("requiresSession").GetBoolean()}"), Is.EquivalentTo(bound));
    }

    [Test]
    public void Who_rings_in_a_queue_has_a_bell()
    {
        foreach (var app in FunctionApp.All)
            Assert.That(Infrastructure.Apps.GetProperty(app.Name).GetProperty("rings").EnumerateArray().Select(q => q.GetString()), Is.EqualTo(Rings(app)), app.Name);
    }

    [Test]
    public void Every_setting_that_code_reads_is_deployed()
    {
        Assert.Multiple(() =>
        {
            foreach (var (app, _, name) in _region.Deployments(Catalog.Offerings.Keys))
                Assert.That(
                    Needed(app).Except(Settings(name).Keys), Is.Empty,
                    $"{name} lacks settings. Add each to functions/{app.Name}/sample.settings.json, and its value to bicep/modules/region.bicep or functionApp.bicep.");
        });
    }

    [Test]
    public void Every_deployed_setting_is_read_by_code()
    {
        Assert.Multiple(() =>
        {
            foreach (var (app, _, name) in _region.Deployments(Catalog.Offerings.Keys))
                Assert.That(Settings(name).Keys.Except(Needed(app)).Where(s => !IsOption(s)), Is.Empty, $"Nothing in {name} reads these settings.");
        });
    }

    [Test]
    public void Settings_point_at_what_is_deployed()
    {
        Assert.Multiple(() =>
        {
            foreach (var (app, offering, name) in _region.Deployments(Catalog.Offerings.Keys))
            {
                var settings = Settings(name);
                foreach (var (setting, value) in settings)
                {
                    Assert.That(value, Is.Not.Empty, $"{name}: {setting}");
                    if (setting.EndsWith("__credential", StringComparison.Ordinal))
                        Assert.That(value, Is.EqualTo("managedidentity"), $"{name}: {setting}");
                    if (setting.EndsWith("__clientId", StringComparison.Ordinal) || setting == "AZURE_CLIENT_ID")
                        Assert.That(value, Does.Contain($"/userAssignedIdentities/{name}'").And.EndWith(".clientId]"), $"{name}: {setting}");
                }

                Assert.That(settings.GetValueOrDefault("Offering"), Is.EqualTo(offering), name);
                Assert.That(settings["FeedHubs__fullyQualifiedNamespace"], Is.EqualTo($"{_region.Namespace("feeds").Name}.servicebus.windows.net"), name);
                Assert.That(settings.GetValueOrDefault("RawHubs__fullyQualifiedNamespace"), Is.Null.Or.EqualTo($"{_region.Namespace("raw").Name}.servicebus.windows.net"), name);
                Assert.That(settings.GetValueOrDefault("Portal__region"), Is.Null.Or.EqualTo(_region.Code), name);
                Assert.That(settings.GetValueOrDefault("Portal__deviceHost"), Is.EqualTo(settings.ContainsKey("Portal__region") ? settings["IotHub__hostName"] : null), name);
                Assert.That(settings.GetValueOrDefault("IotHub__hostName"), Is.Null.Or.EqualTo($"{_region.Of("Microsoft.Devices/IotHubs").Single().Name}.azure-devices.net"), name);
                Assert.That(
                    settings["ConnectionStrings__Postgres"],
                    Does.StartWith($"Host={_region.Of("Microsoft.DBforPostgreSQL/flexibleServers").Single().Name}.postgres.database.azure.com;").And.Contain($";Username={name};"), name);
                Assert.That(StorageOf(name).Name, Is.EqualTo(settings["AzureWebJobsStorage__accountName"]), name);
            }
        });
    }

    [Test]
    public void The_region_s_firmware_keys_are_those_that_its_portal_trusts_and_no_other_app_has_them()
    {
        string[] keys = [Convert.ToBase64String(Enumerable.Repeat((byte)1, 32).ToArray()), Convert.ToBase64String(Enumerable.Repeat((byte)2, 32).ToArray())];
        var region = Infrastructure.RegionWith(regionName, $"firmwareKeys: ['{keys[0]}', '{keys[1]}']");

        foreach (var (app, _, name) in region.Deployments(Catalog.Offerings.Keys))
        {
            var settings = new ConfigurationBuilder().AddInMemoryCollection(SettingsOf(region, name).Select(s => KeyValuePair.Create(s.Key.Replace("__", ":", StringComparison.Ordinal), (string?)s.Value))).Build();
            var trusted = settings.GetSection(FirmwareOptions.Section).Get<FirmwareOptions>()?.TrustedKeys ?? [];
            Assert.That(trusted, Is.EqualTo(Adds(app, "PortalApi") ? keys : []), name);
        }
    }

    /// <summary>Commands go out as fast as the units of the hub allow, by the published limits.</summary>
    [Test]
    public void Commands_are_sent_at_the_pace_of_the_hub_s_units()
    {
        var limits = CapacityFiles.Limits(CatalogLoader.DefaultFolder);
        var sku = _region.Of("Microsoft.Devices/IotHubs").Single().Find("sku")!.Value;
        var (tier, units) = (limits.IotHubTiers.Single(t => t.Name == sku.GetProperty("name").GetString()), sku.GetProperty("capacity").GetInt32());
        var settings = Settings($"pumps-{_region.Code}-devices");

        Assert.That(double.Parse(settings["Commands__methodsPerSecond"], CultureInfo.InvariantCulture), Is.EqualTo(units * tier.MethodBytesPerSecond / limits.IotHubMeterBytes));
        Assert.That(double.Parse(settings["Commands__messagesPerSecond"], CultureInfo.InvariantCulture), Is.EqualTo(units * tier.MessagesToDevicesPerMinute / 60).Within(0.01));
    }

    [Test]
    public void Nobody_has_a_role_that_its_code_does_not_need_and_nobody_lacks_one()
    {
        var expected = new List<string>();
        void May(string identity, string role, string target) => expected.Add(Region.Grant(identity, role, target));

        foreach (var (app, offering, name) in _region.Deployments(Catalog.Offerings.Keys))
        {
            May(name, "metricsPublisher", _region.Of("Microsoft.Insights/components").Single().Id);
            May(name, "blobOwner", StorageOf(name).Id);
            if (Durable(app))
            {
                May(name, "queueContributor", StorageOf(name).Id);
                May(name, "tableContributor", StorageOf(name).Id);
            }

            foreach (var (_, kind, hub, _, _) in Readers.Where(r => r.Function.App == app && (offering is null || r.Offering == offering)).DistinctBy(r => r.Hub))
                May(name, "eventHubsReceiver", HubId(kind, hub));
            if (Takes(app, typeof(IHubPublisher)))
                foreach (var hub in Catalog.Routes.FeedHubs)
                    May(name, "eventHubsSender", HubId("feeds", hub.Name));
            // A dead letter goes back to the hub from which it was read: one of the raw hubs, or a feed.
            if (Adds(app, "Replay"))
                foreach (var (kind, hub) in Catalog.Routes.RawHubs.Where(h => h.Name != Catalog.Routes.Connections).Select(h => ("raw", h)).Concat(Catalog.Routes.FeedHubs.Select(h => ("feeds", h))))
                    May(name, "eventHubsSender", HubId(kind, hub.Name));
            foreach (var queue in app.Functions.SelectMany(f => f.Triggers).Where(t => t.AttributeType.Name == "ServiceBusTriggerAttribute").Select(t => (string)t.ConstructorArguments[0].Value!))
                May(name, "serviceBusReceiver", QueueId(queue));
            foreach (var queue in Rings(app))
                May(name, "serviceBusSender", QueueId(queue));
            // Who only keeps the registry may not send to devices.
            if (Adds(app, "IotHub"))
            {
                foreach (var role in Takes(app, typeof(IDeviceMessaging)) ? ["iotHubData"] : new[] { "iotHubRegistry", "iotHubTwins" })
                    May(name, role, _region.Of("Microsoft.Devices/IotHubs").Single().Id);
                May(name, "registrationRemover", _region.Of("Microsoft.Devices/provisioningServices").Single().Id);
            }
        }

        foreach (var hub in Catalog.Routes.RawHubs)
            May($"pumps-{_region.Code}-iot-hub", "eventHubsSender", HubId("raw", hub.Name));
        May($"pumps-{_region.Code}-provisioning", "iotHubRegistry", _region.Of("Microsoft.Devices/IotHubs").Single().Id);
        May($"pumps-{_region.Code}-provisioning", "iotHubTwins", _region.Of("Microsoft.Devices/IotHubs").Single().Id);
        May($"pumps-{_region.Code}-capture", "blobContributor", StorageOf("archive").Id);
        foreach (var group in PartnerGroups)
            May($"{_region.Namespace("feeds").Name}-{group.LastName}", "eventHubsReceiver", group.Id);

        Assert.That(_region.Grants(RoleNames()), Is.EquivalentTo(expected));
    }

    [Test]
    public void A_partner_reads_its_own_group_of_a_feed_and_nothing_else()
    {
        Assert.Multiple(() =>
        {
            foreach (var group in PartnerGroups)
            {
                Assert.That(Catalog.Routes.FeedHubs.Select(h => h.Name), Does.Contain(group.Name.Split('/')[1]), $"{group.LastName} reads a hub that is no feed.");
                Assert.That(Catalog.Routes.FeedHubs.SelectMany(h => h.ConsumerGroups), Does.Not.Contain(group.LastName), "A partner must not take the name of a group of the platform.");
                var trust = _region.Of("Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials").Single(t => t.LastName == group.LastName);
                Assert.That(trust.Properties.GetProperty("issuer").GetString(), Does.StartWith("https://"));
            }
        });
    }

    [Test]
    public void An_instance_that_never_goes_away_is_of_a_function_that_exists()
    {
        Assert.Multiple(() =>
        {
            foreach (var (app, _, name) in _region.Deployments(Catalog.Offerings.Keys))
            {
                var site = _region.Of("Microsoft.Web/sites").Single(s => s.Name[..s.Name.LastIndexOf('-')] == name);
                var ready = site.Find("properties", "functionAppConfig", "scaleAndConcurrency", "alwaysReady")!.Value.EnumerateArray();
                Assert.That(
                    ready.Select(r => r.GetProperty("name").GetString()),
                    Is.SubsetOf(app.Functions.Select(f => $"function:{f.Name}").Append("http").Append("durable")), name);
            }
        });
    }

    [Test]
    public void An_app_with_orchestrations_may_use_the_queues_and_tables_of_their_state() =>
        Assert.Multiple(() =>
        {
            foreach (var app in FunctionApp.All.Where(a => !Durable(a)))
                Assert.That(
                    app.Functions.SelectMany(f => f.Method.GetParameters()).SelectMany(p => p.CustomAttributes).Select(a => a.AttributeType.Name),
                    Has.None.Matches<string>(n => n is "OrchestrationTriggerAttribute" or "ActivityTriggerAttribute" or "EntityTriggerAttribute" or "DurableClientAttribute"),
                    $"{app.Name}: \"durable\": true in bicep/apps.json");
        });

    private IEnumerable<Resource> PartnerGroups =>
        _region.Of("Microsoft.EventHub/namespaces/eventhubs/consumergroups").Where(g => g.Find("properties", "userMetadata")?.GetString() == "partner");

    private IEnumerable<string> Partners => PartnerGroups.Select(g => g.LastName).Distinct();

    /// <summary>What every hub function reads, once for each offering where its app is deployed so.</summary>
    private static IEnumerable<Reader> AllReaders =>
        from function in FunctionApp.All.SelectMany(a => a.Functions)
        where function.EventHubTrigger is not null
        let trigger = function.EventHubTrigger!
        let hub = (string)trigger.ConstructorArguments[0].Value!
        from offering in FunctionApp.SettingsIn(hub).Any() ? Catalog.Offerings.Keys.Select(o => (string?)o) : [null]
        select new Reader(
            function, Named(trigger, "Connection") == "RawHubs" ? "raw" : "feeds", FunctionApp.Resolve(hub, _ => offering!), Named(trigger, "ConsumerGroup"), offering);

    private static IReadOnlyList<Reader> Readers { get; } = [.. AllReaders];

    private static string Named(CustomAttributeData trigger, string member) => (string)trigger.NamedArguments.Single(n => n.MemberName == member).TypedValue.Value!;

    /// <summary>Settings without which the app would not start, or a trigger not sign in.</summary>
    private static IEnumerable<string> Needed(FunctionApp app)
    {
        var triggers = app.Functions.SelectMany(f => f.Triggers).ToList();
        var arguments = triggers.SelectMany(t => t.ConstructorArguments.Concat(t.NamedArguments.Select(n => n.TypedValue))).Select(a => a.Value).OfType<string>();
        var connections = triggers.SelectMany(t => t.NamedArguments).Where(n => n.MemberName == "Connection").Select(n => (string)n.TypedValue.Value!).Distinct();
        return HostSettings
            .Append("FeedHubs__fullyQualifiedNamespace") // FeedHubsOptions, checked at the start of every app
            .Concat(connections.SelectMany(c => new[] { $"{c}__fullyQualifiedNamespace", $"{c}__credential", $"{c}__clientId" }))
            .Concat(arguments.SelectMany(FunctionApp.SettingsIn))
            .Concat(Adds(app, "IotHub") ? ["IotHub__hostName", "ProvisioningService__hostName"] : [])
            .Concat(Adds(app, "Replay") ? ["RawHubs__fullyQualifiedNamespace"] : [])
            .Concat(Adds(app, "ServiceBus") ? ["ServiceBus__fullyQualifiedNamespace"] : [])
            // They have defaults, which are right in a local region only.
            .Concat(Adds(app, "PortalApi") ? ["Portal__region", "Portal__deviceHost"] : [])
            .Distinct();
    }

    /// <summary>Whether a setting such as <c>Rollout__ChunkBytes</c> is a member of an options record with its section, or one value of a member that is a list.</summary>
    private static bool IsOption(string setting) =>
        setting.Split("__") is [var section, var member, .. var place] && (place is [] || (place is [var index] && int.TryParse(index, out _))) && Options.Any(o =>
            (string?)o.GetField("Section")!.GetRawConstantValue() == section && o.GetProperty(member, BindingFlags.IgnoreCase | BindingFlags.Public | BindingFlags.Instance) is not null);

    private static IReadOnlyList<Type> Options { get; } =
        [.. FunctionApp.All.Select(a => a.Assembly).SelectMany(a => a.GetReferencedAssemblies().Where(r => r.Name!.StartsWith("Pumps.", StringComparison.Ordinal)).Select(Assembly.Load).Append(a))
            .Distinct().SelectMany(a => a.GetTypes()).Where(t => t.GetField("Section") is { IsLiteral: true })];

    /// <summary>Whether the app's Program.cs adds these services: it is the wiring diagram.</summary>
    private static bool Adds(FunctionApp app, string services) =>
        File.ReadAllText(Path.Combine(FunctionApp.Repository, "functions", app.Name, "Program.cs")).Contains($".Add{services}(", StringComparison.Ordinal);

    /// <summary>Whether a handler that a function of the app calls takes this port.</summary>
    private static bool Takes(FunctionApp app, Type port) =>
        app.Functions.SelectMany(f => f.Handlers).SelectMany(h => h.GetConstructors().Single().GetParameters()).Any(p => p.ParameterType == port);

    private static string[] Rings(FunctionApp app) =>
        [.. Adds(app, "ServiceBus") ? [CommandBell.Queue] : Array.Empty<string>(), .. Takes(app, typeof(ITransferQueue)) ? [TransferQueue.Queue] : Array.Empty<string>()];

    private static bool Durable(FunctionApp app) => Infrastructure.Apps.GetProperty(app.Name).GetProperty("durable").GetBoolean();

    private Dictionary<string, string> Settings(string name) => SettingsOf(_region, name);

    private static Dictionary<string, string> SettingsOf(Region region, string name) =>
        region.Of("Microsoft.Web/sites/config").Single(c => c.LastName == "appsettings" && c.Name[..c.Name.LastIndexOf('-')] == name)
            .Properties.EnumerateObject().ToDictionary(p => p.Name, p => p.Value.GetString()!);

    private Resource StorageOf(string name) => name == "archive"
        ? _region.Of("Microsoft.Storage/storageAccounts").Single(s => s.Name.StartsWith($"pumps{_region.Code}archive", StringComparison.Ordinal))
        : _region.Of("Microsoft.Storage/storageAccounts").Single(s => s.Name == Settings(name)["AzureWebJobsStorage__accountName"]);

    private string QueueId(string queue) => _region.Of("Microsoft.ServiceBus/namespaces/queues").Single(q => q.LastName == queue).Id;

    private string HubId(string kind, string hub) =>
        _region.Of("Microsoft.EventHub/namespaces/eventhubs").SingleOrDefault(h => h.Name == $"{_region.Namespace(kind).Name}/{hub}")?.Id ?? $"/providers/missing/hub/{hub}";

    private Dictionary<string, string> RoleNames() =>
        JsonElement.Parse(Infrastructure.Compiler.Compile(Path.Combine(Infrastructure.Folder, "roles.bicep")).Template)
            .GetProperty("variables").GetProperty("roles").EnumerateObject().Select(r => (Id: r.Value.GetString()!, r.Name))
            .Append((Id: TemplateGuid($"{Guid.Empty}-{_region.Code}-registrations"), Name: "registrationRemover")).ToDictionary(r => r.Id, r => r.Name);

    /// <summary>The template function <c>guid</c>: a UUID of version 5 in Azure's own namespace, of the arguments with hyphens between.</summary>
    private static string TemplateGuid(string text)
    {
        var space = new Guid("11fb06fb-712d-4ddd-98c7-e71bbd588830").ToByteArray(bigEndian: true);
#pragma warning disable CA5350 // names, no secrets: RFC 9562 says SHA-1
        var hash = SHA1.HashData([.. space, .. Encoding.UTF8.GetBytes(text)]);
#pragma warning restore CA5350
        (hash[6], hash[8]) = ((byte)((hash[6] & 0x0f) | 0x50), (byte)((hash[8] & 0x3f) | 0x80));
        return new Guid(hash.AsSpan(0, 16), bigEndian: true).ToString();
    }

    /// <summary>A function, what it reads, and for which offering its app is deployed when it does.</summary>
    private sealed record Reader(Function Function, string Kind, string Hub, string Group, string? Offering);
}
