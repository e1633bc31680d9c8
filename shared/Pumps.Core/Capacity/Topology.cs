using Pumps.Core.Offerings;

namespace Pumps.Core.Capacity;

/// <summary>What of the catalog a plan needs: how many hubs and who reads them.</summary>
/// <param name="RawHubs">Hubs that the Decode app reads, and that of connection events.</param>
/// <param name="FeedGroups">Consumer groups that every feed of an offering has.</param>
public sealed record Topology(int RawHubs, int RawGroups, int FeedHubs, int FeedGroups, int Offerings)
{
    public static Topology Of(Catalog catalog)
    {
        var routes = catalog.Routes;
        return new(
            routes.RawHubs.Count, routes.RawHubs.Max(h => h.ConsumerGroups.Count), routes.FeedHubs.Count,
            routes.FeedHubs.Max(h => h.ConsumerGroups.Count), catalog.Offerings.Count);
    }
}
