using Pumps.Core.Dictionaries;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Fleet.Machines;

namespace Pumps.Fleet.Devices;

/// <summary>An irrigation pump's first controller: DP1.</summary>
internal sealed class Dp1Device : SimulatedDevice
{
    private const byte Hardware = 3;
    private const byte FlowMeterAndAllElse = 0b11111;
    private const long EpochSeconds = 946_684_800;
    private const uint ClockUnset = uint.MaxValue;
    private const int TokensKept = 8;
    private const long TokenMs = 10 * 60_000;
    private const long ReminderMs = 6 * 3_600_000;

    /// <summary>Samples in a BATCH at most (section 4.2).</summary>
    private const int BatchSamples = 19;
    private const byte NoAlarm = 0xFF;
    private const int TypeAt = 2;
    private const int BodyAt = 13;

    private const byte CommandTelegram = (byte)Dp1Type.Command;

    private readonly IrrigationPump _pump;
    private readonly Dp1Readings _readings = new();
    private readonly Dp1Telegram _down = new();
    private readonly Dp1FirmwareReceiver _firmware = new(Hardware);
    private readonly Queue<(long AtMs, ushort Token, Dp1CommandResponse Response)> _answered = new(TokensKept);
    private readonly uint[] _parameters = new uint[200];
    private Dp1Version _version = new(2, 14, 0);
    private byte _sequence;
    private ushort _lastToken;
    private uint _reported;
    private long _remindAtMs = long.MaxValue;

    public Dp1Device(DeviceSpec spec, FleetOptions options, IrrigationPump pump, FleetStatistics statistics, long startMs)
        : base(spec, options, pump, statistics, startMs) => _pump = pump;

    public override string Firmware => _version.ToString();

    public override string Model => "IP-40/2";

    private protected override int SamplesPerFrame => BatchSamples;

    private uint Serial => (uint)Spec.Number;

    /// <summary>Civil seconds since 2000, as the cell-backed clock counts them.</summary>
    private uint Clock => DeviceMs == 0 ? ClockUnset : ClockAt(DeviceMs);

    private uint ClockAt(long utcMs) => (uint)((utcMs / 1000) - EpochSeconds + (Spec.UtcOffsetMinutes * 60));

    private Dp1Header Header => new(Serial, _sequence, Clock);

    private protected override bool ActivateFirmware()
    {
        var next = _firmware.Activating;
        _firmware.Restart();
        if (next is not { } version)
            return false;

        _version = version;
        return true;
    }

    private protected override void SendDescribe(byte resetCause)
    {
        Span<byte> bytes = stackalloc byte[Dp1Encoder.SizeMax];
        Put(HeaderType.Event, FrameKind.Describe, bytes, Dp1Encoder.Ident(bytes, Header, new(
            Hardware, _version, resetCause, (ushort)Math.Min(Boots, ushort.MaxValue), FlowMeterAndAllElse, Model,
            (ushort)Math.Min(IntervalMs / 1000, ushort.MaxValue), 0)));
    }

    private protected override void SendTelemetry()
    {
        Span<byte> bytes = stackalloc byte[Dp1Encoder.SizeMax];
        Read();
        Put(HeaderType.Telemetry, FrameKind.Telemetry, bytes, Dp1Encoder.Status(bytes, Header, _readings));
    }

    private protected override void SendCounters()
    {
        Span<byte> bytes = stackalloc byte[Dp1Encoder.SizeMax];
        Read();
        Put(HeaderType.Telemetry, FrameKind.Telemetry, bytes, Dp1Encoder.Counters(bytes, Header, _readings));
    }

    private protected override void SendEvent(in MachineEvent happened)
    {
        Span<byte> bytes = stackalloc byte[Dp1Encoder.SizeMax];
        if (happened.Kind is MachineEventKind.StateChange)
        {
            var detail = happened.Cause switch
            {
                StateCause.RemoteCommand => _lastToken,
                StateCause.Alarm => happened.Detail,
                _ => (ushort)0,
            };
            Put(HeaderType.Event, FrameKind.Event, bytes, Dp1Encoder.StateChange(bytes, Header, new(
                happened.From, happened.To, (byte)happened.Cause, (byte)_pump.Mode, detail)));
            return;
        }

        var changed = 1u << happened.Bit;
        _reported = happened.Kind is MachineEventKind.Raised ? _reported | changed : _reported & ~changed;
        SendAlarm(changed, happened.Bit);
    }

    private void SendAlarm(uint changed, byte first)
    {
        Span<byte> bytes = stackalloc byte[Dp1Encoder.SizeMax];
        Read();
        Put(HeaderType.Event, FrameKind.Event, bytes, Dp1Encoder.Alarm(bytes, Header, new(_reported, changed, first), _readings));
        _remindAtMs = _reported == 0 ? long.MaxValue : NowMs + ReminderMs;
    }

    private protected override void Chores()
    {
        if (NowMs >= _remindAtMs)
            SendAlarm(0, NoAlarm);
    }

    private protected override double[] TakeSample()
    {
        Read();
        var values = new double[Dp1Points.All.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = _readings[Dp1Points.All[i]];
        return values;
    }

    private protected override void SendSamples(ReadOnlySpan<Sample> samples, long intervalMs)
    {
        var readings = new Dp1Readings?[samples.Length];
        for (var i = 0; i < samples.Length; i++)
        {
            readings[i] = new Dp1Readings();
            for (var p = 0; p < Dp1Points.All.Count; p++)
                readings[i]![Dp1Points.All[p]] = samples[i].Values[p];
        }

        Span<byte> bytes = stackalloc byte[Dp1Encoder.SizeMax];
        var first = DeviceMs == 0 ? ClockUnset : ClockAt(DeviceMs - (NowMs - samples[0].AtMs));
        Put(HeaderType.Telemetry, FrameKind.Telemetry, bytes, Dp1Encoder.Batch(bytes, Header, first, (ushort)(intervalMs / 1000), readings), historical: true);
    }

    private protected override bool Understand(ReadOnlySpan<byte> frame)
    {
        var context = new DecodeContext(Direction.Down, NowMs, Spec.UtcOffsetMinutes, Serial, DictionarySet.Empty);
        var error = Dp1Decoder.TryDecode(frame, context, _down);
        if (error is DecodeError.Range or DecodeError.Command && frame[TypeAt] == CommandTelegram)
        {
            Refuse(frame, error);
            return true;
        }

        if (error is not DecodeError.None)
            return false;

        switch (_down.Type)
        {
            case Dp1Type.Command:
                Obey(_down.Command);
                break;
            case Dp1Type.FirmwareBlock:
                _firmware.Handle(_down);
                SendFirmwareAck();
                break;
            default:
                var before = _firmware.State;
                _firmware.Handle(_down);
                SendFirmwareProgress();
                // Whoever asks about it must not put it off.
                if (_firmware.State is Dp1FirmwareState.Activating && before is not Dp1FirmwareState.Activating)
                    RebootSoon();
                break;
        }

        return true;
    }

    // FWPROG is an event, and never sent but as an answer.
    private protected override bool IsAnswer(DeviceFrame frame) => base.IsAnswer(frame) || frame.Bytes[TypeAt] == (byte)Dp1Type.FirmwareProgress;

    /// <summary>The telegram is sound but the command is not: token and code stand where they always stand.</summary>
    private void Refuse(ReadOnlySpan<byte> frame, DecodeError error)
    {
        const byte unknownCommand = 2, badArgument = 3;
        var body = frame[BodyAt..];
        var token = (ushort)((body[0] << 8) | body[1]);
        var known = Dp1CommandInfo.Find(body[2]);
        var argument = known?.AllowsArgument1((short)((body[4] << 8) | body[5])) is false ? 1 : 2;
        Answer(new(token, body[2], error is DecodeError.Command ? unknownCommand : badArgument, (short)(known is null ? 0 : argument), 0), body[3] == 1);
    }

    private void Obey(in Dp1Command command)
    {
        const byte readStatus = 9, readCounters = 10, readBuffer = 11, setClock = 8, setInterval = 12, reboot = 14, setParameter = 15, readParameter = 16;
        var (token, code) = (command.Token, command.Code);
        while (_answered.TryPeek(out var oldest) && NowMs - oldest.AtMs > TokenMs)
            _answered.Dequeue();
        foreach (var (_, answered, stored) in _answered)
            if (answered == token)
            {
                Answer(stored, command.NoResponse, remember: false);
                return;
            }

        _lastToken = token;
        var outcome = Outcome.Done;
        var value = 0u;
        switch (code)
        {
            case setClock:
                SetClock(((EpochSeconds + command.Argument2 - (Spec.UtcOffsetMinutes * 60L)) * 1000) - (NowMs / 1000 * 1000));
                break;
            case setInterval:
                SetInterval(command.Argument1);
                break;
            case reboot:
                RebootSoon();
                break;
            case setParameter:
                _parameters[command.Argument1] = command.Argument2;
                break;
            case readParameter:
                value = _parameters[command.Argument1];
                break;
            case readStatus or readCounters or readBuffer:
                break;
            default:
                outcome = _pump.Execute(OrderOf(code), ArgumentOf(command));
                break;
        }

        Answer(new(token, code, ResultOf(outcome), Detail(outcome), value), command.NoResponse);
        if (code == readStatus)
            SendTelemetry();
        else if (code == readCounters)
            SendCounters();
        else if (code == readBuffer)
            SendSamples([new Sample(NowMs, TakeSample())], IntervalMs);
    }

    private short Detail(Outcome outcome) => outcome switch
    {
        Outcome.Interlock => (short)System.Numerics.BitOperations.TrailingZeroCount(_pump.Alarms & PumpAlarm.Trips),
        Outcome.BadArgument => 1,
        _ => 0,
    };

    private static Order OrderOf(byte code) => code switch
    {
        1 => Order.Start,
        2 => Order.Stop,
        3 => Order.SetSpeed,
        4 => Order.SetPressure,
        5 => Order.OpenValve,
        6 => Order.CloseValve,
        7 => Order.ResetAlarms,
        13 => Order.SetMode,
        _ => throw new ArgumentOutOfRangeException(nameof(code), code, "not a command of the pump"),
    };

    private static double ArgumentOf(in Dp1Command command) => command.Code switch
    {
        4 => command.Argument1 / 100.0,
        7 => command.Argument2,
        _ => command.Argument1,
    };

    private static byte ResultOf(Outcome outcome) => outcome switch
    {
        Outcome.Done => 0,
        Outcome.Accepted => 1,
        Outcome.Unknown => 2,
        Outcome.BadArgument => 3,
        Outcome.NotPermittedLocal => 5,
        Outcome.Interlock => 6,
        Outcome.BadState => 8,
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "no such outcome"),
    };

    private void Answer(in Dp1CommandResponse response, bool silent, bool remember = true)
    {
        if (remember)
        {
            if (_answered.Count == TokensKept)
                _answered.Dequeue();
            _answered.Enqueue((NowMs, response.Token, response));
        }

        if (silent)
            return;

        Span<byte> bytes = stackalloc byte[Dp1Encoder.SizeMax];
        Put(HeaderType.Command, FrameKind.Response, bytes, Dp1Encoder.CommandResponse(bytes, Header, response));
    }

    private void SendFirmwareAck()
    {
        Span<byte> bytes = stackalloc byte[Dp1Encoder.SizeMax];
        Put(HeaderType.Command, FrameKind.FirmwareStatus, bytes, Dp1Encoder.FirmwareAck(bytes, Header, _firmware.Ack));
    }

    private void SendFirmwareProgress()
    {
        Span<byte> bytes = stackalloc byte[Dp1Encoder.SizeMax];
        Put(HeaderType.Event, FrameKind.Event, bytes, Dp1Encoder.FirmwareProgress(bytes, Header, _firmware.Progress));
    }

    private void Put(HeaderType type, FrameKind kind, ReadOnlySpan<byte> bytes, int size, bool historical = false) =>
        Send(type, kind, _sequence++, historical, bytes[..size].ToArray());

    private void Read()
    {
        var unit = _pump.Unit;
        _readings[Dp1Points.PumpState] = (byte)_pump.State;
        _readings[Dp1Points.ControlMode] = (byte)_pump.Mode;
        _readings[Dp1Points.ValveState] = (byte)_pump.Valve;
        _readings[Dp1Points.Flow] = unit.Flow;
        _readings[Dp1Points.PressureOut] = _pump.PressureOut;
        _readings[Dp1Points.PressureIn] = _pump.PressureIn;
        _readings[Dp1Points.WaterTemp] = _pump.WaterTemp;
        _readings[Dp1Points.SoilMoisture] = _pump.SoilMoisture;
        _readings[Dp1Points.Speed] = unit.Speed;
        _readings[Dp1Points.MotorCurrent] = unit.Current;
        _readings[Dp1Points.Power] = unit.Power;
        _readings[Dp1Points.MotorTemp] = unit.MotorTemp;
        _readings[Dp1Points.VibrationRms] = unit.Vibration;
        _readings[Dp1Points.SupplyVoltage] = _pump.Voltage;
        _readings[Dp1Points.AlarmMask] = _pump.Alarms;
        _readings[Dp1Points.RunHours] = unit.RunHours;
        _readings[Dp1Points.Energy] = unit.EnergyKwh;
        _readings[Dp1Points.VolumeTotal] = unit.VolumeM3;
        _readings[Dp1Points.StartCount] = unit.Starts % 65_535;
    }
}
