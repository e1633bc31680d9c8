using CsCheck;
using Pumps.Core.Capacity;

namespace Pumps.Core.Tests.Capacity;

/// <summary>What holds for every workload.</summary>
public sealed class CapacityPropertyTests
{
    private static readonly PriceList Prices = new()
    {
        IotHubS1Unit = 25, IotHubS2Unit = 250, IotHubS3Unit = 2500, ThroughputUnit = 20, CaptureThroughputUnit = 70, MillionEvents = 0.03, ProcessingUnit = 1000,
        FunctionGBSecond = 0.00002, MillionExecutions = 0.4, DatabaseVCore = 80, DatabaseBurstableVCore = 30, DatabaseGigabyte = 0.1, ArchiveHotGigabyte = 0.04,
        ArchiveCoolGigabyte = 0.02, ArchiveColdGigabyte = 0.004,
    };

    private static readonly CapacityModel Model = new(CapacityModelTests.Topology, CapacityModelTests.Limits, CapacityModelTests.Costs, Prices);

    private static readonly Gen<Workload> Loads =
        from devices in Gen.Double[0, 7.5].Select(e => (long)Math.Pow(10, e))
        from interval in Gen.Double[1, 86_400]
        from weights in Gen.Double[0.01, 10].Array[1, 3]
        from share in Gen.Double[0, 1]
        from bytes in Gen.Int[1, 262_144]
        from observations in Gen.Int[1, 20]
        from events in Gen.Double[0, 2]
        from commands in Gen.Double[0, 100]
        from partners in Gen.Int[0, 30]
        from days in Gen.Int[1, 800]
        from peak in Gen.Double[1, 10]
        select new Workload
        {
            Devices = devices, IntervalSeconds = interval, Offerings = weights.Select((w, i) => (w, i)).ToDictionary(p => $"offering-{p.i}", p => p.w), Dp1Share = share,
            MessageBytes = bytes, ObservationsPerMessage = observations, EventShare = events, CommandsPerDeviceAndDay = commands, Partners = partners, RetentionDays = days,
            PeakFactor = peak,
        };

    [Test]
    public void More_of_anything_never_needs_less_of_anything() =>
        Gen.Select(Loads, Gen.Int[0, 7], Gen.Double[1, 20]).Sample((load, what, factor) =>
        {
            var more = what switch
            {
                0 => load with { IntervalSeconds = Math.Max(1, load.IntervalSeconds / factor) },
                1 => load with { MessageBytes = Math.Min(262_144, load.MessageBytes!.Value * factor) },
                2 => load with { ObservationsPerMessage = load.ObservationsPerMessage * factor },
                3 => load with { EventShare = load.EventShare * factor },
                4 => load with { CommandsPerDeviceAndDay = load.CommandsPerDeviceAndDay * factor },
                5 => load with { Partners = (int)(load.Partners * factor) },
                6 => load with { PeakFactor = load.PeakFactor * factor },
                _ => load with { Devices = (long)(load.Devices * factor) },
            };

            Assert.That(Needs(more).Zip(Needs(load)).All(n => n.First >= n.Second - (1e-9 * n.Second)), Is.True, () => $"{load} against {more}");
        }, iter: 500);

    [Test]
    public void What_is_bought_is_enough() =>
        Loads.Sample(load =>
        {
            var plan = Model.Plan(load);
            var demand = new Demand(load, CapacityModelTests.Topology, CapacityModelTests.Limits, CapacityModelTests.Costs);
            var tier = CapacityModelTests.Limits.IotHubTiers.Single(t => t.Name == plan.IotHub.Tier);
            var (hub, database) = (plan.IotHub, plan.Database);
            var server = CapacityModelTests.Limits.DatabaseServers.Single(s => s.Sku == database.Sku);

            Assert.Multiple(() =>
            {
                Assert.That(hub.Hubs * 1_000_000L, Is.GreaterThanOrEqualTo(load.Devices));
                Assert.That(hub.UnitsPerHub, Is.LessThanOrEqualTo(tier.UnitsMax));
                Assert.That(hub.Hubs * hub.UnitsPerHub * tier.MessagesPerDay, Is.GreaterThanOrEqualTo(demand.CountedPerDay * (1 - 1e-9)));
                Assert.That(Math.Max(hub.Hubs * tier.SendsPerSecondMin, hub.Hubs * hub.UnitsPerHub * tier.SendsPerSecond), Is.GreaterThanOrEqualTo(demand.SendsPerSecond * (1 - 1e-9)));
                Assert.That((long)database.Nodes * database.StorageGB, Is.GreaterThanOrEqualTo(demand.DatabaseGigabytes * (1 - 1e-9)));
                Assert.That(database.Nodes * server.VCores, Is.GreaterThanOrEqualTo(demand.DatabaseCores * (1 - 1e-9)));
                Assert.That(database.Nodes * server.MemoryGB, Is.GreaterThanOrEqualTo(demand.DatabaseMemoryGB * (1 - 1e-9)));
                foreach (var (plans, peak) in new[] { (plan.RawHubs, demand.Raw * load.PeakFactor), (plan.FeedHubs, demand.Feeds * load.PeakFactor) })
                    Assert.That(plans.Namespaces * plans.UnitsMax, Is.GreaterThanOrEqualTo(
                        (plans.Tier == "Standard" ? peak.ThroughputUnits(CapacityModelTests.Limits) : peak.ProcessingUnits(CapacityModelTests.Limits)) * (1 - 1e-9)));
            });
        }, iter: 500);

    [Test]
    public void A_limit_holds_with_its_devices_and_with_one_more_it_does_not() =>
        Loads.Sample(load =>
        {
            foreach (var limit in Model.Plan(load).Limits.Where(l => l.DevicesAt is > 0 and < 1L << 39))
            {
                Assert.That(Of(load with { Devices = limit.DevicesAt!.Value }, limit.Name).IsExceeded, Is.False, limit.Name);
                Assert.That(Of(load with { Devices = limit.DevicesAt.Value + 1 }, limit.Name).IsExceeded, Is.True, limit.Name);
            }

            static LimitUse Of(Workload load, string name) => Model.Plan(load).Limits.Single(l => l.Name == name);
        }, iter: 3);

    [Test]
    public void As_many_regions_as_are_said_carry_all_devices() =>
        Loads.Sample(load =>
        {
            var plan = Model.Plan(load);
            if (plan.Regions is not { } regions)
                return;
            Assert.That(Model.Plan(load with { Devices = (load.Devices + regions - 1) / regions }).FitsOneRegion, Is.True);
            Assert.That(plan.FitsOneRegion, Is.EqualTo(regions == 1));
        }, iter: 200);

    private static double[] Needs(Workload load)
    {
        var demand = new Demand(load, CapacityModelTests.Topology, CapacityModelTests.Limits, CapacityModelTests.Costs);
        var plan = Model.Plan(load);
        return
        [
            .. plan.Limits.OrderBy(l => l.Name, StringComparer.Ordinal).Select(l => l.Used),
            plan.IotHub.Hubs, plan.Provisioning.Services, plan.RawHubs.Namespaces, plan.FeedHubs.Namespaces, plan.RawHubs.Partitions, plan.FeedHubs.Partitions,
            .. plan.Apps.SelectMany(a => new double[] { a.Instances, a.InstancesMax }), plan.Database.Nodes, demand.ArchiveGigabytesPerDay,
        ];
    }
}
