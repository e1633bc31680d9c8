using Pumps.Fleet.Machines;

namespace Pumps.Core.Tests.Fleet;

public sealed class IrrigationPumpTests
{
    /// <summary>2025-06-01T00:00:00 local time at UTC+2, as in the demonstration day.</summary>
    internal const long Midnight = 1748728800000;
    internal const int Offset = 120;
    private const long Minute = 60_000;
    private const long Hour = 60 * Minute;

    private static readonly ulong[] Seeds = [1, 2, 3, 5, 8, 13, 21];

    [TestCaseSource(nameof(Seeds))]
    public void A_day_looks_like_a_day(ulong seed)
    {
        var pump = Pump(seed);
        var (ran, flowMax, moistureBefore) = (0, 0.0, pump.SoilMoisture);
        var events = new List<MachineEvent>();
        for (var minute = 1; minute <= 24 * 60; minute++)
        {
            pump.AdvanceTo(Midnight + (minute * Minute));
            pump.TakeEvents(events);
            Assert.That(pump.PressureOut, Is.InRange(0, 7));
            Assert.That(pump.PressureIn, Is.InRange(-1, 1));
            Assert.That(pump.Unit.Flow, Is.InRange(0, 40));
            Assert.That(pump.Unit.Current, Is.InRange(0, 13));
            Assert.That(pump.Unit.Power, Is.InRange(0, 8));
            Assert.That(pump.Unit.MotorTemp, Is.InRange(5, 90));
            Assert.That(pump.Unit.Vibration, Is.InRange(0, 3));
            Assert.That(pump.Voltage, Is.InRange(390, 410));
            Assert.That(pump.SoilMoisture, Is.InRange(5, 45));
            if (pump.State is PumpState.Running && minute % 10 == 5)
            {
                ran++;
                Assert.That(pump.PressureOut, Is.EqualTo(pump.SetpointPressure).Within(0.3), $"minute {minute}");
                Assert.That(pump.Unit.Efficiency, Is.InRange(0.4, 0.75));
            }

            flowMax = Math.Max(flowMax, pump.Unit.Flow);
        }

        Assert.That(events.Where(e => e.Kind is MachineEventKind.Raised), Is.Empty, "no alarm on a normal day");
        if (pump.Mode is ControlMode.Schedule)
        {
            Assert.That(ran, Is.GreaterThan(20), "morning and evening watering");
            Assert.That(flowMax, Is.InRange(18, 35));
        }
        else
        {
            Assert.That(ran > 0, Is.EqualTo(events.Exists(e => e.To == (byte)PumpState.Starting)));
        }

        Assert.That(moistureBefore, Is.InRange(20, 29));
    }

    [Test]
    public void Both_control_modes_are_among_the_seeds() =>
        Assert.That(Seeds.Select(s => Pump(s).Mode).Distinct(), Is.EquivalentTo(new[] { ControlMode.Schedule, ControlMode.Auto }));

    [Test]
    public void Counters_are_the_integral_of_what_they_count()
    {
        var pump = Running(1, out var now);
        var (volume, energy, hours) = (pump.Unit.VolumeM3, pump.Unit.EnergyKwh, pump.Unit.RunHours);
        var (sumFlow, sumPower, turning) = (0.0, 0.0, 0);
        for (var second = 1; second <= 7200; second++)
        {
            pump.AdvanceTo(now + (second * 1000));
            sumFlow += pump.Unit.Flow;
            sumPower += pump.Unit.Power;
            turning += pump.Unit.Turning ? 1 : 0;
        }

        Assert.That(pump.Unit.VolumeM3 - volume, Is.EqualTo(sumFlow / 3600).Within(1e-6));
        Assert.That(pump.Unit.EnergyKwh - energy, Is.EqualTo(sumPower / 3600).Within(1e-6));
        Assert.That(pump.Unit.RunHours - hours, Is.EqualTo(turning / 3600.0).Within(1e-6));
        Assert.That(sumFlow, Is.GreaterThan(0));
    }

    [Test]
    public void The_result_does_not_depend_on_how_often_it_is_asked()
    {
        var (often, once) = (Pump(4, incidents: 6), Pump(4, incidents: 6));
        for (var t = Midnight; t <= Midnight + (12 * Hour); t += 777)
            often.AdvanceTo(t);
        often.AdvanceTo(Midnight + (12 * Hour));
        once.AdvanceTo(Midnight + (12 * Hour));

        Assert.That(often.Unit.VolumeM3, Is.EqualTo(once.Unit.VolumeM3));
        Assert.That(often.Unit.MotorTemp, Is.EqualTo(once.Unit.MotorTemp));
        Assert.That(often.PressureOut, Is.EqualTo(once.PressureOut));
    }

    [Test]
    public void A_dry_run_loses_flow_and_current_then_warms_then_trips()
    {
        var pump = Running(1, out var now);
        var (flow, current, warm) = (pump.Unit.Flow, pump.Unit.Current, pump.Unit.MotorTemp);
        pump.Begin(Incident.DryRun, TimeSpan.FromMinutes(30));

        pump.AdvanceTo(now + 60_000);
        Assert.That(pump.Unit.Flow, Is.LessThan(0.05 * flow));
        Assert.That(pump.Unit.Current, Is.LessThan(0.4 * current));
        Assert.That(pump.State, Is.EqualTo(PumpState.Running), "a trip waits until it is sure");

        pump.AdvanceTo(now + 80_000);
        var later = pump.Unit.MotorTemp;
        Assert.That(later, Is.GreaterThan(warm + 1), "no water cools it");

        pump.AdvanceTo(now + 180_000);
        Assert.That(pump.State, Is.EqualTo(PumpState.Fault));
        Assert.That(pump.IsActive(PumpAlarm.DryRun));
        Assert.That(Taken(pump), Has.Some.Matches<MachineEvent>(e => e is { Kind: MachineEventKind.Raised, Code: 16, Severity: 4 }));

        Assert.That(pump.Execute(Order.Start), Is.EqualTo(Outcome.Interlock));
        pump.EndIncident();
        pump.AdvanceTo(now + (5 * Minute));
        Assert.That(pump.Execute(Order.ResetAlarms, 0xFFFFFF), Is.EqualTo(Outcome.Done));
        Assert.That(pump.IsActive(PumpAlarm.DryRun), Is.False);
        Assert.That(pump.State, Is.EqualTo(PumpState.Stopped));
    }

    [Test]
    public void A_leak_makes_the_pump_work_harder_and_shows_as_flow_at_night()
    {
        var pump = Running(1, out var now);
        var speed = pump.Unit.Speed;
        pump.Begin(Incident.Leak, TimeSpan.FromHours(20));
        pump.AdvanceTo(now + (3 * Minute));
        Assert.That(pump.Unit.Speed, Is.GreaterThan(speed + 20));
        Assert.That(pump.LeakFlow, Is.InRange(1.5, 3.5));

        pump.AdvanceTo(Midnight + (22 * Hour));
        Assert.That(pump.State, Is.EqualTo(PumpState.Stopped));
        Assert.That(pump.Valve, Is.EqualTo(ValveState.Closed));
        Assert.That(pump.Unit.Flow, Is.InRange(0.3, 1.2));
        Assert.That(pump.IsActive(PumpAlarm.LeakDetected));
    }

    [Test]
    public void Without_speed_regulation_a_leak_lowers_the_pressure()
    {
        var pump = Running(1, out var now);
        pump.Execute(Order.SetSpeed, 2600);
        pump.AdvanceTo(now + (2 * Minute));
        var (pressure, flow) = (pump.PressureOut, pump.Unit.Flow);
        pump.Begin(Incident.Leak, TimeSpan.FromHours(1));
        pump.AdvanceTo(now + (4 * Minute));

        Assert.That(pump.PressureOut, Is.LessThan(pressure - 0.05));
        Assert.That(pump.Unit.Flow, Is.GreaterThan(flow));
    }

    [Test]
    public void A_clogging_filter_is_flushed()
    {
        var pump = Running(1, out var now);
        pump.Begin(Incident.CloggedFilter, TimeSpan.FromHours(2));
        pump.AdvanceTo(now + (70 * Minute));

        Assert.That(Taken(pump), Has.Some.Matches<MachineEvent>(e => e.To == (byte)PumpState.Flushing));
    }

    [Test]
    public void A_stuck_valve_trips_the_pump_that_wants_it_open()
    {
        var pump = Pump(1);
        pump.AdvanceTo(Midnight + (4 * Hour));
        pump.Begin(Incident.ValveStuck, TimeSpan.FromHours(2));
        pump.AdvanceTo(Midnight + (5 * Hour) + (2 * Minute));

        Assert.That(pump.State, Is.EqualTo(PumpState.Fault));
        Assert.That(pump.Valve, Is.EqualTo(ValveState.Fault));
        Assert.That(pump.Unit.Flow, Is.Zero);
    }

    [Test]
    public void A_blocked_strainer_makes_it_cavitate_and_shake()
    {
        var pump = Running(1, out var now);
        var vibration = pump.Unit.Vibration;
        pump.Begin(Incident.SuctionBlocked, TimeSpan.FromMinutes(20));
        pump.AdvanceTo(now + (3 * Minute));

        Assert.That(pump.Unit.Cavitation, Is.GreaterThan(0.1));
        Assert.That(pump.Unit.Vibration, Is.GreaterThan(vibration + 0.5));
        Assert.That(pump.PressureIn, Is.LessThan(-0.3));
    }

    [Test]
    public void A_damaged_bearing_ends_as_a_vibration_alarm()
    {
        var pump = Running(1, out var now);
        pump.Begin(Incident.BearingDamage, TimeSpan.FromHours(2));
        pump.AdvanceTo(now + (50 * Minute));

        Assert.That(pump.IsActive(PumpAlarm.VibrationHigh));
        Assert.That(pump.State, Is.EqualTo(PumpState.Running), "vibration warns, it does not trip");
    }

    [Test]
    public void Soil_dries_by_the_sun_and_rises_when_watered()
    {
        var pump = Pump(1);
        pump.Execute(Order.SetMode, (double)ControlMode.Off);
        var before = pump.SoilMoisture;
        pump.AdvanceTo(Midnight + (24 * Hour));
        var dried = pump.SoilMoisture;
        Assert.That(dried, Is.InRange(before - 8, before - 1));

        pump.Execute(Order.SetMode, (double)ControlMode.Manual);
        Assert.That(pump.Execute(Order.Start), Is.EqualTo(Outcome.Done));
        pump.AdvanceTo(Midnight + (28 * Hour));
        Assert.That(pump.SoilMoisture, Is.GreaterThan(dried + 1));
    }

    [Test]
    public void A_stop_holds_until_the_plan_would_have_stopped_too()
    {
        var pump = Running(1, out var now);
        Assert.That(pump.Execute(Order.Stop), Is.EqualTo(Outcome.Done));
        pump.AdvanceTo(now + (30 * Minute));
        Assert.That(pump.State, Is.EqualTo(PumpState.Stopped));

        pump.AdvanceTo(Midnight + (18 * Hour) + (10 * Minute));
        Assert.That(pump.State, Is.EqualTo(PumpState.Running), "the next window is its own");
    }

    [Test]
    public void Under_local_control_it_obeys_nobody_from_afar()
    {
        var pump = Pump(1);
        pump.Execute(Order.SetMode, (double)ControlMode.Local);

        Assert.That(pump.Execute(Order.Start), Is.EqualTo(Outcome.NotPermittedLocal));
    }

    [Test]
    public void An_incident_of_another_machine_is_refused_by_name() =>
        Assert.That(() => Pump(1).Begin(Incident.Fire, TimeSpan.FromMinutes(1)), Throws.ArgumentException.With.Message.Contains("Fire"));

    internal static IrrigationPump Pump(ulong seed, double incidents = 0) => new(seed, Midnight, Offset, incidents);

    /// <summary>A pump of this seed that waters by its morning plan and has settled.</summary>
    private static IrrigationPump Running(ulong seed, out long now)
    {
        var pump = Pump(seed);
        pump.Execute(Order.SetMode, (double)ControlMode.Schedule);
        now = Midnight + (5 * Hour) + (10 * Minute);
        pump.AdvanceTo(now);
        Assert.That(pump.State, Is.EqualTo(PumpState.Running));
        return pump;
    }

    private static List<MachineEvent> Taken(Machine machine)
    {
        var events = new List<MachineEvent>();
        machine.TakeEvents(events);
        return events;
    }
}
