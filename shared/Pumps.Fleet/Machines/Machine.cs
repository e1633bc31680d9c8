using Pumps.Fleet.Physics;

namespace Pumps.Fleet.Machines;

/// <summary>What goes wrong at a site now and then. Not every machine knows every one; <see cref="Machine.Knows"/> says.</summary>
public enum Incident : byte
{
    None,

    /// <summary>The well runs empty: flow and current fall, the motor warms, the pump trips.</summary>
    DryRun,

    /// <summary>A pipe breaks between pump and valve: pressure falls, water flows at night.</summary>
    Leak,

    /// <summary>The filter clogs much faster than usual.</summary>
    CloggedFilter,

    /// <summary>A valve stays where it is, whatever it is told.</summary>
    ValveStuck,

    /// <summary>The strainer on the suction side blocks: the pump cavitates.</summary>
    SuctionBlocked,

    /// <summary>A bearing goes: vibration grows within the hour.</summary>
    BearingDamage,

    /// <summary>A phase of the supply is missing.</summary>
    PhaseLoss,

    /// <summary>The mains are gone; a panel lives on its battery.</summary>
    MainsLoss,

    /// <summary>A fire: smoke, then heat, then a sprinkler opens.</summary>
    Fire,

    /// <summary>The sprinkler network leaks: the jockey pump starts too often.</summary>
    SprinklerLeak,

    /// <summary>The main fire pump does not start.</summary>
    FirePumpBlocked,

    /// <summary>The district network delivers too cold: the set point cannot be reached.</summary>
    ColdSupply,

    /// <summary>One flow meter reads wrong: the flows do not add up.</summary>
    MeterDrift,
}

public enum MachineEventKind : byte
{
    Momentary,
    Raised,
    Cleared,
    StateChange,
}

/// <summary>Something that a device reports at once.</summary>
/// <param name="Code">Event code of the device's dictionary; 0 for a state change.</param>
/// <param name="Bit">Alarm number within the machine; for an irrigation pump the alarm bit of DP1 table 7.</param>
/// <param name="Cause">Why the state changed, DP1 table 5.</param>
/// <param name="Detail">For a state change by an alarm, its bit.</param>
/// <param name="Id">The same in the raised and the cleared event of one alarm; 0 for others.</param>
public readonly record struct MachineEvent(
    long AtMs, MachineEventKind Kind, uint Code, byte Severity, byte Bit, byte From, byte To, StateCause Cause, byte Detail, uint Id, string Text);

/// <summary>Why the operating state changed (DP1 table 5).</summary>
public enum StateCause : byte
{
    Local = 0,
    RemoteCommand = 1,
    Schedule = 2,
    Controller = 3,
    Alarm = 4,
    PowerUp = 5,
}

/// <summary>What a machine can be told to do, whatever the protocol.</summary>
public enum Order : byte
{
    Start,
    Stop,
    SetSpeed,
    SetPressure,
    SetFlow,
    SetMode,
    OpenValve,
    CloseValve,
    ReleaseValve,
    ResetAlarms,
    SetTemperature,
    ExerciseValve,
    StartFlush,
    StartWeeklyTest,
    SilenceSounder,
    ResetPanel,
}

/// <summary>What came of it. <see cref="Interlock"/> and <see cref="BadState"/> leave everything as it was.</summary>
public enum Outcome : byte
{
    Done,
    Accepted,
    Unknown,
    BadArgument,
    NotPermittedLocal,
    Interlock,
    BadState,
}

/// <summary>The site of one device: what is true there, and the controller that runs it. Pure: seed and time come in as arguments.</summary>
/// <remarks>It moves in steps of one second on a grid of its own, so that the result does not depend on how often it is asked.</remarks>
public abstract class Machine
{
    public const int StepMs = 1000;
    protected const double StepSeconds = StepMs / 1000.0;

    private readonly List<MachineEvent> _events = [];
    private readonly byte[] _alarmSeconds = new byte[32];
    private readonly double _incidentsPerDay;
    private RandomSource _incidents;
    private long _incidentEndsMs;

    private protected RandomSource Random;

    protected Machine(ulong seed, long startMs, int utcOffsetMinutes, double incidentsPerDay)
    {
        Random = RandomSource.For(seed, 1);
        _incidents = RandomSource.For(seed, 2);
        _incidentsPerDay = incidentsPerDay;
        NowMs = startMs;
        UtcOffsetMinutes = utcOffsetMinutes;
    }

    /// <summary>Where the simulation stands, ms since 1970 UTC.</summary>
    public long NowMs { get; private set; }

    public int UtcOffsetMinutes { get; }

    /// <summary>Civil time of the site as if it were UTC.</summary>
    public long LocalMs => NowMs + (UtcOffsetMinutes * 60_000L);

    /// <summary>Alarms active now, by number.</summary>
    public uint Alarms { get; private set; }

    public Incident Incident { get; private set; }

    /// <summary>The incidents that can happen at this site.</summary>
    protected abstract IReadOnlyList<Incident> Known { get; }

    protected bool IncidentIs(Incident incident) => Incident == incident;

    public bool Knows(Incident incident) => Known.Contains(incident);

    /// <summary>Starts an incident now, in place of any other.</summary>
    /// <exception cref="ArgumentException">This machine does not know the incident.</exception>
    public void Begin(Incident incident, TimeSpan duration)
    {
        if (!Knows(incident))
            throw new ArgumentException($"{GetType().Name} knows {string.Join(", ", Known)}, not {incident}", nameof(incident));

        Incident = incident;
        _incidentEndsMs = NowMs + (long)duration.TotalMilliseconds;
    }

    public void EndIncident() => Incident = Incident.None;

    /// <summary>Lets time pass. A time before <see cref="NowMs"/> changes nothing.</summary>
    public void AdvanceTo(long utcMs)
    {
        while (NowMs + StepMs <= utcMs)
        {
            NowMs += StepMs;
            Happen();
            Step();
        }
    }

    /// <summary>Moves what has happened since the last call into <paramref name="into"/>, oldest first.</summary>
    public void TakeEvents(List<MachineEvent> into)
    {
        into.AddRange(_events);
        _events.Clear();
    }

    public bool HasEvents => _events.Count > 0;

    /// <summary>Something that was <see cref="Outcome.Accepted"/> is still going on.</summary>
    public virtual bool IsBusy => false;

    public abstract Outcome Execute(Order order, double value = 0);

    /// <summary>As <see cref="Execute"/>, for one of several parts of the same kind, counted from 1.</summary>
    public virtual Outcome ExecutePart(ulong part, Order order) => Outcome.Unknown;

    /// <summary>Called when the controller restarts: what it was doing is forgotten, the world is not.</summary>
    public abstract void PowerUp();

    protected abstract void Step();

    /// <summary>Event code and default severity of an alarm number.</summary>
    protected abstract (uint Code, byte Severity, string Text) Describe(int alarm);

    public bool IsActive(int alarm) => (Alarms & (1u << alarm)) != 0;

    /// <summary>Raises an alarm that has held for <paramref name="raiseAfter"/> seconds; clears it after <paramref name="clearAfter"/> without.</summary>
    protected bool Watch(int alarm, bool bad, byte raiseAfter, byte clearAfter)
    {
        var active = IsActive(alarm);
        ref var seconds = ref _alarmSeconds[alarm];
        if (bad == active)
        {
            seconds = 0;
            return active;
        }

        if (++seconds < (active ? clearAfter : raiseAfter))
            return active;

        if (bad)
            Raise(alarm);
        else
            Clear(alarm);
        return bad;
    }

    protected void Raise(int alarm)
    {
        if (IsActive(alarm))
            return;

        Alarms |= 1u << alarm;
        Report(alarm, MachineEventKind.Raised);
    }

    protected void Clear(int alarm)
    {
        if (!IsActive(alarm))
            return;

        Alarms &= ~(1u << alarm);
        Report(alarm, MachineEventKind.Cleared);
    }

    protected void ReportMomentary(int alarm) => Report(alarm, MachineEventKind.Momentary);

    protected void ReportState(byte from, byte to, StateCause cause, byte detail = 0) =>
        _events.Add(new(NowMs, MachineEventKind.StateChange, 0, 0, 0, from, to, cause, detail, 0, ""));

    private readonly uint[] _alarmIds = new uint[32];
    private uint _lastAlarmId;

    private void Report(int alarm, MachineEventKind kind)
    {
        _alarmSeconds[alarm] = 0;
        if (kind is MachineEventKind.Raised)
            _alarmIds[alarm] = ++_lastAlarmId;

        var (code, severity, text) = Describe(alarm);
        var id = kind is MachineEventKind.Momentary ? 0 : _alarmIds[alarm];
        _events.Add(new(NowMs, kind, code, severity, (byte)alarm, 0, 0, StateCause.Alarm, 0, id, text));
    }

    private void Happen()
    {
        if (Incident is not Incident.None)
        {
            if (NowMs >= _incidentEndsMs)
                EndIncident();
        }
        else if (_incidents.Chance(_incidentsPerDay * StepSeconds / 86_400))
        {
            Begin(Known[_incidents.Below(Known.Count)], TimeSpan.FromMinutes(_incidents.Between(20, 90)));
        }
    }
}
