using System.Collections.Frozen;

namespace Pumps.Core.Dictionaries;

/// <summary>The dictionaries that a decoder knows, by id.</summary>
public sealed class DictionarySet
{
    public static readonly DictionarySet Empty = new([]);

    private readonly FrozenDictionary<ushort, DataDictionary> _byId;

    public DictionarySet(IEnumerable<DataDictionary> dictionaries) => _byId = dictionaries.ToFrozenDictionary(d => d.Id);

    public IReadOnlyCollection<DataDictionary> All => _byId.Values;

    public DataDictionary? Find(uint id) => id <= ushort.MaxValue ? _byId.GetValueOrDefault((ushort)id) : null;

    /// <summary>This set with others added; one with the same id replaces the old one.</summary>
    public DictionarySet With(IEnumerable<DataDictionary> others)
    {
        var merged = new Dictionary<ushort, DataDictionary>(_byId);
        foreach (var other in others)
            merged[other.Id] = other;
        return new(merged.Values);
    }
}
