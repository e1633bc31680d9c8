using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;

namespace Pumps.Core.Feeds;

/// <summary>Which datapoints an observation has, and their names as JSON text in the order in which they are written.</summary>
/// <remarks>
/// Frames of a kind have the same datapoints in the same order, so this is worked out once per shape and not once per frame.
/// Where a frame gives the same datapoint twice for one instant the first one counts. Names come in the order that PostgreSQL's jsonb stores
/// them (shorter first, then by bytes): building a jsonb from sorted names saves the database a sixth of its work.
/// </remarks>
internal sealed class ObservationShape
{
    private readonly Member[] _members;
    private readonly Named[] _named;
    private readonly byte[] _names;

    /// <param name="order">Indices of the observation's datapoints, in the order of the frame.</param>
    public ObservationShape(DatapointBuffer buffer, ReadOnlySpan<int> order)
    {
        _members = new Member[order.Length];
        for (var i = 0; i < order.Length; i++)
            _members[i] = new(in buffer.Points[order[i]], buffer);

        var seen = new HashSet<(int Path, uint Id)>();
        var byName = Enumerable.Range(0, order.Length).Where(i => seen.Add((_members[i].Path, _members[i].Id))).ToArray();
        byName.AsSpan().Sort((x, y) => Member.Compare(_members[x], _members[y]) is var order and not 0 ? order : x.CompareTo(y));

        var names = new Utf8Output();
        _named = new Named[byName.Length];
        for (var i = 0; i < byName.Length; i++)
        {
            var start = names.Length;
            names.Append($",\"{_members[byName[i]].Name}\":");
            _named[i] = new(byName[i], start, names.Length - start);
        }

        _names = names.Written.ToArray();
    }

    /// <summary>A datapoint by its place in the observation, and its name by its place in the text.</summary>
    public readonly record struct Named(int Index, int Start, int Length);

    /// <summary>The datapoints that are written, in the order in which they are.</summary>
    public ReadOnlySpan<Named> InOrder => _named;

    /// <summary>The name of a datapoint with what stands around it: <c>,"flow":</c>.</summary>
    public ReadOnlySpan<byte> Name(in Named named) => _names.AsSpan(named.Start, named.Length);

    public bool Fits(DatapointBuffer buffer, ReadOnlySpan<int> order)
    {
        var members = _members;
        if (members.Length != order.Length)
            return false;

        var points = buffer.Points;
        for (var i = 0; i < members.Length; i++)
        {
            ref readonly var point = ref points[order[i]];
            if (point.Definition != members[i].Definition || point.Id != members[i].Id || point.Path != members[i].Path
                || (point.Path != 0 && buffer.Paths[point.Path] != members[i].PathText))
                return false;
        }

        return true;
    }

    private readonly struct Member(in Datapoint point, DatapointBuffer buffer)
    {
        public readonly PointDefinition? Definition = point.Definition;
        public readonly string PathText = buffer.Paths[point.Path];
        public readonly uint Id = point.Id;
        public readonly int Path = point.Path;

        public string Name => (Path == 0 ? "" : PathText + ".") + (Definition?.Name ?? $"#{Id}");

        private int Length => (Definition?.NameUtf8.Length ?? 0) + (Path == 0 ? 0 : PathText.Length + 1);

        public static int Compare(in Member a, in Member b)
        {
            if (a.Length - b.Length is var longer and not 0)
                return longer;
            if (string.CompareOrdinal(a.PathText, b.PathText) is var paths and not 0)
                return paths;
            return a.Definition is { } left && b.Definition is { } right ? left.NameUtf8.AsSpan().SequenceCompareTo(right.NameUtf8) : a.Id.CompareTo(b.Id);
        }
    }
}
