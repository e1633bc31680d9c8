using Pumps.Core.Protocols;
using Pumps.Fleet.Machines;

namespace Pumps.Fleet.Devices;

/// <summary>The clock of a device, right or wrong.</summary>
internal enum DeviceClock : byte
{
    Right,
    Unset,
    Ahead,
    Behind,
}

/// <summary>One device as seen from the cloud: starts, reports, answers. Pure: what it sends follows from its seed, the time and what came down.</summary>
/// <remarks>
/// It acts at times of its own (every telemetry interval, and every two seconds for events), not when it is asked, so that the same seed gives
/// the same bytes whatever the load of the machine it runs on. Not thread-safe: one scheduler calls it.
/// </remarks>
public abstract class SimulatedDevice
{
    /// <summary>Samples kept while there is no link (DP1 section 7).</summary>
    public const int SamplesMax = 400;

    private const int WatchMs = 2000;
    private const long DayMs = 86_400_000;

    private readonly FleetOptions _options;
    private readonly long _startMs;
    private readonly FaultInjector _faults;
    private readonly FleetStatistics _statistics;
    private readonly List<MachineEvent> _events = [];
    private readonly List<DeviceFrame> _made = [];
    private readonly Queue<Sample> _samples = new();
    private long _nextWatchMs;
    private long _nextTelemetryMs;
    private int _telemetryCount;
    private bool _linked;
    private bool _booted;
    private long _rebootAtMs = long.MaxValue;
    private DeviceClock _clock;

    private protected SimulatedDevice(DeviceSpec spec, FleetOptions options, Machine machine, FleetStatistics statistics, long startMs)
    {
        (Spec, _options, Machine, _statistics, _startMs) = (spec, options, machine, statistics, startMs);
        _faults = new FaultInjector(options.Faults, spec.Seed, statistics);
        IntervalMs = (long)options.TelemetryInterval.TotalSeconds * 1000;
        _clock = ClockOf(spec.Index, options.Faults);

        // Devices were not switched on all at once: each has its place in the interval.
        var phase = (long)(spec.Seed % (ulong)IntervalMs) / 1000 * 1000;
        _nextTelemetryMs = startMs + phase;
        _nextWatchMs = startMs + (phase % WatchMs);
    }

    /// <summary>One set of measured values, kept for later.</summary>
    private protected readonly record struct Sample(long AtMs, double[] Values);

    public DeviceSpec Spec { get; }

    public Machine Machine { get; }

    public abstract string Firmware { get; }

    public abstract string Model { get; }

    public long IntervalMs { get; private set; }

    /// <summary>When it wants to be called next, ms since 1970 UTC.</summary>
    public long NextMs => Math.Min(_nextWatchMs, _nextTelemetryMs);

    public int Boots { get; private set; }

    public int Buffered => _samples.Count;

    /// <summary>Now as the device stands in <see cref="Advance"/> or <see cref="Receive"/>: true time, ms since 1970 UTC.</summary>
    private protected long NowMs { get; private set; }

    /// <summary>What the device believes the time is; 0 when it does not know.</summary>
    private protected long DeviceMs => _clock switch
    {
        DeviceClock.Unset => 0,
        DeviceClock.Ahead => NowMs + DayMs + ClockOffsetMs,
        DeviceClock.Behind => NowMs - (500 * DayMs) + ClockOffsetMs,
        _ => NowMs + ClockOffsetMs,
    };

    private protected long ClockOffsetMs { get; private set; }

    /// <summary>Makes a device of the right kind.</summary>
    /// <param name="startMs">When its life begins; nothing is sent before the first link.</param>
    /// <param name="keys">Keys that DP2 devices trust for firmware; without any they refuse every offer.</param>
    public static SimulatedDevice Create(
        DeviceSpec spec, FleetOptions options, Core.Dictionaries.DictionarySet dictionaries, FleetStatistics statistics, long startMs,
        IFirmwareSignatures? keys = null)
    {
        // Whole seconds: device clocks of DP1 know no smaller part.
        var start = startMs / 1000 * 1000;
        var incidents = options.IncidentsPerSiteDay;
        return spec.Product switch
        {
            FleetProduct.IrrigationPumpV1 => new Dp1Device(spec, options, new IrrigationPump(spec.Seed, start, spec.UtcOffsetMinutes, incidents), statistics, start),
            FleetProduct.IrrigationPumpV2 => Dp2(new IrrigationPump(spec.Seed, start, spec.UtcOffsetMinutes, incidents)),
            FleetProduct.IrrigationStation => Dp2(new IrrigationStation(spec.Seed, start, spec.UtcOffsetMinutes, incidents)),
            FleetProduct.FirePanel => Dp2(new FirePanel(spec.Seed, start, spec.UtcOffsetMinutes, incidents)),
            FleetProduct.MixingStation => Dp2(new MixingStation(spec.Seed, start, spec.UtcOffsetMinutes, incidents)),
            _ => throw new ArgumentOutOfRangeException(nameof(spec), spec.Product, "no such product"),
        };

        SimulatedDevice Dp2(Machine machine) => new Dp2Device(spec, options, machine, dictionaries, statistics, start, keys);
    }

    /// <summary>The link is there: a first one starts the device, a later one brings what was kept.</summary>
    public void LinkUp(long nowMs, List<DeviceFrame> way)
    {
        Advance(nowMs, way);
        (_linked, NowMs) = (true, nowMs);
        if (!_booted)
            Boot(ResetPowerOn);
        else
            SendHistory();
        Hand(way);
    }

    public void LinkLost(long nowMs, List<DeviceFrame> way)
    {
        NowMs = nowMs;
        _linked = false;
        _faults.Release(way);
    }

    /// <summary>Acts at every time of its own up to now. Frames to send are added to <paramref name="way"/>.</summary>
    public void Advance(long nowMs, List<DeviceFrame> way)
    {
        while (NextMs <= nowMs)
        {
            NowMs = NextMs;
            Machine.AdvanceTo(_startMs + (long)((NowMs - _startMs) * _options.SpeedUp));
            Watch();
            if (NowMs == _nextTelemetryMs)
            {
                Measure();
                _nextTelemetryMs += IntervalMs;
            }

            if (NowMs == _nextWatchMs)
                _nextWatchMs += WatchMs;
        }

        NowMs = nowMs;
        Hand(way);
    }

    /// <summary>Takes one frame that came down.</summary>
    public void Receive(ReadOnlySpan<byte> frame, long nowMs, List<DeviceFrame> way)
    {
        Advance(nowMs, way);
        if (!Understand(frame))
            _statistics.CountWrongDownlink();
        Hand(way);
    }

    /// <summary>Takes one frame that came down as a method. Its answer does not go with the other frames that it causes, but back.</summary>
    /// <returns>The answer: a response to a command, FWACK or FWPROG (DP1), firmware_status (DP2); null when there is none at once.</returns>
    public DeviceFrame? Obey(ReadOnlySpan<byte> frame, long nowMs, List<DeviceFrame> way)
    {
        // What the device says of itself up to now is no answer, though it may look like one.
        Advance(nowMs, way);
        var first = way.Count;
        Receive(frame, nowMs, way);
        if (way.FindIndex(first, f => f.IsSound && IsAnswer(f)) is not (>= 0 and var at))
            return null;

        var answer = way[at];
        way.RemoveAt(at);
        return answer;
    }

    /// <summary>Sets the telemetry interval; the next frame comes one interval from now.</summary>
    public void SetInterval(long seconds)
    {
        IntervalMs = seconds * 1000;
        _nextTelemetryMs = ((NowMs / 1000) + seconds) * 1000;
    }

    /// <summary>Starts again in two seconds, so that the answer to the command that asked for it still goes out.</summary>
    public void RebootSoon() => _rebootAtMs = NowMs + WatchMs;

    internal bool CutsConnection() => _faults.CutsConnection();

    private protected const byte ResetPowerOn = 0;
    private protected const byte ResetSoftware = 3;
    private protected const byte ResetFirmwareUpdate = 4;

    private protected abstract bool Understand(ReadOnlySpan<byte> frame);

    private protected virtual bool IsAnswer(DeviceFrame frame) => frame.Kind is FrameKind.Response or FrameKind.FirmwareStatus;

    private protected abstract void SendDescribe(byte resetCause);

    private protected abstract void SendTelemetry();

    private protected abstract void SendCounters();

    private protected abstract void SendEvent(in MachineEvent happened);

    /// <summary>Sends samples that are <paramref name="intervalMs"/> apart, oldest first.</summary>
    private protected abstract void SendSamples(ReadOnlySpan<Sample> samples, long intervalMs);

    private protected abstract int SamplesPerFrame { get; }

    private protected abstract double[] TakeSample();

    /// <summary>Called every two seconds: what is due beside events and telemetry.</summary>
    private protected virtual void Chores()
    {
    }

    /// <summary>Called after a start, when the device has described itself.</summary>
    private protected virtual void SendStarted()
    {
    }

    /// <summary>Called before a restart: whether it starts a new firmware.</summary>
    private protected abstract bool ActivateFirmware();

    private protected long ToDeviceTime(long machineMs) => _startMs + (long)((machineMs - _startMs) / _options.SpeedUp);

    private protected void SetClock(long offsetMs) => (_clock, ClockOffsetMs) = (DeviceClock.Right, offsetMs);

    private protected bool ClockIsUnset => _clock is DeviceClock.Unset;

    private protected DeviceFrame Send(HeaderType type, FrameKind kind, uint sequence, bool historical, byte[] bytes)
    {
        var stamp = Spec.Protocol is Protocol.Dp1 ? DeviceMs / 1000 * 1000 : DeviceMs;
        var frame = new DeviceFrame(Spec.Id, Spec.Protocol, type, kind, sequence, stamp, historical, bytes);
        _made.Add(frame);
        return frame;
    }

    /// <summary>Sends the same frame again, because the cloud has not acknowledged it.</summary>
    private protected void Repeat(DeviceFrame frame) => _made.Add(frame);

    private static DeviceClock ClockOf(int index, FleetFaults faults) =>
        index < faults.ClocksUnset ? DeviceClock.Unset
        : index < faults.ClocksUnset + faults.ClocksAhead ? DeviceClock.Ahead
        : index < faults.ClocksUnset + faults.ClocksAhead + faults.ClocksBehind ? DeviceClock.Behind : DeviceClock.Right;

    private void Boot(byte cause)
    {
        (_booted, _rebootAtMs) = (true, long.MaxValue);
        Boots++;
        Machine.PowerUp();
        SendDescribe(cause);
        SendStarted();
    }

    private void Watch()
    {
        if (_booted && NowMs >= _rebootAtMs)
            Boot(ActivateFirmware() ? ResetFirmwareUpdate : ResetSoftware);
        if (_booted)
            Chores();

        _events.Clear();
        Machine.TakeEvents(_events);
        if (_booted)
            foreach (var happened in _events)
                SendEvent(happened);
    }

    private void Measure()
    {
        if (!_booted)
            return;

        if (!_linked)
        {
            if (_samples.Count == SamplesMax)
            {
                _samples.Dequeue();
                _statistics.CountForgotten();
            }

            _samples.Enqueue(new(NowMs, TakeSample()));
            return;
        }

        SendTelemetry();
        if (_telemetryCount++ % _options.CountersEvery == 0)
            SendCounters();
    }

    /// <summary>Samples that are evenly spaced go together; a changed interval starts a new frame.</summary>
    private void SendHistory()
    {
        var samples = _samples.ToArray();
        _samples.Clear();
        for (var first = 0; first < samples.Length;)
        {
            var interval = first + 1 < samples.Length ? samples[first + 1].AtMs - samples[first].AtMs : IntervalMs;
            var end = first + 1;
            while (end < samples.Length && end - first < SamplesPerFrame && samples[end].AtMs - samples[end - 1].AtMs == interval)
                end++;
            SendSamples(samples.AsSpan(first..end), interval);
            first = end;
        }
    }

    private void Hand(List<DeviceFrame> way)
    {
        foreach (var frame in _made)
            _faults.Pass(frame, way);
        _made.Clear();
    }
}
