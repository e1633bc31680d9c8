using System.Text.Json;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Tests.Dp2;

public sealed class Dp2SeriesTests
{
    private const string Dictionary = "08 81 02 10 03 ";

    private static byte[] Frame(string fields)
    {
        var length = fields.Replace(" ", "", StringComparison.Ordinal).Length / 2;
        return Dp2Samples.Frame(FrameKind.Telemetry, Dictionary + $"2f {length:x2} " + fields);
    }

    // 0a path, 11 t0, 18 interval, 22 deltas, 28 count, 32 values, 39 exponent, 42 nulls, 48 encoding
    [TestCase("0a 01 10 11 01 18 01 28 02 32 02 02 02", DecodeError.None, TestName = "Series: the last sample at the frame")]
    [TestCase("0a 01 10 11 01 18 02 28 02 32 02 02 02", DecodeError.Series, TestName = "Series: the last sample later")]
    [TestCase("0a 01 10 11 01 28 02 32 02 02 02", DecodeError.Series, TestName = "Series: neither interval nor deltas")]
    [TestCase("0a 01 10 11 01 18 01 22 01 01 28 02 32 02 02 02", DecodeError.Series, TestName = "Series: interval and deltas")]
    [TestCase("0a 01 10 11 01 22 01 01 28 02 32 02 02 02", DecodeError.None, TestName = "Series: deltas")]
    [TestCase("0a 01 10 11 01 22 01 02 28 02 32 02 02 02", DecodeError.Series, TestName = "Series: deltas past the frame")]
    [TestCase("0a 01 10 11 01 22 0a ff ff ff ff ff ff ff ff ff 01 28 02 32 02 02 02", DecodeError.Series, TestName = "Series: a huge delta")]
    [TestCase("0a 01 10 11 01 22 00 28 02 32 02 02 02", DecodeError.Series, TestName = "Series: a delta missing")]
    [TestCase("0a 01 10 11 01 22 02 00 01 28 02 32 02 02 02", DecodeError.Series, TestName = "Series: a delta too many")]
    [TestCase("0a 01 10 11 01 22 01 80 28 02 32 02 02 02", DecodeError.Tlv, TestName = "Series: a delta cut")]
    [TestCase("0a 01 10 11 01 22 02 80 00 28 02 32 02 02 02", DecodeError.Varint, TestName = "Series: a long delta")]
    [TestCase("0a 01 10 11 00 22 00 28 01 32 01 02", DecodeError.None, TestName = "Series: one sample")]
    [TestCase("0a 01 10 11 00 18 01 28 00 32 00", DecodeError.Range, TestName = "Series: no sample")]
    [TestCase("0a 01 10 11 00 18 01 28 81 20 32 00", DecodeError.Range, TestName = "Series: 4097 samples")]
    [TestCase("0a 01 10 11 00 18 00 28 01 32 01 02", DecodeError.Range, TestName = "Series: interval 0")]
    [TestCase("0a 01 10 11 00 18 80 b8 99 29 28 01 32 01 02", DecodeError.None, TestName = "Series: interval of a day")]
    [TestCase("0a 01 10 11 00 18 81 b8 99 29 28 01 32 01 02", DecodeError.Range, TestName = "Series: interval above a day")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 00", DecodeError.Series, TestName = "Series: a value missing")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 02 02 02", DecodeError.Series, TestName = "Series: a value too many")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 01 82", DecodeError.Tlv, TestName = "Series: a value cut")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 02 82 00", DecodeError.Varint, TestName = "Series: a long value")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 00 42 01 01", DecodeError.None, TestName = "Series: all null")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 00 42 01 03", DecodeError.Series, TestName = "Series: a spare null bit")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 01 02 42 02 00 00", DecodeError.Series, TestName = "Series: a null byte too many")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 01 02 42 00", DecodeError.Series, TestName = "Series: a null byte missing")]
    [TestCase("0a 01 10 11 01 18 01 28 02 32 0b fe ff ff ff ff ff ff ff ff 01 02", DecodeError.Series, TestName = "Series: the sum overflows")]
    [TestCase("0a 01 10 11 01 18 01 28 02 32 0b fe ff ff ff ff ff ff ff ff 01 01", DecodeError.None, TestName = "Series: the sum comes back from the edge")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 04 00 00 80 3f 48 01", DecodeError.None, TestName = "Series: floats")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 03 00 00 80 48 01", DecodeError.Series, TestName = "Series: floats cut")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 01 02 48 02", DecodeError.Range, TestName = "Series: encoding 2")]
    [TestCase("0a 01 10 11 00 18 01 28 01 32 01 02 39 1a", DecodeError.Range, TestName = "Series: exponent 13")]
    [TestCase("0a 00 11 00 18 01 28 01 32 01 02", DecodeError.Field, TestName = "Series: empty path")]
    [TestCase("0a 02 14 01 11 00 18 01 28 01 32 01 02", DecodeError.Field, TestName = "Series: path to a container")]
    [TestCase("0a 0b 14 01 14 01 14 01 14 01 14 01 10 11 00 18 01 28 01 32 01 02", DecodeError.Field, TestName = "Series: path of eleven numbers")]
    [TestCase("0a 01 10 11 00 18 01 28 01", DecodeError.Missing, TestName = "Series: no values")]
    [TestCase("0a 01 10 11 00 28 01 32 01 02 80 04 00", DecodeError.Critical, TestName = "order: must-understand field before content")]
    [TestCase("0a 01 10 11 00 22 01 80 28 01 32 01 80 42 02 00 00", DecodeError.Series, TestName = "order: nulls, then deltas, then values")]
    public void A_series_gives_the_first_check_it_fails(string fields, DecodeError expected) =>
        Assert.That(Dp2Samples.Decode(Frame(fields), out _), Is.EqualTo(expected));

    [TestCase(4096, 0, DecodeError.None)]
    [TestCase(4095, 1, DecodeError.None)]
    [TestCase(4096, 1, DecodeError.Count)]
    public void All_series_of_a_frame_have_at_most_4096_samples(int first, int second, DecodeError expected)
    {
        var bytes = Dp2Encoder.Telemetry(Dp2Samples.Header, 0x0101, 3, t =>
        {
            t.Series(new Dp2Series([], 16, -4095, 1) { Integers = [.. Enumerable.Repeat<long?>(0, first)] });
            if (second > 0)
                t.Series(new Dp2Series([], 17, 0, 1) { Integers = [.. Enumerable.Repeat<long?>(0, second)] });
        });
        Assert.That(Dp2Samples.Decode(bytes, out var frame), Is.EqualTo(expected));
        if (expected is DecodeError.None)
            Assert.That(frame.Points.Count, Is.EqualTo(first + second));
    }

    private static JsonElement Points(Dp2Series series, out string warnings, ushort dictionary = 0x0101, ushort revision = 3)
    {
        var frame = Dp2Samples.Good(Dp2Encoder.Telemetry(Dp2Samples.Header, dictionary, revision, t => t.Series(series)));
        warnings = string.Join(' ', frame.Warnings.Codes());
        return Dp2Samples.Json(frame).GetProperty("body").GetProperty("points");
    }

    private static string Shown(JsonElement points) => string.Join(' ', points.EnumerateArray().Select(p =>
        $"{p.GetProperty("type")}:{(p.GetProperty("value").ValueKind is JsonValueKind.Null ? "-" : p.GetProperty("value"))}:{p.GetProperty("quality")}"
        + (p.TryGetProperty("raw", out var raw) ? $":{p.GetProperty("wire")}:{raw}" : "")));

    [TestCase(25u, null, "uint:5:good uint:-:type_mismatch:svarint:03 uint:-:not_available", "W_POINT_TYPE")]
    [TestCase(43u, null, "bool:-:type_mismatch:svarint:0a bool:-:type_mismatch:svarint:03 bool:-:not_available", "W_POINT_TYPE")]
    [TestCase(46u, null, "int:5:good int:-2:good int:-:not_available", "")]
    [TestCase(23u, null, "enum:5:good enum:-:type_mismatch:svarint:03 enum:-:not_available", "W_POINT_TYPE")]
    [TestCase(18u, null, "decimal:0.05:good decimal:-0.02:good decimal:-:not_available", "")]
    [TestCase(18u, -1, "decimal:0.5:good decimal:-0.2:good decimal:-:not_available", "")]
    [TestCase(18u, 1, "decimal:50:out_of_range decimal:-20:out_of_range decimal:-:not_available", "W_RANGE")]
    [TestCase(25u, 1, "uint:5:good uint:-:type_mismatch:svarint:03 uint:-:not_available", "W_POINT_TYPE")]
    [TestCase(41u, null, "float32:-:type_mismatch:svarint:0a float32:-:type_mismatch:svarint:03 float32:-:not_available", "W_POINT_TYPE")]
    [TestCase(39u, null, "string:-:type_mismatch:svarint:0a string:-:type_mismatch:svarint:03 string:-:not_available", "W_POINT_TYPE")]
    [TestCase(900u, null, "svarint:5:unknown_id svarint:-2:unknown_id null:-:unknown_id", "W_POINT_UNKNOWN")]
    [TestCase(900u, -1, "dec:0.5:unknown_id dec:-0.2:unknown_id null:-:unknown_id", "W_POINT_UNKNOWN")]
    public void A_delta_series_is_read_by_the_type_of_its_point(uint id, int? exponent, string expected, string warning)
    {
        var points = Points(new Dp2Series([], id, -2, 1) { Integers = [5, -2, null], Exponent = (sbyte?)exponent }, out var warnings);
        Assert.That((Shown(points), warnings), Is.EqualTo((expected, warning)));
    }

    [TestCase(41u, "float32:0.5:good float32:-:not_available", "")]
    [TestCase(42u, "float64:0.5:good float64:-:not_available", "")]
    [TestCase(16u, "decimal:-:type_mismatch:f32:0000003f decimal:-:type_mismatch:f32:0000c07f", "W_POINT_TYPE")]
    [TestCase(900u, "f32:0.5:unknown_id f32:-:unknown_id", "W_POINT_UNKNOWN")]
    public void A_float_series_is_for_floats(uint id, string expected, string warning)
    {
        var points = Points(new Dp2Series([], id, -2, 1) { Floats = [0.5f, BitConverter.UInt32BitsToSingle(0x7FC00000)] }, out var warnings);
        Assert.That((Shown(points), warnings), Is.EqualTo((expected, warning)));
    }

    [TestCase(20u, 16u, "pumps[2]", "flow", "")]
    [TestCase(20u, 900u, "pumps[2]", null, "W_POINT_UNKNOWN")]
    [TestCase(16u, 16u, "#16[2]", null, "W_POINT_UNKNOWN")]
    [TestCase(99u, 16u, "#99[2]", null, "W_POINT_UNKNOWN")]
    public void A_series_names_its_point_by_a_path(uint group, uint id, string path, string? name, string warning)
    {
        var points = Points(new Dp2Series([new(group, 2)], id, 0, 1) { Integers = [1] }, out var warnings, 0x0102, 1);
        Assert.That(
            (points[0].GetProperty("path").GetString(), points[0].GetProperty("name").GetString(), warnings), Is.EqualTo((path, name, warning)));
    }

    [Test]
    public void Points_come_before_samples_and_samples_before_series_whatever_their_order_in_the_frame()
    {
        // series, sample, points, series
        var frame = Dp2Samples.Good(Dp2Samples.Frame(
            FrameKind.Telemetry,
            "2f 0c 0a 01 10 11 00 18 01 28 01 32 01 02 27 07 09 01 17 03 89 01 04 1f 03 91 01 06 10 03 08 81 02 "
            + "2f 0c 0a 01 11 11 00 18 01 28 01 32 01 08"));
        Assert.That(frame.Points.Points.ToArray().Select(p => (p.Id, (long)p.Bits)), Is.EqualTo([(18u, 3L), (17u, 2L), (16u, 1L), (17u, 4L)]));
    }
}
