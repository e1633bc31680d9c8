using System.Collections.Frozen;
using Pumps.Core.Commands;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;

namespace Pumps.Core.Offerings;

/// <summary>A group of devices that solves one problem. Its id prefixes its feed hubs.</summary>
public sealed record Offering(string Id, string Name, string Description);

/// <summary>A counter of a product. <paramref name="Point"/> is a name with path where <c>[]</c> stands for every instance.</summary>
/// <param name="Modulus">Differences are taken modulo this; null: the counter does not wrap, a decrease is a reset.</param>
public sealed record Counter(string Point, decimal? Modulus);

/// <summary>A model line: names its offering, protocol and data dictionary.</summary>
/// <param name="Models">What its devices call themselves in IDENT or describe; <c>*</c> at the end matches the rest.</param>
public sealed record Product(
    string Id, string Name, string Offering, Protocol Protocol, ushort Dictionary, IReadOnlyList<string> Models,
    int ReportIntervalSeconds, IReadOnlyList<Counter> Counters)
{
    /// <summary>What may be asked of its devices.</summary>
    public IReadOnlyList<ProductCommand> Commands { get; init; } = [];

    /// <summary>UUID of the product class that firmware for its devices must be signed for (DP2 section 9.2); null: the catalog does not say.</summary>
    public Guid? FirmwareClass { get; init; }

    /// <summary>The command that people name so, and the instance they mean; <see cref="ProductCommand.Takes"/> says whether there is one.</summary>
    public (ProductCommand? Command, uint? Instance) Find(string given)
    {
        var (name, instance) = ProductCommand.Split(given);
        return (Commands.FirstOrDefault(c => c.Name == name), instance);
    }
}

/// <summary>A hub as it is deployed: its partitions, consumer groups and retention.</summary>
/// <param name="Captured">Whether what it takes is archived.</param>
public sealed record Hub(
    string Name, int Partitions, int LocalPartitions, TimeSpan Retention, IReadOnlyList<string> ConsumerGroups, bool Captured);

/// <summary>Which raw hub takes messages of a header type from devices of a protocol.</summary>
public sealed record Route(string Hub, string HeaderType, Protocol Protocol);

/// <summary>A property that IoT Hub adds to every message, from the twin: <c>$twin.tags.x</c>.</summary>
public sealed record Enrichment(string Name, string Value);

/// <summary>Which feed of an offering (or of all) takes decoded frames of these kinds.</summary>
public sealed record Feed(string Hub, IReadOnlyList<FrameKind> Kinds, IReadOnlyList<string> ConsumerGroups, bool PerOffering)
{
    /// <summary>The hub's name for one offering.</summary>
    public string HubFor(string offering) => Hub.Replace("{offering}", offering, StringComparison.Ordinal);
}

/// <summary>Hubs, routing and enrichment, declared once for Azure and the local region.</summary>
/// <param name="Fallback">The raw hub of messages that no route takes.</param>
/// <param name="Connections">The raw hub of IoT Hub's connection events.</param>
public sealed record Routes(
    IReadOnlyList<Enrichment> Enrichments, IReadOnlyList<Route> Raw, string Fallback, string Connections, IReadOnlyList<Feed> Feeds, IReadOnlyList<Hub> RawHubs,
    IReadOnlyList<Hub> FeedHubs)
{
    public IEnumerable<Hub> Hubs => RawHubs.Concat(FeedHubs);

    /// <summary>The raw hub for a message, or the fallback when no route matches.</summary>
    public string RawHubFor(string? headerType, string? protocol)
    {
        foreach (var route in Raw)
            if (route.HeaderType == headerType && route.Protocol.Name() == protocol)
                return route.Hub;
        return Fallback;
    }
}

/// <summary>What this region knows of offerings, products, dictionaries and routes.</summary>
public sealed class Catalog(IEnumerable<Offering> offerings, IEnumerable<Product> products, DictionarySet dictionaries, Routes routes)
{
    // [offering][kind] -> hub; the decode handler asks once per frame.
    private readonly FrozenDictionary<string, string?[]> _feedHubs = offerings.ToFrozenDictionary(
        o => o.Id,
        o => Enum.GetValues<FrameKind>().Select(k => routes.Feeds.FirstOrDefault(f => f.Kinds.Contains(k))?.HubFor(o.Id)).ToArray());

    public FrozenDictionary<string, Offering> Offerings { get; } = offerings.ToFrozenDictionary(o => o.Id);

    public FrozenDictionary<string, Product> Products { get; } = products.ToFrozenDictionary(p => p.Id);

    public DictionarySet Dictionaries { get; } = dictionaries;

    public Routes Routes { get; } = routes;

    /// <summary>The feed that takes frames of a kind from an offering; null when the offering or a feed for the kind is unknown.</summary>
    public string? FeedHub(string offering, FrameKind kind) => _feedHubs.GetValueOrDefault(offering)?[(int)kind];
}
