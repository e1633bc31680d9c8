using System.Collections.Frozen;
using System.Text.Json;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Tests.Dp2;

/// <summary>Datapoints (sections 4.1 to 4.3): nothing in them rejects an uplink frame, and each case has its quality and warning.</summary>
public sealed class Dp2PointTests
{
    /// <summary>A dictionary with a point of every type, and a group of itself.</summary>
    private static readonly DataDictionary Everything = new(
        0x7001, 1, "everything",
        [
            new() { Id = 16, Name = "bool", Type = PointType.Bool },
            new() { Id = 17, Name = "uint", Type = PointType.Uint, Max = "100" },
            new() { Id = 18, Name = "int", Type = PointType.Int, Min = "-5", Max = "5" },
            new() { Id = 19, Name = "decimal", Type = PointType.Decimal, Exponent = -2, Min = "-0.05", Max = "14.001" },
            new() { Id = 20, Name = "float32", Type = PointType.Float32, Min = "0", Max = "1" },
            new() { Id = 21, Name = "float64", Type = PointType.Float64 },
            new() { Id = 22, Name = "string", Type = PointType.String },
            new() { Id = 23, Name = "bytes", Type = PointType.Bytes },
            new() { Id = 24, Name = "enum", Type = PointType.Enum, Labels = new Dictionary<uint, string> { [1] = "one", [70] = "seventy" }.ToFrozenDictionary() },
            new() { Id = 25, Name = "bitmask", Type = PointType.Bitmask },
            new() { Id = 26, Name = "group", Type = PointType.Group, Child = 0x7001, ChildRevision = 1 },
            new() { Id = 27, Name = "orphans", Type = PointType.Group, Child = 0x7002, ChildRevision = 1 },
            new() { Id = 28, Name = "hundreds", Type = PointType.Decimal, Exponent = 2, Max = "1000" },
        ],
        [], [new CommandDefinition(16, "set_both", [17, 16], 1)], null);

    private static readonly DecodeContext Context = Dp2Samples.Up with { Dictionaries = new DictionarySet([Everything]) };

    private static JsonElement Body(string points, out string warnings)
    {
        var fields = new Dp2FieldWriter();
        fields.Unsigned(1, 0x7001);
        fields.Unsigned(2, 1);
        var mark = fields.BeginGroup(3);
        fields.Raw(Dp2Samples.Hex(points));
        fields.EndGroup(mark);
        var frame = Dp2Samples.Good(Dp2Encoder.Frame(FrameKind.Telemetry, Dp2Samples.Header, fields.Written), Context);
        warnings = string.Join(' ', frame.Warnings.Codes());

        // What is kept must also survive being encoded and decoded again.
        var again = Dp2Samples.Good(Dp2Encoder.Encode(frame), Context);
        Assert.That(JsonElement.DeepEquals(Dp2Samples.Json(again).GetProperty("body"), Dp2Samples.Json(frame).GetProperty("body")));
        return Dp2Samples.Json(frame).GetProperty("body");
    }

    [TestCase("80 01 01", "bool", "true", "good", "")]
    [TestCase("80 01 02", "bool", null, "type_mismatch", "W_POINT_TYPE")]
    [TestCase("81 01 02", "bool", null, "type_mismatch", "W_POINT_TYPE")]
    [TestCase("88 01 64", "uint", "100", "good", "")]
    [TestCase("88 01 65", "uint", "101", "out_of_range", "W_RANGE")]
    [TestCase("88 01 ff ff ff ff ff ff ff ff ff 01", "uint", "18446744073709551615", "out_of_range", "W_RANGE")]
    [TestCase("89 01 02", "uint", null, "type_mismatch", "W_POINT_TYPE")]
    [TestCase("91 01 09", "int", "-5", "good", "")]
    [TestCase("91 01 0b", "int", "-6", "out_of_range", "W_RANGE")]
    [TestCase("91 01 ff ff ff ff ff ff ff ff ff 01", "int", "-9223372036854775808", "out_of_range", "W_RANGE")]
    [TestCase("99 01 09", "decimal", "-0.05", "good", "")]
    [TestCase("99 01 0b", "decimal", "-0.06", "out_of_range", "W_RANGE")]
    [TestCase("99 01 f0 15", "decimal", "14.00", "good", "")]
    [TestCase("99 01 f2 15", "decimal", "14.01", "out_of_range", "W_RANGE")]
    [TestCase("9d 01 fd e2 da 01", "decimal", "14.001", "good", "")]
    [TestCase("9d 01 fd e4 da 01", "decimal", "14.002", "out_of_range", "W_RANGE")]
    [TestCase("9d 01 0c 02", "decimal", "1000000000000", "out_of_range", "W_RANGE")]
    [TestCase("9d 01 0c 00", "decimal", "0", "good", "")]
    [TestCase("9d 01 f4 01", "decimal", "-0.000000000001", "good", "")]
    [TestCase("9d 01 f4 ff ff ff ff ff ff ff ff ff 01", "decimal", "-9223372.036854775808", "out_of_range", "W_RANGE")]
    [TestCase("98 01 01", "decimal", null, "type_mismatch", "W_POINT_TYPE")]
    [TestCase("a3 01 00 00 00 80", "float32", "0", "good", "")]
    [TestCase("a3 01 cd cc cc 3d", "float32", "0.10000000149011612", "good", "")]
    [TestCase("a3 01 01 00 80 3f", "float32", "1.0000001192092896", "out_of_range", "W_RANGE")]
    [TestCase("a3 01 00 00 80 7f", "float32", null, "out_of_range", "W_RANGE")]
    [TestCase("a3 01 01 00 80 ff", "float32", null, "not_available", "")]
    [TestCase("a4 01 00 00 00 00 00 00 00 00", "float32", null, "type_mismatch", "W_POINT_TYPE")]
    [TestCase("ab 01 00 00 c0 3f", "float64", "1.5", "good", "")]
    [TestCase("ac 01 50 ef e2 d6 e4 1a 4b 44", "float64", "1e+21", "good", "")]
    [TestCase("ac 01 00 00 00 00 00 00 f0 ff", "float64", null, "out_of_range", "W_RANGE")]
    [TestCase("b2 01 03 e2 82 ac", "string", "€", "good", "")]
    [TestCase("b2 01 00", "string", "", "good", "")]
    [TestCase("b2 01 01 00", "string", null, "type_mismatch", "W_POINT_TYPE")]
    [TestCase("b2 01 02 c0 80", "string", null, "type_mismatch", "W_POINT_TYPE")]
    [TestCase("ba 01 02 c0 80", "bytes", "c080", "good", "")]
    [TestCase("c0 01 01", "enum", "1", "good", "")]
    [TestCase("c0 01 46", "enum", "70", "good", "")]
    [TestCase("c0 01 02", "enum", "2", "unknown_enum", "W_ENUM")]
    [TestCase("c0 01 81 80 80 80 10", "enum", "4294967297", "unknown_enum", "W_ENUM")]
    [TestCase("c8 01 ff ff ff ff ff ff ff ff ff 01", "bitmask", "18446744073709551615", "good", "")]
    [TestCase("d0 01 00", "group", null, "type_mismatch", "W_POINT_TYPE")]
    [TestCase("d6 01 00", "group", null, "not_available", "")]
    [TestCase("9f 01 03 98 01 01", "decimal", null, "type_mismatch", "W_POINT_TYPE")]
    [TestCase("e1 01 14", "decimal", "1000", "good", "")]
    [TestCase("e1 01 16", "decimal", "1100", "out_of_range", "W_RANGE")]
    public void A_value_has_the_quality_of_the_table(string point, string type, string? value, string quality, string warning)
    {
        var json = Body(point, out var warnings).GetProperty("points")[0];
        Assert.Multiple(() =>
        {
            Assert.That(json.GetProperty("type").GetString(), Is.EqualTo(type));
            var shown = json.GetProperty("value");
            Assert.That(shown.ValueKind is JsonValueKind.True ? "true" : shown.GetString(), Is.EqualTo(value));
            Assert.That(json.GetProperty("quality").GetString(), Is.EqualTo(quality));
            Assert.That(warnings, Is.EqualTo(warning));
            Assert.That(json.TryGetProperty("raw", out _), Is.EqualTo(quality == "type_mismatch"));
            Assert.That(json.TryGetProperty("label", out _), Is.EqualTo(type == "enum" && quality != "type_mismatch"));
            Assert.That(json.TryGetProperty("reason", out _), Is.EqualTo(point.StartsWith("d6", StringComparison.Ordinal)));
            Assert.That(json.TryGetProperty("bits", out _), Is.EqualTo(type.StartsWith("float", StringComparison.Ordinal) && quality != "type_mismatch"));
        });
    }

    [TestCase("82 01 02 ab cd", "bytes", "02abcd")]
    [TestCase("83 01 00 00 c0 3f", "f32", "0000c03f")]
    [TestCase("85 01 fe 05", "dec", "fe05")]
    [TestCase("87 01 03 88 01 05", "group", "03880105")]
    [TestCase("80 01 80 02", "uvarint", "8002")]
    public void A_mismatch_shows_wire_type_and_the_bytes_after_the_tag(string point, string wire, string raw)
    {
        var json = Body(point, out _).GetProperty("points")[0];
        Assert.That((json.GetProperty("wire").GetString(), json.GetProperty("raw").GetString()), Is.EqualTo((wire, raw)));
    }

    [TestCase("a6 38 03", "null", null, 3)]
    [TestCase("a6 38 09", "null", null, 0)]
    [TestCase("a3 38 00 00 c0 7f", "f32", null, null)]
    [TestCase("a4 38 00 00 00 00 00 00 f0 7f", "f64", null, null)]
    [TestCase("a5 38 02 09", "dec", "-500", null)]
    [TestCase("a5 38 fe 09", "dec", "-0.05", null)]
    public void An_unknown_id_is_shown_by_its_wire_type(string point, string type, string? value, int? reason)
    {
        var json = Body(point, out var warnings).GetProperty("points")[0];
        Assert.Multiple(() =>
        {
            Assert.That(json.GetProperty("type").GetString(), Is.EqualTo(type));
            Assert.That(json.GetProperty("value").GetString(), Is.EqualTo(value));
            Assert.That(json.GetProperty("quality").GetString(), Is.EqualTo("unknown_id"));
            Assert.That(json.TryGetProperty("reason", out var shown) ? shown.GetInt32() : (int?)null, Is.EqualTo(reason));
            Assert.That(warnings, Is.EqualTo("W_POINT_UNKNOWN"));
        });
    }

    [TestCase("88 01 05 88 01 06", 1, "W_POINT_DUP", TestName = "Duplicates: the first wins")]
    [TestCase("88 01 05 89 01 06", 1, "W_POINT_DUP", TestName = "Duplicates: of another wire type, without its warnings")]
    [TestCase("91 01 02 88 01 05 91 01 04 88 01 05", 2, "W_POINT_DUP", TestName = "Duplicates: ids that descend")]
    [TestCase("91 01 02 88 01 05 80 01 01", 3, "", TestName = "Duplicates: none among ids that descend")]
    [TestCase("d7 01 05 08 01 88 01 05 d7 01 05 08 02 88 01 05", 2, "", TestName = "Duplicates: two instances of a group")]
    [TestCase("d7 01 05 08 01 88 01 05 d7 01 05 88 01 06 08 01", 1, "W_POINT_DUP", TestName = "Duplicates: the same instance, its number last")]
    [TestCase("d7 01 03 88 01 05 d7 01 05 08 00 91 01 06", 1, "W_POINT_DUP", TestName = "Duplicates: instance 0 is the default")]
    [TestCase("d7 01 05 08 02 88 01 05 d7 01 05 08 01 88 01 05", 2, "", TestName = "Duplicates: instances that descend")]
    [TestCase("d7 01 03 88 01 05 d6 01 00", 2, "", TestName = "Duplicates: a group and a null of one id")]
    [TestCase("a0 38 05 a0 38 05", 1, "W_POINT_DUP W_POINT_UNKNOWN", TestName = "Duplicates: of an unknown id")]
    [TestCase("d7 01 08 08 01 88 01 05 88 01 06", 1, "W_POINT_DUP", TestName = "Duplicates: in an instance")]
    public void The_same_id_in_one_container_counts_once(string points, int count, string warning)
    {
        var body = Body(points, out var warnings);
        Assert.That((body.GetProperty("points").GetArrayLength(), warnings), Is.EqualTo((count, warning)));
    }

    [TestCase("08 01 88 01 05", "", "W_FIELD_UNKNOWN", TestName = "Structure: an instance number at the top")]
    [TestCase("12 01 41 88 01 05", "", "W_FIELD_UNKNOWN", TestName = "Structure: an instance name at the top")]
    [TestCase("78 00 88 01 05", "", "W_FIELD_UNKNOWN", TestName = "Structure: a reserved id")]
    [TestCase("d7 01 0b 88 01 05 12 01 41 12 01 42 08 07", "group[7]", "", TestName = "Structure: number and name may come last, the first name counts")]
    [TestCase("d7 01 07 08 07 08 08 88 01 05", "group[7]", "", TestName = "Structure: the first number counts")]
    [TestCase("d7 01 08 12 01 ff 88 01 05 18 00", "group[0]", "W_FIELD_UNKNOWN W_POINT_TYPE", TestName = "Structure: a name that is not text")]
    [TestCase("d7 01 05 10 01 88 01 05", "group[0]", "W_POINT_TYPE", TestName = "Structure: a name that is a number")]
    [TestCase("d7 01 05 09 02 88 01 05", "group[0]", "W_FIELD_UNKNOWN", TestName = "Structure: an instance number that is signed")]
    [TestCase("d7 01 08 d7 01 05 08 02 88 01 05", "group[0].group[2]", "", TestName = "Structure: a group in a group")]
    [TestCase("df 01 05 08 01 88 01 05", "orphans[1]", "W_POINT_UNKNOWN", TestName = "Structure: a child that is not known")]
    [TestCase("a7 38 05 08 01 88 01 05", "#900[1]", "W_POINT_UNKNOWN", TestName = "Structure: a group that is not known")]
    [TestCase("d7 01 0e 08 ff ff ff ff ff ff ff ff ff 01 88 01 05", "group[18446744073709551615]", "", TestName = "Structure: the largest instance number")]
    public void A_group_gives_its_points_a_path(string points, string path, string warning)
    {
        var body = Body(points, out var warnings);
        Assert.That((body.GetProperty("points")[0].GetProperty("path").GetString(), warnings), Is.EqualTo((path, warning)));
    }

    [Test]
    public void Instances_lists_groups_that_carry_a_name_from_outside_in()
    {
        // The outer name stands behind the inner group.
        var body = Body("d7 01 0b d7 01 03 12 01 42 12 01 41 08 03 d7 01 02 08 05 a7 38 02 12 00", out _);
        Assert.That(
            body.GetProperty("instances").EnumerateArray().Select(i => $"{i.GetProperty("path")}={i.GetProperty("name")}"),
            Is.EqualTo(["group[3]=A", "group[3].group[0]=B", "#900[0]="]));
    }

    [Test]
    public void Arguments_may_come_in_any_order()
    {
        var bytes = Dp2Encoder.Encode(
            Dp2Samples.Header, new Dp2Command([1, 2, 3, 4], 16, 0), 0x7001, 1, p => p.Unsigned(17, 3).Bool(16, true));
        var frame = Dp2Samples.Good(bytes, Context with { Direction = Direction.Down });
        Assert.That((frame.Points.Count, frame.Warnings), Is.EqualTo((2, DecodeWarnings.None)));
    }

    [Test]
    public void A_range_that_is_no_number_stops_the_load_of_its_dictionary() =>
        Assert.That(
            () => new DataDictionary(1, 1, "bad", [new() { Id = 16, Name = "x", Type = PointType.Uint, Max = "1e9" }], [], [], null),
            Throws.TypeOf<FormatException>().With.Message.Contains("\"1e9\""));
}
