using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Core.Tests.Dp1;

/// <summary>Which telegrams are refused, by which check, and where: PROTOCOL.md, section 9.</summary>
public sealed class Dp1ErrorTests
{
    private static (DecodeError Error, int Offset) Refuse(byte[] bytes, DecodeContext? context = null)
    {
        var telegram = new Dp1Telegram();
        return (Dp1Decoder.TryDecode(bytes, context ?? Dp1Examples.Up, telegram), telegram.ErrorOffset);
    }

    private static byte[] Down(Dp1Type type, string body) => Dp1Examples.Telegram(type, Convert.FromHexString(body));

    [Test]
    public void Every_cut_of_a_telegram_is_truncated([Range(0, 39)] int length) =>
        Assert.That(Refuse(Dp1Examples.Status[..length]), Is.EqualTo((DecodeError.Truncated, length)));

    [Test]
    public void Every_single_bit_error_is_found()
    {
        for (var bit = 0; bit < Dp1Examples.Status.Length * 8; bit++)
        {
            var copy = Dp1Examples.Status.ToArray();
            copy[bit / 8] ^= (byte)(1 << (bit % 8));

            Assert.That(Dp1Examples.ErrorOf(copy), Is.Not.EqualTo(DecodeError.None), $"bit {bit}");
        }
    }

    // Several defects at once: the first check of section 9.1 decides.
    [TestCase("00", DecodeError.Magic, 0)]
    [TestCase("B5", DecodeError.Truncated, 1)]
    [TestCase("B5FA", DecodeError.Oversize, 1)]
    [TestCase("B50A", DecodeError.Length, 1)]
    [TestCase("B500", DecodeError.Length, 1)]
    [TestCase("B5FF", DecodeError.Oversize, 1)]
    [TestCase("B50B10", DecodeError.Truncated, 3)]
    public void Lengths_are_checked_before_anything_behind_them(string hex, DecodeError expected, int offset) =>
        Assert.That(Refuse(Convert.FromHexString(hex)), Is.EqualTo((expected, offset)));

    [Test]
    public void Too_many_bytes_are_oversize_only_behind_the_delimiter_check()
    {
        Assert.That(Refuse([0xB5, 0x00, .. new byte[252]]), Is.EqualTo((DecodeError.Oversize, 253)));
        Assert.That(Refuse([0xB4, 0x00, .. new byte[252]]), Is.EqualTo((DecodeError.Magic, 0)));
        Assert.That(Refuse([0xB5, 0x00, .. new byte[251]]), Is.EqualTo((DecodeError.Length, 1)));
    }

    [Test]
    public void The_order_of_the_checks_is_that_of_the_table()
    {
        var all = Dp1Examples.Telegram((Dp1Type)0x7F, [1, 2, 3], format: 0x21);
        var otherDevice = Dp1Examples.Up with { Identity = 1 };

        byte[] wrongCrc = [.. all[..^1], (byte)(all[^1] ^ 1)];
        Assert.That(Refuse([.. wrongCrc, 0], otherDevice), Is.EqualTo((DecodeError.Length, 18)), "length before checksum");
        Assert.That(Refuse(wrongCrc, otherDevice), Is.EqualTo((DecodeError.Crc, 16)), "checksum before version");
        Assert.That(Refuse(all, otherDevice), Is.EqualTo((DecodeError.Version, 3)), "version before type");
        Assert.That(Refuse(Dp1Examples.With(all, 3, 0x11), otherDevice), Is.EqualTo((DecodeError.Type, 2)), "type before direction");
        Assert.That(Refuse(Dp1Examples.With(all, 2, 0x40, 0x11), otherDevice), Is.EqualTo((DecodeError.Direction, 2)), "direction before identity");
        Assert.That(Refuse(Dp1Examples.With(all, 2, 0x10, 0x11), otherDevice), Is.EqualTo((DecodeError.Identity, 4)), "identity before body length");
        Assert.That(Refuse(Dp1Examples.With(all, 2, 0x10, 0x11)), Is.EqualTo((DecodeError.Length, 1)), "body length");
    }

    [TestCase((byte)0x01)]
    [TestCase((byte)0x21)]
    [TestCase((byte)0xF1)]
    public void Only_format_version_1_is_read(byte format) =>
        Assert.That(Refuse(Dp1Examples.With(Dp1Examples.Status, 3, format)), Is.EqualTo((DecodeError.Version, 3)));

    [Test]
    public void Every_other_type_is_reserved()
    {
        var known = Dp1TypeInfo.All.Select(t => (int)t.Type).ToHashSet();
        Assert.That(known, Has.Count.EqualTo(13));
        for (var type = 0; type < 256; type++)
            Assert.That(
                Dp1Examples.ErrorOf(Dp1Examples.With(Dp1Examples.Status, 2, (byte)type)) is DecodeError.Type, Is.EqualTo(!known.Contains(type)), $"{type:X2}");
    }

    [Test]
    public void A_type_belongs_to_one_direction()
    {
        foreach (var type in Dp1TypeInfo.All)
        {
            var wrongWay = type.Direction is Direction.Up ? Dp1Examples.Down : Dp1Examples.Up;
            Assert.That(Dp1Examples.ErrorOf(Dp1Examples.With(Dp1Examples.Status, 2, (byte)type.Type), wrongWay), Is.EqualTo(DecodeError.Direction), type.Name);
        }
    }

    [TestCase(4711001UL, DecodeError.None)]
    [TestCase(4711002UL, DecodeError.Identity)]
    [TestCase(4711001UL + (1UL << 32), DecodeError.Identity)]
    public void The_serial_must_be_the_identity_of_the_channel(ulong identity, DecodeError expected) =>
        Assert.That(Dp1Examples.ErrorOf(Dp1Examples.Status, Dp1Examples.Up with { Identity = identity }), Is.EqualTo(expected));

    [Test]
    public void A_body_of_another_size_is_refused_for_every_type()
    {
        foreach (var type in Dp1TypeInfo.All)
        {
            var context = type.Direction is Direction.Up ? Dp1Examples.Up : Dp1Examples.Down;
            foreach (var size in new[] { 0, type.BodySize - 1, type.Type is Dp1Type.Batch ? type.BodySize - 2 : type.BodySize + 1 })
                Assert.That(Refuse(Dp1Examples.Telegram(type.Type, new byte[size]), context), Is.EqualTo((DecodeError.Length, 1)), $"{type.Name}, {size} bytes");
        }
    }

    [TestCase("2FCEFD40003C00", DecodeError.Range, 19, TestName = "A batch: no samples")]
    [TestCase("2FCEFD40003C14", DecodeError.Range, 19, TestName = "A batch: 20 samples, and too short for them")]
    [TestCase("2FCEFD40000001", DecodeError.Length, 1, TestName = "A batch: length before interval")]
    [TestCase("2FCEFD40000001000000000000000000000000", DecodeError.Range, 17, TestName = "A batch: interval 0")]
    [TestCase("2FCEFD40A8C101000000000000000000000000", DecodeError.Range, 17, TestName = "A batch: interval 43201")]
    [TestCase("2FCEFD40A8C001000000000000000000000000", DecodeError.None, 0, TestName = "A batch: interval 43200")]
    public void A_batch_must_be_consistent(string body, DecodeError expected, int offset) =>
        Assert.That(Refuse(Dp1Examples.Telegram(Dp1Type.Batch, Convert.FromHexString(body))), Is.EqualTo((expected, offset)));

    [TestCase((byte)0x1F)]
    [TestCase((byte)0x20)]
    [TestCase((byte)0x7E)]
    [TestCase((byte)0x7F)]
    [TestCase((byte)0x00)]
    [TestCase((byte)0xC3)]
    public void A_model_is_printable_ASCII(byte letter)
    {
        byte[] body = [3, 2, 14, 7, 0, 0, 1, 0, .. "MODEL"u8, letter, .. "      "u8, 0, 60, 0];
        var expected = letter is >= 0x20 and <= 0x7E ? (DecodeError.None, 0) : (DecodeError.Field, 13 + 8 + 5);

        Assert.That(Refuse(Dp1Examples.Telegram(Dp1Type.Ident, body)), Is.EqualTo(expected));
    }

    [TestCase((byte)0, DecodeError.None)]
    [TestCase((byte)31, DecodeError.None)]
    [TestCase((byte)32, DecodeError.Range)]
    [TestCase((byte)254, DecodeError.Range)]
    [TestCase((byte)255, DecodeError.None)]
    public void The_first_alarm_is_a_bit_or_none(byte first, DecodeError expected) =>
        Assert.That(Dp1Examples.ErrorOf(Dp1Examples.With(Dp1Examples.Alarm, 21, first)), Is.EqualTo(expected));

    [TestCase("00000000000000", DecodeError.None)]
    [TestCase("01010800080000", DecodeError.None)]
    [TestCase("01010801080000", DecodeError.Range)]
    [TestCase("01010000080100", DecodeError.Range)]
    [TestCase("01080000000007", DecodeError.None, TestName = "Unknown state and result are only a warning")]
    public void Firmware_progress_counts_at_most_the_blocks_of_an_image(string body, DecodeError expected) =>
        Assert.That(Dp1Examples.ErrorOf(Dp1Examples.Telegram(Dp1Type.FirmwareProgress, Convert.FromHexString(body))), Is.EqualTo(expected));

    // token 0001, code, flags, arg1, arg2
    [TestCase(1, 0, 0L)]
    [TestCase(2, 0, 0L)]
    [TestCase(3, 600, 0L)]
    [TestCase(3, 6000, 0L)]
    [TestCase(4, 0, 0L)]
    [TestCase(4, 2500, 0L)]
    [TestCase(5, 0, 0L)]
    [TestCase(6, 0, 0L)]
    [TestCase(7, 0, 0L)]
    [TestCase(7, 0, 0xFFFFFFL)]
    [TestCase(8, 0, 0L)]
    [TestCase(8, 0, 0xFFFFFFFEL)]
    [TestCase(9, 0, 0L)]
    [TestCase(10, 0, 0L)]
    [TestCase(11, 1, 0L)]
    [TestCase(11, 19, 0L)]
    [TestCase(12, 10, 0L)]
    [TestCase(12, 32767, 0L)]
    [TestCase(13, 0, 0L)]
    [TestCase(13, 4, 0L)]
    [TestCase(14, 0, 0xB007B007L)]
    [TestCase(15, 1, 0L)]
    [TestCase(15, 199, 0xFFFFFFFFL)]
    [TestCase(16, 1, 0L)]
    [TestCase(16, 199, 0L)]
    public void A_command_takes_the_arguments_of_its_row(int code, int arg1, long arg2)
    {
        var bytes = Down(Dp1Type.Command, $"0001{code:X2}00{(ushort)arg1:X4}{arg2:X8}");

        Assert.That(Dp1Examples.ErrorOf(bytes, Dp1Examples.Down), Is.EqualTo(DecodeError.None));
        Assert.That(Dp1Examples.ErrorOf(Dp1Examples.With(bytes, 16, 1), Dp1Examples.Down), Is.EqualTo(DecodeError.None), "flag 0: send no response");
    }

    [TestCase(1, 1, 0L, 17)]
    [TestCase(1, 0, 1L, 19)]
    [TestCase(2, -1, 0L, 17)]
    [TestCase(3, 599, 0L, 17)]
    [TestCase(3, 6001, 0L, 17)]
    [TestCase(3, 600, 1L, 19)]
    [TestCase(4, -1, 0L, 17)]
    [TestCase(4, 2501, 0L, 17)]
    [TestCase(5, 1, 0L, 17)]
    [TestCase(6, 0, 1L, 19)]
    [TestCase(7, 0, 0x1000000L, 19)]
    [TestCase(7, 1, 0L, 17)]
    [TestCase(8, 0, 0xFFFFFFFFL, 19)]
    [TestCase(9, 1, 0L, 17)]
    [TestCase(10, 0, 1L, 19)]
    [TestCase(11, 0, 0L, 17)]
    [TestCase(11, 20, 0L, 17)]
    [TestCase(12, 9, 0L, 17)]
    [TestCase(12, -32768, 0L, 17)]
    [TestCase(13, 5, 0L, 17)]
    [TestCase(14, 0, 0L, 19)]
    [TestCase(14, 1, 0xB007B007L, 17)]
    [TestCase(15, 0, 0L, 17)]
    [TestCase(15, 200, 0L, 17)]
    [TestCase(16, 200, 0L, 17)]
    [TestCase(16, 1, 1L, 19)]
    public void An_argument_outside_its_range_is_refused(int code, int arg1, long arg2, int offset) => Assert.That(
        Refuse(Down(Dp1Type.Command, $"0001{code:X2}00{(ushort)arg1:X4}{arg2:X8}"), Dp1Examples.Down), Is.EqualTo((DecodeError.Range, offset)));

    [Test]
    public void Only_codes_1_to_16_are_commands()
    {
        for (var code = 0; code < 256; code++)
            if (code is < 1 or > 16)
                Assert.That(
                    Refuse(Down(Dp1Type.Command, $"0001{code:X2}00000000000000"), Dp1Examples.Down), Is.EqualTo((DecodeError.Command, 15)), $"code {code}");
    }

    [Test]
    public void Unknown_flags_of_a_command_are_refused([Range(1, 7)] int bit) => Assert.That(
        Refuse(Down(Dp1Type.Command, $"000101{1 << bit:X2}000000000000"), Dp1Examples.Down), Is.EqualTo((DecodeError.Field, 16)));

    [TestCase("03020F00000000C8000292540204", DecodeError.None)]
    [TestCase("01020F0000040000080092540404", DecodeError.None, TestName = "The largest image, one hardware revision")]
    [TestCase("03020F00000000C8000192540204", DecodeError.Field, TestName = "Too few blocks")]
    [TestCase("03020F00000000C8000392540204", DecodeError.Field, TestName = "Too many blocks")]
    [TestCase("00020F00000000C8000292540204", DecodeError.Range, TestName = "Image 0")]
    [TestCase("03020F0000000000000092540204", DecodeError.Range, TestName = "Size 0")]
    [TestCase("03020F0000000000000192540204", DecodeError.Range, TestName = "Size 0 with a block")]
    [TestCase("03020F0000040001080192540204", DecodeError.Range, TestName = "Size 262145")]
    [TestCase("03020F00FFFFFFFF000092540204", DecodeError.Range, TestName = "Size FFFFFFFF, more blocks than 16 bits")]
    [TestCase("03020F00000000C8000292540504", DecodeError.Range, TestName = "Lowest hardware above the highest")]
    public void An_offer_must_be_consistent(string body, DecodeError expected) =>
        Assert.That(Dp1Examples.ErrorOf(Down(Dp1Type.FirmwareBegin, body), Dp1Examples.Down), Is.EqualTo(expected));

    [TestCase("01", 0x0000, DecodeError.None)]
    [TestCase("FF", 0x07FF, DecodeError.None)]
    [TestCase("00", 0x0000, DecodeError.Range)]
    [TestCase("01", 0x0800, DecodeError.Range)]
    public void A_block_is_of_an_image_and_below_2048(string image, int block, DecodeError expected) => Assert.That(
        Dp1Examples.ErrorOf(Down(Dp1Type.FirmwareBlock, $"{image}{block:X4}{new string('A', 256)}"), Dp1Examples.Down), Is.EqualTo(expected));

    [TestCase("0101", DecodeError.None)]
    [TestCase("FF04", DecodeError.None)]
    [TestCase("0001", DecodeError.Range)]
    [TestCase("0100", DecodeError.Range)]
    [TestCase("0105", DecodeError.Range)]
    public void A_control_has_an_image_and_an_action(string body, DecodeError expected) =>
        Assert.That(Dp1Examples.ErrorOf(Down(Dp1Type.FirmwareControl, body), Dp1Examples.Down), Is.EqualTo(expected));

    [Test]
    public void Every_error_has_a_code_and_a_meaning()
    {
        foreach (var error in Enum.GetValues<DecodeError>())
            Assert.That(error.Meaning(), Is.Not.Empty, error.Code());
        foreach (var warning in ((DecodeWarnings)0x3FFF).Codes())
            Assert.That(DecodeMeanings.WarningMeaning(warning), Is.Not.Empty, warning);
    }
}
