using System.Collections.Frozen;
using Pumps.Core.Dictionaries;
using Pumps.Core.Offerings;

namespace Pumps.Handlers.Portal;

/// <summary>Units of datapoints by product and name with path, out of the dictionaries. Asked for every value of a page of 1,000 devices.</summary>
public sealed class PointUnits(Catalog catalog)
{
    private readonly FrozenDictionary<ushort, FrozenDictionary<string, PointDefinition>> _names = catalog.Dictionaries.All.ToFrozenDictionary(
        d => d.Id, d => d.Points.DistinctBy(p => p.Name).ToFrozenDictionary(p => p.Name));

    /// <summary>The UCUM unit of <c>flow</c> or <c>zones[4].probes[1].moisture</c>; null when it has none or is not in the dictionary.</summary>
    public string? Find(string product, ReadOnlySpan<char> point) => Definition(product, point)?.Unit;

    /// <summary>Whether the product has such a datapoint.</summary>
    public bool Knows(string product, ReadOnlySpan<char> point) => Definition(product, point) is not null;

    private PointDefinition? Definition(string product, ReadOnlySpan<char> point)
    {
        if (!catalog.Products.TryGetValue(product, out var line))
            return null;

        var dictionary = line.Dictionary;
        while (true)
        {
            var dot = point.IndexOf('.');
            var element = dot < 0 ? point : point[..dot];
            var name = element.IndexOf('[') is >= 0 and var bracket ? element[..bracket] : element;
            if (!_names.TryGetValue(dictionary, out var names) || !names.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out var definition))
                return null;
            if (dot < 0)
                return definition;

            dictionary = definition.Child;
            point = point[(dot + 1)..];
        }
    }
}
