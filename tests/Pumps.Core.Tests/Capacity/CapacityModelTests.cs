using Pumps.Core.Capacity;
using Pumps.Handlers.Capacity;
using Pumps.Handlers.Offerings;

namespace Pumps.Core.Tests.Capacity;

/// <summary>
/// Plans against arithmetic by hand. Costs are round (<see cref="Costs"/>): 20 µs for a function's message, 400 bytes of a raw event, 1,000
/// of a feed event, 500 of an observation. Limits are the published ones of the catalog.
/// </summary>
public sealed class CapacityModelTests
{
    internal static readonly CapacityLimits Limits = CapacityFiles.Limits(CatalogLoader.DefaultFolder);

    // 30 µs / 3 handlers x 2 = 20 µs a function and message.
    internal static readonly EventCosts Costs = new()
    {
        RegionMicroseconds = 30, DatabaseMicroseconds = 20, RollUpMicroseconds = 30, RollUpDeviceMicroseconds = 0, FrameBytes = 100, RawEventBytes = 400, FeedEventsPerFrame = 1, FeedEventBytes = 1000,
        HistoryBytes = 500, HistoryKeyBytes = 50, WriteAheadBytes = 1000, LatestBytesPerDevice = 2000, FunctionOverhead = 2, InstanceCores = 1,
        FunctionUtilization = 0.5, DatabaseUtilization = 0.5, MemoryForKeys = 0.5, DiskFill = 0.8,
    };

    private static readonly PriceList Prices = new()
    {
        Currency = "EUR", IotHubS1Unit = 25, IotHubS2Unit = 250, IotHubS3Unit = 2500, ThroughputUnit = 20, CaptureThroughputUnit = 70, MillionEvents = 0,
        ProcessingUnit = 1000, FunctionGBSecond = 0.00002, MillionExecutions = 0.4, DatabaseVCore = 80, DatabaseBurstableVCore = 30, DatabaseGigabyte = 0.1,
        ArchiveHotGigabyte = 0.04, ArchiveCoolGigabyte = 0.02, ArchiveColdGigabyte = 0.004,
    };

    // Six routes, the hub of what has none, that of connections; two feeds for each of three offerings, and the answers.
    internal static readonly Topology Topology = new(RawHubs: 8, RawGroups: 1, FeedHubs: 7, FeedGroups: 3, Offerings: 3);

    private static readonly CapacityModel Model = new(Topology, Limits, Costs, Prices);

    /// <summary>Telemetry only, twice as much at the peak, nine days of history and the present one.</summary>
    private static Workload Load(long devices, double interval, params string[] offerings) => new()
    {
        Devices = devices, IntervalSeconds = interval, Offerings = offerings.ToDictionary(o => o, _ => 1.0), EventShare = 0, CommandsPerDeviceAndDay = 0,
        RetentionDays = 9, PeakFactor = 2,
    };

    private static Workload Three(long devices, double interval) => Load(devices, interval, "irrigation", "fire-protection", "water-mixing");

    [Test]
    public void A_small_region()
    {
        // 10,000 / 100 s = 100 a second, 200 at the peak, 8,640,000 a day.
        var plan = Model.Plan(Load(10_000, 100, "irrigation"));

        Assert.Multiple(() =>
        {
            // S1: 8.64 M / 0.4 M = 21.6, 22 x 25 = 550. S2: 8.64 M / 6 M = 1.44 and 200 / 120 = 1.67, 2 x 250 = 500. S3: 2500.
            Assert.That((plan.IotHub.Hubs, plan.IotHub.Tier, plan.IotHub.UnitsPerHub), Is.EqualTo((1, "S2", 2)));
            // 10,000 / (2 x 120 a second) = 41.7 s.
            Assert.That(plan.IotHub.ReconnectMinutes, Is.EqualTo(10_000 / 240.0 / 60).Within(1e-9));
            // In at the peak 200 events, 200 x 400 = 80 kB: max(0.2, 0.08) of a unit.
            Assert.That((plan.RawHubs.Tier, plan.RawHubs.Units, plan.RawHubs.UnitsMax, plan.RawHubs.Partitions), Is.EqualTo(("Standard", 1, 1, 4)));
            // Out at the peak 3 x 200 x 1000 = 0.6 MB of 2 MB.
            Assert.That((plan.FeedHubs.Tier, plan.FeedHubs.Units, plan.FeedHubs.UnitsMax, plan.FeedHubs.Partitions), Is.EqualTo(("Standard", 1, 1, 4)));
            // Telemetry of two protocols; newest values and history of one feed; nothing for Devices. The platform's lowest cap is 40.
            Assert.That(plan.Apps.Select(a => (a.App, a.Instances, a.InstancesMax)), Is.EqualTo(new[] { ("Decode", 2, 40), ("Datapoints", 2, 40), ("Devices", 0, 40) }));
            // 8.64 M x 500 / 2^30 = 4.023 GB a day, x 10 = 40.23, newest 10,000 x 2000 = 0.02, / 0.8 = 50.3 GB: a disk of 64.
            Assert.That(plan.Database.GrowthGBPerDay, Is.EqualTo(4.0233).Within(1e-4));
            Assert.That(plan.Database.FullGB, Is.EqualTo(50.31).Within(0.01));
            Assert.That((plan.Database.Nodes, plan.Database.Sku, plan.Database.StorageGB), Is.EqualTo((1, "Standard_D2ds_v5", 64)));
            // 100 x 400 x 86,400 / 2^30 = 3.219 GB a day.
            Assert.That(plan.Archive.GBPerDay, Is.EqualTo(3.2187).Within(1e-4));
            Assert.That(plan.Archive.HotGB, Is.EqualTo(30 * 3.2187).Within(0.01));
        });
    }

    [Test]
    public void A_million_devices_once_a_minute()
    {
        // 16,666.7 a second, 33,333.3 at the peak, 1.44 billion a day.
        var plan = Model.Plan(Three(1_000_000, 60));

        Assert.Multiple(() =>
        {
            // S3: 1440 / 300 = 4.8 by the day, 33,333 / 6000 = 5.6 by the second: 6 x 2500. S2: 278 units on two hubs, 69,500.
            Assert.That((plan.IotHub.Hubs, plan.IotHub.Tier, plan.IotHub.UnitsPerHub), Is.EqualTo((1, "S3", 6)));
            // 1,000,000 / 1000 a minute = 16.7 h.
            Assert.That((plan.Provisioning.Services, Math.Round(plan.Provisioning.HoursToRegisterAll, 1)), Is.EqualTo((1, 16.7)));
            // Raw: 33.3 units by events (13.3 by bytes), 16.7 on average. 16.7 partitions at work: with room 32.
            Assert.That((plan.RawHubs.Tier, plan.RawHubs.Units, plan.RawHubs.UnitsMax, plan.RawHubs.Partitions), Is.EqualTo(("Standard", 17, 34, 32)));
            // Feeds: 33.3 MB in; out 100 MB / 2 = 50 units, more than 40. Premium: 33.3 / 5 = 6.7, 100 / 10 = 10 units.
            Assert.That((plan.FeedHubs.Tier, plan.FeedHubs.Namespaces, plan.FeedHubs.UnitsMax), Is.EqualTo(("Premium", 1, 10)));
            // Key of a day: 1.44e9 x 50 / 2^30 / 0.5 = 134.1 GB of memory: 192 GB, not 128.
            Assert.That(plan.Database.MemoryNeededGB, Is.EqualTo(134.11).Within(0.01));
            // 670.55 GB a day x 10 + 1.86, / 0.8 = 8,384 GB.
            Assert.That(plan.Database.FullGB, Is.EqualTo(8384.2).Within(0.1));
            Assert.That((plan.Database.Nodes, plan.Database.Sku, plan.Database.StorageGB), Is.EqualTo((1, "Standard_D48ds_v5", 16_384)));
            // (33,333 x 20 µs + 16,667 x 30 µs) / 0.5 = 2.33 vCores; 33,333 x 1500 / 8192 = 6,104 pages a second.
            Assert.That(plan.Database.CoresNeeded, Is.EqualTo(7 / 3.0).Within(1e-9));
            Assert.That(plan.Database.OperationsPerSecond, Is.EqualTo(6103.5).Within(0.1));
            // 40 / 50 of a million.
            Assert.That((plan.First.Name, plan.First.DevicesAt, plan.Regions), Is.EqualTo(("feed_throughput_units", (long?)800_000, (int?)2)));
        });
    }

    [Test]
    public void Five_million_devices_once_a_minute()
    {
        var plan = Model.Plan(Three(5_000_000, 60));

        Assert.Multiple(() =>
        {
            // A million for each hub; 166,667 / 6000 / 5 = 5.6 units.
            Assert.That((plan.IotHub.Hubs, plan.IotHub.Tier, plan.IotHub.UnitsPerHub, plan.Provisioning.Services), Is.EqualTo((5, "S3", 6, 5)));
            // Five services side by side: 5,000,000 / 5 / 1000 a minute = 16.7 h, as for a million.
            Assert.That(plan.Provisioning.HoursToRegisterAll, Is.EqualTo(5_000_000 / 5 / 1000.0 / 60).Within(1e-9));
            // 66.7 MB / 5 = 13.3, and Premium comes in 12 or 16; 83.3 partitions at work, 100 at most.
            Assert.That((plan.RawHubs.Tier, plan.RawHubs.UnitsMax, plan.RawHubs.Partitions), Is.EqualTo(("Premium", 16, 100)));
            // 500 MB out / 10 = 50 units: four namespaces of 12.5, which is 16.
            Assert.That((plan.FeedHubs.Namespaces, plan.FeedHubs.UnitsMax), Is.EqualTo((4, 16)));
            // 41,921 GB on disks of 32,767, 670.6 GB of memory in servers of 384: two nodes of 335 GB.
            Assert.That((plan.Database.Nodes, plan.Database.Sku, plan.Database.StorageGB), Is.EqualTo((2, "Standard_D96ds_v5", 32_767)));
            // 5,000,000 / 800,000 = 6.25.
            Assert.That((plan.Regions, plan.FitsOneRegion), Is.EqualTo(((int?)7, false)));
            Assert.That(plan.Exceeded.Select(l => l.Name), Does.Contain("iot_hub_devices").And.Contain("database_storage").And.Contain("raw_partitions"));
        });
    }

    [TestCase(60, 1)]
    [TestCase(3600, 1)]
    [TestCase(7200, 0.5)]
    public void Rolling_up_costs_for_each_hour_in_which_a_device_reports_too(double interval, double hoursAnHour)
    {
        var load = Load(1_000_000, interval, "irrigation");
        var without = Model.Plan(load).Database.CoresNeeded;
        var with = new CapacityModel(Topology, Limits, Costs with { RollUpDeviceMicroseconds = 3600 }, Prices).Plan(load).Database.CoresNeeded;

        // 1,000,000 x 3600 µs in an hour is one core, at half of its time.
        Assert.That(with - without, Is.EqualTo(2 * hoursAnHour).Within(1e-9));
    }

    [Test]
    public void Large_messages_are_counted_in_chunks_and_cost_as_many_frames()
    {
        // 1,000 / 10 s = 100 a second of 5,000 bytes: two chunks of 4 KB, 50 frames.
        var plan = Model.Plan(Load(1000, 10, "irrigation") with { MessageBytes = 5000 });

        Assert.Multiple(() =>
        {
            // 17.28 M a day: S2 2.88, 3 x 250; S1 43.2, 44 x 25 = 1100.
            Assert.That((plan.IotHub.MessagesPerDay, plan.IotHub.Tier, plan.IotHub.UnitsPerHub), Is.EqualTo((17_280_000, "S2", 3)));
            // Raw: 200 x 5,300 = 1.06 MB. Feeds: 200 x 50,000 = 10 MB in, 30 MB out / 2 = 15 units; 7.5 on average.
            Assert.That((plan.RawHubs.Units, plan.RawHubs.UnitsMax), Is.EqualTo((1, 2)));
            Assert.That((plan.FeedHubs.Units, plan.FeedHubs.UnitsMax), Is.EqualTo((8, 15)));
            // (200 x 50 x 20 µs + 100 x 50 x 30 µs) / 0.5.
            Assert.That(plan.Database.CoresNeeded, Is.EqualTo(0.7).Within(1e-9));
        });
    }

    [TestCase(16, "Standard", false)]
    [TestCase(17, "Premium", true)]
    public void A_hub_has_twenty_groups(int partners, string tier, bool exceeded)
    {
        // Three of ours, the partners, and $Default: 20 of 20, or 21.
        var plan = Model.Plan(Load(10_000, 100, "irrigation") with { Partners = partners });

        Assert.That((plan.FeedHubs.Tier, plan.Exceeded.Any(l => l.Name == "feed_consumer_groups")), Is.EqualTo((tier, exceeded)));
        Assert.That(plan.Regions, exceeded ? Is.Null : Is.EqualTo(1), "fewer devices would not help");
        // 200 x (3 + 16) x 1000 = 3.8 MB out: 1.9 units.
        if (!exceeded)
            Assert.That((plan.FeedHubs.Readers, plan.FeedHubs.UnitsMax), Is.EqualTo((19, 2)));
    }

    [Test]
    public void A_message_every_second()
    {
        // 10,000 a second, 20,000 at the peak, 864 M a day.
        var plan = Model.Plan(Load(10_000, 1, "irrigation"));

        Assert.Multiple(() =>
        {
            // 2.88 by the day, 3.33 by the second.
            Assert.That((plan.IotHub.Tier, plan.IotHub.UnitsPerHub), Is.EqualTo(("S3", 4)));
            Assert.That(plan.RawHubs.UnitsMax, Is.EqualTo(20));
            // 20,000 x 3 x 1000 / 2 MB = 30 units. One hub has it all: 20 partitions at work.
            Assert.That((plan.FeedHubs.UnitsMax, plan.FeedHubs.PartitionsNeeded, plan.FeedHubs.Partitions), Is.EqualTo((30, 20, 32)));
            // 10,000 a second and protocol x 20 µs / 0.5 = 0.4 of an instance; 20,000 in each of two functions of Datapoints = 0.8.
            Assert.That(plan.Apps.Select(a => a.Instances), Is.EqualTo(new[] { 2, 2, 0 }));
        });
    }

    [Test]
    public void A_command_is_three_counted_messages_and_one_event()
    {
        // 10,000 x 24 a day = 2.78 a second: request, response, and the device's answer.
        var without = new Demand(Load(10_000, 100, "irrigation"), Topology, Limits, Costs);
        var with = new Demand(Load(10_000, 100, "irrigation") with { CommandsPerDeviceAndDay = 24 }, Topology, Limits, Costs);

        Assert.Multiple(() =>
        {
            Assert.That(with.CountedPerDay - without.CountedPerDay, Is.EqualTo(720_000).Within(0.01));
            Assert.That(with.Raw.EventsIn - without.Raw.EventsIn, Is.EqualTo(240_000 / 86_400.0).Within(1e-9));
            // One reader, whatever the others are.
            Assert.That(with.Feeds.EventsOut - without.Feeds.EventsOut, Is.EqualTo(240_000 / 86_400.0).Within(1e-9));
            // 2.78 x 2 x 4096 at the peak.
            Assert.That(with.MethodBytesPerSecond, Is.EqualTo(240_000 / 86_400.0 * 2 * 4096).Within(0.01));
        });
    }

    [TestCase(1, 1)]
    [TestCase(25_000, 1)] // 25,000 x 20 µs / 0.5 = 1
    [TestCase(25_001, 2)]
    [TestCase(60_000, 3)] // 2.4
    [TestCase(0, 0)]
    public void A_function_has_instances_by_its_own_rate(double messagesPerSecond, int instances) =>
        Assert.That(new Demand(Load(1, 1, "irrigation"), Topology, Limits, Costs).InstancesFor(messagesPerSecond), Is.EqualTo(instances));

    // By hand for telemetry once a minute, twice as much at the peak, three offerings alike, two protocols alike. N: devices.
    [TestCase("iot_hub_devices", 1_000_000)]
    [TestCase("provisioning_registrations", 1_000_000)]
    [TestCase("iot_hub_messages", 2_083_333)] // 10 x 300 M / 1440 a day and device
    [TestCase("iot_hub_sends", 1_800_000)] // 10 x 6000 = N / 60 x 2
    [TestCase("raw_throughput_units", 1_200_000)] // 40 x 1000 = N / 60 x 2
    [TestCase("raw_processing_units", 6_000_000)] // 16 x 5 MB = N / 60 x 2 x 400
    [TestCase("raw_partitions", 1_920_000)] // 32 x 1000 = N / 60 x 2 / 2 protocols
    [TestCase("feed_throughput_units", 800_000)] // 40 x 2 MB = N / 60 x 2 x 1000 x 3
    [TestCase("feed_processing_units", 1_600_000)] // 16 x 10 MB = the same
    [TestCase("feed_partitions", 2_880_000)] // 32 x 1000 = N / 60 x 2 / 3 offerings
    [TestCase("decode_instances", 750_000_000)] // 2 functions x 500 instances x 25,000 = N / 60 x 2
    [TestCase("datapoints_instances", 1_125_000_000)] // 2 x 500 x 25,000 = 2 functions x N / 60 x 2 / 3
    [TestCase("database_cores", 41_142_857)] // 96 = N / 60 x (2 x 20 µs + 30 µs) / 0.5
    [TestCase("database_memory", 2_863_311)] // 384 x 2^30 x 0.5 = N x 1440 x 50
    [TestCase("database_storage", 3_908_169)] // 32,767 x 2^30 x 0.8 = N x (1440 x 500 x 10 + 2000)
    [TestCase("database_operations", 3_276_800)] // 20,000 x 8192 = N / 60 x 2 x 1500
    [TestCase("database_bandwidth", 17_999_855)] // 858.3 x 2^20 = the same
    public void Every_limit_is_reached_with_so_many_devices(string limit, long devices) =>
        Assert.That(Model.Plan(Three(10_000, 60)).Limits.Single(l => l.Name == limit).DevicesAt, Is.EqualTo(devices).Within(1));

    [Test]
    public void Limits_come_in_the_order_in_which_they_are_reached()
    {
        var limits = Model.Plan(Three(10_000, 60)).Limits;

        Assert.That(limits.Select(l => l.DevicesAt ?? long.MaxValue), Is.Ordered);
        Assert.That(limits.Where(l => l.DevicesAt is null).Select(l => l.Name), Is.EquivalentTo(new[] { "feed_consumer_groups", "feed_hubs", "raw_hubs", "iot_hub_methods" }));
    }

    [Test]
    public void Costs_are_quantities_times_prices()
    {
        // The million devices of above, without the two lines of functions.
        var costs = Model.Plan(Three(1_000_000, 60) with { ZoneRedundant = true }).Costs.ToDictionary(c => c.What, c => c.Amount);

        Assert.Multiple(() =>
        {
            Assert.That(costs["IoT Hub"], Is.EqualTo(6 * 2500));
            Assert.That(costs["raw hubs, with capture"], Is.EqualTo(34 * 90));
            Assert.That(costs["feed hubs"], Is.EqualTo(10 * 1000));
            // Two servers of 48 vCores with 16,384 GB each.
            Assert.That(costs["database servers"], Is.EqualTo(96 * 80));
            Assert.That(costs["database disks"], Is.EqualTo(2 * 16_384 * 0.1).Within(1e-6));
            // 16,667 x 400 x 86,400 / 2^30 = 536.4 GB a day: 30 days hot, 60 cool, 640 cold.
            Assert.That(costs["archive"], Is.EqualTo(536.442 * ((30 * 0.04) + (60 * 0.02) + (640 * 0.004))).Within(0.1));
        });
    }

    [Test]
    public void What_rests_on_prices_that_nobody_published_is_told_apart()
    {
        // As above: 34 throughput units, of whose 90 the 70 for capture are a guess; two database servers; all else is published.
        var guesses = new PriceList
        {
            IotHubS1Unit = 0, IotHubS2Unit = 0, IotHubS3Unit = 0, ThroughputUnit = 0, CaptureThroughputUnit = 70, MillionEvents = 0, ProcessingUnit = 0, FunctionGBSecond = 0,
            MillionExecutions = 0, DatabaseVCore = 80, DatabaseBurstableVCore = 0, DatabaseGigabyte = 0, ArchiveHotGigabyte = 0, ArchiveCoolGigabyte = 0, ArchiveColdGigabyte = 0,
        };
        var prices = Prices with { Unverified = ["captureThroughputUnit", "databaseVCore"], UnverifiedOnly = guesses };
        var plan = new CapacityModel(Topology, Limits, Costs, prices).Plan(Three(1_000_000, 60) with { ZoneRedundant = true });

        Assert.Multiple(() =>
        {
            Assert.That(
                plan.Costs.Where(c => c.Unverified > 0).Select(c => (c.What, c.Amount, c.Unverified)),
                Is.EqualTo(new[] { ("raw hubs, with capture", 34 * 90.0, 34 * 70.0), ("database servers", 96 * 80.0, 96 * 80.0) }));
            Assert.That(plan.UnverifiedShare, Is.EqualTo(((34 * 70) + (96 * 80)) / plan.Cost).Within(1e-12));
            Assert.That(plan.Prices.Unverified, Is.EqualTo(prices.Unverified));
            Assert.That(Model.Plan(Three(1_000_000, 60)).UnverifiedShare, Is.Zero);
        });
    }

    [Test]
    public void An_instance_is_paid_for_while_it_executes_and_a_second_at_least()
    {
        // 100 devices, one message in 100 s: 1 a second, half a message in each of two functions of Decode, one in each of two of Datapoints.
        // 2 x 0.5 + 2 x 1 = 3 seconds of 2 GB each second, 2,629,800 seconds a month.
        var costs = Model.Plan(Load(100, 100, "irrigation")).Costs.ToDictionary(c => c.What, c => c.Quantity);

        Assert.That(costs["function apps"], Is.EqualTo(3 * 2 * 2_629_800).Within(1));
        Assert.That(costs["function executions"], Is.EqualTo(3 * 2.6298).Within(1e-6));
    }

    [Test]
    public void A_burstable_server_is_taken_while_it_is_large_enough()
    {
        var small = Load(1000, 300, "irrigation") with { Burstable = true };

        Assert.That(Model.Plan(small).Database.Sku, Is.EqualTo("Standard_B2s"));
        // Key of a day: 500,000 x 288 x 50 / 2^30 / 0.5 = 13.4 GB; it has 4.
        Assert.That(Model.Plan(small with { Devices = 500_000 }).Database.Sku, Is.EqualTo("Standard_D4ds_v5"));
        Assert.That((small with { ZoneRedundant = true }).Faults(Limits).Single(), Does.Contain("no standby"));
    }

    [Test]
    public void The_host_s_settings_follow_from_what_an_event_costs()
    {
        // 50 ms / 50 µs = 1000; 500 ms / (1000 x 50 µs) = 10.
        Assert.That(HostSettings.Of(Costs), Is.EqualTo(new HostSettings(1000, 2000, 10, 4000)));
        // 50 ms / 130 µs = 384, one digit: 300; 500 / 39 = 12.8.
        Assert.That(HostSettings.Of(Costs with { RegionMicroseconds = 110 }), Is.EqualTo(new HostSettings(300, 600, 12, 1200)));
    }

    [TestCase(0, 60.0, "devices is 0")]
    [TestCase(1, 0.5, "interval is 0.5")]
    [TestCase(1, double.NaN, "interval is NaN")]
    public void What_cannot_be_planned_is_named(long devices, double interval, string fault) =>
        Assert.That(Load(devices, interval, "irrigation").Faults(Limits).Single(), Does.StartWith(fault));

    [Test]
    public void Every_wrong_number_is_named_at_once()
    {
        var wrong = Load(1, 60) with
        {
            Dp1Share = 2,
            MessageBytes = 300_000,
            ObservationsPerMessage = 0,
            EventShare = -1,
            CommandsPerDeviceAndDay = double.NaN,
            Partners = -1,
            RetentionDays = 0,
            ArchiveCoolAfterDays = 100,
            PeakFactor = 0.5,
        };

        Assert.That(wrong.Faults(Limits).Select(f => f.Split(' ')[0]), Is.EqualTo(new[]
        {
            "offering", "dp1-share", "message-bytes", "observations", "event-share", "commands", "partners", "retention", "archive", "peak",
        }));
    }
}
