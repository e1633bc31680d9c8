using System.Buffers;
using System.Text.Json;
using CsCheck;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Core.Tests.Dp1;

public sealed class Dp1EncoderTests
{
    private static readonly Dp1Header Header = new(4711001, 17, 802101600);

    private readonly byte[] _buffer = new byte[Dp1Encoder.SizeMax];

    private static JsonElement ToJson(Dp1Telegram telegram)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
            Dp1Json.Write(json, telegram);
        return JsonDocument.Parse(output.WrittenMemory).RootElement;
    }

    [Test]
    public void Readings_give_the_status_of_example_1()
    {
        var readings = new Dp1Readings
        {
            [Dp1Points.PumpState] = 2,
            [Dp1Points.ControlMode] = 1,
            [Dp1Points.ValveState] = 2,
            [Dp1Points.Flow] = 24.3,
            [Dp1Points.PressureOut] = 4.05,
            [Dp1Points.PressureIn] = -0.21,
            [Dp1Points.WaterTemp] = 14.6,
            [Dp1Points.Speed] = 2710,
            [Dp1Points.MotorCurrent] = 11.42,
            [Dp1Points.Power] = 5.93,
            [Dp1Points.MotorTemp] = 63,
            [Dp1Points.VibrationRms] = 1.8,
            [Dp1Points.SupplyVoltage] = 398.5,
            [Dp1Points.AlarmMask] = 512,
        };

        Assert.That(_buffer[..Dp1Encoder.Status(_buffer, Header, readings)], Is.EqualTo(Dp1Examples.Status));
    }

    [Test]
    public void Readings_give_the_batch_of_example_2_with_its_gap()
    {
        var first = new Dp1Readings
        {
            [Dp1Points.PumpState] = 2,
            [Dp1Points.ValveState] = 2,
            [Dp1Points.Flow] = 24.1,
            [Dp1Points.PressureOut] = 4.02,
            [Dp1Points.WaterTemp] = 14,
            [Dp1Points.SoilMoisture] = 31.5,
            [Dp1Points.MotorCurrent] = 11.3,
            [Dp1Points.MotorTemp] = 62,
            [Dp1Points.VibrationRms] = 1.7,
            [Dp1Points.Speed] = 2700,
        };
        var last = new Dp1Readings
        {
            [Dp1Points.PumpState] = 0,
            [Dp1Points.ValveState] = 0,
            [Dp1Points.Flow] = 0,
            [Dp1Points.PressureOut] = 0.12,
            [Dp1Points.WaterTemp] = -1,
            [Dp1Points.SoilMoisture] = 32,
            [Dp1Points.MotorCurrent] = 0,
            [Dp1Points.MotorTemp] = 41,
            [Dp1Points.VibrationRms] = 0,
            [Dp1Points.Speed] = 0,
        };

        var size = Dp1Encoder.Batch(_buffer, new(4711001, 18, Dp1Examples.Clock), 802092600, 600, [first, null, last]);

        Assert.That(_buffer[..size], Is.EqualTo(Dp1Examples.Batch));
    }

    [Test]
    public void Readings_that_nobody_made_are_not_available()
    {
        var size = Dp1Encoder.Status(_buffer, Header, new Dp1Readings());
        var telegram = Dp1Examples.Decode(_buffer[..size]);

        Assert.That(telegram.Points.Points[..14].ToArray().All(p => p.Quality is Quality.NotAvailable), Is.True);
        Assert.That(telegram.AlarmMask, Is.Zero);
    }

    /// <summary>A reading that the wire cannot hold becomes its nearest neighbour, never "not available".</summary>
    [TestCase(1e9, 0xFFFE)]
    [TestCase(-1e9, 0)]
    [TestCase(double.PositiveInfinity, 0xFFFE)]
    [TestCase(24.349, 243)]
    [TestCase(24.35, 244)]
    public void A_reading_is_rounded_and_kept_within_its_format(double flow, int raw)
    {
        var size = Dp1Encoder.Status(_buffer, Header, new Dp1Readings { [Dp1Points.Flow] = flow });

        Assert.That(Dp1Examples.Decode(_buffer[..size]).Points.Points[3].Bits, Is.EqualTo((ulong)raw));
    }

    [Test]
    public void Commands_and_answers_give_examples_5_to_8()
    {
        var clock = Dp1Examples.Clock;
        Span<byte> image = [.. Enumerable.Range(0, 200).Select(i => (byte)i)];

        Assert.That(_buffer[..Dp1Encoder.Command(_buffer, new(4711001, 3, clock), new(48879, 4, 425, 0))], Is.EqualTo(Dp1Examples.Command));
        Assert.That(
            _buffer[..Dp1Encoder.CommandResponse(_buffer, new(4711001, 21, clock), new(48879, 4, 0, 0, 0))], Is.EqualTo(Dp1Examples.CommandResponse));
        Assert.That(
            _buffer[..Dp1Encoder.FirmwareBegin(_buffer, new(4711001, 4, clock), new(3, new(2, 15, 0), 200, 2, Dp1Crc.Compute(image), 2, 4))],
            Is.EqualTo(Dp1Examples.FirmwareBegin));
        Assert.That(
            _buffer[..Dp1Encoder.FirmwareBlock(_buffer, new(4711001, 6, clock), new(3, 1), image[128..])], Is.EqualTo(Dp1Examples.LastBlock),
            "a short last block is padded with FF");
    }

    [Test]
    public void What_a_decoder_would_refuse_is_not_encoded()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Dp1Encoder.Command(_buffer, Header, new(1, 3, 6001, 0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Dp1Encoder.Command(_buffer, Header, new(1, 17, 0, 0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Dp1Encoder.FirmwareBegin(_buffer, Header, new(1, default, 200, 3, 0, 0, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Dp1Encoder.FirmwareBegin(_buffer, Header, new(1, default, 200, 2, 0, 2, 1)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Dp1Encoder.FirmwareBlock(_buffer, Header, new(1, 2048), [1]));
        Assert.Throws<ArgumentException>(() => Dp1Encoder.FirmwareBlock(_buffer, Header, new(1, 0), new byte[129]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Dp1Encoder.FirmwareControl(_buffer, Header, new(1, 5)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Dp1Encoder.FirmwareProgress(_buffer, Header, new(1, 1, 3, 2, 0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Dp1Encoder.Batch(_buffer, Header, 1, 60, new Dp1Readings?[20]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Dp1Encoder.Batch(_buffer, Header, 1, 0, new Dp1Readings?[1]));
        Assert.Throws<ArgumentOutOfRangeException>(() => Dp1Encoder.Alarm(_buffer, Header, new(1, 1, 32), new Dp1Readings()));
        Assert.Throws<ArgumentException>(() => Dp1Encoder.Ident(_buffer, Header, new(1, default, 0, 0, 0, "THIRTEEN CHARS", 60, 0)));
        Assert.Throws<ArgumentException>(() => Dp1Encoder.Ident(_buffer, Header, new(1, default, 0, 0, 0, "Pümpe", 60, 0)));
    }

    [Test]
    public void The_decoded_form_of_a_block_has_only_the_hash_of_its_data() =>
        Assert.Throws<NotSupportedException>(() => Dp1JsonReader.Encode(ToJson(Dp1Examples.Decode(Dp1Examples.LastBlock, Dp1Examples.Down))));

    [TestCase("{}", "\"type\" is missing")]
    [TestCase("""{"type": 16, "device": "1", "seq": 256}""", "\"seq\": 256")]
    [TestCase("""{"type": 52, "device": "1", "seq": 1, "size": 1, "time": {"deviceSeconds": null}, "body": {}}""", "52")]
    [TestCase("""{"type": 16, "device": "1", "seq": 1, "size": 1, "time": {"deviceSeconds": null}, "body": {"points": []}}""", "15 are expected")]
    [TestCase("""{"type": 82, "device": "1", "seq": 1, "size": 1, "time": {"deviceSeconds": null}, "body": {"image": 0, "action": 1}}""", "image id")]
    public void A_decoded_form_that_no_telegram_has_is_refused_with_the_reason(string json, string reason) => Assert.That(
        () => Dp1JsonReader.Encode(JsonDocument.Parse(json).RootElement), Throws.TypeOf<FormatException>().With.Message.Contains(reason));

    [TestCase(0L, -2, "0.00")]
    [TestCase(5L, -2, "0.05")]
    [TestCase(-5L, -1, "-0.5")]
    [TestCase(2430L, -2, "24.30")]
    [TestCase(-21L, -2, "-0.21")]
    [TestCase(12L, 2, "1200")]
    [TestCase(0L, 3, "0")]
    [TestCase(7L, 0, "7")]
    [TestCase(long.MinValue, -1, "-922337203685477580.8")]
    [TestCase(long.MaxValue, -19, "0.9223372036854775807")]
    [TestCase(1L, -20, "0.00000000000000000001")]
    public void Decimals_keep_exactly_their_digits(long mantissa, int exponent, string expected) =>
        Assert.That(DecimalText.Format(mantissa, exponent), Is.EqualTo(expected));

    /// <summary>Any telegram that decodes gives its own bytes again, from the telegram and from its decoded form.</summary>
    [Test]
    public void Whatever_decodes_encodes_to_the_same_bytes()
    {
        var decoded = new Dictionary<Dp1Type, int>();
        Dp1TypeInfo[] types = [.. Dp1TypeInfo.All];
        var type = Gen.Int[0, types.Length - 1].Select(i => types[i]);
        var byteOrFF = Gen.Select(Gen.Byte, Gen.Int[0, 2], (value, choice) => choice == 0 ? (byte)0xFF : value);
        var body = type.SelectMany(t => t.Type is Dp1Type.Batch
            ? Gen.Int[1, 19].SelectMany(n => byteOrFF.Array[7 + 12 * n].Select(b => Fit(b, n)))
            : Gen.Byte.Array[t.BodySize].Select(b => Fit(t, b)), (t, b) => (t, b));

        Gen.Select(body, Gen.Byte, Gen.UInt, Gen.Int[0, 15]).Sample(
            (content, sequence, clock, size) =>
            {
                var bytes = Dp1Examples.Telegram(content.t.Type, content.b, sequence, clock, (byte)(0x10 | size));
                var telegram = new Dp1Telegram();
                var context = content.t.Direction is Direction.Up ? Dp1Examples.Up : Dp1Examples.Down;
                if (Dp1Decoder.TryDecode(bytes, context, telegram) is not DecodeError.None)
                    return true;

                lock (decoded)
                    decoded[telegram.Type] = decoded.GetValueOrDefault(telegram.Type) + 1;
                return Dp1Encoder.Encode(telegram).AsSpan().SequenceEqual(bytes)
                    && (telegram.Type is Dp1Type.FirmwareBlock || Dp1JsonReader.Encode(ToJson(telegram)).AsSpan().SequenceEqual(bytes));
            },
            seed: "0000000000000001", iter: 20_000);

        Assert.That(decoded.Keys, Is.EquivalentTo(Enum.GetValues<Dp1Type>()), "every type was decoded at least once");
        Assert.That(decoded.Values, Has.All.GreaterThan(50));
    }

    // Random bytes seldom meet the rules of these types; make them meet one or the other.
    private static byte[] Fit(byte[] body, int count)
    {
        body[6] = (byte)count;
        body[4] &= 0x7F;
        return body;
    }

    private static byte[] Fit(Dp1TypeInfo type, byte[] body)
    {
        switch (type.Type)
        {
            case Dp1Type.Ident:
                foreach (ref var letter in body.AsSpan(8, 12))
                    letter = (byte)(0x20 + letter % 0x5F);
                break;
            case Dp1Type.Alarm:
                body[8] = (byte)(body[8] < 200 ? body[8] & 31 : 0xFF);
                break;
            case Dp1Type.FirmwareProgress:
                (body[2], body[4]) = ((byte)(body[2] & 3), (byte)(4 + (body[4] & 3)));
                break;
            case Dp1Type.Command:
                var command = Dp1CommandInfo.All[body[2] % 16];
                (body[2], body[3]) = (command.Code, (byte)(body[3] & 1));
                (body[4], body[5]) = ((byte)(command.Argument1Max >> 8), (byte)command.Argument1Max);
                var argument2 = command.Argument2Max;
                (body[6], body[7], body[8], body[9]) = ((byte)(argument2 >> 24), (byte)(argument2 >> 16), (byte)(argument2 >> 8), (byte)argument2);
                break;
            case Dp1Type.FirmwareBegin:
                var size = 1 + (uint)(body[5] << 8 | body[6]);
                (body[4], body[5], body[6], body[7]) = (0, (byte)(size >> 16), (byte)(size >> 8), (byte)size);
                var blocks = (size + 127) / 128;
                (body[8], body[9], body[13]) = ((byte)(blocks >> 8), (byte)blocks, 0xFF);
                break;
            case Dp1Type.FirmwareBlock:
                body[1] &= 7;
                break;
            case Dp1Type.FirmwareControl:
                body[1] = (byte)(1 + (body[1] & 3));
                break;
        }

        return body;
    }
}
