using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Fleet;
using Pumps.Fleet.Devices;
using Pumps.Fleet.Machines;

namespace Pumps.Core.Tests.Fleet;

public sealed class DeviceTests
{
    internal const long Midnight = IrrigationPumpTests.Midnight;
    private const long Hour = 3_600_000;

    internal static readonly DictionarySet Dictionaries = new(
        Directory.GetFiles(Path.Combine(Root(), "shared", "catalog", "dictionaries"), "*.json").Select(f => DictionaryJson.Parse(File.ReadAllBytes(f))));

    [Test]
    public void Every_frame_of_a_normal_day_decodes_without_a_warning([Values] FleetProduct product, [Values(1ul, 2ul, 3ul)] ulong seed)
    {
        var (device, frames) = Day(product, seed);

        var telemetry = 0;
        foreach (var frame in frames)
        {
            var decoded = Decode(device, frame);
            telemetry += decoded.Kind is FrameKind.Telemetry ? 1 : 0;
            Assert.That(decoded.Kind, Is.EqualTo(frame.Kind));
            Assert.That(decoded.Sequence, Is.EqualTo(frame.Sequence));
            Assert.That(decoded.EffectiveMs, Is.EqualTo(frame.ObservedAtMs));
            foreach (var point in decoded.Points.Points)
                Assert.That(point.Quality, Is.EqualTo(Quality.Good), $"point {point.Id} of {frame.Kind}");
        }

        Assert.That(telemetry, Is.InRange(288 + 28, 288 + 30), "a status every five minutes, counters with every tenth");
        Assert.That(frames[0].Kind, Is.EqualTo(FrameKind.Describe));
    }

    [Test]
    public void The_same_seed_gives_the_same_bytes_however_often_it_is_asked([Values] FleetProduct product)
    {
        var one = Bytes(Day(product, 7, stepMs: 60_000).Frames);
        var other = Bytes(Day(product, 7, stepMs: 3_333).Frames);
        var another = Bytes(Day(product, 8, stepMs: 60_000).Frames);

        Assert.That(other, Is.EqualTo(one));
        Assert.That(another, Is.Not.EqualTo(one));
    }

    [Test]
    public void Sequence_numbers_have_no_hole([Values] FleetProduct product)
    {
        var (_, frames) = Day(product, 2);
        var modulus = product.Protocol() is Protocol.Dp1 ? 256u : uint.MaxValue;

        Assert.That(frames.Select(f => f.Sequence), Is.EqualTo(Enumerable.Range(0, frames.Count).Select(i => (uint)i % modulus)));
    }

    [Test]
    public void What_was_measured_without_a_link_comes_later_as_history([Values] FleetProduct product)
    {
        var device = Device(product, 3);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        device.Advance(Midnight + (5 * Hour), way);
        device.LinkLost(Midnight + (5 * Hour), way);
        way.Clear();
        device.Advance(Midnight + (8 * Hour), way);
        Assert.That(way.Where(f => f.HeaderType is HeaderType.Telemetry), Is.Empty);
        Assert.That(device.Buffered, Is.EqualTo(36));

        way.Clear();
        device.LinkUp(Midnight + (8 * Hour) + 1_000, way);
        var times = new HashSet<long>();
        foreach (var frame in way.Where(f => f.Historical))
        {
            var decoded = Decode(device, frame);
            Assert.That(decoded.Historical);
            foreach (var point in decoded.Points.Points)
            {
                Assert.That(point.Quality, Is.EqualTo(Quality.Good));
                times.Add(point.TimeMs);
            }
        }

        Assert.That(times, Has.Count.EqualTo(36));
        Assert.That(times.Max() - times.Min(), Is.EqualTo(35 * 300_000));
        Assert.That(times.Min(), Is.GreaterThan(Midnight + (5 * Hour) - 1));
    }

    [Test]
    public void A_full_buffer_forgets_the_oldest_and_says_so()
    {
        var statistics = new FleetStatistics();
        var device = Device(FleetProduct.IrrigationPumpV1, 1, statistics: statistics);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        device.LinkLost(Midnight, way);
        device.Advance(Midnight + (36 * Hour), way);

        Assert.That(device.Buffered, Is.EqualTo(SimulatedDevice.SamplesMax));
        Assert.That(statistics.Forgotten, Is.EqualTo((36 * 12) - 400));
    }

    [Test]
    public void A_dp1_alarm_says_what_changed_and_what_is_active()
    {
        var device = Device(FleetProduct.IrrigationPumpV1, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        var pump = (IrrigationPump)device.Machine;
        pump.Execute(Order.SetMode, (double)ControlMode.Schedule);
        device.Advance(Midnight + (5 * Hour) + 600_000, way);
        pump.Begin(Incident.DryRun, TimeSpan.FromMinutes(10));
        way.Clear();
        device.Advance(Midnight + (5 * Hour) + 900_000, way);

        var telegrams = way.Where(f => f.Kind is FrameKind.Event).Select(f => Decode(device, f)).Cast<Dp1Telegram>().ToList();
        Assert.That(telegrams.Exists(t => t.Type is Dp1Type.Alarm), "an alarm");
        var raised = (Dp1Telegram)Decode(device, way.First(f => f.Bytes[2] == (byte)Dp1Type.Alarm && (f.Bytes[16] & 1) == 1));
        Assert.That(raised.Alarm.Active & 1, Is.EqualTo(1));
        Assert.That(raised.Alarm.Severity, Is.EqualTo(4));
        Assert.That(way.Exists(f => f.Bytes[2] == (byte)Dp1Type.State && f.Bytes[14] == (byte)PumpState.Fault));
    }

    [Test]
    public void A_dp2_alarm_is_repeated_until_it_is_acknowledged()
    {
        var device = Device(FleetProduct.FirePanel, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        device.Machine.Begin(Incident.MainsLoss, TimeSpan.FromHours(1));
        way.Clear();
        device.Advance(Midnight + 100_000, way);

        var alarms = way.Where(f => f.Kind is FrameKind.Event).ToList();
        Assert.That(alarms, Has.Count.GreaterThanOrEqualTo(2));
        Assert.That(alarms.Select(f => Convert.ToHexString(f.Bytes)).Distinct().Count(), Is.EqualTo(1), "a repetition keeps its bytes");
        Assert.That(((Dp2Frame)Decode(device, alarms[0])).AckRequested);

        way.Clear();
        device.Receive(Ack(device, alarms[0].Sequence), Midnight + 101_000, way);
        device.Advance(Midnight + 1_000_000, way);
        Assert.That(way.Where(f => f.Sequence == alarms[0].Sequence), Is.Empty);
    }

    [Test]
    public void A_dp1_command_is_executed_once_and_answered_again()
    {
        var device = Device(FleetProduct.IrrigationPumpV1, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        way.Clear();
        var start = Command(device, new Dp1Command(0xBEEF, 1, 0, 0));
        device.Receive(start, Midnight + 5_000, way);
        device.Receive(start, Midnight + 6_000, way);

        var answers = way.Where(f => f.Kind is FrameKind.Response).ToList();
        Assert.That(answers, Has.Count.EqualTo(2));
        Assert.That(answers.ConvertAll(a => a.HeaderType), Is.All.EqualTo(HeaderType.Command));
        foreach (var answer in answers)
            Assert.That(((Dp1Telegram)Decode(device, answer)).CommandResponse, Is.EqualTo(new Dp1CommandResponse(0xBEEF, 1, 0, 0, 0)));

        device.Advance(Midnight + 60_000, way);
        Assert.That(((IrrigationPump)device.Machine).State, Is.EqualTo(PumpState.Running));
        var state = (Dp1Telegram)Decode(device, way.First(f => f.Bytes[2] == (byte)Dp1Type.State));
        Assert.That((state.StateChange.Cause, state.StateChange.Detail), Is.EqualTo(((byte)1, (ushort)0xBEEF)));
    }

    [TestCase((byte)9, Dp1Type.Status)]
    [TestCase((byte)10, Dp1Type.Counters)]
    public void A_dp1_read_is_an_answer_and_the_telegram_asked_for(byte code, Dp1Type expected)
    {
        var device = Device(FleetProduct.IrrigationPumpV1, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        device.Advance(Midnight + 10_000, way);
        way.Clear();
        device.Receive(Command(device, new Dp1Command(7, code, 0, 0)), Midnight + 10_500, way);

        Assert.That(way.ConvertAll(f => (Dp1Type)f.Bytes[2]), Is.EqualTo(new[] { Dp1Type.CommandResponse, expected }));
    }

    [Test]
    public void A_dp1_command_with_a_bad_argument_is_refused_by_number()
    {
        var device = Device(FleetProduct.IrrigationPumpV1, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        way.Clear();
        var bytes = Command(device, new Dp1Command(9, 4, 2500, 0));
        (bytes[17], bytes[18]) = (0x7F, 0xFF);
        Seal(bytes);
        device.Receive(bytes, Midnight + 5_000, way);

        Assert.That(((Dp1Telegram)Decode(device, way[0])).CommandResponse, Is.EqualTo(new Dp1CommandResponse(9, 4, 3, 1, 0)));
    }

    [Test]
    public void Dp1_firmware_arrives_block_by_block_and_starts()
    {
        var device = Device(FleetProduct.IrrigationPumpV1, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        var image = Enumerable.Range(0, 300).Select(i => (byte)i).ToArray();
        var begin = new Dp1FirmwareBegin(3, new(2, 15, 0), 300, 3, Dp1Crc.Compute(image), 1, 9);
        var now = Midnight + 1_000;

        way.Clear();
        Send(to => Dp1Encoder.FirmwareBegin(to, Head(device), begin));
        for (var block = 0; block < 3; block++)
        {
            var at = block;
            Send(to => Dp1Encoder.FirmwareBlock(to, Head(device), new(3, (ushort)at), image.AsSpan(at * 128, Math.Min(128, 300 - (at * 128)))));
        }

        Send(to => Dp1Encoder.FirmwareControl(to, Head(device), new(3, 1)));
        Send(to => Dp1Encoder.FirmwareControl(to, Head(device), new(3, 2)));
        device.Advance(now + 10_000, way);

        var types = way.ConvertAll(f => (Dp1Type)f.Bytes[2]);
        Assert.That(types.Where(t => t is not Dp1Type.Status and not Dp1Type.Counters), Is.EqualTo(new[]
        {
            Dp1Type.FirmwareProgress, Dp1Type.FirmwareAck, Dp1Type.FirmwareAck, Dp1Type.FirmwareAck,
            Dp1Type.FirmwareProgress, Dp1Type.FirmwareProgress, Dp1Type.Ident,
        }));
        var ident = ((Dp1Telegram)Decode(device, way[types.IndexOf(Dp1Type.Ident)])).Ident;
        Assert.That((ident.Firmware.ToString(), ident.ResetCause), Is.EqualTo(("2.15.0", (byte)4)));
        Assert.That(device.Firmware, Is.EqualTo("2.15.0"));

        void Send(Func<byte[], int> encode)
        {
            var bytes = new byte[Dp1Encoder.SizeMax];
            device.Receive(bytes.AsSpan(0, encode(bytes)), now += 50, way);
        }
    }

    [Test]
    public void Dp2_firmware_arrives_in_any_order_and_a_trial_that_nobody_confirms_goes_back([Values] bool confirmed)
    {
        var options = new FleetOptions { Devices = 1, Mix = FleetMix.Only(FleetProduct.MixingStation), IncidentsPerSiteDay = 0 };
        var device = SimulatedDevice.Create(DeviceSpec.Of(options)[0], options, Dictionaries, new FleetStatistics(), Midnight, new TrustAll());
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        var image = Enumerable.Range(0, 300).Select(i => (byte)(i * 7)).ToArray();
        var now = Midnight + 1_000;

        way.Clear();
        Send(0x82, w =>
        {
            w.Bytes(2, Manifest(image));
            w.Bytes(3, new byte[64]);
            w.Bytes(4, new byte[8]);
        });
        foreach (var chunk in new[] { 2, 0, 1 })
            Send(0x83, w =>
            {
                w.Uint(2, (ulong)chunk);
                w.Bytes(3, image.AsSpan(chunk * 128, Math.Min(128, 300 - (chunk * 128))));
            });
        Send(0x84, w => w.Uint(2, 3));
        device.Advance(now += 10_000, way);
        Assert.That(device.Firmware, Is.EqualTo("3.2.0"));
        if (confirmed)
            Send(0x84, w => w.Uint(2, 4));
        device.Advance(now + (20 * 60_000), way);

        var states = way.Where(f => f.Kind is FrameKind.FirmwareStatus).Select(f => ((Dp2FirmwareStatus)((Dp2Frame)Decode(device, f)).Body!).State);
        Assert.That(states, Is.EqualTo(new byte[] { 1, 1, 1, 2, 5, 6, confirmed ? (byte)7 : (byte)8 }));
        Assert.That(device.Firmware, Is.EqualTo(confirmed ? "3.2.0" : "3.1.4"));
        Assert.That(device.Boots, Is.EqualTo(confirmed ? 2 : 3));

        void Send(byte kind, Action<Dp2FrameWriter> fields)
        {
            var writer = new Dp2FrameWriter();
            writer.Begin(kind, device.Spec.Number, now, 1);
            writer.Uint(1, 7);
            fields(writer);
            device.Receive(writer.End(), now += 50, way);
        }
    }

    [Test]
    public void A_dp2_device_without_keys_takes_no_firmware()
    {
        var device = Device(FleetProduct.FirePanel, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        way.Clear();
        var writer = new Dp2FrameWriter();
        writer.Begin(0x82, device.Spec.Number, Midnight, 1);
        writer.Uint(1, 7);
        writer.Bytes(2, Manifest([1]));
        writer.Bytes(3, new byte[64]);
        writer.Bytes(4, new byte[8]);
        device.Receive(writer.End(), Midnight + 100, way);

        var status = (Dp2FirmwareStatus)((Dp2Frame)Decode(device, way.Single())).Body!;
        Assert.That((status.State, status.Result), Is.EqualTo(((byte)9, (byte?)11)));
    }

    private static byte[] Manifest(byte[] image)
    {
        var writer = new Dp2FrameWriter();
        writer.Begin(0, 0, 0, 0);
        writer.Uint(1, 1);
        writer.Bytes(2, new byte[16]);
        writer.Bytes(3, new byte[16]);
        writer.Uint(5, 0);
        writer.Uint(6, 9);
        writer.Text(7, "3.2.0");
        writer.Uint(8, 2);
        writer.Uint(9, (ulong)image.Length);
        writer.Bytes(10, System.Security.Cryptography.SHA256.HashData(image));
        writer.Uint(11, 128);
        return writer.End()[Dp2Limits.HeaderMin..^Dp2Limits.CrcSize];
    }

    private sealed class TrustAll : IFirmwareSignatures
    {
        public bool Trusts(ReadOnlySpan<byte> keyId) => true;

        public bool Verify(ReadOnlySpan<byte> keyId, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) => true;
    }

    [Test]
    public void A_dp2_command_is_done_and_a_repetition_is_called_duplicate()
    {
        var device = Device(FleetProduct.IrrigationPumpV2, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        way.Clear();
        var command = Dp2Command(device, 0x0101, 19, w =>
        {
            w.BeginGroup(6);
            w.Sint(36, 425);
            w.EndGroup();
        });
        device.Receive(command, Midnight + 1_000, way);
        device.Receive(command, Midnight + 2_000, way);

        var answers = way.Where(f => f.Kind is FrameKind.Response).Select(f => (Dp2Response)((Dp2Frame)Decode(device, f)).Body!).Select(r => r.Status);
        Assert.That(answers, Is.EqualTo(new byte[] { 2, 6 }));
        Assert.That(((IrrigationPump)device.Machine).SetpointPressure, Is.EqualTo(4.25).Within(1e-9));
    }

    [Test]
    public void A_dp2_command_that_takes_time_is_accepted_first_and_done_later()
    {
        var device = Device(FleetProduct.FirePanel, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        way.Clear();
        device.Receive(Dp2Command(device, 0x0201, 16, _ => { }), Midnight + 1_000, way);
        device.Advance(Midnight + 900_000, way);

        var answers = way.Where(f => f.Kind is FrameKind.Response).Select(f => (Dp2Response)((Dp2Frame)Decode(device, f)).Body!).Select(r => r.Status);
        Assert.That(answers, Is.EqualTo(new byte[] { 0, 2 }));
    }

    [Test]
    public void What_answers_something_else_does_not_go_back_with_a_method()
    {
        var device = Device(FleetProduct.FirePanel, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        way.Clear();
        Assert.That(device.Obey(Dp2Command(device, 0x0201, 16, _ => { }), Midnight + 1_000, way)?.Kind, Is.EqualTo(FrameKind.Response), "accepted");
        Assert.That(way, Is.Empty);

        // The command is done long before this frame comes, which nobody answers.
        Assert.That(device.Obey(Ack(device, 1), Midnight + 900_000, way), Is.Null);
        Assert.That(way.Where(f => f.Kind is FrameKind.Response), Has.Exactly(1).Items);
    }

    [Test]
    public void A_dp2_command_that_the_dictionary_does_not_have_is_refused_with_its_correlation()
    {
        var device = Device(FleetProduct.MixingStation, 1);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        way.Clear();
        device.Receive(Dp2Command(device, 0x0301, 99, _ => { }), Midnight + 1_000, way);

        var answer = (Dp2Response)((Dp2Frame)Decode(device, way[0])).Body!;
        Assert.That((answer.Status, answer.Reason), Is.EqualTo(((byte)3, (byte?)1)));
        Assert.That(answer.Correlation, Is.EqualTo(new byte[] { 1, 2, 3, 4 }));
    }

    [Test]
    public void Bytes_that_are_no_frame_are_counted_and_change_nothing()
    {
        var statistics = new FleetStatistics();
        var device = Device(FleetProduct.IrrigationPumpV2, 1, statistics: statistics);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        way.Clear();
        device.Receive([1, 2, 3], Midnight + 100, way);

        Assert.That((way.Count, statistics.WrongDownlinks), Is.EqualTo((0, 1L)));
    }

    [Test]
    public void Wrong_clocks_are_wrong_in_the_way_that_was_asked_for()
    {
        var faults = new FleetFaults { ClocksUnset = 1, ClocksAhead = 1, ClocksBehind = 1 };
        var options = new FleetOptions { Devices = 4, Faults = faults, Mix = FleetMix.Only(FleetProduct.IrrigationPumpV1) };
        ClockQuality[] expected = [ClockQuality.Unset, ClockQuality.Future, ClockQuality.Past, ClockQuality.Ok];

        foreach (var spec in DeviceSpec.Of(options))
        {
            var device = SimulatedDevice.Create(spec, options, Dictionaries, new FleetStatistics(), Midnight);
            var way = new List<DeviceFrame>();
            device.LinkUp(Midnight, way);
            var telegram = new Dp1Telegram();
            Assert.That(Dp1Decoder.TryDecode(way[0].Bytes, Context(spec, Midnight), telegram), Is.EqualTo(DecodeError.None));
            Assert.That(telegram.Clock, Is.EqualTo(expected[spec.Index]));
        }
    }

    internal static SimulatedDevice Device(FleetProduct product, ulong seed, FleetFaults? faults = null, FleetStatistics? statistics = null)
    {
        var options = new FleetOptions
        {
            Devices = 1, Seed = seed, Mix = FleetMix.Only(product), TelemetryInterval = TimeSpan.FromMinutes(5), IncidentsPerSiteDay = 0,
            Faults = faults ?? FleetFaults.None,
        };
        return SimulatedDevice.Create(DeviceSpec.Of(options)[0], options, Dictionaries, statistics ?? new FleetStatistics(), Midnight);
    }

    internal static (SimulatedDevice Device, List<DeviceFrame> Frames) Day(
        FleetProduct product, ulong seed, FleetFaults? faults = null, FleetStatistics? statistics = null, long stepMs = 60_000)
    {
        var device = Device(product, seed, faults, statistics);
        var way = new List<DeviceFrame>();
        device.LinkUp(Midnight, way);
        for (var t = Midnight + stepMs; t < Midnight + (24 * Hour); t += stepMs)
            device.Advance(t, way);
        device.Advance(Midnight + (24 * Hour), way);
        return (device, way);
    }

    internal static DecodedFrame Decode(SimulatedDevice device, DeviceFrame frame)
    {
        DecodedFrame decoded = frame.Protocol is Protocol.Dp1 ? new Dp1Telegram() : new Dp2Frame();
        var context = Context(device.Spec, frame.ObservedAtMs + 1000);
        var error = decoded is Dp1Telegram telegram
            ? Dp1Decoder.TryDecode(frame.Bytes, context, telegram)
            : Dp2Decoder.TryDecode(frame.Bytes, context, (Dp2Frame)decoded);
        Assert.That((error, decoded.Warnings), Is.EqualTo((DecodeError.None, DecodeWarnings.None)), $"{frame.Kind} {Convert.ToHexString(frame.Bytes)}");
        return decoded;
    }

    private static DecodeContext Context(DeviceSpec spec, long receivedMs) =>
        new(Direction.Up, receivedMs, spec.UtcOffsetMinutes, spec.Number, Dictionaries);

    private static Dp1Header Head(SimulatedDevice device) => new((uint)device.Spec.Number, 1, 0);

    private static byte[] Command(SimulatedDevice device, Dp1Command command)
    {
        var bytes = new byte[Dp1Encoder.SizeMax];
        return bytes[..Dp1Encoder.Command(bytes, Head(device), command)];
    }

    private static void Seal(byte[] bytes)
    {
        var crc = Dp1Crc.Compute(bytes.AsSpan(0, bytes.Length - 2));
        (bytes[^2], bytes[^1]) = ((byte)(crc >> 8), (byte)crc);
    }

    private static byte[] Ack(SimulatedDevice device, uint sequence)
    {
        var writer = new Dp2FrameWriter();
        writer.Begin(0x85, device.Spec.Number, Midnight, 1);
        writer.Uint(1, sequence);
        return writer.End();
    }

    private static byte[] Dp2Command(SimulatedDevice device, uint dictionary, uint code, Action<Dp2FrameWriter> arguments)
    {
        var writer = new Dp2FrameWriter();
        writer.Begin(0x81, device.Spec.Number, Midnight, 1);
        writer.Bytes(1, [1, 2, 3, 4]);
        writer.Uint(2, dictionary);
        writer.Uint(3, 1);
        writer.Uint(4, code);
        writer.Uint(5, 0);
        arguments(writer);
        return writer.End();
    }

    private static string Bytes(IEnumerable<DeviceFrame> frames) => string.Concat(frames.Select(f => Convert.ToHexString(f.Bytes)));

    private static string Root()
    {
        var folder = new DirectoryInfo(TestContext.CurrentContext.TestDirectory);
        while (folder is not null && !Directory.Exists(Path.Combine(folder.FullName, "shared", "catalog")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new DirectoryNotFoundException("no shared/catalog above the test's folder");
    }
}
