namespace Pumps.Handlers.Observability;

/// <summary>How far a consumer group is behind on a hub.</summary>
/// <param name="Events">Events enqueued and not yet handled, over all partitions.</param>
/// <param name="Age">How long the oldest of them has been waiting; zero when there is none.</param>
/// <param name="AgeExpected">How far the group is behind by its nature: an archive that writes a file every few minutes.</param>
public readonly record struct GroupLag(string Hub, string Group, long Events, TimeSpan Age, TimeSpan AgeExpected = default);

/// <summary>A region at one moment.</summary>
/// <param name="UnwritableHubs">Hubs whose last write failed, with the reason; empty when all is well.</param>
/// <param name="GatewayConnections">Devices connected now.</param>
public sealed record RegionSnapshot(
    string Region, string Version, DateTimeOffset StartedAt, IReadOnlyDictionary<string, string> UnwritableHubs, IReadOnlyList<GroupLag> Lags,
    int GatewayConnections);

/// <summary>What the host knows of its hubs and gateway. Azure: IoT Hub's and Event Hubs' figures; local region: the process itself.</summary>
public interface IRegionStatus
{
    /// <summary>Cheap: what the host knows now, without asking anybody. Called on every scrape of the metrics.</summary>
    RegionSnapshot Read();
}
