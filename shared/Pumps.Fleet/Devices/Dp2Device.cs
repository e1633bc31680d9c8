using System.Globalization;
using Pumps.Core.Dictionaries;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;
using Pumps.Fleet.Machines;

namespace Pumps.Fleet.Devices;

/// <summary>A controller of the new product line: DP2, for every offering.</summary>
internal sealed class Dp2Device : SimulatedDevice
{
    private const byte Telemetry = 0x01, Event = 0x02, Response = 0x03, Describe = 0x04, FirmwareStatus = 0x05;
    private const byte FirmwareOffer = 0x82, FirmwareControl = 0x84;
    private const int KindAt = 5;
    private const uint Hardware = 3;
    private const ulong SecurityCounter = 1;

    // Two blocks of flash: what the controller can write while the radio goes on.
    private const ushort ChunkWindow = 16;

    /// <summary>A trial that nobody confirms ends after this time (section 9.5).</summary>
    private const long TrialMs = 15 * 60_000;
    private const ushort HealthDictionary = 1;
    private const uint StateChangeCode = 2;
    private const uint PumpsGroup = 20;
    private const byte AlarmSeverity = 3;
    private const int CorrelationsKept = 32;
    private const long RepeatMs = 30_000;
    private const long RepeatMaxMs = 3_600_000;
    private const int RepeatsKept = 64;

    private static readonly string[] ZoneNames = ["north", "east", "south", "west"];

    // One scheduler calls all devices of a fleet, so one buffer would do; one per thread is as cheap and cannot be got wrong.
    [ThreadStatic]
    private static Dp2FrameWriter? _writerOfThread;

    private readonly DictionarySet _dictionaries;
    private readonly DataDictionary _dictionary;
    private readonly Dp2Frame _down = new();
    private readonly Dictionary<string, Answer> _answers = [];
    private readonly Queue<string> _answerOrder = new();
    private readonly Dictionary<uint, Unacknowledged> _unacknowledged = [];
    private readonly IFirmwareSignatures _keys;
    private Dp2FirmwareReceiver? _firmware;
    private string _version = "3.1.4";
    private string? _former;
    private long _trialEndsMs = long.MaxValue;
    private byte[]? _busyWith;
    private uint _sequence;

    public Dp2Device(
        DeviceSpec spec, FleetOptions options, Machine machine, DictionarySet dictionaries, FleetStatistics statistics, long startMs,
        IFirmwareSignatures? keys)
        : base(spec, options, machine, statistics, startMs)
    {
        var id = spec.Product switch
        {
            FleetProduct.IrrigationPumpV2 => 0x0101u,
            FleetProduct.IrrigationStation => 0x0102u,
            FleetProduct.FirePanel => 0x0201u,
            _ => 0x0301u,
        };
        _dictionaries = dictionaries;
        _keys = keys ?? new NoKeys();
        _dictionary = dictionaries.Find(id)
            ?? throw new ArgumentException($"a {spec.Product.Name()} needs dictionary {id}, which is not among those given", nameof(dictionaries));
    }

    private readonly record struct Answer(byte Status, byte Reason, string Text);

    private readonly record struct Unacknowledged(DeviceFrame Frame, long NextMs, long WaitMs);

    /// <summary>A device that nobody has given a key trusts none, and says <c>unknown_key</c> to every offer.</summary>
    private sealed class NoKeys : IFirmwareSignatures
    {
        public bool Trusts(ReadOnlySpan<byte> keyId) => false;

        public bool Verify(ReadOnlySpan<byte> keyId, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) => false;
    }

    public override string Firmware => _version;

    public override string Model => Spec.Product switch
    {
        FleetProduct.IrrigationPumpV2 => "IP-200/2",
        FleetProduct.IrrigationStation => "IS-300/3",
        FleetProduct.FirePanel => "FP-8",
        _ => "DM-50",
    };

    private static Dp2FrameWriter Writer => _writerOfThread ??= new();

    private protected override int SamplesPerFrame => 60;

    private protected override bool ActivateFirmware()
    {
        if (_firmware is not { Manifest: { } manifest } firmware || (Dp2TransferState)firmware.Status().State is not Dp2TransferState.Activating)
            return false;

        (_former, _version, _trialEndsMs) = (_version, manifest.Version, NowMs + TrialMs);
        firmware.Started();
        return true;
    }

    private protected override void SendStarted()
    {
        if (_former is not null)
            SendFirmwareStatus(_firmware!.Status());
    }

    private protected override void SendDescribe(byte resetCause)
    {
        var writer = Start(Describe);
        writer.Text(3, Model);
        writer.Text(4, Firmware);
        writer.Text(5, Spec.Number.ToString("X", CultureInfo.InvariantCulture)[^8..]);
        writer.Uint(9, Dp2Limits.FrameMax);
        writer.Uint(10, (uint)Boots);
        Finish(HeaderType.Event, FrameKind.Describe);
    }

    private protected override void SendTelemetry()
    {
        var writer = Start(Telemetry);
        writer.BeginGroup(3);
        WritePoints(writer);
        writer.EndGroup();
        Finish(HeaderType.Telemetry, FrameKind.Telemetry);
    }

    /// <summary>What changes slowly: lifetime counters and names.</summary>
    private protected override void SendCounters()
    {
        var writer = Start(Telemetry);
        writer.BeginGroup(3);
        switch (Machine)
        {
            case IrrigationPump pump:
                writer.Write(PointSources.Counters, pump.Unit);
                writer.Text(39, Firmware);
                break;
            case IrrigationStation station:
                for (var i = 0; i < IrrigationStation.PumpCount; i++)
                {
                    BeginInstance(writer, PumpsGroup, i, null);
                    writer.Write(PointSources.Counters, station.Pumps[i]);
                    writer.EndGroup();
                }

                break;
            case FirePanel panel:
                writer.Write(PointSources.FireCounters, panel);
                writer.Text(32, "panel " + Spec.Index.ToString(CultureInfo.InvariantCulture));
                break;
            case MixingStation mixing:
                writer.Write(PointSources.MixingCounters, mixing);
                writer.Text(31, mixing.MeterSerial);
                break;
        }

        writer.EndGroup();
        Finish(HeaderType.Telemetry, FrameKind.Telemetry);
    }

    private protected override void SendEvent(in MachineEvent happened)
    {
        // Alarms are kept and repeated until the cloud says that it has them (section 7).
        var acknowledge = happened.Severity >= AlarmSeverity && happened.Kind is not MachineEventKind.StateChange;
        var writer = Start(Event, ackRequested: acknowledge);
        if (happened.Kind is MachineEventKind.StateChange)
        {
            writer.Uint(3, StateChangeCode);
            writer.Uint(4, 0);
        }
        else
        {
            writer.Uint(3, happened.Code);
            writer.Uint(4, happened.Severity);
            writer.Uint(5, happened.Kind switch
            {
                MachineEventKind.Raised => 1,
                MachineEventKind.Cleared => 2,
                _ => 0ul,
            });
        }

        writer.Sint(6, Math.Min(0, ToDeviceTime(happened.AtMs) - NowMs));
        if (happened.Text.Length > 0)
            writer.Text(7, happened.Text);
        if (happened.Id != 0)
            writer.Uint(9, happened.Id);
        if (happened.Kind is MachineEventKind.StateChange)
        {
            writer.BeginGroup(11);
            writer.Uint(1, happened.From);
            writer.Uint(2, happened.To);
            writer.Uint(3, (byte)happened.Cause);
            writer.EndGroup();
        }

        var frame = Finish(HeaderType.Event, FrameKind.Event);
        if (acknowledge && _unacknowledged.Count < RepeatsKept)
            _unacknowledged[frame.Sequence] = new(frame, NowMs + RepeatMs, RepeatMs);
    }

    private protected override void Chores()
    {
        if (_busyWith is { } correlation && !Machine.IsBusy)
        {
            Respond(correlation, new(2, 0, ""));
            _busyWith = null;
        }

        if (NowMs >= _trialEndsMs)
        {
            (_version, _former, _trialEndsMs) = (_former!, null, long.MaxValue);
            _firmware!.FellBack();
            SendFirmwareStatus(_firmware.Status());
            RebootSoon();
        }

        if (_unacknowledged.Count == 0)
            return;

        foreach (var (sequence, waiting) in _unacknowledged.ToArray())
            if (NowMs >= waiting.NextMs)
            {
                var wait = Math.Min(waiting.WaitMs * 2, RepeatMaxMs);
                _unacknowledged[sequence] = waiting with { NextMs = NowMs + wait, WaitMs = wait };
                Repeat(waiting.Frame);
            }
    }

    private protected override double[] TakeSample() => Machine switch
    {
        IrrigationPump pump => Values(PointSources.Pump, pump),
        IrrigationStation station => Values(PointSources.Station, station),
        FirePanel panel => Values(PointSources.Fire, panel),
        MixingStation mixing => Values(PointSources.Mixing, mixing),
        _ => throw new InvalidOperationException($"no samples of a {Machine.GetType().Name}"),
    };

    /// <summary>A pump packs each quantity into a series; the others send samples, which also take floats.</summary>
    private protected override void SendSamples(ReadOnlySpan<Sample> samples, long intervalMs)
    {
        var writer = Start(Telemetry, historical: true);
        var first = samples[0].AtMs - NowMs;
        switch (Machine)
        {
            case IrrigationPump:
                Span<double> values = stackalloc double[samples.Length];
                for (var p = 0; p < PointSources.Pump.Length; p++)
                {
                    if (PointSources.Pump[p].Type is PointType.Float32)
                        continue;

                    for (var i = 0; i < samples.Length; i++)
                        values[i] = samples[i].Values[p];
                    writer.Series(PointSources.Pump[p].Id, first, intervalMs, values, PointSources.Pump[p].Exponent);
                }

                break;
            case IrrigationStation:
                WriteSamples(writer, PointSources.Station, samples);
                break;
            case FirePanel:
                WriteSamples(writer, PointSources.Fire, samples);
                break;
            case MixingStation:
                WriteSamples(writer, PointSources.Mixing, samples);
                break;
        }

        Finish(HeaderType.Telemetry, FrameKind.Telemetry, historical: true);
    }

    private protected override bool Understand(ReadOnlySpan<byte> frame)
    {
        if (frame.Length > KindAt && frame[KindAt] is >= FirmwareOffer and <= FirmwareControl)
            return Update(frame);

        var error = Dp2Decoder.TryDecode(frame, new DecodeContext(Direction.Down, NowMs, 0, Spec.Number, _dictionaries), _down);
        if (error is DecodeError.None && ClockIsUnset && _down.DeviceMs is { } told)
            SetClock(told - NowMs);

        switch (_down.Body)
        {
            case Dp2Command command when error is DecodeError.None:
                Obey(command);
                return true;
            case Dp2Command refused when refused.Correlation is { Length: > 0 }:
                Respond(refused.Correlation, Refusal(error));
                return true;
            case Dp2Ack ack when error is DecodeError.None:
                foreach (var sequence in ack.Sequences)
                    _unacknowledged.Remove(sequence);
                return true;
            default:
                return false;
        }
    }

    private void Obey(Dp2Command command)
    {
        var key = Convert.ToHexString(command.Correlation);
        if (_answers.TryGetValue(key, out var stored))
        {
            const byte duplicate = 6;
            Respond(command.Correlation, stored with { Status = duplicate });
            return;
        }

        var answer = command.Mode is 1 ? new Answer(2, 0, "valid") : Execute(command);
        if (_answerOrder.Count == CorrelationsKept)
            _answers.Remove(_answerOrder.Dequeue());
        _answers[key] = answer;
        _answerOrder.Enqueue(key);
        Respond(command.Correlation, answer);
    }

    private Answer Execute(Dp2Command command)
    {
        const byte done = 2, rejected = 3, unsupported = 11;
        var dictionary = _down.Dictionary?.Id;
        if (command.Path is { Length: > 0 } path)
            return path is [{ Group: PumpsGroup, Instance: var part }] && OrderOf(command.Name, Argument()) is { } forPart
                ? AnswerOf(Machine.ExecutePart(part, forPart))
                : new(rejected, unsupported, "not supported by this device");
        switch (dictionary, command.Name)
        {
            case (HealthDictionary, "reboot"):
                RebootSoon();
                return new(done, 0, "");
            case (HealthDictionary, "request_describe"):
                SendDescribe(0);
                return new(done, 0, "");
            case (_, "set_report_interval"):
                SetInterval((long)Argument());
                return new(done, 0, "");
        }

        if (dictionary != _dictionary.Id || OrderOf(command.Name, Argument()) is not { } order)
            return new(rejected, unsupported, "not supported by this device");

        // A pump takes all of its alarms; DP2 has no mask.
        var outcome = Machine.Execute(order, order is Order.ResetAlarms ? uint.MaxValue : Argument());
        if (outcome is Outcome.Accepted)
            _busyWith = command.Correlation;
        return AnswerOf(outcome);
    }

    private static Answer AnswerOf(Outcome outcome) => outcome switch
    {
        Outcome.Done => new(2, 0, ""),
        Outcome.Accepted => new(0, 0, ""),
        Outcome.Unknown => new(3, 1, "unknown command"),
        Outcome.BadArgument => new(3, 2, "bad argument"),
        Outcome.NotPermittedLocal => new(3, 4, "under local control"),
        Outcome.Interlock => new(3, 5, "an alarm forbids it"),
        Outcome.BadState => new(3, 7, "not in this state"),
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "no such outcome"),
    };

    private static Order? OrderOf(string? command, double argument) => command switch
    {
        "start" => Order.Start,
        "stop" => Order.Stop,
        "set_speed" => Order.SetSpeed,
        "set_pressure" => Order.SetPressure,
        "set_flow" => Order.SetFlow,
        "set_mode" => Order.SetMode,
        "valve" => argument switch
        {
            1 => Order.CloseValve,
            2 => Order.OpenValve,
            _ => Order.ReleaseValve,
        },
        "reset_alarms" => Order.ResetAlarms,
        "set_temperature" => Order.SetTemperature,
        "valve_exercise" => Order.ExerciseValve,
        "start_flush" => Order.StartFlush,
        "start_weekly_test" => Order.StartWeeklyTest,
        "silence_sounder" => Order.SilenceSounder,
        "reset_panel" => Order.ResetPanel,
        _ => null,
    };

    /// <summary>The one argument of the command; 0 for those without.</summary>
    private double Argument()
    {
        if (_down.Points.Count == 0)
            return 0;

        var point = _down.Points.Points[0];
        return point.Type switch
        {
            PointType.Decimal => (long)point.Bits * Math.Pow(10, point.Exponent),
            PointType.Int => (long)point.Bits,
            _ => point.Bits,
        };
    }

    private static Answer Refusal(DecodeError error)
    {
        const byte rejected = 3, expired = 5;
        return error switch
        {
            DecodeError.Expired => new(expired, 8, "expired"),
            DecodeError.Command => new(rejected, 1, "unknown command"),
            DecodeError.Dict => new(rejected, 10, "dictionary mismatch"),
            _ => new(rejected, 2, error.Code()),
        };
    }

    private void Respond(byte[] correlation, Answer answer)
    {
        var writer = Writer;
        writer.Begin(Response, Spec.Number, DeviceMs, _sequence);
        writer.Bytes(1, correlation);
        writer.Uint(2, answer.Status);
        if (answer.Reason != 0)
            writer.Uint(3, answer.Reason);
        if (answer.Text.Length > 0)
            writer.Text(4, answer.Text);
        Finish(HeaderType.Command, FrameKind.Response);
    }

    /// <summary>Hands a firmware frame to the receiver and sends its answer.</summary>
    private bool Update(ReadOnlySpan<byte> frame)
    {
        _firmware ??= new Dp2FirmwareReceiver(Hardware, SecurityCounter, _keys) { Window = ChunkWindow };
        var reaction = _firmware.Handle(frame, NowMs);
        if (reaction is "E_CRC" or "E_TRUNCATED" or "E_LENGTH" or "E_MAGIC" or "E_IDENTITY")
            return false;

        switch (reaction)
        {
            case "activating":
                RebootSoon();
                break;
            case "confirmed":
                (_former, _trialEndsMs) = (null, long.MaxValue);
                break;
            case "rolled_back" when _former is { } former:
                (_version, _former, _trialEndsMs) = (former, null, long.MaxValue);
                RebootSoon();
                break;
            default:
                break;
        }

        SendFirmwareStatus(_firmware.Answer());
        return true;
    }

    private void SendFirmwareStatus(Dp2FirmwareStatus status)
    {
        var writer = Writer;
        writer.Begin(FirmwareStatus, Spec.Number, DeviceMs, _sequence);
        writer.Raw(Dp2FirmwareReceiver.Payload(status));
        Finish(HeaderType.Command, FrameKind.FirmwareStatus);
    }

    private Dp2FrameWriter Start(byte kind, bool historical = false, bool ackRequested = false)
    {
        var writer = Writer;
        writer.Begin(kind, Spec.Number, DeviceMs, _sequence, historical, ackRequested);
        writer.Uint(1, _dictionary.Id);
        writer.Uint(2, _dictionary.Revision);
        return writer;
    }

    private DeviceFrame Finish(HeaderType type, FrameKind kind, bool historical = false) =>
        Send(type, kind, _sequence++, historical, Writer.End());

    private void WritePoints(Dp2FrameWriter writer)
    {
        switch (Machine)
        {
            case IrrigationPump pump:
                writer.Write(PointSources.Pump, pump);
                break;
            case IrrigationStation station:
                WriteStation(writer, station);
                break;
            case FirePanel panel:
                writer.Write(PointSources.Fire, panel);
                for (var zone = 0; zone < FirePanel.ZoneCount; zone++)
                {
                    BeginInstance(writer, 33, zone, ZoneNames[zone]);
                    writer.Uint(16, (byte)panel.SmokeOf(zone));
                    writer.Uint(17, (byte)panel.HeatOf(zone));
                    writer.Point(18, PointType.Decimal, -1, panel.HeatTempOf(zone));
                    writer.EndGroup();
                }

                break;
            case MixingStation mixing:
                writer.Write(PointSources.Mixing, mixing);
                break;
        }
    }

    private static void WriteStation(Dp2FrameWriter writer, IrrigationStation station)
    {
        writer.Write(PointSources.Station, station);
        for (var i = 0; i < IrrigationStation.PumpCount; i++)
        {
            BeginInstance(writer, PumpsGroup, i, null);
            writer.Uint(23, (byte)station.StateOf(i));
            writer.Write(PointSources.StationPump, station.Pumps[i]);
            writer.EndGroup();
        }

        for (var i = 0; i < IrrigationStation.ZoneCount; i++)
        {
            var zone = station.Zones[i];
            BeginInstance(writer, 22, i, ZoneNames[i]);
            writer.Uint(16, (byte)zone.Valve);
            writer.Point(17, PointType.Decimal, -1, zone.Moisture);
            writer.Point(18, PointType.Decimal, -1, station.SoilTemp);
            writer.Point(19, PointType.Decimal, -2, zone.Flow);
            for (var probe = 0; probe < 2; probe++)
            {
                // The deeper probe sees the same water, damped.
                BeginInstance(writer, 21, probe, null);
                writer.Uint(16, (ulong)(20 + (30 * probe)));
                writer.Point(17, PointType.Decimal, -1, zone.Moisture + (probe * 1.5));
                writer.EndGroup();
            }

            writer.EndGroup();
        }
    }

    private static void BeginInstance(Dp2FrameWriter writer, uint group, int index, string? name)
    {
        writer.BeginGroup(group);
        writer.Uint(1, (ulong)(index + 1));
        if (name is not null)
            writer.Text(2, name);
    }

    private static double[] Values<T>(PointSource<T>[] sources, T machine)
    {
        var values = new double[sources.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = sources[i].Read(machine);
        return values;
    }

    private void WriteSamples<T>(Dp2FrameWriter writer, PointSource<T>[] sources, ReadOnlySpan<Sample> samples)
    {
        foreach (var sample in samples)
        {
            writer.BeginGroup(4);
            writer.Sint(1, sample.AtMs - NowMs);
            writer.BeginGroup(2);
            for (var p = 0; p < sources.Length; p++)
                writer.Point(sources[p].Id, sources[p].Type, sources[p].Exponent, sample.Values[p]);
            writer.EndGroup();
            writer.EndGroup();
        }
    }
}
