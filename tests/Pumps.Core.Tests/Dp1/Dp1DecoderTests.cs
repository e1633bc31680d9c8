using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Core.Tests.Dp1;

/// <summary>What valid telegrams mean: PROTOCOL.md, sections 3, 4 and the worked examples of section 12.</summary>
public sealed class Dp1DecoderTests
{
    private static string[] Lines(Dp1Telegram telegram) =>
        [.. telegram.Points.Points.ToArray().Select(p =>
            $"{p.Definition!.Name}={(p.HasValue ? DecimalText.Format((long)p.Bits, p.Exponent) : "null")}@{p.TimeMs}{(p.Quality is Quality.Good ? "" : $" {p.Quality}")}")];

    private static Datapoint Point(Dp1Telegram telegram, PointDefinition definition) =>
        telegram.Points.Points.ToArray().First(p => p.Definition == definition);

    [Test]
    public void The_checksum_has_the_check_value_of_its_standard() => Assert.That(Dp1Crc.Compute("123456789"u8), Is.EqualTo(0xE5CC));

    [Test]
    public void The_checksum_by_slices_is_the_checksum_bit_by_bit()
    {
        var bytes = new byte[300];
        new Random(1).NextBytes(bytes);
        for (var length = 0; length <= bytes.Length; length++)
        {
            ushort expected = 0x1D0F;
            foreach (var value in bytes.AsSpan(0, length))
            {
                expected ^= (ushort)(value << 8);
                for (var bit = 0; bit < 8; bit++)
                    expected = (ushort)((expected & 0x8000) != 0 ? (expected << 1) ^ 0x1021 : expected << 1);
            }

            Assert.That(Dp1Crc.Compute(bytes.AsSpan(0, length)), Is.EqualTo(expected), $"{length} bytes");
            Assert.That(Dp1Crc.Append(Dp1Crc.Compute(bytes.AsSpan(0, length / 3)), bytes.AsSpan(length / 3, length - length / 3)), Is.EqualTo(expected));
        }
    }

    [Test]
    public void Example_1_status()
    {
        var telegram = Dp1Examples.Decode(Dp1Examples.Status, Dp1Examples.Up with { UtcOffsetMinutes = 120 });

        Assert.That((telegram.Sequence, telegram.EffectiveMs, telegram.Clock), Is.EqualTo((17u, Dp1Examples.ClockMs, ClockQuality.Ok)));
        Assert.That(Lines(telegram), Is.EqualTo(new[]
        {
            "pump_state=2", "control_mode=1", "valve_state=2", "flow=24.3", "pressure_out=4.05", "pressure_in=-0.21", "water_temp=14.6",
            "soil_moisture=null", "speed=2710", "motor_current=11.42", "power=5.93", "motor_temp=63", "vibration_rms=1.8", "supply_voltage=398.5",
            "alarm_mask=512",
        }.Select(l => $"{l}@1748779200000{(l.EndsWith("null", StringComparison.Ordinal) ? " NotAvailable" : "")}")));
        Assert.That(Dp1Alarms.Names(telegram.AlarmMask), Is.EqualTo(new[] { "vibration_high" }));
        Assert.That(telegram.Warnings, Is.EqualTo(DecodeWarnings.None));
    }

    [Test]
    public void Example_2_batch_with_a_gap()
    {
        var telegram = Dp1Examples.Decode(Dp1Examples.Batch);

        Assert.That(telegram.Batch, Is.EqualTo(new Dp1Batch(802092600, 600, 3, 0b010)));
        Assert.That(telegram.Historical, Is.True);
        Assert.That(Lines(telegram), Is.EqualTo(new[]
        {
            "pump_state=2@1748777400000", "valve_state=2@1748777400000", "flow=24.1@1748777400000", "pressure_out=4.02@1748777400000",
            "water_temp=14@1748777400000", "soil_moisture=31.5@1748777400000", "motor_current=11.30@1748777400000", "motor_temp=62@1748777400000",
            "vibration_rms=1.7@1748777400000", "speed=2700@1748777400000",
            "pump_state=0@1748778600000", "valve_state=0@1748778600000", "flow=0.0@1748778600000", "pressure_out=0.12@1748778600000",
            "water_temp=-1@1748778600000", "soil_moisture=32.0@1748778600000", "motor_current=0.00@1748778600000", "motor_temp=41@1748778600000",
            "vibration_rms=0.0@1748778600000", "speed=0@1748778600000",
        }));
    }

    [Test]
    public void Example_3_counters() => Assert.That(
        Lines(Dp1Examples.Decode(Dp1Examples.Counters)),
        Is.EqualTo(new[]
        {
            "run_hours=12345.6@1748779200000", "energy=8767.2@1748779200000", "volume_total=null@1748779200000 NotAvailable",
            "start_count=42@1748779200000",
        }));

    [Test]
    public void Example_4_alarm()
    {
        var telegram = Dp1Examples.Decode(Dp1Examples.Alarm);

        Assert.That(telegram.Alarm, Is.EqualTo(new Dp1Alarm(1, 1, 0)));
        Assert.That(telegram.Alarm.Severity, Is.EqualTo(4));
        Assert.That(Lines(telegram)[0], Is.EqualTo("flow=0.2@1748779200000"));
    }

    [Test]
    public void Example_5_and_6_command_and_response()
    {
        Assert.That(
            Dp1Examples.Decode(Dp1Examples.Command, Dp1Examples.Down).Command, Is.EqualTo(new Dp1Command(48879, 4, 425, 0)));
        Assert.That(
            Dp1Examples.Decode(Dp1Examples.CommandResponse).CommandResponse, Is.EqualTo(new Dp1CommandResponse(48879, 4, 0, 0, 0)));
    }

    [Test]
    public void Example_7_and_8_firmware()
    {
        var begin = Dp1Examples.Decode(Dp1Examples.FirmwareBegin, Dp1Examples.Down).FirmwareBegin;
        var block = Dp1Examples.Decode(Dp1Examples.LastBlock, Dp1Examples.Down);
        byte[] image = [.. Enumerable.Range(0, 200).Select(i => (byte)i)];

        Assert.That(begin, Is.EqualTo(new Dp1FirmwareBegin(3, new(2, 15, 0), 200, 2, 0x9254, 2, 4)));
        Assert.That(Dp1Crc.Compute(image), Is.EqualTo(begin.ImageCrc));
        Assert.That(block.FirmwareBlock, Is.EqualTo(new Dp1FirmwareBlock(3, 1)));
        Assert.That(Convert.ToHexString(Dp1Examples.LastBlock[^2..]), Is.EqualTo("5376"), "the checksum printed in the example");
        Assert.That(block.BlockData[..72].SequenceEqual(image.AsSpan(128)), Is.True);
    }

    [Test]
    public void Example_9_the_clock_is_not_set()
    {
        var telegram = Dp1Examples.Decode(Dp1Examples.StatusClockUnset);

        Assert.That((telegram.EffectiveMs, telegram.Clock), Is.EqualTo((Dp1Examples.ReceivedAtMs, ClockQuality.Unset)));
        Assert.That(telegram.Warnings, Is.EqualTo(DecodeWarnings.ClockUnset));
    }

    /// <summary>The limits themselves are still good: ahead by 900 s, behind by 400 days.</summary>
    [TestCase(0, ClockQuality.Ok)]
    [TestCase(900_000, ClockQuality.Ok)]
    [TestCase(900_001, ClockQuality.Future)]
    [TestCase(-34_560_000_000, ClockQuality.Ok)]
    [TestCase(-34_560_000_001, ClockQuality.Past)]
    public void The_clock_is_trusted_within_limits(long aheadMs, ClockQuality expected)
    {
        var receivedAt = Dp1Examples.ClockMs - aheadMs;
        var telegram = Dp1Examples.Decode(Dp1Examples.Counters, Dp1Examples.Up with { ReceivedAtMs = receivedAt });

        Assert.That(telegram.Clock, Is.EqualTo(expected));
        Assert.That(telegram.EffectiveMs, Is.EqualTo(expected is ClockQuality.Ok ? Dp1Examples.ClockMs : receivedAt));
        Assert.That(telegram.Points.Points[0].TimeMs, Is.EqualTo(telegram.EffectiveMs));
    }

    [TestCase(37u)]
    [TestCase(0xFFFFFFFEu)]
    public void A_receiver_without_a_clock_believes_any_clock_that_is_set(uint clock)
    {
        var telegram = Dp1Examples.Decode(
            Dp1Examples.Telegram(Dp1Type.State, [0, 1, 0, 1, 0, 0], clock: clock), Dp1Examples.Up with { ReceivedAtMs = null });

        Assert.That((telegram.Clock, telegram.EffectiveMs), Is.EqualTo((ClockQuality.Ok, (946684800L + clock) * 1000)));
    }

    [TestCase(Dp1Examples.Clock, ClockQuality.Unchecked, Dp1Examples.ClockMs)]
    [TestCase(1u, ClockQuality.Unchecked, 946684801000)]
    [TestCase(0xFFFFFFFFu, ClockQuality.Unset, Dp1Examples.ReceivedAtMs)]
    public void On_the_downlink_the_clock_is_not_checked(uint clock, ClockQuality expected, long effectiveMs)
    {
        var telegram = Dp1Examples.Decode(Dp1Examples.Telegram(Dp1Type.FirmwareControl, [1, 1], clock: clock), Dp1Examples.Down);

        Assert.That((telegram.Clock, telegram.EffectiveMs, telegram.Warnings), Is.EqualTo((expected, effectiveMs, DecodeWarnings.None)));
    }

    [Test]
    public void Not_available_comes_before_range_and_scaling()
    {
        byte[] body = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x80, 0, 0x80, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];
        var telegram = Dp1Examples.Decode(Dp1Examples.Telegram(Dp1Type.Status, body));

        Assert.That(telegram.Warnings, Is.EqualTo(DecodeWarnings.None));
        Assert.That(telegram.Points.Points[..14].ToArray().All(p => p is { HasValue: false, Quality: Quality.NotAvailable }), Is.True);
        Assert.That(telegram.Points.Points[14].HasValue, Is.True, "alarm_mask is never unavailable");
    }

    /// <summary>Section 4.1: offset in the body, and the smallest and largest raw value in range.</summary>
    [TestCase("flow", 2, 2, 0, 6000)]
    [TestCase("pressure_out", 4, 2, 0, 2500)]
    [TestCase("pressure_in", 6, 2, -100, 1600)]
    [TestCase("water_temp", 8, 2, -400, 1250)]
    [TestCase("soil_moisture", 10, 1, 0, 200)]
    [TestCase("speed", 11, 2, 0, 6000)]
    [TestCase("motor_current", 13, 2, 0, 30000)]
    [TestCase("power", 15, 2, 0, 30000)]
    [TestCase("motor_temp", 17, 1, 0, 240)]
    [TestCase("vibration_rms", 18, 1, 0, 250)]
    [TestCase("supply_voltage", 19, 2, 0, 10000)]
    public void A_value_beyond_its_range_is_kept_and_marked(string name, int offset, int size, int min, int max)
    {
        var definition = Dp1Points.All.Single(p => p.Name == name);
        foreach (var (raw, expected) in new[] { (min, Quality.Good), (max, Quality.Good), (max + 1, Quality.OutOfRange), (min - 1, Quality.OutOfRange) })
        {
            if (raw < 0 && min == 0)
                continue;

            byte[] value = size == 1 ? [(byte)raw] : [(byte)(raw >> 8), (byte)raw];
            var telegram = Dp1Examples.Decode(Dp1Examples.With(Dp1Examples.Status, 13 + offset, value));

            Assert.That(Point(telegram, definition).Quality, Is.EqualTo(expected), $"raw {raw}");
            Assert.That(Point(telegram, definition).HasValue, Is.True);
            Assert.That(telegram.Warnings.HasFlag(DecodeWarnings.Range), Is.EqualTo(expected is Quality.OutOfRange));
        }
    }

    [Test]
    public void Codes_without_a_name_are_kept_and_marked()
    {
        var telegram = Dp1Examples.Decode(Dp1Examples.With(Dp1Examples.StatusClockUnset, 13, 9, 0x56), Dp1Examples.Up with { ReceivedAtMs = null });

        Assert.That(telegram.Points.Points[..3].ToArray().Select(p => (p.Bits, p.Quality)), Is.EqualTo(new[]
        {
            (9UL, Quality.UnknownEnum), (5UL, Quality.UnknownEnum), (6UL, Quality.UnknownEnum),
        }));
        Assert.That(telegram.Warnings, Is.EqualTo(DecodeWarnings.Enum | DecodeWarnings.ClockUnset));
    }

    [TestCase((byte)0x10)]
    [TestCase((byte)0x15)]
    [TestCase((byte)0x1F)]
    public void An_unknown_size_class_is_a_warning_in_both_directions(byte format)
    {
        Assert.That(Dp1Examples.Decode(Dp1Examples.With(Dp1Examples.Counters, 3, format)).Warnings, Is.EqualTo(DecodeWarnings.Enum));
        Assert.That(
            Dp1Examples.Decode(Dp1Examples.With(Dp1Examples.Command, 3, format), Dp1Examples.Down).Warnings, Is.EqualTo(DecodeWarnings.Enum));
    }

    [TestCase("000000000000", DecodeWarnings.None)]
    [TestCase("090000000000", DecodeWarnings.Enum)]
    [TestCase("00FF00000000", DecodeWarnings.Enum)]
    [TestCase("000006000000", DecodeWarnings.Enum)]
    [TestCase("000000050000", DecodeWarnings.Enum)]
    public void A_state_change_names_what_it_can(string body, DecodeWarnings expected) =>
        Assert.That(Dp1Examples.Decode(Dp1Examples.Telegram(Dp1Type.State, Convert.FromHexString(body))).Warnings, Is.EqualTo(expected));

    [TestCase(0x01000000u, 0u)]
    [TestCase(0u, 0x80000000u)]
    public void A_reserved_alarm_bit_is_a_warning_wherever_it_is_set(uint active, uint changed)
    {
        var buffer = new byte[Dp1Encoder.SizeMax];
        var size = Dp1Encoder.Alarm(buffer, new(1, 1, Dp1Examples.Clock), new(active, changed, 0xFF), new Dp1Readings());

        Assert.That(Dp1Examples.Decode(buffer[..size]).Warnings, Is.EqualTo(DecodeWarnings.ReservedBits));
    }

    /// <summary>Raised first, else active, else info. A reserved bit counts as a warning.</summary>
    [TestCase(0x00000101u, 0x00000100u, 3)]
    [TestCase(0x00000101u, 0u, 4)]
    [TestCase(0x00000040u, 0x00000001u, 2)]
    [TestCase(0u, 0x00000001u, 0)]
    [TestCase(0x01000000u, 0x01000000u, 2)]
    [TestCase(0x00020000u, 0x00020000u, 1)]
    public void Severity_is_the_highest_of_what_was_raised_or_is_active(uint active, uint changed, int severity) =>
        Assert.That(new Dp1Alarm(active, changed, 0xFF).Severity, Is.EqualTo(severity));

    [Test]
    public void Without_a_clock_the_last_sample_of_a_batch_is_now([Values] bool isFirstUnset)
    {
        var bytes = isFirstUnset
            ? Dp1Examples.With(Dp1Examples.Batch, 13, 0xFF, 0xFF, 0xFF, 0xFF)
            : Dp1Examples.With(Dp1Examples.Batch, 9, 0xFF, 0xFF, 0xFF, 0xFF);
        var telegram = Dp1Examples.Decode(bytes);
        var now = isFirstUnset ? Dp1Examples.ClockMs : Dp1Examples.ReceivedAtMs;

        Assert.That(telegram.Warnings, Is.EqualTo(DecodeWarnings.ClockUnset));
        Assert.That(telegram.Clock, Is.EqualTo(isFirstUnset ? ClockQuality.Ok : ClockQuality.Unset));
        Assert.That(telegram.EffectiveMs, Is.EqualTo(now));
        Assert.That(telegram.Points.Points[0].TimeMs, Is.EqualTo(now - 1_200_000));
        Assert.That(telegram.Points.Points[^1].TimeMs, Is.EqualTo(now));
    }

    [TestCase(802094400u - 1200, DecodeWarnings.None)]
    [TestCase(802094400u - 1199, DecodeWarnings.ClockOrder)]
    public void Samples_later_than_the_clock_keep_their_spacing_with_a_warning(uint first, DecodeWarnings expected)
    {
        var telegram = Dp1Examples.Decode(Dp1Examples.With(
            Dp1Examples.Batch, 13, (byte)(first >> 24), (byte)(first >> 16), (byte)(first >> 8), (byte)first));

        Assert.That(telegram.Warnings, Is.EqualTo(expected));
        Assert.That(telegram.Points.Points[0].TimeMs, Is.EqualTo(Dp1Examples.ClockMs + ((long)first - Dp1Examples.Clock) * 1000));
    }

    [Test]
    public void A_batch_keeps_its_spacing_when_the_clock_is_replaced()
    {
        var telegram = Dp1Examples.Decode(Dp1Examples.Batch, Dp1Examples.Up with { ReceivedAtMs = Dp1Examples.ClockMs - 86_400_000 });

        Assert.That(telegram.Clock, Is.EqualTo(ClockQuality.Future));
        Assert.That(telegram.Points.Points[0].TimeMs, Is.EqualTo(Dp1Examples.ClockMs - 86_400_000 - 1_800_000));
    }

    [Test]
    public void A_largest_batch_may_reach_far_back_without_overflow()
    {
        byte[] body = [0, 0, 0, 0, 0xA8, 0xC0, 19, .. new byte[19 * 12]];
        var telegram = Dp1Examples.Decode(Dp1Examples.Telegram(Dp1Type.Batch, body));

        Assert.That(telegram.Points.Count, Is.EqualTo(190));
        Assert.That(telegram.Points.Points[0].TimeMs, Is.EqualTo(946684800000));
        Assert.That(telegram.Points.Points[^1].TimeMs, Is.EqualTo(946684800000 + 18L * 43200 * 1000));
    }

    [Test]
    public void A_batch_of_gaps_alone_has_no_points()
    {
        byte[] body = [0x2F, 0xCE, 0xF6, 0x38, 0, 60, 2, .. Enumerable.Repeat((byte)0xFF, 24)];
        var telegram = Dp1Examples.Decode(Dp1Examples.Telegram(Dp1Type.Batch, body));

        Assert.That((telegram.Points.Count, telegram.Batch.Gaps), Is.EqualTo((0, 3u)));
    }

    [Test]
    public void Ident_restarts_sequence_tracking_and_drops_the_padding_of_the_model()
    {
        byte[] body = [3, 2, 14, 7, 9, 0, 118, 0xFF, .. "  IRP 40    "u8, 1, 44, 2];
        var telegram = Dp1Examples.Decode(Dp1Examples.Telegram(Dp1Type.Ident, body));

        Assert.That(telegram.Ident, Is.EqualTo(new Dp1Ident(3, new(2, 14, 7), 9, 118, 0xFF, "  IRP 40", 300, 2)));
        Assert.That(telegram.IsRestart, Is.True);
        Assert.That(telegram.Warnings, Is.EqualTo(DecodeWarnings.Enum), "reset cause 9 has no name");
    }

    [Test]
    public void A_telegram_is_reused_without_a_trace_of_the_one_before()
    {
        var telegram = new Dp1Telegram();
        Dp1Decoder.TryDecode(Dp1Examples.Batch, Dp1Examples.Up, telegram);
        Dp1Decoder.TryDecode(Dp1Examples.With(Dp1Examples.Status, 3, 0x1F), Dp1Examples.Up, telegram);
        Dp1Decoder.TryDecode(Dp1Examples.Counters, Dp1Examples.Up, telegram);

        Assert.That((telegram.Historical, telegram.IsRestart, telegram.Warnings, telegram.Points.Count), Is.EqualTo((false, false, DecodeWarnings.None, 4)));
    }

    [Test]
    public void Decoding_a_status_allocates_nothing()
    {
        var telegram = new Dp1Telegram();
        var context = Dp1Examples.Up;
        for (var i = 0; i < 100; i++)
            Dp1Decoder.TryDecode(Dp1Examples.Status, context, telegram);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Dp1Decoder.TryDecode(Dp1Examples.Status, context, telegram);

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
    }
}
