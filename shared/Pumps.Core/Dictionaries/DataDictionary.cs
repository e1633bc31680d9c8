using System.Collections.Frozen;

namespace Pumps.Core.Dictionaries;

/// <summary>An event or command that a dictionary names.</summary>
public sealed record EventDefinition(uint Code, string Name, byte Severity, ushort Since);

/// <summary>A command of a dictionary and the ids of the datapoints it takes as arguments, all of them mandatory.</summary>
public sealed record CommandDefinition(uint Code, string Name, uint[] Arguments, ushort Since);

/// <summary>One data dictionary at its newest known revision (DP2 section 5). Ids and meanings never change, so older frames read with it too.</summary>
public sealed class DataDictionary
{
    // Ids start at 16 and are dense in every registered dictionary; larger ones are legal but rare.
    private const int DenseMax = 1024;

    private readonly PointDefinition?[] _dense;
    private readonly FrozenDictionary<uint, PointDefinition> _sparse;

    public DataDictionary(
        ushort id, ushort revision, string name, IReadOnlyList<PointDefinition> points,
        IEnumerable<EventDefinition> events, IEnumerable<CommandDefinition> commands, IReadOnlyDictionary<uint, string>? states)
    {
        Id = id;
        Revision = revision;
        Name = name;
        Points = points;
        Events = events.ToFrozenDictionary(e => e.Code);
        Commands = commands.ToFrozenDictionary(c => c.Code);
        States = states?.ToFrozenDictionary();

        var largest = points.Count == 0 ? 0 : points.Max(p => p.Id);
        _dense = new PointDefinition?[Math.Min(largest, DenseMax) + 1];
        foreach (var point in points)
        {
            if (point.Id < _dense.Length)
                _dense[point.Id] = point;
            // A range that cannot be read must stop the load, not the first frame.
            _ = point.Range;
        }

        _sparse = points.Where(p => p.Id >= _dense.Length).ToFrozenDictionary(p => p.Id);
    }

    public ushort Id { get; }

    public ushort Revision { get; }

    public string Name { get; }

    public IReadOnlyList<PointDefinition> Points { get; }

    public FrozenDictionary<uint, EventDefinition> Events { get; }

    public FrozenDictionary<uint, CommandDefinition> Commands { get; }

    /// <summary>Names of the codes in state-change events; null when the dictionary has none.</summary>
    public FrozenDictionary<uint, string>? States { get; }

    /// <summary>The definition of a point, or null when this revision does not have it.</summary>
    public PointDefinition? Find(uint id) =>
        id < _dense.Length ? _dense[id] : _sparse.GetValueOrDefault(id);

    /// <summary>This dictionary as a decoder knows it that has not seen anything newer than <paramref name="revision"/>.</summary>
    public DataDictionary AtRevision(ushort revision) => new(
        Id, revision, Name,
        [.. Points.Where(p => p.Since <= revision)],
        Events.Values.Where(e => e.Since <= revision),
        Commands.Values.Where(c => c.Since <= revision),
        States);
}
