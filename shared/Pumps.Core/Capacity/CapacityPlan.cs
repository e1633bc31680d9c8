namespace Pumps.Core.Capacity;

/// <summary>One limit: what the workload asks of it, and with how many devices of this kind it is reached.</summary>
/// <param name="Name">A noun in snake case; shown, and never renamed.</param>
/// <param name="DevicesAt">The most devices that it allows; null: it does not depend on devices.</param>
/// <param name="Then">What to do when it is reached.</param>
public sealed record LimitUse(string Name, double Used, double Available, string Unit, long? DevicesAt, string Then)
{
    public bool IsExceeded => Used > Available;
}

/// <param name="ReconnectMinutes">Until all devices are back after everything went dark.</param>
public sealed record IotHubPlan(int Hubs, string Tier, int UnitsPerHub, double MessagesPerDay, double SendsPerSecond, double ReconnectMinutes);

/// <param name="HoursToRegisterAll">With the whole fleet new, at the service's own pace.</param>
public sealed record ProvisioningPlan(int Services, double HoursToRegisterAll);

/// <param name="Tier">Standard counts throughput units, Premium processing units.</param>
/// <param name="Units">Units at the average load, from which a Standard namespace grows by itself.</param>
/// <param name="UnitsMax">Units at the peak.</param>
/// <param name="Partitions">Of each hub, with room: they cannot be changed later.</param>
public sealed record NamespacePlan(string Tier, int Namespaces, int Units, int UnitsMax, int Partitions, double PartitionsNeeded, int Readers, Flow Peak);

/// <param name="Deployments">How often the app is deployed.</param>
/// <param name="Instances">Of one deployment at the peak, the largest of them.</param>
/// <param name="InstancesMax">The cap: twice what the peak needs, within what the platform allows.</param>
public sealed record AppPlan(string App, int Deployments, int Instances, int InstancesMax, int MemoryMb);

/// <param name="Nodes">1: a single server; more: an elastic cluster of as many.</param>
public sealed record DatabasePlan(
    int Nodes, string Sku, string Tier, int VCores, int StorageGB, double CoresNeeded, double MemoryNeededGB, double GrowthGBPerDay, double FullGB, double OperationsPerSecond, double Sessions);

public sealed record ArchivePlan(double GBPerDay, double HotGB, double CoolGB, double ColdGB);

/// <param name="Unverified">How much of the amount comes from prices that were found nowhere published.</param>
public sealed record CostLine(string What, double Quantity, string Unit, double Amount, double Unverified = 0);

/// <param name="AsOf">The day whose prices they are.</param>
/// <param name="Unverified">Names of those that were found nowhere published.</param>
public sealed record PricesUsed(string Location, string Currency, string AsOf, IReadOnlyList<string> Unverified);

/// <param name="DevicesPerRegion">The most devices of this kind that one region carries within all limits.</param>
/// <param name="Regions">Regions for all devices; null: a limit is exceeded that fewer devices would not help.</param>
/// <param name="Limits">The first that is reached comes first.</param>
/// <param name="Costs">A month, with the given prices; not a quote.</param>
public sealed record CapacityPlan(
    Workload Workload, IotHubPlan IotHub, ProvisioningPlan Provisioning, NamespacePlan RawHubs, NamespacePlan FeedHubs, IReadOnlyList<AppPlan> Apps,
    DatabasePlan Database, ArchivePlan Archive, IReadOnlyList<LimitUse> Limits, long DevicesPerRegion, int? Regions, PricesUsed Prices, IReadOnlyList<CostLine> Costs)
{
    public LimitUse First => Limits[0];

    public double Cost => Costs.Sum(c => c.Amount);

    /// <summary>Part of the cost, 0 to 1, that rests on prices which were found nowhere published.</summary>
    public double UnverifiedShare => Cost > 0 ? Costs.Sum(c => c.Unverified) / Cost : 0;

    public IEnumerable<LimitUse> Exceeded => Limits.Where(l => l.IsExceeded);

    /// <summary>Whether one region as bicep/ deploys it carries the workload.</summary>
    public bool FitsOneRegion => !Exceeded.Any();
}
