using Pumps.Core.Offerings;
using Pumps.Core.Protocols;

namespace Pumps.Postgres;

/// <summary>The counters of all products, as roll-ups know them: by protocol and name.</summary>
public static class CatalogCounters
{
    /// <exception cref="InvalidOperationException">Two products of one protocol count the same point in different ways.</exception>
    public static IReadOnlyList<CounterDefinition> Of(Catalog catalog)
    {
        var counters = catalog.Products.Values
            .SelectMany(product => product.Counters.Select(c => new CounterDefinition(product.Protocol.Name(), c.Point[(c.Point.LastIndexOf('.') + 1)..], c.Modulus)))
            .Distinct()
            .OrderBy(c => c.Protocol, StringComparer.Ordinal).ThenBy(c => c.Point, StringComparer.Ordinal)
            .ToList();

        foreach (var same in counters.GroupBy(c => (c.Protocol, c.Point)).Where(g => g.Count() > 1))
            throw new InvalidOperationException(
                $"The catalog's products give the counter {same.Key.Point} of {same.Key.Protocol} different moduli ({string.Join(", ", same.Select(c => c.Modulus?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none"))}). One protocol counts a point in one way.");
        return counters;
    }
}
