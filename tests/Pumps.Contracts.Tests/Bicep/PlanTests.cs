using System.Text.Json;
using System.Text.Json.Nodes;
using Pumps.Contracts.Tests.Azure;
using Pumps.Core.Capacity;
using Pumps.Handlers.Capacity;
using Pumps.Handlers.Offerings;
using Pumps.LocalRegion.Cli;
using Spectre.Console;

namespace Pumps.Contracts.Tests.Bicep;

/// <summary><c>pumps plan</c> and what it writes; and that the values in the repository are those of the model, for the size that each region's file states.</summary>
public sealed class PlanTests
{
    private const string Region = """
        using '../main.bicep'

        // Not to be touched: iotHub: { units: 99 }
        param region = {
          code: 'tst'
          zoneRedundant: true
          network: { kind: 'private', addresses: '10.20.0.0/21' }
          iotHub: { tier: 'S1', units: 1, retentionDays: 7 }
          rawHubs: { throughputUnits: 4, throughputUnitsMax: 20 }
          feedHubs: {
            throughputUnits: 8
            throughputUnitsMax: 40
            partitions: 1
          }
          database: {
            sku: 'Standard_D96ds_v5'
            tier: 'GeneralPurpose'
            storageGB: 16384 // grown once
            historyDays: 400
            administrators: { objectId: '0', name: 'it''s { not' }
          }
          apps: {
            Decode: { memoryMB: 2048, instancesMax: 100, alwaysReady: { 'function:DecodeTelemetryDp1': 2 } }
            Datapoints: {
              memoryMB: 2048
              instancesMax: 60
              alwaysReady: {}
            }
            Devices: { memoryMB: 2048, instancesMax: 40, alwaysReady: {} }
          }
        }

        """;

    // What a message costs in these tests; what it was measured to cost is for the regions' files alone.
    private static readonly Dictionary<string, double> Costs = new()
    {
        ["region_microseconds"] = 30, ["database_microseconds"] = 20, ["roll_up_microseconds"] = 30, ["roll_up_device_microseconds"] = 0.001,
        ["frame_bytes"] = 100, ["raw_event_bytes"] = 400, ["feed_events_per_frame"] = 1,
        ["feed_event_bytes"] = 1000, ["history_bytes"] = 500, ["history_key_bytes"] = 50, ["write_ahead_bytes"] = 1000, ["latest_bytes_per_device"] = 2000,
    };

    private string _catalog = null!;
    private FileInfo _file = null!;

    private static IEnumerable<string> Regions => Infrastructure.Regions;

    private static (int Raw, int Feeds) CatalogPartitions
    {
        get
        {
            var routes = CatalogLoader.Load(CatalogLoader.DefaultFolder).Routes;
            return (routes.RawHubs[0].Partitions, routes.FeedHubs[0].Partitions);
        }
    }

    [OneTimeSetUp]
    public void MakeCatalog()
    {
        _catalog = Directory.CreateTempSubdirectory("pumps-plan-catalog-").FullName;
        foreach (var file in Directory.GetFiles(CatalogLoader.DefaultFolder, "*.json", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(_catalog, Path.GetRelativePath(CatalogLoader.DefaultFolder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        ChangeFile("costs.json", "measured", cost => cost["value"] = Costs[(string)cost["name"]!]);
    }

    [OneTimeTearDown]
    public void RemoveCatalog() => Directory.Delete(_catalog, true);

    [SetUp]
    public void MakeFile()
    {
        _file = new(Path.Combine(Directory.CreateTempSubdirectory("pumps-plan-").FullName, "test.bicepparam"));
        File.WriteAllText(_file.FullName, Region);
    }

    [TearDown]
    public void RemoveFile() => _file.Directory!.Delete(true);

    [TestCaseSource(nameof(Regions))]
    public void The_file_of_a_region_has_what_the_model_gives_for_the_size_that_it_states(string region)
    {
        var before = File.ReadAllText(Infrastructure.ParameterFile(region));
        var file = new RegionFile(before);
        Assert.That(file.Plan, Is.Not.Null, "It states its size by: ./pumps plan ... --write bicep/regions/<region>.bicepparam");

        var plan = PlanCommand.Of(file.Plan!);
        file.Put(plan, file.Plan!, CatalogPartitions);

        Assert.That(plan.FitsOneRegion, Is.True);
        Assert.That(RegionFile.Difference(before, file.Text), Is.Empty, $"Repair it with: ./pumps plan {file.Plan} --write bicep/regions/{region}.bicepparam");
    }

    [TestCaseSource(nameof(Regions))]
    public void The_size_of_a_region_agrees_with_what_else_its_file_says(string region)
    {
        var file = new RegionFile(File.ReadAllText(Infrastructure.ParameterFile(region)));
        var load = PlanCommand.Of(file.Plan!).Workload;
        var partners = Infrastructure.Region(region).Of("Microsoft.EventHub/namespaces/eventhubs/consumergroups")
            .Where(g => g.Find("properties", "userMetadata")?.GetString() == "partner").Select(g => g.LastName).Distinct();

        Assert.Multiple(() =>
        {
            Assert.That(load.ZoneRedundant ? "true" : "false", Is.EqualTo(file.Read("zoneRedundant")));
            Assert.That($"{load.ArchiveCoolAfterDays}", Is.EqualTo(file.Read("archive.coolAfterDays")));
            Assert.That($"{load.ArchiveColdAfterDays}", Is.EqualTo(file.Read("archive.coldAfterDays")));
            Assert.That($"{load.ArchiveDeleteAfterDays}", Is.EqualTo(file.Read("archive.deleteAfterDays")));
            Assert.That(load.Partners, Is.EqualTo(partners.Count()));
            Assert.That($"{load.RetentionDays}", Is.EqualTo(file.Read("database.historyDays")));
            Assert.That(
                Infrastructure.Region(region).Of("Microsoft.Web/sites/config").Select(c => c.Find("properties", "Postgres__HistoryKept")?.GetString()).OfType<string>().Distinct(),
                Is.EqualTo(new[] { $"{load.RetentionDays}.00:00:00" }), "The apps drop what is older than the disk was sized for.");
            foreach (var app in FunctionApp.All.Select(a => a.Name))
                Assert.That(file.Read($"apps.{app}.memoryMB"), Is.EqualTo($"{Demand.InstanceMemoryMb}"), app);
        });
    }

    [Test]
    public void The_host_s_settings_are_those_of_the_model()
    {
        using var host = JsonDocument.Parse(File.ReadAllText(Path.Combine(FunctionApp.Repository, "host.json")));
        var hubs = host.RootElement.GetProperty("extensions").GetProperty("eventHubs");
        int Of(string name) => hubs.GetProperty(name).GetInt32();

        Assert.That(
            new HostSettings(Of("maxEventBatchSize"), Of("prefetchCount"), Of("batchCheckpointFrequency"), Of("targetUnprocessedEventThreshold")),
            Is.EqualTo(HostSettings.Of(CapacityFiles.Costs(CatalogLoader.DefaultFolder))));
    }

    /// <summary>Partitions that the catalog gives to regions which say none: enough for any region that Standard namespaces carry.</summary>
    [Test]
    public void The_catalog_s_partitions_are_those_of_the_largest_region()
    {
        var largest = PlanCommand.Of($"--devices {PlanCommand.Of("--devices 1 --interval 60 --retention 1").DevicesPerRegion} --interval 60 --retention 1");

        Assert.That(CatalogPartitions, Is.EqualTo((largest.RawHubs.Partitions, largest.FeedHubs.Partitions)));
    }

    [Test]
    public void Every_price_list_can_be_read() =>
        Assert.Multiple(() =>
        {
            foreach (var file in Directory.GetFiles(Path.Combine(CatalogLoader.DefaultFolder, "capacity", "prices"), "*.json"))
            {
                var location = Path.GetFileNameWithoutExtension(file);
                Assert.That(CapacityFiles.Prices(CatalogLoader.DefaultFolder, location, new Dictionary<string, double>()).Location, Is.EqualTo(location));
            }
        });

    [Test]
    public void A_price_without_a_source_is_a_guess_and_a_plan_says_what_rests_on_it()
    {
        ChangePrices(price =>
        {
            if ((string?)price["name"] == "captureThroughputUnit")
                (price["source"], price["note"]) = (null, "from memory");
        });

        var (code, text) = Run("--devices", "1000", "--interval", "60", "--prices", "elsewhere");
        Assert.That(code, Is.Zero, text);
        Assert.That(text, Does.Match("[1-9][0-9]* % of the sum rests on prices that are not verified: captureThroughputUnit\\."));

        (code, text) = Run("--devices", "1000", "--interval", "60", "--prices", "elsewhere", "--price", "captureThroughputUnit=70");
        Assert.That(code, Is.Zero, text);
        Assert.That(text, Does.Contain("Every price is published for westeurope, as of ").And.Contain("or was given").And.Not.Contain("not verified"));
    }

    [Test]
    public void A_price_has_a_source_that_is_listed_or_says_why_it_has_none()
    {
        ChangePrices(price => price["source"] = "hearsay");
        var (code, text) = Run("--devices", "1", "--interval", "60", "--prices", "elsewhere");
        Assert.That(code, Is.EqualTo(1));
        Assert.That(text, Does.Contain("\"iotHubS1Unit\" has the source \"hearsay\", which is not in /sources"));

        ChangePrices(price =>
        {
            price["source"] = null;
            price.Remove("note");
        });
        (code, text) = Run("--devices", "1", "--interval", "60", "--prices", "elsewhere");
        Assert.That(code, Is.EqualTo(1));
        Assert.That(text, Does.Contain("elsewhere.json: /prices/5/note: PropertyRequired"));
    }

    [Test]
    public void Writing_changes_the_derived_values_and_nothing_else()
    {
        var (code, text) = Run("--devices", "100000", "--interval", "120", "--offering", "irrigation", "--zone-redundant", "--write", _file.FullName);

        // 850 a second, 1,700 at the peak, 73.5 M a day: S2 15 units, 3750; one S3 unit 2500.
        var expected = Region
            .Replace("param region = {", "// plan: --devices 100000 --interval 120 --offering irrigation --zone-redundant\nparam region = {", StringComparison.Ordinal)
            .Replace("tier: 'S1', units: 1", "tier: 'S3', units: 1", StringComparison.Ordinal)
            .Replace("throughputUnits: 4, throughputUnitsMax: 20", "throughputUnits: 1, throughputUnitsMax: 2", StringComparison.Ordinal)
            .Replace("throughputUnits: 8", "throughputUnits: 2", StringComparison.Ordinal).Replace("throughputUnitsMax: 40", "throughputUnitsMax: 3", StringComparison.Ordinal)
            .Replace("partitions: 1", "partitions: 8", StringComparison.Ordinal)
            .Replace("Standard_D96ds_v5", "Standard_D2ds_v5", StringComparison.Ordinal).Replace("historyDays: 400", "historyDays: 90", StringComparison.Ordinal)
            .Replace("instancesMax: 100", "instancesMax: 40", StringComparison.Ordinal).Replace("instancesMax: 60", "instancesMax: 40", StringComparison.Ordinal);
        Assert.That(code, Is.Zero, text);
        Assert.That(File.ReadAllText(_file.FullName), Is.EqualTo(expected));
        Assert.That(text, Does.Contain("-   iotHub: { tier: 'S1', units: 1, retentionDays: 7 }").And.Contain("+   iotHub: { tier: 'S3', units: 1, retentionDays: 7 }"));
        Assert.That(text, Does.Contain("must be made anew").And.Contain("a disk cannot shrink"));
    }

    [Test]
    public void Writing_again_changes_nothing()
    {
        string[] options = ["--devices", "1000", "--interval", "60", "--offering", "irrigation=2", "water-mixing", "--partners", "3", "--price", "iotHubS1Unit=24.5", "--write", _file.FullName];
        Run(options);
        var first = File.ReadAllText(_file.FullName);
        var (code, text) = Run(options);

        Assert.That(code, Is.Zero, text);
        Assert.That(text, Does.Contain("says that already"));
        Assert.That(File.ReadAllText(_file.FullName), Is.EqualTo(first));
        var plan = PlanCommand.Of(new RegionFile(first).Plan!);
        Assert.That(plan.Workload.Offerings["irrigation"], Is.EqualTo(2));
        Assert.That(plan.Costs[0].Amount, Is.EqualTo(24.5 * plan.IotHub.UnitsPerHub));
    }

    [Test]
    public void A_member_that_is_not_there_is_put_into_its_object_on_one_line_or_on_several()
    {
        var plan = PlanCommand.Of("--devices 100000 --interval 60");
        var file = new RegionFile(Region.Replace("    partitions: 1\n", "", StringComparison.Ordinal));

        file.Put(plan, "--devices 100000 --interval 60", (1, 1));

        Assert.That(file.Text, Does.Contain($"throughputUnitsMax: {plan.RawHubs.UnitsMax}, partitions: {plan.RawHubs.Partitions} }}"));
        Assert.That(file.Text, Does.Contain($"    throughputUnitsMax: {plan.FeedHubs.UnitsMax}\n    partitions: {plan.FeedHubs.Partitions}\n  }}"));
    }

    [Test]
    public void What_one_region_does_not_carry_is_not_written()
    {
        var (code, text) = Run("--devices", "5000000", "--interval", "60", "--write", _file.FullName);

        Assert.That(code, Is.EqualTo(1));
        Assert.That(text, Does.Contain("one region does not carry this").And.Contain("iot_hub_devices").And.Contain("devices each"));
        Assert.That(File.ReadAllText(_file.FullName), Is.EqualTo(Region));
    }

    [TestCase("param other = {\n}\n")]
    [TestCase("param region = {\n  iotHub: { tier: 'S1'\n")]
    [TestCase("param region = {\n  iotHub: { tier: 'S1\n")]
    public void What_is_no_file_of_a_region_stays_as_it_is(string other)
    {
        File.WriteAllText(_file.FullName, other);

        var (code, text) = Run("--devices", "1000", "--interval", "60", "--write", _file.FullName);

        Assert.That(code, Is.EqualTo(1));
        Assert.That(text, Does.Contain("The file has no member").Or.Contain("of the file is not closed"));
        Assert.That(File.ReadAllText(_file.FullName), Is.EqualTo(other));
    }

    [TestCase("--offering there is no such offering", "--devices", "1", "--interval", "60", "--offering", "fire")]
    [TestCase("--devices is 0", "--devices", "0", "--interval", "60")]
    [TestCase("IoT Hub takes messages of 1 to 262144 bytes", "--devices", "1", "--interval", "60", "--message-bytes", "300000")]
    [TestCase("there is no price \"tea\"", "--devices", "1", "--interval", "60", "--price", "tea=1")]
    [TestCase("a price of 0 or more", "--devices", "1", "--interval", "60", "--price", "iotHubS1Unit=-1")]
    [TestCase("the file does not exist", "--devices", "1", "--interval", "60", "--prices", "moon")]
    [TestCase("is named like its location", "--devices", "1", "--interval", "60", "--prices", "../limits")]
    [TestCase("there is no such file", "--devices", "1", "--interval", "60", "--write", "nowhere.bicepparam")]
    public void Bad_input_is_named(string said, params string[] options)
    {
        var (code, text) = Run(options);

        Assert.That(code, Is.EqualTo(1));
        Assert.That(text, Does.Contain(said.Replace("--offering ", "", StringComparison.Ordinal)));
    }

    [Test]
    public void As_json_it_is_the_plan_and_nothing_else()
    {
        var (code, text) = Run("--devices", "1000000", "--interval", "60", "--price", "iotHubS3Unit=1", "--json");
        var plan = JsonElement.Parse(text);

        Assert.That(code, Is.Zero);
        Assert.That(plan.GetProperty("iotHub").GetProperty("tier").GetString(), Is.EqualTo("S3"));
        Assert.That(plan.GetProperty("first").GetProperty("devicesAt").GetInt64(), Is.EqualTo(plan.GetProperty("devicesPerRegion").GetInt64()));
        Assert.That(plan.GetProperty("costs")[0].GetProperty("amount").GetDouble(), Is.EqualTo(plan.GetProperty("costs")[0].GetProperty("quantity").GetDouble()));
    }

    [Test]
    public void The_tables_say_which_limit_comes_first_and_that_prices_are_inputs()
    {
        var (code, text) = Run("--devices", "5000000", "--interval", "60", "--offering", "irrigation");

        Assert.That(code, Is.Zero);
        Assert.That(text, Does.Contain("First limit: ").And.Contain("inputs, not quotes").And.Contain("As bicep/ deploys a region: "));
    }

    /// <summary>Makes a price list <c>elsewhere</c> out of that of West Europe.</summary>
    private void ChangePrices(Action<JsonObject> change)
    {
        var prices = Path.Combine(_catalog, "capacity", "prices");
        File.Copy(Path.Combine(prices, "westeurope.json"), Path.Combine(prices, "elsewhere.json"), overwrite: true);
        ChangeFile(Path.Combine("prices", "elsewhere.json"), "prices", change);
    }

    private void ChangeFile(string file, string list, Action<JsonObject> change)
    {
        var path = Path.Combine(_catalog, "capacity", file);
        var root = JsonNode.Parse(File.ReadAllText(path))!;
        foreach (var item in root[list]!.AsArray())
            change(item!.AsObject());
        File.WriteAllText(path, root.ToJsonString());
    }

    private (int Code, string Text) Run(params string[] options)
    {
        using var output = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 400;
        return (PlanCommand.Create(console, _catalog).Parse(options).Invoke(), output.ToString());
    }
}
