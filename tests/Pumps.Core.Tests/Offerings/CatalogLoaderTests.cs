using System.Text.Json.Nodes;
using Pumps.Core.Protocols;
using Pumps.Handlers.Offerings;

namespace Pumps.Core.Tests.Offerings;

public sealed class CatalogLoaderTests
{
    private string _folder = null!;

    [SetUp]
    public void CopyCatalog()
    {
        _folder = Path.Combine(Path.GetTempPath(), "pumps-catalog-" + Guid.NewGuid().ToString("N"));
        foreach (var file in Directory.EnumerateFiles(CatalogLoader.DefaultFolder, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(_folder, Path.GetRelativePath(CatalogLoader.DefaultFolder, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    [TearDown]
    public void RemoveCopy() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void The_catalog_of_this_repository_has_no_fault()
    {
        var catalog = CatalogLoader.Load(_folder);

        Assert.That(catalog.Offerings.Keys, Is.EquivalentTo(["irrigation", "fire-protection", "water-mixing"]));
        Assert.That(catalog.Routes.RawHubFor("telemetry", "dp1"), Is.EqualTo("raw-telemetry-dp1"));
        Assert.That(catalog.Routes.RawHubFor("telemetry", "$twin.tags.protocol"), Is.EqualTo("raw-unrouted"));
        Assert.That(catalog.FeedHub("fire-protection", FrameKind.Event), Is.EqualTo("fire-protection-events"));
        Assert.That(catalog.FeedHub("irrigation", FrameKind.Describe), Is.EqualTo("command-results"));
        Assert.That(catalog.FeedHub("unheard-of", FrameKind.Telemetry), Is.Null);
        Assert.That(catalog.Routes.FeedHubs.Select(h => h.Name).ToList(), Has.Count.EqualTo(7).And.Member("water-mixing-telemetry"));
    }

    [Test]
    public void A_fourth_offering_is_only_new_files()
    {
        Write("offerings/dosing.json", """{ "id": "dosing", "name": "Dosing" }""");
        Write("dictionaries/7001-dosing.json", """
            { "id": 28673, "revision": 1, "name": "dosing", "points": [ { "id": 16, "name": "ph", "type": "decimal", "unit": "[pH]", "exponent": -2 } ],
              "events": [], "commands": [] }
            """);
        Write("products/dosing-pump.json", """
            { "id": "dosing-pump", "name": "Dosing pump", "offering": "dosing", "protocol": "dp2", "dictionary": 28673, "reportIntervalSeconds": 60 }
            """);

        var catalog = CatalogLoader.Load(_folder);

        Assert.That(catalog.FeedHub("dosing", FrameKind.Telemetry), Is.EqualTo("dosing-telemetry"));
        Assert.That(catalog.Routes.FeedHubs.Single(h => h.Name == "dosing-telemetry").ConsumerGroups, Does.Contain("history"));
        Assert.That(catalog.Dictionaries.Find(28673)!.Find(16)!.Name, Is.EqualTo("ph"));
    }

    /// <summary>Each fault names the file, the place and the rule.</summary>
    [TestCase("products/fire-panel.json", "offering", "\"fire\"", "products/fire-panel.json: /offering: there is no offering \"fire\"")]
    [TestCase("products/fire-panel.json", "dictionary", "4", "products/fire-panel.json: /dictionary: there is no dictionary 4")]
    [TestCase("products/fire-panel.json", "protocol", "\"dp3\"", "products/fire-panel.json: /protocol: NotInEnumeration")]
    [TestCase("products/fire-panel.json", "colour", "\"red\"", "products/fire-panel.json: /colour: NoAdditionalPropertiesAllowed")]
    [TestCase("products/fire-panel.json", "counters", """[{ "point": "heat" }]""", "/counters/0/point: dictionary 513 (fire-protection) has no point \"heat\"")]
    [TestCase("offerings/irrigation.json", "id", "\"water-mixing\"", "offerings/water-mixing.json: /id: \"water-mixing\" is there more than once")]
    [TestCase("offerings/irrigation.json", "name", "\"\"", "offerings/irrigation.json: /name: StringTooShort")]
    [TestCase("dictionaries/0103-irrigation-zone.json", "id", "\"x\"", "dictionaries/0103-irrigation-zone.json: /id: IntegerExpected")]
    [TestCase("routes.json", "enrichments", "[]", "routes.json: /enrichments: the pipeline needs an enrichment named \"protocol\"")]
    public void A_fault_names_the_file_the_place_and_the_rule(string file, string member, string value, string expected)
    {
        Change(file, root => root[member] = JsonNode.Parse(value));

        Assert.That(Fault(), Does.Contain(expected));
    }

    /// <summary>A command whose fault would otherwise come to light in the field: it stands second, behind one that is right.</summary>
    [TestCase("v1", """ "name": "stop", "timeToLiveSeconds": 61 """, "1/timeToLiveSeconds: dp1 keeps a command at most 60 s")]
    [TestCase("v1", """ "name": "fly" """, "1: DP1 has no command \"fly\"")]
    [TestCase("v1", """ "name": "halt", "wire": "halt" """, "1: DP1 has no command \"halt\"")]
    [TestCase("v1", """ "name": "set_speed", "arguments": [{ "name": "setpoint_speed" }] """,
        "1: argument \"setpoint_speed\" may be 0 to 6000; arg1 of DP1's set_speed carries 600 to 6000: narrow it with min and max")]
    [TestCase("v1", """ "name": "set_speed" """, "1: arg1 of DP1's set_speed takes 600 to 6000: one argument must say which, and only one")]
    [TestCase("v1", """ "name": "set_pressure", "arguments": [{ "name": "setpoint_pressure" }, { "name": "again", "type": "uint", "max": "9" }] """,
        "1: arg1 of DP1's set_pressure takes 0 to 2500: one argument must say which, and only one")]
    [TestCase("v1", """ "name": "set_mode", "arguments": [{ "name": "mood" }] """,
        "1: argument \"mood\" has no type, and dictionary 257 (irrigation-pump) has no such point")]
    [TestCase("v1", """ "name": "set_mode", "arguments": [{ "name": "firmware_version" }] """,
        "1: argument \"firmware_version\" is a string; commands take bool, uint, int, decimal, enum and bitmask")]
    [TestCase("v1", """ "name": "set_pressure", "arguments": [{ "name": "setpoint_pressure", "max": "26" }] """,
        "1: argument \"setpoint_pressure\" needs a range within 0 to 25")]
    [TestCase("v1", """ "name": "set_pressure", "arguments": [{ "name": "setpoint_pressure", "min": "9", "max": "8" }] """,
        "1: argument \"setpoint_pressure\" needs a range within 0 to 25")]
    [TestCase("v1", """ "name": "read_param", "arguments": [{ "name": "parameter", "type": "uint" }] """, "1: argument \"parameter\" needs a range within 0 to -")]
    [TestCase("v1", """ "name": "set_pressure", "arguments": [{ "name": "setpoint_pressure", "default": "4.253" }] """,
        "1: argument \"setpoint_pressure\" has the default 4.253, which is not a number from 0 to 25 bar, in steps of 0.01")]
    [TestCase("v1", """ "name": "start" """, ": \"start\" is there more than once")]
    [TestCase("v1", """ "name": "stop", "role": "owner" """, "1/role: NotInEnumeration")]
    [TestCase("v1", """ "name": "stop", "confirm": "yes" """, "1/confirm: BooleanExpected")]
    [TestCase("v2", """ "name": "stop", "dictionary": 4 """, "1: there is no dictionary 4 in dictionaries/")]
    [TestCase("v2", """ "name": "reboot" """, "1: dictionary 257 (irrigation-pump) has no command \"reboot\"")]
    [TestCase("v2", """ "name": "set_speed", "arguments": [{ "name": "setpoint_flow" }] """,
        "1: argument \"setpoint_flow\": set_speed of dictionary 257 takes setpoint_speed, each with the type of its point")]
    [TestCase("v2", """ "name": "set_speed", "arguments": [{ "name": "setpoint_speed", "type": "int" }] """,
        "1: argument \"setpoint_speed\": set_speed of dictionary 257 takes setpoint_speed, each with the type of its point")]
    [TestCase("v2", """ "name": "stop", "arguments": [{ "name": "flow" }] """, "1: argument \"flow\": stop of dictionary 257 takes nothing")]
    [TestCase("v2", """ "name": "set_speed" """, "1: set_speed of dictionary 257 needs the argument \"setpoint_speed\"")]
    [TestCase("v1", """ "name": "set_param", "arguments": [{ "name": "p", "type": "uint", "min": "1", "max": "9" }, { "name": "p", "type": "uint", "max": "9", "field": "arg2" }] """,
        "1/arguments: \"p\" is there more than once")]
    [TestCase("v2", """ "name": "set_speed", "arguments": [{ "name": "setpoint_speed" }, { "name": "setpoint_speed", "max": "9" }] """,
        "1/arguments: \"setpoint_speed\" is there more than once")]
    [TestCase("v1", """ "name": "set_clock" """, "1: set_clock needs \"repeatable\": false: in a queue its time grows old")]
    [TestCase("v1", """ "name": "set_clock", "repeatable": false, "arguments": [{ "name": "clock", "type": "uint", "max": "9", "field": "arg2" }] """,
        "1/arguments: set_clock takes none: the region says the time when it sends the command")]
    [TestCase("v2", """ "name": "pumps[].start" """, "1/name: \"instances\" does not say how many \"pumps\" there are")]
    [TestCase("v2", """ "name": "pumps[1].start" """, "1/name: PatternMismatch")]
    [TestCase("v2", """ "name": "stop", "timeToLiveSeconds": 86401 """, "1/timeToLiveSeconds: NumberTooBig")]
    public void A_command_that_the_protocol_cannot_carry_is_a_fault_with_file_place_and_rule(string product, string command, string expected)
    {
        var file = $"products/irrigation-pump-{product}.json";
        Change(file, root => root["commands"] = JsonNode.Parse($$"""
            [{ "name": "start", "description": "Starts." }, { "description": "Second.", {{command}} }]
            """));

        Assert.That(Fault(), Does.Contain($"{file}: /commands{(expected[0] == ':' ? "" : "/")}{expected}"));
    }

    /// <summary>Parts of a device: they are in its dictionary, and their commands in that of the part.</summary>
    [TestCase("""[{ "point": "header_pressure", "min": 1, "max": 8 }]""", "start", "/instances/0/point: dictionary 258 (irrigation-station) has no group \"header_pressure\"")]
    [TestCase("""[{ "point": "pumps", "min": 2, "max": 1 }]""", "start", "/instances/0: min is 2 and max is 1")]
    [TestCase("""[{ "point": "pumps", "min": 1, "max": 2 }, { "point": "pumps", "min": 1, "max": 3 }]""", "start", "/instances/1/point: \"pumps\" is there more than once")]
    [TestCase("""[{ "point": "pumps", "min": -1, "max": 8 }]""", "start", "/instances/0/min: NumberTooSmall")]
    [TestCase("""[{ "point": "pumps", "min": 1, "max": 8 }]""", "fly", "/commands/0: dictionary 257 (irrigation-pump) has no command \"fly\"")]
    [TestCase("""[{ "point": "pumps", "min": 1, "max": 8 }]""", """start", "dictionary": 1, "role": "viewer""", "/commands/0/dictionary: commands of \"pumps\" are of its own dictionary")]
    public void Commands_of_parts_are_tied_to_the_dictionaries(string instances, string command, string expected)
    {
        const string file = "products/irrigation-station.json";
        Change(file, root =>
        {
            root["instances"] = JsonNode.Parse(instances);
            root["commands"] = JsonNode.Parse($$"""[{ "description": "One.", "name": "pumps[].{{command}}" }]""");
        });

        Assert.That(Fault(), Does.Contain($"{file}: {expected}"));
    }

    [Test]
    public void A_dp1_product_has_no_parts()
    {
        Change("products/irrigation-pump-v1.json", root => root["instances"] = JsonNode.Parse("""[{ "point": "pumps", "min": 1, "max": 8 }]"""));

        Assert.That(Fault(), Does.Contain("products/irrigation-pump-v1.json: /instances/0: DP1 has no way to name a part of a device"));
    }

    [Test]
    public void A_broken_file_and_a_missing_one_are_both_named()
    {
        Write("products/torn.json", "{ \"id\": ");
        File.Delete(Path.Combine(_folder, "routes.json"));

        var thrown = Assert.Throws<CatalogException>(() => CatalogLoader.Load(_folder));
        Assert.That(thrown!.Message, Does.Contain("products/torn.json: line 1: not valid JSON").And.Contain("routes.json: /: the file does not exist"));
    }

    [Test]
    public void More_hubs_than_a_namespace_holds_is_a_fault()
    {
        for (var i = 0; i < 3; i++)
            Write($"offerings/more-{i}.json", $$"""{ "id": "more-{{i}}", "name": "More" }""");

        var thrown = Assert.Throws<CatalogException>(() => CatalogLoader.Load(_folder));
        Assert.That(thrown!.Message, Does.Contain("routes.json: /feeds: 13 feed hubs; a Standard namespace holds 10"));
    }

    private string Fault() => Assert.Throws<CatalogException>(() => CatalogLoader.Load(_folder))!.Message;

    private void Change(string file, Action<JsonNode> change)
    {
        var path = Path.Combine(_folder, file);
        var root = JsonNode.Parse(File.ReadAllText(path))!;
        change(root);
        File.WriteAllText(path, root.ToJsonString());
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);
}
