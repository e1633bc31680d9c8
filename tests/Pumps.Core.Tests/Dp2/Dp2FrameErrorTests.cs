using System.Buffers.Binary;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Tests.Dp2;

/// <summary>Checks 1 to 13 of section 12.1: what is wrong, and which of two faults is told.</summary>
public sealed class Dp2FrameErrorTests
{
    private static readonly byte[] Good = Dp2Samples.Pump(p => p.Signed(16, 2430));

    private static byte[] With(Action<byte[]> change, bool sealAgain = true)
    {
        var frame = Good.ToArray();
        change(frame);
        return sealAgain ? Seal(frame) : frame;
    }

    internal static byte[] Seal(byte[] frame)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(frame.AsSpan(frame.Length - 4), Crc32C.Compute(frame.AsSpan(0, frame.Length - 4)));
        return frame;
    }

    private static IEnumerable<TestCaseData> Cases()
    {
        yield return Case("nothing", [], DecodeError.Truncated);
        yield return Case("a wrong first byte alone", [0xB5], DecodeError.Magic);
        yield return Case("the first byte alone", [0xD7], DecodeError.Truncated);
        yield return Case("magic alone", [0xD7, 0x32], DecodeError.Truncated);
        yield return Case("a wrong second byte", [0xD7, 0x33], DecodeError.Magic);
        yield return Case("major version 3, cut", [0xD7, 0x32, 0x30], DecodeError.Version);
        yield return Case("major version 1", With(f => f[2] = 0x10), DecodeError.Version);
        yield return Case("31 bytes", Good[..31], DecodeError.Truncated);
        yield return Case("31 bytes with a wrong header length", [.. Good[..3], 27, .. Good[4..31]], DecodeError.Truncated);
        yield return Case("header length 27", With(f => f[3] = 27), DecodeError.Length);
        yield return Case("header length 65", With(f => f[3] = 65), DecodeError.Length);
        yield return Case("payload length 8193", With(f => BinaryPrimitives.WriteUInt16LittleEndian(f.AsSpan(6), 8193)), DecodeError.Oversize);
        yield return Case("payload length above what is there", With(f => f[6]++), DecodeError.Truncated);
        yield return Case("payload length below what is there", With(f => f[6]--), DecodeError.Length);
        yield return Case("8261 bytes of another version", [.. With(f => f[2] = 0x30), .. new byte[8261 - Good.Length]], DecodeError.Oversize);
        yield return Case("8261 bytes without magic", new byte[8261], DecodeError.Magic);
        yield return Case("order: checksum and flags", With(f => f[4] = 0x40, sealAgain: false), DecodeError.Crc);
        yield return Case("flag 6", With(f => f[4] = 0x40), DecodeError.Flags);
        yield return Case("order: flag 7 and kind", With(f => (f[4], f[5]) = (0x80, 0x7F)), DecodeError.Flags);
        yield return Case("kind 0", With(f => f[5] = 0), DecodeError.Type);
        yield return Case("kind 6", With(f => f[5] = 6), DecodeError.Type);
        yield return Case("kind 80", With(f => f[5] = 0x80), DecodeError.Type);
        yield return Case("kind 86", With(f => f[5] = 0x86), DecodeError.Type);
        yield return Case("order: direction and time", With(f => (f[5], f[23]) = (0x85, 0xFF)), DecodeError.Direction);
        yield return Case("time 2^53", With(f => BinaryPrimitives.WriteUInt64LittleEndian(f.AsSpan(16), 1UL << 53)), DecodeError.Range);
        yield return Case("order: time and an empty payload", Dp2Encoder.Frame(FrameKind.Telemetry, Dp2Samples.Header with { TimeMs = -1 }, []), DecodeError.Range);
        yield return Case("an empty payload", Dp2Encoder.Frame(FrameKind.Telemetry, Dp2Samples.Header, []), DecodeError.Missing);
    }

    private static TestCaseData Case(string name, byte[] frame, DecodeError expected) =>
        new TestCaseData(frame, expected).SetArgDisplayNames(name);

    [TestCaseSource(nameof(Cases))]
    public void A_broken_frame_gives_the_first_check_it_fails(byte[] frame, DecodeError expected) =>
        Assert.That(Dp2Samples.Decode(frame, out _), Is.EqualTo(expected));

    [Test]
    public void Every_cut_of_a_frame_is_truncated([Range(0, 46)] int length)
    {
        Assert.That(Good, Has.Length.EqualTo(43).Or.Length.LessThan(60));
        Assert.That(Dp2Samples.Decode(Good[..Math.Min(length, Good.Length - 1)], out _), Is.EqualTo(DecodeError.Truncated));
    }

    [Test]
    public void The_identity_of_the_transport_comes_before_the_time()
    {
        var context = Dp2Samples.Up with { Identity = 1 };
        Assert.That(Dp2Samples.Decode(With(f => f[23] = 0xFF), out var frame, context), Is.EqualTo(DecodeError.Identity));
        Assert.That(frame.Device, Is.EqualTo(Dp2Samples.Device));
        Assert.That(Dp2Samples.Decode(Good, out _, Dp2Samples.Up with { Identity = Dp2Samples.Device }), Is.EqualTo(DecodeError.None));
    }

    [Test]
    public void Flags_three_to_five_are_ignored()
    {
        var frame = Dp2Samples.Good(With(f => f[4] = 0x3E));
        Assert.That(frame.Warnings, Is.EqualTo(DecodeWarnings.None));
        Assert.That((frame.Compressed, frame.Historical, frame.AckRequested), Is.EqualTo((false, true, true)));
    }

    [Test]
    public void Castagnoli_s_check_value_holds() => Assert.That(Crc32C.Compute("123456789"u8), Is.EqualTo(0xE3069283));

    [TestCase("", DecodeError.Tlv, TestName = "Compressed: no size at all")]
    [TestCase("80", DecodeError.Tlv, TestName = "Compressed: size cut")]
    [TestCase("85 00 03 00", DecodeError.Varint, TestName = "Compressed: size not minimal")]
    [TestCase("ff ff ff ff ff ff ff ff ff 02", DecodeError.Varint, TestName = "Compressed: size above 64 bits")]
    [TestCase("81 80 04 03 00", DecodeError.Oversize, TestName = "Compressed: 65537 announced")]
    [TestCase("80 80 04 03 00", DecodeError.Compress, TestName = "Compressed: 65536 announced, none there")]
    [TestCase("05", DecodeError.Compress, TestName = "Compressed: no stream")]
    [TestCase("05 01 05 00 fa ff 08 81 02 10 03", DecodeError.None, TestName = "Compressed: stored block")]
    [TestCase("05 01 05 00 fa ff 08 81 02 10", DecodeError.Compress, TestName = "Compressed: stored block cut")]
    [TestCase("05 01 05 00 fb ff 08 81 02 10 03", DecodeError.Compress, TestName = "Compressed: stored lengths disagree")]
    [TestCase("05 00 05 00 fa ff 08 81 02 10 03", DecodeError.Compress, TestName = "Compressed: no last block")]
    [TestCase("05 00 05 00 fa ff 08 81 02 10 03 03 00", DecodeError.None, TestName = "Compressed: an empty last block")]
    [TestCase("05 01 05 00 fa ff 08 81 02 10 03 00", DecodeError.Compress, TestName = "Compressed: one byte behind the stream")]
    [TestCase("04 01 05 00 fa ff 08 81 02 10 03", DecodeError.Compress, TestName = "Compressed: more than announced")]
    [TestCase("06 01 05 00 fa ff 08 81 02 10 03", DecodeError.Compress, TestName = "Compressed: less than announced")]
    [TestCase("05 07", DecodeError.Compress, TestName = "Compressed: block type 3")]
    [TestCase("00 03 00", DecodeError.Missing, TestName = "Compressed: nothing, in a good stream")]
    public void A_compressed_payload_is_one_complete_stream_of_the_announced_size(string payload, DecodeError expected)
    {
        var frame = Dp2Encoder.Frame(FrameKind.Telemetry, Dp2Samples.Header, Dp2Samples.Hex(payload));
        frame[4] |= 1;
        Assert.That(Dp2Samples.Decode(Seal(frame), out _), Is.EqualTo(expected));
    }

    [Test]
    public void Whatever_zlib_writes_is_read([Values(0, 1, 2, 100, 5000, 65000)] int length, [Values(1, 4, 256)] int symbols)
    {
        var random = new Random(length + symbols);
        var text = new byte[length];
        for (var i = 0; i < length; i++)
            text[i] = (byte)(random.Next(symbols) * random.Next(2));

        // An unknown field of bytes in front of the two that must be there.
        var fields = new Dp2FieldWriter();
        fields.Unsigned(1, 0x0101);
        fields.Unsigned(2, 3);
        fields.Bytes(20, text);
        Assume.That(fields.Length, Is.LessThanOrEqualTo(Dp2Limits.InflatedMax));
        byte[] frame;
        try
        {
            frame = Dp2Encoder.Frame(FrameKind.Telemetry, Dp2Samples.Header with { Compression = Dp2Compression.Always }, fields.Written);
        }
        catch (ArgumentException tooLong)
        {
            Assert.That(tooLong.Message, Does.Contain("the longest is 8192"));
            return;
        }

        var decoded = Dp2Samples.Good(frame);
        Assert.That(decoded.Compressed);
        Assert.That(decoded.Warnings, Is.EqualTo(DecodeWarnings.FieldUnknown));
    }

    [TestCase(0L, null, ClockQuality.Unset, 0L)]
    [TestCase(0L, 5000L, ClockQuality.Unset, 5000L)]
    [TestCase(300_001L, 1L, ClockQuality.Ok, 300_001L)]
    [TestCase(300_002L, 1L, ClockQuality.Future, 1L)]
    [TestCase(1L, 34_560_000_001L, ClockQuality.Ok, 1L)]
    [TestCase(1L, 34_560_000_002L, ClockQuality.Past, 34_560_000_002L)]
    [TestCase(9_007_199_254_740_991L, null, ClockQuality.Ok, 9_007_199_254_740_991L)]
    public void A_clock_is_believed_within_its_limits(long time, long? receivedAt, ClockQuality quality, long effective)
    {
        var bytes = Dp2Encoder.Telemetry(Dp2Samples.Header with { TimeMs = time }, 0x0101, 3);
        var frame = Dp2Samples.Good(bytes, Dp2Samples.Up with { ReceivedAtMs = receivedAt });
        Assert.That((frame.Clock, frame.EffectiveMs), Is.EqualTo((quality, effective)));
    }

    [TestCase(0L, ClockQuality.Unset)]
    [TestCase(1L, ClockQuality.Unchecked)]
    [TestCase(9_007_199_254_740_991L, ClockQuality.Unchecked)]
    public void The_clock_of_a_downlink_is_not_checked(long time, ClockQuality quality)
    {
        var frame = Dp2Samples.Good(Dp2Encoder.Encode(Dp2Samples.Header with { TimeMs = time }, new Dp2Ack([7])), Dp2Samples.Down);
        Assert.That((frame.Clock, frame.Warnings), Is.EqualTo((quality, DecodeWarnings.None)));
    }
}
