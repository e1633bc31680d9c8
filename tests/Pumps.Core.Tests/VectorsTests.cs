using System.Text;
using System.Text.Json.Nodes;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols.Vectors;
using Pumps.Handlers.Firmware;

namespace Pumps.Core.Tests;

/// <summary>The public vectors and sessions of both protocols, as the makers of devices run them.</summary>
public sealed class VectorsTests
{
    private static readonly DictionarySet Registered = new(
        Directory.GetFiles(Path.Combine(TestFiles.Root, "shared/catalog/dictionaries"), "*.json").Select(f => DictionaryJson.Parse(File.ReadAllBytes(f))));

    [TestCase("v1-valid.json", 28)]
    [TestCase("v1-malformed.json", 17)]
    [TestCase("v2-valid.json", 33)]
    [TestCase("v2-malformed.json", 23)]
    [TestCase("sessions.json", 10)]
    public void Every_public_vector_comes_out_as_expected(string file, int count)
    {
        var report = Run(file, Read(file).ToJsonString());

        Assert.That(Describe(report), Is.Empty);
        Assert.That(report.Passed, Is.EqualTo(count));
    }

    /// <summary>A runner that always says "passed" would pass the test above as well.</summary>
    [TestCase("v1-valid.json")]
    [TestCase("v2-valid.json")]
    public void A_changed_expectation_fails_and_names_the_place(string file)
    {
        var root = Read(file);
        foreach (var vector in root["vectors"]!.AsArray())
            vector!["expect"]!["message"]!["seq"] = "17";

        var report = Run(file, root.ToJsonString());

        Assert.That(report.Passed, Is.Zero);
        Assert.That(report.Failures.All(f => f.Differences is [{ Path: "$.seq", Expected: "\"17\"" }]), Is.True, Describe(report));
    }

    [Test]
    public void A_changed_error_code_fails()
    {
        var root = Read("v1-malformed.json");
        foreach (var vector in root["vectors"]!.AsArray())
            vector!["expect"]!["code"] = "E_OTHER";

        Assert.That(Run("v1-malformed.json", root.ToJsonString()).Passed, Is.Zero);
    }

    [Test]
    public void A_changed_reaction_fails_its_session()
    {
        var root = Read("sessions.json");
        foreach (var session in root["sessions"]!.AsArray())
            session!["expect"]![1] = "other";

        var report = Run("sessions.json", root.ToJsonString());

        Assert.That(report.Failures.Select(f => f.Differences[0].Path), Has.All.EqualTo("frames[1]").And.Exactly(10).Items);
    }

    [Test]
    public void A_changed_final_status_fails_its_session()
    {
        var root = Read("sessions.json");
        root["sessions"]![9]!["finalStatus"]!["received"] = 5;

        var report = Run("sessions.json", root.ToJsonString());

        Assert.That(report.Failures.Single().Differences.Single().ToString(), Is.EqualTo("finalStatus.received: expected 5, got 4"));
    }

    [TestCase("v1-unreadable", "\"hex\": \"b5zz\", \"expect\": {\"status\": \"error\", \"code\": \"E_CRC\"}")]
    [TestCase("v1-without-hex", "\"expect\": {\"status\": \"error\", \"code\": \"E_CRC\"}")]
    [TestCase("v1-without-expect", "\"hex\": \"b5\"")]
    [TestCase("v1-wrong-kinds", "\"hex\": \"b5\", \"context\": 7, \"expect\": [1]")]
    public void A_vector_that_cannot_be_read_counts_as_failed(string id, string members)
    {
        var report = Run("v1.json", $"{{\"schema\": \"device-protocol-vectors/1\", \"vectors\": [{{\"id\": \"{id}\", {members}}}]}}");

        Assert.That((report.Passed, report.Failed, report.Failures[0].Id), Is.EqualTo((0, 1, id)));
    }

    [TestCase("", "not JSON")]
    [TestCase("{}", "the schema is missing")]
    [TestCase("[]", "the schema is missing")]
    [TestCase("{\"schema\": \"device-protocol-vectors/2\"}", "the schema is device-protocol-vectors/2")]
    [TestCase("{\"schema\": \"device-protocol-vectors/1\"}", "\"vectors\" is missing")]
    public void A_file_that_is_no_vector_file_is_refused_with_the_reason(string text, string reason) =>
        Assert.That(() => Run("x.json", text), Throws.TypeOf<FormatException>().With.Message.Contains(reason));

    /// <summary>A malformed frame does not say which protocol it is of, and its first byte may be the defect.</summary>
    [TestCase("v2-hidden-001", "any.json", "B500", "E_MAGIC")]
    [TestCase("v1-hidden-001", "any.json", "D732", "E_MAGIC")]
    [TestCase("001", "v2-malformed.json", "B500", "E_MAGIC")]
    [TestCase("001", "any.json", "D732", "E_TRUNCATED")]
    [TestCase("001", "any.json", "B500", "E_LENGTH")]
    [TestCase("001", "any.json", "", "E_TRUNCATED")]
    public void The_protocol_follows_from_id_then_file_then_bytes(string id, string file, string hex, string code)
    {
        var report = Run(
            file,
            $"{{\"schema\": \"device-protocol-vectors/1\", \"vectors\": [{{\"id\": \"{id}\", \"hex\": \"{hex}\", \"expect\": {{\"status\": \"error\", \"code\": \"{code}\"}}}}]}}");

        Assert.That(Describe(report), Is.Empty);
    }

    private static VectorReport Run(string file, string json) => new VectorRunner(
        Registered, keys => new Ed25519Signatures(keys.ToDictionary(k => k.Key, k => Convert.FromHexString(k.Value)))).Run(file, Encoding.UTF8.GetBytes(json));

    private static JsonNode Read(string file) => JsonNode.Parse(File.ReadAllBytes(Path.Combine(TestFiles.Vectors, file)))!;

    private static string Describe(VectorReport report) =>
        string.Join('\n', report.Failures.Select(f => $"{f}: {string.Join("; ", f.Differences)}"));
}
