namespace Pumps.Core.Capacity;

/// <summary>Published limits of Azure (catalog/capacity/limits.json, where each has its source). Bytes and events are a second's.</summary>
public sealed record CapacityLimits
{
    public required double IotHubDevices { get; init; }
    public required double IotHubMessageBytes { get; init; }
    public required double IotHubMeterBytes { get; init; }
    public required double ProvisioningRegistrations { get; init; }
    public required double ProvisioningRegistrationsPerMinute { get; init; }
    public required double ThroughputUnitBytesIn { get; init; }
    public required double ThroughputUnitEventsIn { get; init; }
    public required double ThroughputUnitBytesOut { get; init; }
    public required double ThroughputUnitEventsOut { get; init; }
    public required double StandardThroughputUnits { get; init; }
    public required double StandardHubs { get; init; }
    public required double StandardPartitions { get; init; }
    public required double StandardConsumerGroups { get; init; }
    public required double ProcessingUnitBytesIn { get; init; }
    public required double ProcessingUnitBytesOut { get; init; }
    public required double PremiumPartitions { get; init; }
    public required double PremiumConsumerGroups { get; init; }
    public required double DatabaseDiskMegabytes { get; init; }
    public required double FunctionInstancesMin { get; init; }
    public required double FunctionInstances { get; init; }
    public required double FunctionMemoryMb { get; init; }

    public IReadOnlyList<IotHubTier> IotHubTiers { get; init; } = [];

    /// <summary>What a Premium namespace can be set to, smallest first.</summary>
    public IReadOnlyList<PremiumSize> PremiumSizes { get; init; } = [];

    /// <summary>Smallest first.</summary>
    public IReadOnlyList<DatabaseServer> DatabaseServers { get; init; } = [];

    /// <summary>Smallest first.</summary>
    public IReadOnlyList<DatabaseDisk> DatabaseDisks { get; init; } = [];
}

/// <summary>What a unit of an IoT Hub tier gives; what ends in Min is had by any hub of the tier.</summary>
public sealed record IotHubTier(
    string Name, double MessagesPerDay, int UnitsMax, double SendsPerSecond, double SendsPerSecondMin, double ConnectionsPerSecond,
    double ConnectionsPerSecondMin, double MethodBytesPerSecond, double MessagesToDevicesPerMinute);

public sealed record DatabaseServer(string Sku, string Tier, int VCores, double MemoryGB, double OperationsPerSecond, double MegabytesPerSecond, int Sessions)
{
    public bool IsBurstable => Tier == "Burstable";
}

public sealed record PremiumSize(int Units);

public sealed record DatabaseDisk(int Gigabytes, double OperationsPerSecond);
