using Pumps.Fleet.Physics;

namespace Pumps.Fleet.Machines;

public enum DetectorState : byte
{
    Normal,
    PreAlarm,
    Alarm,
    Fault,
    Disabled,
    Test,
}

/// <summary>State of a fire pump (dictionary 0x0201).</summary>
public enum FirePumpState : byte
{
    Off,
    AutoReady,
    Starting,
    Running,
    FailedToStart,
    ManualStop,
    Fault,
    Test,
}

public enum WeeklyTest : byte
{
    NotRun,
    Passed,
    Failed,
    Overdue,
}

/// <summary>A fire protection panel: detectors, sprinkler network, jockey pump, main pump, tank, battery (dictionary 0x0201).</summary>
public sealed class FirePanel : Machine
{
    public const int FireAlarm = 0;
    public const int PreAlarm = 1;
    public const int SprinklerFlow = 3;
    public const int MainPumpStart = 4;
    public const int MainPumpFailedToStart = 5;
    public const int JockeyExcessStarts = 6;
    public const int TankLow = 7;
    public const int BatteryLow = 8;
    public const int MainsLost = 9;
    public const int WeeklyTestRun = 10;

    public const int ZoneCount = 4;

    private const double JockeyOn = 7.6;
    private const double JockeyOff = 8.3;
    private const double MainOn = 6.2;
    private const double JockeyBarPerSecond = 0.02;
    private const double MainFlowM3h = 110;
    private const double SprinklerBarPerSecond = 0.15;
    private const double MainBar = 8.9;
    private const double RefillM3h = 12;
    private const int TestSeconds = 600;
    private const int StartSeconds = 8;
    private const int SounderlessSeconds = 600;
    private const int JockeyStartsMax = 40;

    private static readonly Incident[] Incidents = [Incident.MainsLoss, Incident.SprinklerLeak, Incident.Fire, Incident.FirePumpBlocked];

    private readonly double _leakBarPerHour;
    private readonly double _batteryHours;
    private readonly int _testDay;
    private readonly double _testHour;
    private readonly int _fireZone;
    private readonly int[] _jockeyStartsByHour = new int[24];
    private Wander _room = new(0.6, 3600);
    private double _obscuration;
    private double _fireHeat;
    private double _charge;
    private int _mainSeconds;
    private int _hourSlot = -1;
    private bool _sprinklerOpen;
    private bool _testRequested;
    private long _lastTestDay;
    private int _silenced;

    public FirePanel(ulong seed, long startMs, int utcOffsetMinutes, double incidentsPerDay = 0)
        : base(seed, startMs, utcOffsetMinutes, incidentsPerDay)
    {
        TankCapacity = Math.Round(Random.Between(80, 240));
        TankVolume = TankCapacity * Random.Between(0.94, 0.985);
        Pressure = Random.Between(JockeyOn + 0.05, JockeyOff - 0.05);
        _leakBarPerHour = Random.Between(0.08, 0.25);
        _batteryHours = Random.Between(30, 60);
        _charge = Random.Between(0.95, 1);
        _testDay = Random.Below(7);
        _testHour = Random.Between(8, 11);
        _fireZone = Random.Below(ZoneCount);
        MainRunHours = Math.Round(Random.Between(20, 180), 1);
        TestResult = WeeklyTest.Passed;
        Jockey = FirePumpState.AutoReady;
        Main = FirePumpState.AutoReady;
        _lastTestDay = LocalMs / Weather.DayMs;
    }

    public double Pressure { get; private set; }

    public FirePumpState Main { get; private set; }

    public FirePumpState Jockey { get; private set; }

    public double TankCapacity { get; }

    public double TankVolume { get; private set; }

    public double TankLevel => 100 * TankVolume / TankCapacity;

    public double BatteryVoltage { get; private set; } = 27.3;

    public int BatteryCharge => (int)Math.Round(100 * _charge);

    public bool MainsOk { get; private set; } = true;

    public bool FlowSwitch { get; private set; }

    public int JockeyStarts24h => _jockeyStartsByHour.Sum();

    public double MainRunHours { get; private set; }

    public WeeklyTest TestResult { get; private set; }

    public double RoomTemp { get; private set; } = 18;

    public double Obscuration => _obscuration;

    public DetectorState Smoke => SmokeOf(_fireZone);

    public DetectorState Heat => HeatOf(_fireZone);

    /// <summary>Highest detector temperature, Cel.</summary>
    public double HeatTemp => HeatTempOf(_fireZone);

    /// <summary>Someone silenced the sounder; the alarm itself stays.</summary>
    public bool Silenced => _silenced > 0;

    public override bool IsBusy => _testRequested || Main is FirePumpState.Test;

    protected override IReadOnlyList<Incident> Known => Incidents;

    public DetectorState SmokeOf(int zone) => zone != _fireZone || _obscuration < 3 ? DetectorState.Normal
        : _obscuration < 8 ? DetectorState.PreAlarm : DetectorState.Alarm;

    public DetectorState HeatOf(int zone) => HeatTempOf(zone) switch
    {
        < 50 => DetectorState.Normal,
        < 62 => DetectorState.PreAlarm,
        _ => DetectorState.Alarm,
    };

    public double HeatTempOf(int zone) => RoomTemp + 3 + zone + (zone == _fireZone ? _fireHeat : 0);

    public override void PowerUp() => _testRequested = false;

    public override Outcome Execute(Order order, double value = 0)
    {
        switch (order)
        {
            case Order.StartWeeklyTest when IsActive(FireAlarm) || IsActive(SprinklerFlow):
                return Outcome.Interlock;
            case Order.StartWeeklyTest when Main is not FirePumpState.AutoReady:
                return Outcome.BadState;
            case Order.StartWeeklyTest:
                _testRequested = true;
                return Outcome.Accepted;
            case Order.SilenceSounder:
                _silenced = SounderlessSeconds;
                return Outcome.Done;
            case Order.ResetPanel when IncidentIs(Incident.Fire):
                return Outcome.Interlock;
            case Order.ResetPanel:
                _sprinklerOpen = false;
                if (Main is FirePumpState.FailedToStart or FirePumpState.Running)
                    EnterMain(FirePumpState.AutoReady, StateCause.RemoteCommand);
                return Outcome.Done;
            default:
                return Outcome.Unknown;
        }
    }

    protected override (uint Code, byte Severity, string Text) Describe(int alarm) => alarm switch
    {
        FireAlarm => (16, 4, "fire"),
        PreAlarm => (17, 3, "smoke above the pre-alarm threshold"),
        SprinklerFlow => (19, 4, "water flows to the sprinklers"),
        MainPumpStart => (20, 3, "main pump started on low pressure"),
        MainPumpFailedToStart => (21, 4, "main pump did not start"),
        JockeyExcessStarts => (22, 2, "jockey pump starts too often"),
        TankLow => (23, 3, "fire water tank low"),
        BatteryLow => (24, 3, "battery low"),
        MainsLost => (25, 3, "mains lost"),
        WeeklyTestRun => (26, 1, TestResult is WeeklyTest.Passed ? "weekly test passed" : "weekly test failed"),
        _ => throw new ArgumentOutOfRangeException(nameof(alarm), alarm, "no such alarm at a fire panel"),
    };

    protected override void Step()
    {
        RoomTemp = 18 + (0.15 * (Weather.Air(LocalMs) - 17)) + _room.Step(StepSeconds, ref Random);
        _silenced = Math.Max(0, _silenced - 1);
        Burn();
        Network();
        MainPump();
        Supply();
        Protect();
    }

    /// <summary>Smoke comes first, heat minutes later; the sprinkler's glass breaks at 68 Cel and the water puts the fire out.</summary>
    private void Burn()
    {
        if (IncidentIs(Incident.Fire) && !_sprinklerOpen)
        {
            _obscuration = Math.Min(25, _obscuration + (0.03 * StepSeconds));
            if (_obscuration > 10)
                _fireHeat = Math.Min(90, _fireHeat + (0.2 * StepSeconds));
            _sprinklerOpen = HeatTempOf(_fireZone) > 68;
        }
        else
        {
            _obscuration += (0.12 - _obscuration) * StepSeconds / 400;
            _fireHeat -= _fireHeat * StepSeconds / 300;
        }

        _obscuration = Math.Max(0, _obscuration + (0.002 * Random.NextNoise()));
        if (_sprinklerOpen && !IncidentIs(Incident.Fire))
            _sprinklerOpen = false;
    }

    private void Network()
    {
        FlowSwitch = _sprinklerOpen;
        var leak = _leakBarPerHour * (IncidentIs(Incident.SprinklerLeak) ? 60 : 1) / 3600;
        Pressure -= (leak + (_sprinklerOpen ? SprinklerBarPerSecond : 0)) * StepSeconds;

        if (Jockey is FirePumpState.AutoReady && Pressure < JockeyOn && MainsOk)
        {
            Jockey = FirePumpState.Running;
            _jockeyStartsByHour[Math.Max(0, _hourSlot)]++;
        }

        if (Jockey is FirePumpState.Running)
        {
            Pressure += JockeyBarPerSecond * StepSeconds;
            if (Pressure >= JockeyOff || !MainsOk)
                Jockey = FirePumpState.AutoReady;
        }

        if (Main is FirePumpState.Running)
            Pressure += (MainBar - Pressure) * 0.5;
        Pressure = Math.Clamp(Pressure, 0, 12);

        var slot = (int)(LocalMs / 3_600_000 % 24);
        if (slot != _hourSlot)
            (_hourSlot, _jockeyStartsByHour[slot]) = (slot, 0);
    }

    /// <summary>A diesel pump: it needs no mains, and it is never stopped by the network's pressure, only by people.</summary>
    private void MainPump()
    {
        _mainSeconds++;
        switch (Main)
        {
            case FirePumpState.AutoReady when Pressure < MainOn:
                EnterMain(FirePumpState.Starting, StateCause.Controller);
                break;
            case FirePumpState.AutoReady when _testRequested || TestIsDue():
                (_testRequested, _lastTestDay) = (false, LocalMs / Weather.DayMs);
                EnterMain(FirePumpState.Test, StateCause.Schedule);
                break;
            case FirePumpState.Starting when _mainSeconds >= StartSeconds && IncidentIs(Incident.FirePumpBlocked):
                EnterMain(FirePumpState.FailedToStart, StateCause.Alarm);
                break;
            case FirePumpState.Starting when _mainSeconds >= StartSeconds:
                EnterMain(FirePumpState.Running, StateCause.Controller);
                ReportMomentary(MainPumpStart);
                break;
            case FirePumpState.Running when !_sprinklerOpen && _mainSeconds > 1200:
                EnterMain(FirePumpState.AutoReady, StateCause.Local);
                break;
            case FirePumpState.FailedToStart when !IncidentIs(Incident.FirePumpBlocked) && _mainSeconds > 600:
                EnterMain(FirePumpState.AutoReady, StateCause.Local);
                break;
            case FirePumpState.Test when IncidentIs(Incident.FirePumpBlocked) && _mainSeconds >= StartSeconds:
                TestResult = WeeklyTest.Failed;
                ReportMomentary(WeeklyTestRun);
                EnterMain(FirePumpState.FailedToStart, StateCause.Alarm);
                break;
            case FirePumpState.Test when _mainSeconds >= TestSeconds:
                TestResult = WeeklyTest.Passed;
                ReportMomentary(WeeklyTestRun);
                EnterMain(FirePumpState.AutoReady, StateCause.Schedule);
                break;
            default:
                break;
        }

        if (Main is FirePumpState.Running or FirePumpState.Test)
            MainRunHours += StepSeconds / 3600;

        // In a test the water returns to the tank.
        var taken = Main is FirePumpState.Running && _sprinklerOpen ? MainFlowM3h : 0;
        var refill = TankLevel < 97 ? RefillM3h : 0;
        TankVolume = Math.Clamp(TankVolume + ((refill - taken) * StepSeconds / 3600), 0, TankCapacity);
    }

    private bool TestIsDue()
    {
        var day = LocalMs / Weather.DayMs;
        return day > _lastTestDay && day % 7 == _testDay && Weather.HourOfDay(LocalMs) >= _testHour;
    }

    private void Supply()
    {
        MainsOk = !IncidentIs(Incident.MainsLoss);
        var hours = StepSeconds / 3600;
        _charge = Math.Clamp(_charge + (MainsOk ? hours / 12 : -hours / _batteryHours), 0, 1);
        // Two lead batteries in series: float voltage on the charger, open-circuit voltage by charge without.
        var target = MainsOk ? 26.4 + (0.9 * _charge) : 22.4 + (3.0 * _charge);
        BatteryVoltage += ((target - BatteryVoltage) * 0.02) + (0.004 * Random.NextNoise());
    }

    private void Protect()
    {
        Watch(PreAlarm, Smoke is DetectorState.PreAlarm or DetectorState.Alarm || Heat is DetectorState.PreAlarm or DetectorState.Alarm, 5, 60);
        Watch(FireAlarm, Smoke is DetectorState.Alarm || Heat is DetectorState.Alarm, 5, 120);
        Watch(SprinklerFlow, FlowSwitch, 10, 30);
        Watch(MainPumpFailedToStart, Main is FirePumpState.FailedToStart, 1, 1);
        Watch(JockeyExcessStarts, JockeyStarts24h > JockeyStartsMax, 1, 200);
        Watch(TankLow, TankLevel < (IsActive(TankLow) ? 90 : 80), 30, 60);
        Watch(BatteryLow, BatteryVoltage < (IsActive(BatteryLow) ? 25.4 : 24.4), 60, 60);
        Watch(MainsLost, !MainsOk, 10, 30);
    }

    private void EnterMain(FirePumpState next, StateCause cause)
    {
        ReportState((byte)Main, (byte)next, cause);
        (Main, _mainSeconds) = (next, 0);
    }
}
