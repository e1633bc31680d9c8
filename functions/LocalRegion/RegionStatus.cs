using System.Reflection;
using Pumps.Handlers.Observability;
using Pumps.LocalRegion.Archive;
using Pumps.LocalRegion.Gateway;
using Pumps.LocalRegion.Hubs;

namespace Pumps.LocalRegion;

/// <summary>What the process knows of its hubs and gateway.</summary>
internal sealed class RegionStatus(RegionOptions options, EmbeddedHubs hubs, IotGateway gateway, TimeProvider time) : IRegionStatus
{
    private static readonly string Version =
        typeof(RegionStatus).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    private readonly DateTimeOffset _startedAt = time.GetUtcNow();

    public RegionSnapshot Read()
    {
        var lags = hubs.Lags();
        return new(
            options.Name, Version, _startedAt, hubs.Unwritable(),
            [
                .. lags.GroupBy(l => (l.Hub, l.Group)).Select(g => new GroupLag(
                    g.Key.Hub, g.Key.Group, g.Sum(l => l.Events), g.Max(l => l.Age),
                    g.Key.Group == Region.ArchiveGroup ? ArchiveOptions.WindowDefault : TimeSpan.Zero)),
            ],
            gateway.ConnectedDevices);
    }
}
