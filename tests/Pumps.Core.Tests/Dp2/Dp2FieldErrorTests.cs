using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Tests.Dp2;

/// <summary>Checks 14 and 15: syntax of all fields first, then message fields in order of appearance, then missing ones.</summary>
public sealed class Dp2FieldErrorTests
{
    private const string Dictionary = "08 81 02 10 03 ";

    [TestCase("08 81 02 10 83 00", DecodeError.Varint, TestName = "Syntax: varint not minimal")]
    [TestCase("08 81 02 10 80 80 80 80 80 80 80 80 80 02", DecodeError.Varint, TestName = "Syntax: varint above 64 bits")]
    [TestCase("08 81 02 10 80 80 80 80 80 80 80 80 80 80 01", DecodeError.Varint, TestName = "Syntax: varint of eleven bytes")]
    [TestCase("08 81 02 10 80 80 80 80 80 80 80 80 80 01", DecodeError.Range, TestName = "Syntax: the largest varint is one")]
    [TestCase("08 81 02 10", DecodeError.Tlv, TestName = "Syntax: value missing")]
    [TestCase("08 81 02 10 03 80", DecodeError.Tlv, TestName = "Syntax: tag cut")]
    [TestCase("08 81 02 10 80 80 80 80 80 80 80 80 80", DecodeError.Tlv, TestName = "Syntax: nine bytes of a longer varint")]
    [TestCase(Dictionary + "00 00", DecodeError.Tag, TestName = "Syntax: id 0")]
    [TestCase(Dictionary + "07 00", DecodeError.Tag, TestName = "Syntax: a group of id 0")]
    [TestCase(Dictionary + "f8 ff ff 3f 00", DecodeError.None, TestName = "Syntax: id 16777215")]
    [TestCase(Dictionary + "80 80 80 40 00", DecodeError.Tag, TestName = "Syntax: id 16777216")]
    [TestCase(Dictionary + "80 80 80 40", DecodeError.Tag, TestName = "order: id too large, then value missing")]
    [TestCase(Dictionary + "f8 ff ff ff ff ff ff ff ff 01 00", DecodeError.Tag, TestName = "Syntax: id of 61 bits")]
    [TestCase(Dictionary + "1a ff ff ff ff ff ff ff ff ff 01", DecodeError.Tlv, TestName = "Syntax: huge length")]
    [TestCase(Dictionary + "3a 05 41", DecodeError.Tlv, TestName = "Syntax: bytes past the end")]
    [TestCase(Dictionary + "1f 03 81 01", DecodeError.Tlv, TestName = "Syntax: group past the end")]
    [TestCase(Dictionary + "1f 02 81 01 02", DecodeError.Tlv, TestName = "Syntax: value past its group")]
    [TestCase(Dictionary + "1f 05 83 01 00 00 00", DecodeError.Tlv, TestName = "Syntax: binary32 cut")]
    [TestCase(Dictionary + "1f 09 84 01 00 00 00 00 00 00 00", DecodeError.Tlv, TestName = "Syntax: binary64 cut")]
    [TestCase(Dictionary + "1f 02 85 01", DecodeError.Tlv, TestName = "Syntax: decimal without exponent")]
    [TestCase(Dictionary + "1f 03 85 01 00", DecodeError.Tlv, TestName = "Syntax: decimal without mantissa")]
    [TestCase(Dictionary + "1f 02 86 01", DecodeError.Tlv, TestName = "Syntax: null without reason")]
    [TestCase(Dictionary + "1f 04 85 01 0d 00", DecodeError.Range, TestName = "Syntax: exponent 13")]
    [TestCase(Dictionary + "1f 04 85 01 f3 00", DecodeError.Range, TestName = "Syntax: exponent -13")]
    [TestCase(Dictionary + "1f 04 85 01 80 00", DecodeError.Range, TestName = "Syntax: exponent -128")]
    [TestCase(Dictionary + "1f 04 85 01 0c 00", DecodeError.None, TestName = "Syntax: exponent 12")]
    [TestCase(Dictionary + "1f 04 85 01 f4 00", DecodeError.None, TestName = "Syntax: exponent -12")]
    [TestCase(Dictionary + "1f 03 85 01 0d", DecodeError.Range, TestName = "order: exponent 13, then mantissa missing")]
    [TestCase(Dictionary + "a5 06 0d 00", DecodeError.Range, TestName = "Syntax: exponent 13 in an unknown field")]
    [TestCase(Dictionary + "a7 06 02 00 00", DecodeError.Tag, TestName = "Syntax: checked in a group nobody reads")]
    [TestCase("80 04 01 08 81 02 10 83 00", DecodeError.Varint, TestName = "order: must-understand field first, syntax later")]
    [TestCase("09 02 00 00", DecodeError.Tag, TestName = "order: wire type, then id 0")]
    [TestCase("10 03", DecodeError.Missing, TestName = "Fields: dictionary id missing")]
    [TestCase("08 00 10 03", DecodeError.Range, TestName = "Fields: dictionary id 0")]
    [TestCase("08 80 80 04 10 03", DecodeError.Range, TestName = "Fields: dictionary id 65536")]
    [TestCase("10 80 80 04", DecodeError.Range, TestName = "order: range, then missing")]
    [TestCase("0e 00 10 03", DecodeError.WireType, TestName = "Fields: null for a number")]
    [TestCase("08 81 02 08 00 10 03", DecodeError.Duplicate, TestName = "order: second appearance, out of range")]
    [TestCase("08 81 02 09 00 10 03", DecodeError.WireType, TestName = "order: second appearance, other wire type")]
    [TestCase("80 04 01", DecodeError.Critical, TestName = "order: must-understand field, then missing")]
    [TestCase("08 00 80 04 01", DecodeError.Range, TestName = "order: range before must-understand field")]
    [TestCase(Dictionary + "80 04 01", DecodeError.Critical, TestName = "Fields: id 64")]
    [TestCase(Dictionary + "f8 07 01", DecodeError.Critical, TestName = "Fields: id 127")]
    [TestCase(Dictionary + "ff 07 00", DecodeError.Critical, TestName = "Fields: id 127 as a group")]
    [TestCase(Dictionary + "f8 03 01", DecodeError.None, TestName = "Fields: id 63 is skipped")]
    [TestCase(Dictionary + "80 08 01", DecodeError.None, TestName = "Fields: id 128 is skipped")]
    [TestCase(Dictionary + "27 02 09 00", DecodeError.Missing, TestName = "Fields: a sample without points")]
    [TestCase(Dictionary + "27 04 09 00 17 00", DecodeError.None, TestName = "Fields: a sample with no point in it")]
    [TestCase(Dictionary + "27 04 09 02 17 00", DecodeError.Range, TestName = "Fields: a sample after the frame")]
    [TestCase(Dictionary + "27 04 08 00 17 00", DecodeError.WireType, TestName = "Fields: an unsigned offset")]
    [TestCase(Dictionary + "27 07 09 00 17 00 80 04 01", DecodeError.Critical, TestName = "Fields: must-understand field in a sample")]
    [TestCase(Dictionary + "27 04 09 00 17 00 27 02 17 00", DecodeError.Missing, TestName = "Fields: second sample without offset")]
    [TestCase(Dictionary + "1f 03 80 04 01", DecodeError.None, TestName = "Fields: id 64 in points is a datapoint")]
    [TestCase(Dictionary + "1f 00 1f 00", DecodeError.Duplicate, TestName = "Fields: points twice")]
    [TestCase("1f 00 1f 00", DecodeError.Duplicate, TestName = "order: points twice, dictionary missing")]
    public void Telemetry_gives_the_first_check_it_fails(string payload, DecodeError expected) =>
        Assert.That(Dp2Samples.Decode(Dp2Samples.Frame(FrameKind.Telemetry, payload), out _), Is.EqualTo(expected));

    private const string Event = Dictionary + "18 10 20 04 ";

    [TestCase(Event, DecodeError.None, TestName = "Event: the least")]
    [TestCase(Dictionary + "18 00 20 04", DecodeError.Range, TestName = "Event: code 0")]
    [TestCase(Dictionary + "18 10 20 80 02", DecodeError.Range, TestName = "Event: severity 256")]
    [TestCase(Event + "28 80 02", DecodeError.Range, TestName = "Event: phase 256")]
    [TestCase(Event + "31 02", DecodeError.Range, TestName = "Event: after the frame")]
    [TestCase(Event + "31 ff ff fd be 81 02", DecodeError.None, TestName = "Event: 400 days ago")]
    [TestCase(Event + "31 81 80 fe be 81 02", DecodeError.Range, TestName = "Event: 400 days and a millisecond ago")]
    [TestCase(Event + "3a 02 c3 28", DecodeError.Utf8, TestName = "Event: text not UTF-8")]
    [TestCase(Event + "3a 03 41 00 42", DecodeError.Utf8, TestName = "Event: NUL in text")]
    [TestCase(Event + "3a 02 c0 80", DecodeError.Utf8, TestName = "Event: overlong NUL")]
    [TestCase(Event + "3a 03 ed a0 80", DecodeError.Utf8, TestName = "Event: surrogate")]
    [TestCase(Event + "3a 04 f4 90 80 80", DecodeError.Utf8, TestName = "Event: beyond U+10FFFF")]
    [TestCase(Event + "52 00", DecodeError.None, TestName = "Event: empty path")]
    [TestCase(Event + "52 01 14", DecodeError.Field, TestName = "Event: path of odd count")]
    [TestCase(Event + "52 02 14 80", DecodeError.Tlv, TestName = "Event: path cut")]
    [TestCase(Event + "52 03 14 81 00", DecodeError.Varint, TestName = "Event: path with a long varint")]
    [TestCase(Event + "52 08 14 01 14 01 14 01 14 01", DecodeError.None, TestName = "Event: path of eight numbers")]
    [TestCase(Event + "52 0a 14 01 14 01 14 01 14 01 14 01", DecodeError.Field, TestName = "Event: path of ten numbers")]
    [TestCase(Event + "52 02 00 01", DecodeError.Field, TestName = "Event: path with group 0")]
    [TestCase(Event + "5f 02 08 00", DecodeError.Missing, TestName = "Event: transition without to")]
    [TestCase(Event + "5f 06 08 80 80 04 10 00", DecodeError.Range, TestName = "Event: transition from 65536")]
    [TestCase(Event + "67 02 10 00", DecodeError.Missing, TestName = "Event: firmware without transfer")]
    [TestCase(Event + "67 08 08 07 10 01 18 03 20 02", DecodeError.Range, TestName = "Event: received above total")]
    [TestCase(Event + "67 06 08 07 10 01 18 03", DecodeError.None, TestName = "Event: received without total")]
    [TestCase(Event + "67 08 08 07 10 01 18 03 20 02 80 04 00", DecodeError.Critical, TestName = "order: received above total, then must-understand")]
    public void An_event_gives_the_first_check_it_fails(string payload, DecodeError expected) =>
        Assert.That(Dp2Samples.Decode(Dp2Samples.Frame(FrameKind.Event, payload), out _), Is.EqualTo(expected));

    private const string Response = "0a 04 01 02 03 04 10 02 ";

    [TestCase(Response, DecodeError.None, TestName = "Response: the least")]
    [TestCase("0a 03 01 02 03 10 02", DecodeError.Field, TestName = "Response: correlation of 3 bytes")]
    [TestCase("0a 11 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 10 02", DecodeError.Field, TestName = "Response: correlation of 17 bytes")]
    [TestCase(Response + "28 01", DecodeError.Missing, TestName = "Response: dictionary without revision")]
    [TestCase(Response + "30 01", DecodeError.Missing, TestName = "Response: revision without dictionary")]
    [TestCase(Response + "3f 00", DecodeError.Missing, TestName = "Response: points without dictionary")]
    [TestCase(Response + "3f 00 30 01 28 01", DecodeError.None, TestName = "Response: points before their dictionary")]
    [TestCase(Response + "40 65", DecodeError.Range, TestName = "Response: 101 percent")]
    [TestCase(Response + "40 64", DecodeError.None, TestName = "Response: 100 percent")]
    public void A_response_gives_the_first_check_it_fails(string payload, DecodeError expected) =>
        Assert.That(Dp2Samples.Decode(Dp2Samples.Frame(FrameKind.Response, payload), out _), Is.EqualTo(expected));

    private const string Describe = "08 81 e0 01 10 01 ";

    [TestCase(Describe, DecodeError.None, TestName = "Describe: the least")]
    [TestCase(Describe + "32 07 00 00 00 00 00 00 00", DecodeError.Field, TestName = "Describe: hash of 7 bytes")]
    [TestCase(Describe + "48 ff 01", DecodeError.Range, TestName = "Describe: frames of 255 bytes")]
    [TestCase(Describe + "48 c5 40", DecodeError.Range, TestName = "Describe: frames of 8261 bytes")]
    [TestCase(Describe + "50 80 80 80 80 10", DecodeError.Range, TestName = "Describe: boot count of 33 bits")]
    [TestCase(Describe + "47 07 08 10 12 01 61 20 02", DecodeError.None, TestName = "Describe: a uint")]
    [TestCase(Describe + "47 07 08 0f 12 01 61 20 02", DecodeError.Range, TestName = "Describe: definition of id 15")]
    [TestCase(Describe + "47 06 08 10 12 00 20 02", DecodeError.Field, TestName = "Describe: empty name")]
    [TestCase(Describe + "47 07 08 10 12 01 61 20 00", DecodeError.Range, TestName = "Describe: type 0")]
    [TestCase(Describe + "47 07 08 10 12 01 61 20 0c", DecodeError.Range, TestName = "Describe: type 12")]
    [TestCase(Describe + "47 07 08 10 12 01 61 20 04", DecodeError.Missing, TestName = "Describe: decimal without exponent")]
    [TestCase(Describe + "47 09 08 10 12 01 61 20 04 29 1a", DecodeError.Range, TestName = "Describe: exponent 13")]
    [TestCase(Describe + "47 07 08 10 12 01 61 20 09", DecodeError.Missing, TestName = "Describe: enum without entries")]
    [TestCase(Describe + "47 07 08 10 12 01 61 20 0b", DecodeError.Missing, TestName = "Describe: group without child")]
    [TestCase(Describe + "47 09 08 10 12 01 61 20 0b 48 01", DecodeError.Missing, TestName = "Describe: group without child revision")]
    [TestCase(Describe + "47 07 08 10 12 01 61 20 02 47 07 08 10 12 01 62 20 02", DecodeError.Duplicate, TestName = "Describe: id twice")]
    [TestCase(Describe + "47 07 08 10 12 01 61 20 02 47 07 08 11 12 01 61 20 02", DecodeError.Duplicate, TestName = "Describe: name twice")]
    [TestCase(Describe + "47 15 08 10 12 01 61 20 09 47 05 08 00 12 01 61 47 05 08 00 12 01 62", DecodeError.Duplicate, TestName = "Describe: code twice")]
    [TestCase(Describe + "47 0d 08 10 12 01 61 20 09 47 04 08 00 10 01", DecodeError.WireType, TestName = "Describe: label not text")]
    [TestCase(Describe + "47 09 08 10 12 01 61 20 02 58 04", DecodeError.Range, TestName = "Describe: access 4")]
    [TestCase(Describe + "47 07 08 10 12 01 61 20 04 47 07 08 10 12 01 62 20 00", DecodeError.Range, TestName = "order: incomplete decimal, then a type out of range")]
    public void A_describe_gives_the_first_check_it_fails(string payload, DecodeError expected) =>
        Assert.That(Dp2Samples.Decode(Dp2Samples.Frame(FrameKind.Describe, payload), out _), Is.EqualTo(expected));

    [TestCase("08 07 10 01", DecodeError.None, TestName = "Status: the least")]
    [TestCase("08 00 10 01", DecodeError.Range, TestName = "Status: transfer 0")]
    [TestCase("08 07 10 01 32 00", DecodeError.Missing, TestName = "Status: bitmap without count and base")]
    [TestCase("08 07 10 01 20 04 32 00", DecodeError.Missing, TestName = "Status: bitmap without base")]
    [TestCase("08 07 10 01 20 04 28 05", DecodeError.Range, TestName = "Status: base above count")]
    [TestCase("08 07 10 01 20 04 28 04 32 00", DecodeError.None, TestName = "Status: everything stored")]
    [TestCase("08 07 10 01 20 04 28 04 32 01 00", DecodeError.Range, TestName = "Status: bitmap longer than the rest")]
    [TestCase("08 07 10 01 20 04 28 00 32 01 0f", DecodeError.None, TestName = "Status: bits below count")]
    [TestCase("08 07 10 01 20 04 28 00 32 01 10", DecodeError.Field, TestName = "Status: a bit at count")]
    [TestCase("08 07 10 01 20 08 28 00 32 01 ff", DecodeError.None, TestName = "Status: a full byte")]
    [TestCase("08 07 10 01 20 08 28 00 32 02 ff 00", DecodeError.Range, TestName = "Status: a byte too many")]
    public void A_status_gives_the_first_check_it_fails(string payload, DecodeError expected) =>
        Assert.That(Dp2Samples.Decode(Dp2Samples.Frame(FrameKind.FirmwareStatus, payload), out _), Is.EqualTo(expected));

    [TestCase(FrameKind.FirmwareChunk, "08 07 10 fe ff 03 1a 01 00", DecodeError.None, TestName = "Chunk: index 65534")]
    [TestCase(FrameKind.FirmwareChunk, "08 07 10 ff ff 03 1a 01 00", DecodeError.Range, TestName = "Chunk: index 65535")]
    [TestCase(FrameKind.FirmwareChunk, "08 07 10 00 1a 00", DecodeError.Field, TestName = "Chunk: no data")]
    [TestCase(FrameKind.FirmwareControl, "08 07 10 05", DecodeError.None, TestName = "Control: rollback")]
    [TestCase(FrameKind.FirmwareControl, "08 07 10 00", DecodeError.Range, TestName = "Control: action 0")]
    [TestCase(FrameKind.FirmwareControl, "08 07 10 06", DecodeError.Range, TestName = "Control: action 6")]
    [TestCase(FrameKind.FirmwareControl, "08 07 10 03 18 00", DecodeError.None, TestName = "Control: activate at 0")]
    [TestCase(FrameKind.FirmwareControl, "08 07 10 04 18 00", DecodeError.Field, TestName = "Control: confirm at a time")]
    [TestCase(FrameKind.Ack, "", DecodeError.Missing, TestName = "Ack: of nothing")]
    [TestCase(FrameKind.Ack, "08 00 08 ff ff ff ff 0f", DecodeError.None, TestName = "Ack: of two")]
    [TestCase(FrameKind.Ack, "08 80 80 80 80 10", DecodeError.Range, TestName = "Ack: of 33 bits")]
    public void A_downlink_gives_the_first_check_it_fails(FrameKind kind, string payload, DecodeError expected) =>
        Assert.That(Dp2Samples.Decode(Dp2Samples.Frame(kind, payload), out _, Dp2Samples.Down), Is.EqualTo(expected));

    [TestCase(64, DecodeError.None)]
    [TestCase(65, DecodeError.Count)]
    public void An_ack_names_at_most_64_frames(int count, DecodeError expected)
    {
        var bytes = Dp2Encoder.Encode(Dp2Samples.Header, new Dp2Ack([.. Enumerable.Range(0, count).Select(i => (uint)i)]));
        Assert.That(Dp2Samples.Decode(bytes, out _, Dp2Samples.Down), Is.EqualTo(expected));
    }

    [TestCase(5, DecodeError.None)]
    [TestCase(6, DecodeError.Depth)]
    public void Groups_nest_six_deep_with_the_points_group(int inner, DecodeError expected)
    {
        var bytes = Dp2Samples.Pump(p => Nest(p, inner));
        Assert.That(Dp2Samples.Decode(bytes, out _), Is.EqualTo(expected));
    }

    [TestCase(4093, DecodeError.None)]
    [TestCase(4094, DecodeError.Count)]
    public void A_payload_has_at_most_4096_fields(int points, DecodeError expected)
    {
        var header = Dp2Samples.Header with { Compression = Dp2Compression.Always };
        var bytes = Dp2Encoder.Telemetry(header, 0x0101, 3, t => t.Points(p =>
        {
            for (uint id = 0; id < points; id++)
                p.Unsigned(16 + id, 0);
        }));
        Assert.That(Dp2Samples.Decode(bytes, out var frame), Is.EqualTo(expected));
        if (expected is DecodeError.None)
            Assert.That(frame.Points.Count, Is.EqualTo(points));
    }

    [Test]
    public void An_error_tells_the_byte_that_was_looked_at()
    {
        Dp2Samples.Decode(Dp2Samples.Frame(FrameKind.Telemetry, "08 81 02 10 83 00"), out var frame);
        Assert.That(frame.ErrorOffset, Is.EqualTo(28 + 5));
    }

    private static void Nest(Dp2PointsWriter points, int depth)
    {
        if (depth > 0)
            points.Instance(900, 0, null, inner => Nest(inner, depth - 1));
    }
}
