using System.Text.Json;
using System.Text.RegularExpressions;
using Pumps.Core.Offerings;
using Pumps.Handlers.Offerings;

namespace Pumps.Contracts.Tests.Bicep;

/// <summary>What holds for every resource of every region: no secret, no shared key, TLS 1.2, names and numbers within Azure's limits.</summary>
[TestFixtureSource(typeof(Infrastructure), nameof(Infrastructure.Regions))]
public sealed partial class SafetyTests(string regionName)
{
    private static readonly Routes Routes = CatalogLoader.Load(CatalogLoader.DefaultFolder).Routes;

    private const int HubsPerNamespace = 10;
    private const int GroupsPerHub = 20;
    private const int EndpointsPerIotHub = 10;
    private const int EnrichmentsPerIotHub = 10;
    private const int RoutesPerIotHub = 100;

    // Microsoft's naming rules, as far as this template uses them. Types without one here hold names that Azure or the catalog gives.
    private static readonly Dictionary<string, string> NameRules = new()
    {
        ["Microsoft.Resources/resourceGroups"] = "^[a-z0-9-]{1,90}$",
        ["Microsoft.ManagedIdentity/userAssignedIdentities"] = "^[a-zA-Z0-9][a-zA-Z0-9-_]{2,127}$",
        ["Microsoft.OperationalInsights/workspaces"] = "^[a-zA-Z0-9][a-zA-Z0-9-]{2,61}[a-zA-Z0-9]$",
        ["Microsoft.Insights/components"] = "^[a-z0-9-]{1,260}$",
        ["Microsoft.Insights/actionGroups"] = "^[a-z0-9-]{1,260}$",
        ["Microsoft.Insights/scheduledQueryRules"] = "^[a-z0-9-]{1,260}$",
        ["Microsoft.Insights/workbooks"] = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        ["Microsoft.Consumption/budgets"] = "^[a-zA-Z0-9_-]{1,63}$",
        ["Microsoft.EventHub/namespaces"] = "^[a-zA-Z][a-zA-Z0-9-]{4,48}[a-zA-Z0-9]$",
        ["Microsoft.EventHub/namespaces/eventhubs"] = "^[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}[a-zA-Z0-9]$",
        ["Microsoft.EventHub/namespaces/eventhubs/consumergroups"] = "^[a-zA-Z0-9][a-zA-Z0-9._-]{0,48}[a-zA-Z0-9]$",
        ["Microsoft.ServiceBus/namespaces"] = "^[a-zA-Z][a-zA-Z0-9-]{4,48}[a-zA-Z0-9]$",
        ["Microsoft.ServiceBus/namespaces/queues"] = "^[a-zA-Z0-9][a-zA-Z0-9._-]{0,258}[a-zA-Z0-9]$",
        ["Microsoft.Devices/IotHubs"] = "^[a-zA-Z0-9][a-zA-Z0-9-]{1,48}[a-zA-Z0-9]$",
        ["Microsoft.Devices/provisioningServices"] = "^[a-zA-Z0-9][a-zA-Z0-9-]{1,62}[a-zA-Z0-9]$",
        ["Microsoft.DBforPostgreSQL/flexibleServers"] = "^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
        ["Microsoft.Storage/storageAccounts"] = "^[a-z0-9]{3,24}$",
        ["Microsoft.Storage/storageAccounts/blobServices/containers"] = "^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
        ["Microsoft.Web/serverfarms"] = "^[a-zA-Z0-9-]{1,60}$",
        ["Microsoft.Web/sites"] = "^[a-z0-9][a-z0-9-]{0,58}[a-z0-9]$",
        ["Microsoft.Web/staticSites"] = "^[a-zA-Z0-9-]{1,40}$",
        ["Microsoft.Network/virtualNetworks"] = "^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}[a-zA-Z0-9_]$",
        ["Microsoft.Network/privateEndpoints"] = "^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}[a-zA-Z0-9_]$",
    };

    // What every resource of a type must say. A type that can be reached with a key is here with the switch that turns keys off.
    private static readonly (string Type, string[] Path, object Value)[] MustSay =
    [
        ("Microsoft.EventHub/namespaces", ["properties", "disableLocalAuth"], true),
        ("Microsoft.EventHub/namespaces", ["properties", "minimumTlsVersion"], "1.2"),
        ("Microsoft.ServiceBus/namespaces", ["properties", "disableLocalAuth"], true),
        ("Microsoft.ServiceBus/namespaces", ["properties", "minimumTlsVersion"], "1.2"),
        ("Microsoft.Devices/IotHubs", ["properties", "disableLocalAuth"], true),
        ("Microsoft.Devices/IotHubs", ["properties", "minTlsVersion"], "1.2"),
        ("Microsoft.Devices/provisioningServices", ["properties", "disableLocalAuth"], true),
        ("Microsoft.DBforPostgreSQL/flexibleServers", ["properties", "authConfig", "passwordAuth"], "Disabled"),
        ("Microsoft.DBforPostgreSQL/flexibleServers", ["properties", "authConfig", "activeDirectoryAuth"], "Enabled"),
        ("Microsoft.Storage/storageAccounts", ["properties", "allowSharedKeyAccess"], false),
        ("Microsoft.Storage/storageAccounts", ["properties", "allowBlobPublicAccess"], false),
        ("Microsoft.Storage/storageAccounts", ["properties", "minimumTlsVersion"], "TLS1_2"),
        ("Microsoft.Insights/components", ["properties", "DisableLocalAuth"], true),
        ("Microsoft.OperationalInsights/workspaces", ["properties", "features", "disableLocalAuth"], true),
        ("Microsoft.Web/sites", ["properties", "httpsOnly"], true),
        ("Microsoft.Web/sites", ["properties", "siteConfig", "minTlsVersion"], "1.2"),
        ("Microsoft.Web/sites", ["properties", "siteConfig", "ftpsState"], "Disabled"),
        ("Microsoft.Web/sites/basicPublishingCredentialsPolicies", ["properties", "allow"], false),
    ];

    // Types that hold nothing and let nobody in. A type that is neither here nor in MustSay needs a look before it is deployed.
    private static readonly string[] Harmless =
    [
        "Microsoft.Resources/resourceGroups", "Microsoft.ManagedIdentity/userAssignedIdentities", "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials",
        "Microsoft.Insights/actionGroups", "Microsoft.Insights/diagnosticSettings", "Microsoft.Insights/workbooks", "Microsoft.Insights/metricAlerts",
        "Microsoft.Insights/scheduledQueryRules", "Microsoft.Consumption/budgets", "Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/locks",
        "Microsoft.EventHub/namespaces/networkRuleSets", "Microsoft.EventHub/namespaces/eventhubs", "Microsoft.EventHub/namespaces/eventhubs/consumergroups",
        "Microsoft.ServiceBus/namespaces/queues", "Microsoft.DBforPostgreSQL/flexibleServers/databases", "Microsoft.DBforPostgreSQL/flexibleServers/configurations",
        "Microsoft.DBforPostgreSQL/flexibleServers/administrators", "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules",
        "Microsoft.Storage/storageAccounts/blobServices", "Microsoft.Storage/storageAccounts/blobServices/containers", "Microsoft.Storage/storageAccounts/managementPolicies",
        "Microsoft.Web/serverfarms", "Microsoft.Web/sites/config", "Microsoft.Web/staticSites", "Microsoft.Web/staticSites/linkedBackends",
        "Microsoft.Network/virtualNetworks", "Microsoft.Network/privateEndpoints", "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
        "Microsoft.Network/privateDnsZones", "Microsoft.Network/privateDnsZones/virtualNetworkLinks",
    ];

    // What keeps data that cannot be made again, with the type's own words for a lock and for logs.
    private static readonly string[] Data = ["Microsoft.Devices/IotHubs", "Microsoft.Devices/provisioningServices", "Microsoft.DBforPostgreSQL/flexibleServers"];

    private readonly Region _region = Infrastructure.Region(regionName);

    [Test]
    public void No_template_asks_Azure_for_a_key() =>
        Assert.Multiple(() =>
        {
            foreach (var file in new[] { "main.bicep", "bootstrap.bicep" })
                Assert.That(KeyFunction().Match(Infrastructure.Compiler.Compile(Path.Combine(Infrastructure.Folder, file)).Template).Value, Is.Empty, file);
        });

    [Test]
    public void Nothing_that_is_deployed_and_no_output_is_a_secret() =>
        Assert.Multiple(() =>
        {
            Assert.That(_region.Text, Does.Not.Match("(?i)(AccountKey|SharedAccessKey|Password|sig)="));
            foreach (var file in new[] { "main.bicep", "bootstrap.bicep" })
            {
                var template = JsonElement.Parse(Infrastructure.Compiler.Compile(Path.Combine(Infrastructure.Folder, file)).Template);
                Assert.That(Types(template), Has.None.Contains("secure").IgnoreCase, file);
            }
        });

    [Test]
    public void Keys_are_off_and_TLS_is_new_enough() =>
        Assert.Multiple(() =>
        {
            foreach (var (type, path, value) in MustSay)
                foreach (var resource in _region.Of(type))
                    Assert.That(Value(resource.Find(path)), Is.EqualTo(value), $"{resource}: {string.Join('.', path)}");
            Assert.That(_region.Resources.Select(r => r.Type).Distinct().Except(Harmless).Except(MustSay.Select(m => m.Type)), Is.Empty, "Types that nobody has looked at.");
        });

    /// <summary>Zone-redundant accounts have no archive tier, and what is in it cannot be read before it has been brought back, which takes hours.</summary>
    [Test]
    public void Raw_events_age_in_tiers_that_every_account_has_and_a_replay_can_read() =>
        Assert.Multiple(() =>
        {
            foreach (var policy in _region.Of("Microsoft.Storage/storageAccounts/managementPolicies"))
                foreach (var rule in policy.Find("properties", "policy", "rules")!.Value.EnumerateArray())
                    Assert.That(
                        rule.GetProperty("definition").GetProperty("actions").GetProperty("baseBlob").EnumerateObject().Select(a => a.Name),
                        Is.EqualTo(new[] { "tierToCool", "tierToCold", "delete" }), policy.Name);
        });

    [Test]
    public void Names_are_within_the_limits_of_Azure()
    {
        Assert.Multiple(() =>
        {
            foreach (var resource in _region.Resources)
                if (NameRules.TryGetValue(resource.Type, out var rule))
                    Assert.That(resource.LastName, Does.Match(rule), resource.Type);
            Assert.That(_region.Resources.Select(r => r.Id), Is.Unique);
            Assert.That(_region.Of("Microsoft.ManagedIdentity/userAssignedIdentities").Select(i => i.Name.Length), Has.All.LessThanOrEqualTo(63), "Identities are roles of PostgreSQL too.");
        });
    }

    [Test]
    public void Hubs_groups_and_routes_are_within_the_limits_of_Azure()
    {
        Assert.Multiple(() =>
        {
            foreach (var kind in new[] { "raw", "feeds" })
            {
                Assert.That(_region.Hubs(kind), Has.Count.LessThanOrEqualTo(HubsPerNamespace), kind);
                foreach (var (hub, groups) in _region.Hubs(kind))
                    Assert.That(groups, Has.Length.LessThanOrEqualTo(GroupsPerHub), hub);
            }

            Assert.That(Routing("endpoints", "eventHubs").Count(), Is.LessThanOrEqualTo(EndpointsPerIotHub));
            Assert.That(Routing("enrichments").Count(), Is.LessThanOrEqualTo(EnrichmentsPerIotHub));
            Assert.That(Routing("routes").Count(), Is.LessThanOrEqualTo(RoutesPerIotHub));
        });
    }

    [Test]
    public void IoT_Hub_sends_each_route_to_its_raw_hub_as_itself()
    {
        var endpoints = Routing("endpoints", "eventHubs").ToList();

        Assert.Multiple(() =>
        {
            Assert.That(endpoints.Select(e => e.GetProperty("entityPath").GetString()), Is.EquivalentTo(_region.Hubs("raw").Keys));
            Assert.That(endpoints.Select(e => e.GetProperty("endpointUri").GetString()), Has.All.EqualTo($"sb://{_region.Namespace("raw").Name}.servicebus.windows.net"));
            Assert.That(endpoints.Select(e => e.GetProperty("authenticationType").GetString()), Has.All.EqualTo("identityBased"));
            foreach (var route in Routing("routes"))
                Assert.That(route.GetProperty("endpointNames").EnumerateArray().Select(n => n.GetString()), Is.EqualTo(new[] { route.GetProperty("name").GetString() }));
            foreach (var enrichment in Routing("enrichments"))
                Assert.That(enrichment.GetProperty("endpointNames").EnumerateArray().Select(n => n.GetString()), Is.EquivalentTo(_region.Hubs("raw").Keys.Where(h => h != Routes.Connections).Append("events")));
        });
    }

    [Test]
    public void What_one_route_does_not_take_another_does()
    {
        var routes = Routing("routes").Where(r => r.GetProperty("source").GetString() == "DeviceMessages").ToDictionary(r => r.GetProperty("name").GetString()!, r => r.GetProperty("condition").GetString()!);
        var taken = routes.Where(r => r.Key != "raw-unrouted").Select(r => r.Value).ToList();

        Assert.That(taken, Is.Unique);
        Assert.That(
            Routing("routes").Where(r => r.GetProperty("source").GetString() == "DeviceConnectionStateEvents").Select(r => r.GetProperty("name").GetString()),
            Is.EqualTo(new[] { Routes.Connections }));
        Assert.That(
            routes["raw-unrouted"],
            Is.EqualTo($"NOT is_string(headerType) OR NOT is_string($twin.tags.protocol) OR NOT ({string.Join(" OR ", taken)})"));
    }

    [Test]
    public void Messages_of_devices_are_captured_and_nothing_else_is()
    {
        foreach (var hub in _region.Of("Microsoft.EventHub/namespaces/eventhubs"))
            Assert.That(hub.Find("properties", "captureDescription", "enabled")?.GetBoolean() ?? false, Is.EqualTo(Routes.RawHubs.Any(h => h.Captured && h.Name == hub.LastName)), hub.Name);
    }

    [Test]
    public void What_a_customer_would_miss_is_locked_where_the_region_says_so()
    {
        var locked = _region.Of("Microsoft.Authorization/locks").Select(l => l.Target).ToList();
        var data = _region.Resources.Where(r => Data.Contains(r.Type) || (r.Type == "Microsoft.Storage/storageAccounts" && r.Name.Contains("archive", StringComparison.Ordinal)));

        Assert.That(locked, regionName == "dev" ? Is.Empty : Is.EquivalentTo(data.Select(d => d.Id)));
    }

    [Test]
    public void What_takes_part_in_the_pipeline_reports_to_the_workspace() =>
        Assert.That(
            _region.Of("Microsoft.Insights/diagnosticSettings").Select(d => d.Target),
            Is.EquivalentTo(_region.Resources.Where(r => Data.Contains(r.Type) || r.Type is "Microsoft.EventHub/namespaces" or "Microsoft.ServiceBus/namespaces" or "Microsoft.Web/sites").Select(r => r.Id)));

    [Test]
    public void A_private_region_lets_nobody_in_from_outside_but_devices_and_partners()
    {
        if (!_region.IsPrivate)
            Assert.Pass($"{regionName} is public.");

        Assert.Multiple(() =>
        {
            foreach (var rules in _region.Of("Microsoft.EventHub/namespaces/networkRuleSets"))
                Assert.That(rules.Properties.GetProperty("defaultAction").GetString(), Is.EqualTo("Deny"), rules.Name);
            foreach (var account in _region.Of("Microsoft.Storage/storageAccounts"))
                Assert.That(account.Find("properties", "networkAcls", "defaultAction")?.GetString(), Is.EqualTo("Deny"), account.Name);
            foreach (var server in _region.Of("Microsoft.DBforPostgreSQL/flexibleServers"))
                Assert.That(server.Find("properties", "network", "publicNetworkAccess")?.GetString(), Is.EqualTo("Disabled"), server.Name);
            Assert.That(_region.Of("Microsoft.DBforPostgreSQL/flexibleServers/firewallRules"), Is.Empty);
            foreach (var site in _region.Of("Microsoft.Web/sites"))
                Assert.That(site.Find("properties", "virtualNetworkSubnetId"), Is.Not.Null, site.Name);
        });
    }

    /// <summary>The Portal app believes a header that anybody can write: nobody but the site may speak to it, and its answer to others is 401.</summary>
    [Test]
    public void The_app_behind_the_site_hears_the_site_alone()
    {
        var site = _region.Of("Microsoft.Web/staticSites").Single();
        var link = _region.Of("Microsoft.Web/staticSites/linkedBackends").Single();
        var app = _region.Of("Microsoft.Web/sites").Single(s => s.Name.StartsWith($"pumps-{_region.Code}-portal-", StringComparison.Ordinal));
        var trust = _region.Of("Microsoft.Web/sites/config").Single(c => c.LastName == "authsettingsV2");

        Assert.Multiple(() =>
        {
            Assert.That(link.Properties.GetProperty("backendResourceId").GetString(), Is.EqualTo(app.Id));
            Assert.That(trust.Id, Does.StartWith(app.Id + "/"));
            Assert.That(Value(trust.Find("properties", "platform", "enabled")), Is.EqualTo(true));
            Assert.That(
                trust.Find("properties", "globalValidation")!.Value.EnumerateObject().Select(p => $"{p.Name}: {p.Value}"),
                Is.EquivalentTo(new[] { "requireAuthentication: True", "unauthenticatedClientAction: Return401" }), "and no path is left out");
            Assert.That(trust.Find("properties", "identityProviders")!.Value.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "azureStaticWebApps" }));
            Assert.That(Value(trust.Find("properties", "identityProviders", "azureStaticWebApps", "registration", "clientId")), Does.Contain(site.Name).And.Contain("defaultHostname"));
        });
    }

    [Test]
    public void Regions_share_nothing()
    {
        var others = Infrastructure.Regions.Where(r => r != regionName).Select(Infrastructure.Region);
        var group = _region.Of("Microsoft.Resources/resourceGroups").Single();

        Assert.That(_region.Resources.Skip(1).Select(r => r.Id), Has.All.Match($"^{group.Id}/|^\\[resourceId\\('{Guid.Empty}', '{group.Name}',"));
        foreach (var other in others)
            Assert.That(_region.Text, Does.Not.Contain($"/resourceGroups/pumps-{other.Code}/"), other.Name);
    }

    private IEnumerable<JsonElement> Routing(params string[] path) =>
        _region.Of("Microsoft.Devices/IotHubs").Single().Find(["properties", "routing", .. path])!.Value.EnumerateArray();

    private static object? Value(JsonElement? element) => element?.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => element?.ToString(),
    };

    /// <summary>Types of all parameters and outputs, at any depth.</summary>
    private static IEnumerable<string> Types(JsonElement template) => template.ValueKind switch
    {
        JsonValueKind.Object => template.EnumerateObject().SelectMany(m => m.Name is "parameters" or "outputs" && m.Value.ValueKind is JsonValueKind.Object
            ? m.Value.EnumerateObject().Select(p => p.Value.ValueKind is JsonValueKind.Object && p.Value.TryGetProperty("type", out var type) ? type.ToString() : "").Concat(Types(m.Value))
            : Types(m.Value)),
        JsonValueKind.Array => template.EnumerateArray().SelectMany(Types),
        _ => [],
    };

    [GeneratedRegex(@"\blist[A-Z]\w*\s*\(")]
    private static partial Regex KeyFunction();
}
