namespace Pumps.Core.Capacity;

/// <summary>Sizes everything that a region buys for a workload, and says which published limit comes first. Pure arithmetic.</summary>
public sealed class CapacityModel(Topology topology, CapacityLimits limits, EventCosts costs, PriceList prices)
{
    private const string ElasticCluster = "An elastic cluster (PostgreSQL 17, no TimescaleDB), or a second region.";

    private const double DaysPerMonth = 365.25 / 12;
    private const double SecondsPerMonth = DaysPerMonth * Workload.SecondsPerDay;
    private const double Million = 1e6;

    /// <summary>Executions a second that keep one partition busy: batches take about <see cref="HostSettings.BatchMicroseconds"/>.</summary>
    private const double BatchesPerSecond = 1e6 / HostSettings.BatchMicroseconds;

    // More devices than any limit allows: where the search ends.
    private const long DevicesSearched = 1L << 40;

    /// <param name="load">Without faults.</param>
    public CapacityPlan Plan(Workload load)
    {
        var demand = new Demand(load, topology, limits, costs);
        var uses = LimitsOf(load);
        var most = uses[0].DevicesAt ?? DevicesSearched;
        var iotHub = PlanIotHub(load, demand);
        var services = Up(load.Devices / limits.ProvisioningRegistrations);
        var raw = PlanNamespace(demand.Raw, load.PeakFactor, demand.RawPartitionsPlanned, demand.RawPartitions, topology.RawGroups);
        var feeds = PlanNamespace(demand.Feeds, load.PeakFactor, demand.FeedPartitionsPlanned, demand.FeedPartitions, demand.FeedReaders);
        AppPlan[] apps =
        [
            PlanApp("Decode", 1, demand.Instances(demand.DecodeRates)),
            PlanApp("Datapoints", topology.Offerings, demand.Instances(demand.DatapointsRates)),
            PlanApp("Devices", 1, demand.Instances(demand.DevicesRates)),
        ];
        var database = PlanDatabase(load, demand);
        var archive = PlanArchive(load, demand);
        CostLine[] CostsWith(PriceList list) => [.. Costs(list, load, demand, iotHub, raw, feeds, database, archive)];
        var amounts = CostsWith(prices);
        if (prices.UnverifiedOnly is { } guesses)
            amounts = [.. amounts.Zip(CostsWith(guesses), (cost, guessed) => cost with { Unverified = guessed.Amount })];
        return new(
            load, iotHub, new(services, load.Devices / limits.ProvisioningRegistrationsPerMinute / 60 / services),
            raw, feeds, apps, database, archive, uses, most, most > 0 && uses.All(u => u.DevicesAt is not null || !u.IsExceeded) ? Up((double)load.Devices / most) : null,
            new(prices.Location, prices.Currency, prices.AsOf, prices.Unverified), amounts);
    }

    /// <summary>Every limit, the first that is reached first; those that do not depend on devices last, unless they are exceeded.</summary>
    private LimitUse[] LimitsOf(Workload load)
    {
        var now = Uses(load).ToArray();
        var few = Uses(load with { Devices = 1 }).ToArray();
        var many = Uses(load with { Devices = DevicesSearched }).ToArray();
        return
        [
            .. now.Select((use, i) => use with { DevicesAt = few[i].Used == many[i].Used ? (use.IsExceeded ? 0 : null) : DevicesAt(load, i) })
                .OrderBy(u => u.DevicesAt ?? long.MaxValue).ThenBy(u => u.Name, StringComparer.Ordinal),
        ];
    }

    private long DevicesAt(Workload load, int limit)
    {
        var (fits, tooMany) = (0L, DevicesSearched);
        while (tooMany - fits > 1)
        {
            var middle = fits + ((tooMany - fits) / 2);
            if (Uses(load with { Devices = middle }).ElementAt(limit).IsExceeded)
                tooMany = middle;
            else
                fits = middle;
        }

        return fits;
    }

    private IEnumerable<LimitUse> Uses(Workload load)
    {
        var demand = new Demand(load, topology, limits, costs);
        var hub = limits.IotHubTiers[^1];
        var server = limits.DatabaseServers[^1];
        var disk = limits.DatabaseDisks[^1];
        var (raw, feeds) = (demand.Raw * load.PeakFactor, demand.Feeds * load.PeakFactor);

        yield return Use("iot_hub_devices", load.Devices, limits.IotHubDevices, "devices", "A second region, or a second hub.");
        yield return Use("iot_hub_messages", demand.CountedPerDay, hub.UnitsMax * hub.MessagesPerDay, "messages a day", "A second region, or a second hub.");
        yield return Use("iot_hub_sends", demand.SendsPerSecond, hub.UnitsMax * hub.SendsPerSecond, "messages a second", "A second region, or a second hub.");
        yield return Use("iot_hub_methods", demand.MethodBytesPerSecond, hub.UnitsMax * hub.MethodBytesPerSecond, "bytes a second", "Fewer commands at once, or a second region.");
        yield return Use("provisioning_registrations", load.Devices, limits.ProvisioningRegistrations, "devices", "A second provisioning service, with the second hub.");
        yield return Use("raw_hubs", topology.RawHubs, limits.StandardHubs, "hubs", "Premium, or a second namespace.");
        yield return Use("raw_partitions", demand.RawPartitions, limits.StandardPartitions, "partitions", "Premium (100 partitions), or a second region.");
        yield return Use("raw_throughput_units", raw.ThroughputUnits(limits), limits.StandardThroughputUnits, "throughput units", "Premium, or a second region.");
        yield return Use("raw_processing_units", raw.ProcessingUnits(limits), limits.PremiumSizes[^1].Units, "processing units of Premium", "A second region.");
        yield return Use("feed_hubs", topology.FeedHubs, limits.StandardHubs, "hubs", "Premium, or a namespace for each half of the offerings.");
        yield return Use("feed_consumer_groups", demand.FeedReaders + 1, limits.StandardConsumerGroups, "groups", "Premium (100 groups).");
        yield return Use("feed_partitions", demand.FeedPartitions, limits.StandardPartitions, "partitions", "Premium (100 partitions), or a second region.");
        yield return Use("feed_throughput_units", feeds.ThroughputUnits(limits), limits.StandardThroughputUnits, "throughput units", "Premium, or a namespace for each offering, or a second region.");
        yield return Use("feed_processing_units", feeds.ProcessingUnits(limits), limits.PremiumSizes[^1].Units, "processing units of Premium", "A namespace for each offering, or a second region.");
        yield return Use("decode_instances", demand.Instances(demand.DecodeRates), limits.FunctionInstances, "instances", "A second region.");
        yield return Use("datapoints_instances", demand.Instances(demand.DatapointsRates), limits.FunctionInstances, "instances", "A second region.");
        yield return Use("function_memory", demand.MemoryMb, limits.FunctionMemoryMb, "MB", "Ask Azure's support for more memory, or a second region in another subscription.");
        yield return Use("database_cores", demand.DatabaseCores, server.VCores, "vCores", ElasticCluster);
        yield return Use("database_memory", demand.DatabaseMemoryGB, server.MemoryGB, "GB", ElasticCluster);
        yield return Use("database_storage", demand.DatabaseGigabytes, disk.Gigabytes, "GB", "Keep history for fewer days. " + ElasticCluster);
        yield return Use("database_operations", demand.DatabaseOperations, Math.Min(disk.OperationsPerSecond, server.OperationsPerSecond), "operations a second", ElasticCluster);
        yield return Use("database_bandwidth", demand.DatabaseMegabytes, Math.Min(limits.DatabaseDiskMegabytes, server.MegabytesPerSecond), "MiB a second", ElasticCluster);
        yield return Use("database_sessions", demand.Sessions, server.Sessions, "sessions", "PgBouncer of the server, in transaction mode.");

        static LimitUse Use(string name, double used, double available, string unit, string then) => new(name, used, available, unit, null, then);
    }

    /// <summary>The cheapest tier; of two that cost the same, the one with fewer hubs.</summary>
    private IotHubPlan PlanIotHub(Workload load, Demand demand) =>
        limits.IotHubTiers.Select(tier =>
        {
            var units = Math.Max(demand.CountedPerDay / tier.MessagesPerDay, Math.Max(demand.SendsPerSecond / tier.SendsPerSecond, demand.MethodBytesPerSecond / tier.MethodBytesPerSecond));
            // What the few units of a small hub lack in sends, its minimum has.
            if (demand.SendsPerSecond <= tier.SendsPerSecondMin)
                units = Math.Max(demand.CountedPerDay / tier.MessagesPerDay, demand.MethodBytesPerSecond / tier.MethodBytesPerSecond);
            var hubs = Math.Max(Up(load.Devices / limits.IotHubDevices), Up(units / tier.UnitsMax));
            var perHub = Up(units / hubs);
            var connections = hubs * Math.Max(tier.ConnectionsPerSecondMin, perHub * tier.ConnectionsPerSecond);
            return (Cost: hubs * perHub * prices.IotHubUnit(tier.Name), Plan: new IotHubPlan(
                hubs, tier.Name, perHub, demand.CountedPerDay, demand.SendsPerSecond, load.Devices / connections / 60));
        }).OrderBy(t => t.Cost).ThenBy(t => t.Plan.Hubs).First().Plan;

    private NamespacePlan PlanNamespace(Flow average, double peakFactor, int partitions, double partitionsNeeded, int readers)
    {
        var peak = average * peakFactor;
        // $Default is a group too.
        var isStandard = peak.ThroughputUnits(limits) <= limits.StandardThroughputUnits
            && partitions <= limits.StandardPartitions && readers + 1 <= limits.StandardConsumerGroups;
        if (isStandard)
            return new("Standard", 1, Up(average.ThroughputUnits(limits)), Up(peak.ThroughputUnits(limits)), partitions, partitionsNeeded, readers, peak);

        var units = peak.ProcessingUnits(limits);
        var namespaces = Up(units / limits.PremiumSizes[^1].Units);
        var each = (limits.PremiumSizes.FirstOrDefault(s => s.Units >= units / namespaces) ?? limits.PremiumSizes[^1]).Units;
        return new("Premium", namespaces, each, each, partitions, partitionsNeeded, readers, peak);
    }

    private AppPlan PlanApp(string app, int deployments, double instances) => new(
        app, deployments, (int)Math.Min(instances, int.MaxValue),
        (int)Math.Clamp(2 * instances, limits.FunctionInstancesMin, limits.FunctionInstances), Demand.InstanceMemoryMb);

    private DatabasePlan PlanDatabase(Workload load, Demand demand)
    {
        var largest = limits.DatabaseServers[^1];
        var disk = limits.DatabaseDisks[^1];
        var nodes = new[]
        {
            demand.DatabaseCores / largest.VCores, demand.DatabaseMemoryGB / largest.MemoryGB, demand.DatabaseGigabytes / disk.Gigabytes,
            demand.DatabaseOperations / Math.Min(disk.OperationsPerSecond, largest.OperationsPerSecond),
            demand.DatabaseMegabytes / Math.Min(limits.DatabaseDiskMegabytes, largest.MegabytesPerSecond),
        }.Max(Up);
        var server = limits.DatabaseServers.FirstOrDefault(
            s => s.IsBurstable ? load.Burstable && nodes == 1 && Holds(s) : Holds(s), largest);
        var size = limits.DatabaseDisks.FirstOrDefault(
            d => d.Gigabytes >= demand.DatabaseGigabytes / nodes && d.OperationsPerSecond >= demand.DatabaseOperations / nodes, disk);
        return new(
            nodes, server.Sku, server.Tier, server.VCores, size.Gigabytes, demand.DatabaseCores, demand.DatabaseMemoryGB, demand.HistoryGigabytesPerDay, demand.DatabaseGigabytes,
            demand.DatabaseOperations, demand.Sessions);

        bool Holds(DatabaseServer s) =>
            s.VCores >= demand.DatabaseCores / nodes && s.MemoryGB >= demand.DatabaseMemoryGB / nodes && s.OperationsPerSecond >= demand.DatabaseOperations / nodes
            && s.MegabytesPerSecond >= demand.DatabaseMegabytes / nodes && s.Sessions >= demand.Sessions;
    }

    private static ArchivePlan PlanArchive(Workload load, Demand demand)
    {
        var perDay = demand.ArchiveGigabytesPerDay;
        return new(
            perDay, perDay * load.ArchiveCoolAfterDays, perDay * (load.ArchiveColdAfterDays - load.ArchiveCoolAfterDays),
            perDay * (load.ArchiveDeleteAfterDays - load.ArchiveColdAfterDays));
    }

    private static IEnumerable<CostLine> Costs(
        PriceList prices, Workload load, Demand demand, IotHubPlan iotHub, NamespacePlan raw, NamespacePlan feeds, DatabasePlan database, ArchivePlan archive)
    {
        var units = iotHub.Hubs * iotHub.UnitsPerHub;
        yield return new("IoT Hub", units, $"{iotHub.Tier} units", units * prices.IotHubUnit(iotHub.Tier));
        yield return OfNamespace(prices, "raw hubs, with capture", raw, demand.Raw.EventsIn, prices.ThroughputUnit + prices.CaptureThroughputUnit);
        yield return OfNamespace(prices, "feed hubs", feeds, demand.Feeds.EventsIn, prices.ThroughputUnit);

        var (gigabyteSeconds, executions) = Execution(demand);
        yield return new("function apps", gigabyteSeconds, "GB-seconds on demand", gigabyteSeconds * prices.FunctionGBSecond);
        yield return new("function executions", executions / Million, "millions", executions / Million * prices.MillionExecutions);

        var servers = database.Nodes * (load.ZoneRedundant ? 2 : 1);
        var vCore = database.Tier == "Burstable" ? prices.DatabaseBurstableVCore : prices.DatabaseVCore;
        yield return new("database servers", servers * database.VCores, "vCores", servers * database.VCores * vCore);
        yield return new("database disks", servers * database.StorageGB, "GB", servers * database.StorageGB * prices.DatabaseGigabyte);
        yield return new(
            "archive", archive.HotGB + archive.CoolGB + archive.ColdGB, "GB, when it is full",
            (archive.HotGB * prices.ArchiveHotGigabyte) + (archive.CoolGB * prices.ArchiveCoolGigabyte) + (archive.ColdGB * prices.ArchiveColdGigabyte));
    }

    private static CostLine OfNamespace(PriceList prices, string what, NamespacePlan plan, double eventsPerSecond, double throughputUnit)
    {
        var units = plan.Namespaces * plan.UnitsMax;
        // A namespace that has grown stays as large.
        return plan.Tier == "Standard"
            ? new(what, units, "throughput units", (units * throughputUnit) + (eventsPerSecond * SecondsPerMonth / Million * prices.MillionEvents))
            : new(what, units, "processing units", units * prices.ProcessingUnit);
    }

    /// <summary>An instance is paid for while it executes, a second for each execution at least, however many go on in it at once.</summary>
    private static (double GigabyteSeconds, double Executions) Execution(Demand demand)
    {
        var (seconds, executions) = (0.0, 0.0);
        foreach (var (rates, partitions) in new[]
        {
            (demand.DecodeRates, demand.RawPartitionsPlanned), (demand.AllDatapointsRates, demand.FeedPartitionsPlanned), (demand.DevicesRates, demand.FeedPartitionsPlanned),
        })
            foreach (var rate in rates)
            {
                var perSecond = Math.Min(rate, partitions * BatchesPerSecond);
                executions += perSecond * SecondsPerMonth;
                seconds += Math.Min(demand.InstancesFor(rate), perSecond) * SecondsPerMonth;
            }

        return (seconds * Demand.InstanceMemoryMb / 1024.0, executions);
    }

    private static int Up(double needed) => (int)Math.Clamp(Math.Ceiling(needed), 1, int.MaxValue);
}
