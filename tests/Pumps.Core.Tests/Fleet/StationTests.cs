using Pumps.Fleet.Machines;

namespace Pumps.Core.Tests.Fleet;

public sealed class StationTests
{
    private const long Midnight = IrrigationPumpTests.Midnight;
    private const long Minute = 60_000;
    private const long Hour = 60 * Minute;

    private static readonly ulong[] Seeds = [1, 2, 3, 5, 8];

    [TestCaseSource(nameof(Seeds))]
    public void Water_into_the_header_is_water_out_of_it(ulong seed)
    {
        var station = new IrrigationStation(seed, Midnight, IrrigationPumpTests.Offset);
        var watered = 0;
        for (var minute = 1; minute <= 24 * 60; minute++)
        {
            station.AdvanceTo(Midnight + (minute * Minute));
            var pumps = station.Pumps.Sum(p => p.Flow);
            Assert.That(station.TotalFlow, Is.EqualTo(pumps).Within(1e-9));
            Assert.That(station.Zones.Sum(z => z.Flow) + station.LeakFlow, Is.EqualTo(station.TotalFlow).Within(1e-9));
            Assert.That(station.HeaderPressure, Is.InRange(0, 8));
            Assert.That(station.ReservoirLevel, Is.InRange(0.5, 4));
            Assert.That(station.Pumps.Max(p => p.MotorTemp), Is.LessThan(100));
            watered += station.TotalFlow > 10 ? 1 : 0;
        }

        Assert.That(watered, Is.InRange(5 * 60, 7 * 60), "three hours, twice a day");
        Assert.That(Taken(station).Where(e => e.Kind is MachineEventKind.Raised), Is.Empty);
    }

    [Test]
    public void More_pumps_join_until_the_set_point_holds()
    {
        var station = new IrrigationStation(1, Midnight, IrrigationPumpTests.Offset);
        station.AdvanceTo(Midnight + (4 * Hour) + (20 * Minute));

        Assert.That(station.PumpsRunning, Is.GreaterThanOrEqualTo(2));
        Assert.That(station.HeaderPressure, Is.EqualTo(5).Within(0.2));
    }

    [TestCaseSource(nameof(Seeds))]
    public void Mixing_conserves_mass_and_energy(ulong seed)
    {
        var station = new MixingStation(seed, Midnight, IrrigationPumpTests.Offset);
        var (energy, sum) = (station.HeatEnergyJoule, 0.0);
        for (var second = 1; second <= 24 * 3600; second++)
        {
            station.AdvanceTo(Midnight + (second * 1000L));
            sum += station.HeatPower * 1000;
            var into = (station.HotFlow * station.HotTemp) + (station.ColdFlow * station.ColdTemp);
            if (second % 600 != 0)
                continue;

            // The cold inlet has moved on since it was mixed: by less than a hundredth of a kelvin in one step.
            Assert.That(into / station.OutletFlow, Is.EqualTo(station.OutletTemp).Within(0.05));
            Assert.That(station.HotFlow + station.ColdFlow, Is.EqualTo(station.OutletFlow).Within(1e-12));
            Assert.That(station.HotShare, Is.EqualTo(station.ValvePosition / 100).Within(1e-9));
            if (second > 3600 && second % 86400 / 3600 is > 6 and < 22)
                Assert.That(station.OutletTemp, Is.EqualTo(station.Setpoint).Within(1.5), $"hour {second / 3600.0:F1}");
        }

        Assert.That(station.HeatEnergyJoule - energy, Is.EqualTo(sum).Within(1e-9 * sum));
        Assert.That(Taken(station).Where(e => e.Kind is MachineEventKind.Raised), Is.Empty);
    }

    [Test]
    public void A_cold_supply_leaves_the_set_point_unreachable()
    {
        var station = new MixingStation(1, Midnight, 0);
        station.AdvanceTo(Midnight + (8 * Hour));
        station.Begin(Incident.ColdSupply, TimeSpan.FromHours(1));
        station.AdvanceTo(Midnight + (8 * Hour) + (40 * Minute));

        Assert.That(station.IsActive(MixingStation.SetpointUnreachable));
        Assert.That(station.ValvePosition, Is.GreaterThan(99));
    }

    [Test]
    public void A_flush_heats_to_seventy_and_ends_by_itself()
    {
        var station = new MixingStation(1, Midnight, 0);
        station.AdvanceTo(Midnight + (8 * Hour));
        Assert.That(station.Execute(Order.StartFlush), Is.EqualTo(Outcome.Accepted));
        station.AdvanceTo(Midnight + (8 * Hour) + (25 * Minute));
        Assert.That(station.OutletTemp, Is.EqualTo(70).Within(1));
        Assert.That(station.Alarms, Is.Zero, "the heat is meant");

        station.AdvanceTo(Midnight + (9 * Hour));
        Assert.That(station.Mode, Is.EqualTo(MixingMode.Comfort));
    }

    [TestCaseSource(nameof(Seeds))]
    public void A_week_of_a_panel_has_jockey_cycles_and_one_test(ulong seed)
    {
        var panel = new FirePanel(seed, Midnight, 60);
        var (lowest, highest) = (99.0, 0.0);
        for (var minute = 1; minute <= 7 * 24 * 60; minute++)
        {
            panel.AdvanceTo(Midnight + (minute * Minute));
            (lowest, highest) = (Math.Min(lowest, panel.Pressure), Math.Max(highest, panel.Pressure));
            Assert.That(panel.BatteryVoltage, Is.InRange(26, 28));
            Assert.That(panel.TankLevel, Is.InRange(90, 100));
            Assert.That(panel.Smoke, Is.EqualTo(DetectorState.Normal));
        }

        Assert.That(lowest, Is.GreaterThan(7.4));
        Assert.That(highest, Is.LessThan(8.6));
        Assert.That(panel.JockeyStarts24h, Is.InRange(1, 15));
        var events = Taken(panel);
        Assert.That(events.Count(e => e.Kind is MachineEventKind.Momentary && e.Bit == FirePanel.WeeklyTestRun), Is.InRange(0, 1));
        Assert.That(events.Where(e => e.Kind is MachineEventKind.Raised), Is.Empty);
    }

    [Test]
    public void A_fire_is_smoke_then_heat_then_water_then_the_main_pump()
    {
        var panel = new FirePanel(3, Midnight, 0);
        panel.AdvanceTo(Midnight + Hour);
        panel.Begin(Incident.Fire, TimeSpan.FromMinutes(40));
        panel.AdvanceTo(Midnight + Hour + (30 * Minute));

        var order = Taken(panel).Where(e => e.Kind is not MachineEventKind.StateChange).Select(e => (int)e.Bit).ToArray();
        Assert.That(order.Take(4), Is.EqualTo(new[] { FirePanel.PreAlarm, FirePanel.FireAlarm, FirePanel.SprinklerFlow, FirePanel.MainPumpStart }));
        Assert.That(panel.Main, Is.EqualTo(FirePumpState.Running));
        Assert.That(panel.Execute(Order.StartWeeklyTest), Is.EqualTo(Outcome.Interlock));
    }

    [Test]
    public void A_panel_without_mains_lives_on_its_battery()
    {
        var panel = new FirePanel(1, Midnight, 0);
        panel.Begin(Incident.MainsLoss, TimeSpan.FromHours(2));
        panel.AdvanceTo(Midnight + Hour);

        Assert.That(panel.IsActive(FirePanel.MainsLost));
        Assert.That(panel.BatteryVoltage, Is.LessThan(25.6));
        Assert.That(panel.BatteryCharge, Is.LessThan(100));
    }

    private static List<MachineEvent> Taken(Machine machine)
    {
        var events = new List<MachineEvent>();
        machine.TakeEvents(events);
        return events;
    }
}
