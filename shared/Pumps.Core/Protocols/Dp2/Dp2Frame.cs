using System.Text;
using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>A container of datapoints as it stood in the frame; entry i belongs to path i of the datapoint buffer.</summary>
internal struct Dp2Container
{
    /// <summary>Index of the container around it; -1 for one that a path in a message field names.</summary>
    public int Parent;
    public uint Group;
    public ulong Instance;
    public int NameOffset;

    /// <summary>-1 when the group carries no name.</summary>
    public int NameLength;

    /// <summary>Datapoints from here up to <see cref="EndPoint"/> belong to it and to the containers in it.</summary>
    public int FirstPoint;
    public int EndPoint;
}

internal enum Dp2SegmentKind : byte
{
    Points,
    Sample,
    Series,
}

/// <summary>A points group, a sample or a series: where its datapoints and containers are, and how a series was laid out.</summary>
internal struct Dp2Segment
{
    public Dp2SegmentKind Kind;
    public bool HasInterval;
    public bool HasNulls;
    public byte? Encoding;
    public sbyte? Exponent;
    public int FirstPoint;
    public int EndPoint;

    /// <summary>The container that holds the segment's points; those in it follow from <see cref="FirstContainer"/> on.</summary>
    public int Root;
    public int FirstContainer;
    public int EndContainer;

    /// <summary>Time offset of the sample, or of the first sample of the series.</summary>
    public long OffsetMs;
    public ulong IntervalMs;

    /// <summary>The packed path of a series, in the source of the datapoint buffer.</summary>
    public int PathOffset;
    public int PathLength;
}

/// <summary>One decoded DP2 frame. An instance is reused: each decode overwrites it, and it is good only after one that gave no error.</summary>
/// <remarks>After an error, what the checks before it had read stays readable: a device answers a refused command by its correlation.</remarks>
public sealed class Dp2Frame : DecodedFrame
{
    // More different containers than any station has; a frame of made-up ones only costs their texts again.
    private const int PathsKept = 1024;

    private readonly Dictionary<(string Parent, uint Group, ulong Instance, PointDefinition? Definition), string> _paths = [];
    private Dp2Container[] _containers = new Dp2Container[8];
    private byte[] _headerExtension = [];
    private byte[] _inflated = [];

    public override Protocol Protocol => Protocol.Dp2;

    /// <summary>Low nibble of the version; above 0 a newer sender, which this decoder reads all the same.</summary>
    public byte MinorVersion { get; internal set; }

    public bool Compressed { get; internal set; }

    /// <summary>The sender repeats this frame until it gets an ack of its sequence number.</summary>
    public bool AckRequested { get; internal set; }

    /// <summary>Header bytes that a newer minor version may add.</summary>
    public ReadOnlyMemory<byte> HeaderExtension { get; private set; }

    /// <summary>TIME as sent; null when the sender's clock is not set.</summary>
    public long? DeviceMs { get; internal set; }

    /// <summary>The dictionary that the message names; null where it names none.</summary>
    public Dp2DictionaryReference? Dictionary { get; internal set; }

    /// <summary>What the message says beside its datapoints; null for telemetry.</summary>
    public Dp2Body? Body { get; internal set; }

    /// <summary>After an error: the byte of the frame that the failing check looked at. For a compressed payload, counted as if it had been sent inflated.</summary>
    public int ErrorOffset { get; internal set; }

    internal ReadOnlySpan<Dp2Container> Containers => _containers.AsSpan(0, Points.PathCount);

    internal List<Dp2Segment> Segments { get; } = [];

    /// <summary>Datapoints seen in containers whose ids do not ascend: container, id, and for groups the instance.</summary>
    internal HashSet<(int Container, uint Id, bool IsGroup, ulong Instance)> Seen { get; } = [];

    /// <summary>The groups that carry a name, in order of appearance, each with its path.</summary>
    public IEnumerable<(string Path, string Name)> Instances
    {
        get
        {
            for (var i = 0; i < Points.PathCount; i++)
                if (_containers[i].NameLength >= 0)
                    yield return (Points.Paths[i], Text(_containers[i].NameOffset, _containers[i].NameLength));
        }
    }

    internal string Text(int offset, int length) => Encoding.UTF8.GetString(Points.Source.Slice(offset, length));

    internal void Clear()
    {
        Kind = default;
        Direction = default;
        Device = 0;
        Sequence = 0;
        EffectiveMs = 0;
        Clock = default;
        Historical = false;
        IsRestart = false;
        Warnings = DecodeWarnings.None;
        MinorVersion = 0;
        Compressed = false;
        AckRequested = false;
        HeaderExtension = default;
        DeviceMs = null;
        ErrorOffset = 0;
        ClearPayload();
    }

    internal void ClearPayload()
    {
        Points.Clear();
        Dictionary = null;
        Body = null;
        Segments.Clear();
        if (Seen.Count > 0)
            Seen.Clear();
        _containers[0] = new Dp2Container { Parent = -1, NameLength = -1 };
    }

    internal void SetHeaderExtension(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;

        if (_headerExtension.Length < bytes.Length)
            _headerExtension = new byte[Dp2Limits.HeaderMax - Dp2Limits.HeaderMin];
        bytes.CopyTo(_headerExtension);
        HeaderExtension = _headerExtension.AsMemory(0, bytes.Length);
    }

    internal Span<byte> InflateBuffer(int length)
    {
        if (_inflated.Length < length)
            _inflated = new byte[Math.Max(length, Dp2Limits.PayloadMax)];
        return _inflated.AsSpan(0, length);
    }

    /// <summary>Adds a container to the datapoint buffer and returns its index.</summary>
    internal int AddContainer(int parent, int textParent, uint group, ulong instance, PointDefinition? definition)
    {
        var index = Points.AddPath(PathOf(Points.Paths[textParent], group, instance, definition));
        if (index == _containers.Length)
            Array.Resize(ref _containers, index * 2);

        _containers[index] = new Dp2Container
        {
            Parent = parent, Group = group, Instance = instance, NameLength = -1, FirstPoint = Points.Count,
        };
        return index;
    }

    internal ref Dp2Container Container(int index) => ref _containers[index];

    // The text of a path is made once and kept: the same device sends the same groups again and again.
    private string PathOf(string parent, uint group, ulong instance, PointDefinition? definition)
    {
        if (_paths.TryGetValue((parent, group, instance, definition), out var path))
            return path;

        if (_paths.Count == PathsKept)
            _paths.Clear();

        path = definition is null ? $"#{group}[{instance}]" : $"{definition.Name}[{instance}]";
        if (parent.Length > 0)
            path = $"{parent}.{path}";
        _paths.Add((parent, group, instance, definition), path);
        return path;
    }
}
