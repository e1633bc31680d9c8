using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;

namespace Pumps.Core.Feeds;

/// <summary>Where one observation lies in the output, and when it was observed.</summary>
public readonly record struct WrittenObservation(int Start, int Length, long ObservedAtMs);

/// <summary>Writes a decoded frame as feed JSON (design, section 5): one object per instant, the datapoints of that instant in it.</summary>
/// <remarks>
/// Only good values are in <c>points</c>; every other one is named in <c>quality</c>, alone where there is no value, else as
/// <c>{"quality": ..., "value": ...}</c>. Where a frame gives the same datapoint twice for one instant the first one counts.
/// Names come in the order that PostgreSQL's jsonb stores them (shorter first, then by bytes): building a jsonb from sorted names saves the
/// database a sixth of its work, and costs next to nothing here, because frames of a kind have the same datapoints in the same order.
/// Not safe for use by two threads: the work arrays are reused.
/// </remarks>
public sealed class ObservationWriter
{
    private static readonly byte[][] Qualities =
        [.. new[] { "good", "not_available", "out_of_range", "unknown_enum", "type_mismatch", "unknown_id" }.Select(System.Text.Encoding.ASCII.GetBytes)];

    private static readonly byte[][] Clocks = [.. Enum.GetValues<ClockQuality>().Select(c => System.Text.Encoding.ASCII.GetBytes(c.Name()))];

    private readonly Utf8Output _quality = new();
    private readonly HashSet<(int Path, uint Id)> _seen = [];
    private int[] _byName = [];
    private int[] _order = new int[64];
    private long[] _times = new long[64];

    /// <summary>Writes the observations of a frame, oldest first. A frame without datapoints gives none.</summary>
    /// <param name="members">Further members of the object, as JSON text without braces, such as <c>"events":[...]</c>; each observation carries them.</param>
    public void Write(DecodedFrame frame, string deviceId, long receivedAtMs, ReadOnlySpan<byte> members, Utf8Output output, List<WrittenObservation> written)
    {
        var points = frame.Points.Points;
        if (points.Length == 0)
            return;

        if (IsOneInstant(points))
        {
            WriteOne(frame, points, SortByName(frame.Points), deviceId, receivedAtMs, members, output, written);
            return;
        }

        var order = SortByTime(points);
        for (var from = 0; from < order.Length;)
        {
            var to = from + 1;
            while (to < order.Length && points[order[to]].TimeMs == points[order[from]].TimeMs)
                to++;
            order[from..to].Sort(new NameOrder(frame.Points));
            WriteOne(frame, points, order[from..to], deviceId, receivedAtMs, members, output, written);
            from = to;
        }
    }

    /// <summary>Writes an observation without datapoints, for a frame that says something else, such as an event.</summary>
    public static void WriteEmpty(
        DecodedFrame frame, long observedAtMs, string deviceId, long receivedAtMs, ReadOnlySpan<byte> members, Utf8Output output, List<WrittenObservation> written)
    {
        var start = output.Length;
        WriteHead(frame, observedAtMs, deviceId, receivedAtMs, members, output);
        output.Append(",\"points\":{}}"u8);
        written.Add(new(start, output.Length - start, observedAtMs));
    }

    private static bool IsOneInstant(ReadOnlySpan<Datapoint> points)
    {
        var time = points[0].TimeMs;
        foreach (ref readonly var point in points)
            if (point.TimeMs != time)
                return false;
        return true;
    }

    private Span<int> SortByTime(ReadOnlySpan<Datapoint> points)
    {
        if (_order.Length < points.Length)
        {
            _order = new int[points.Length * 2];
            _times = new long[points.Length * 2];
        }

        for (var i = 0; i < points.Length; i++)
            (_order[i], _times[i]) = (i, points[i].TimeMs);

        // Sorted by time, then by place in the frame: the keys make the sort stable.
        var order = _order.AsSpan(0, points.Length);
        var times = _times;
        order.Sort((a, b) => times[a] != times[b] ? times[a].CompareTo(times[b]) : a.CompareTo(b));
        return order;
    }

    /// <summary>All datapoints in the order of their names; mostly the order that the last frame had.</summary>
    private ReadOnlySpan<int> SortByName(DatapointBuffer buffer)
    {
        var names = new NameOrder(buffer);
        if (_byName.Length != buffer.Count || !names.IsSorted(_byName))
        {
            _byName = new int[buffer.Count];
            for (var i = 0; i < _byName.Length; i++)
                _byName[i] = i;
            _byName.AsSpan().Sort(names);
        }

        return _byName;
    }

    /// <param name="order">Indices of the datapoints of this instant.</param>
    private void WriteOne(
        DecodedFrame frame, ReadOnlySpan<Datapoint> points, ReadOnlySpan<int> order, string deviceId, long receivedAtMs, ReadOnlySpan<byte> members,
        Utf8Output output, List<WrittenObservation> written)
    {
        var start = output.Length;
        var observedAt = points[order[0]].TimeMs;
        WriteHead(frame, observedAt, deviceId, receivedAtMs, members, output);
        output.Append(",\"points\":{"u8);
        _quality.Clear();

        // One bit per id answers "seen before?" for the dense ids of real dictionaries; from the first hit on the exact set does.
        ulong bits = 0;
        var exact = false;
        var first = true;
        for (var i = 0; i < order.Length; i++)
        {
            ref readonly var point = ref points[order[i]];
            var bit = 1UL << (int)((point.Id + (uint)point.Path * 37) & 63);
            if (!exact && (bits & bit) != 0)
            {
                exact = true;
                Remember(points, order, i);
            }

            if (exact && !_seen.Add((point.Path, point.Id)))
                continue;
            bits |= bit;

            if (point.Quality is Quality.Good)
            {
                if (!first)
                    output.Append((byte)',');
                first = false;
                WriteName(frame.Points, in point, output);
                WriteValue(frame.Points, in point, output);
            }
            else
            {
                WriteQuality(frame.Points, in point);
            }
        }

        output.Append((byte)'}');
        if (_quality.Length > 0)
        {
            output.Append(",\"quality\":{"u8);
            output.Append(_quality.Written);
            output.Append((byte)'}');
        }

        output.Append((byte)'}');
        written.Add(new(start, output.Length - start, observedAt));
    }

    private void Remember(ReadOnlySpan<Datapoint> points, ReadOnlySpan<int> order, int count)
    {
        _seen.Clear();
        for (var i = 0; i < count; i++)
        {
            ref readonly var point = ref points[order[i]];
            _seen.Add((point.Path, point.Id));
        }
    }

    private static void WriteHead(
        DecodedFrame frame, long observedAtMs, string deviceId, long receivedAtMs, ReadOnlySpan<byte> members, Utf8Output output)
    {
        output.Append("{\"device\":\""u8);
        output.Append(deviceId);
        output.Append("\",\"observedAt\":\""u8);
        output.AppendTime(observedAtMs);
        output.Append("\",\"receivedAt\":\""u8);
        output.AppendTime(receivedAtMs);
        output.Append("\",\"sequence\":"u8);
        output.Append((ulong)frame.Sequence);
        output.Append(",\"clock\":\""u8);
        output.Append(Clocks[(int)frame.Clock]);
        output.Append(frame.Historical ? "\",\"historical\":true"u8 : "\",\"historical\":false"u8);
        if (members.Length > 0)
        {
            output.Append((byte)',');
            output.Append(members);
        }
    }

    private void WriteQuality(DatapointBuffer buffer, in Datapoint point)
    {
        if (_quality.Length > 0)
            _quality.Append((byte)',');
        WriteName(buffer, in point, _quality);
        var name = Qualities[(int)point.Quality];

        var hasRaw = point.Quality is Quality.TypeMismatch;
        if (!point.HasValue && !hasRaw)
        {
            _quality.Append((byte)'"');
            _quality.Append(name);
            _quality.Append((byte)'"');
            return;
        }

        _quality.Append("{\"quality\":\""u8);
        _quality.Append(name);
        if (hasRaw)
        {
            _quality.Append("\",\"raw\":"u8);
            _quality.AppendHex(buffer.Source.Slice(point.Offset, point.Length));
        }
        else
        {
            _quality.Append("\",\"value\":"u8);
            WriteValue(buffer, in point, _quality);
        }

        _quality.Append((byte)'}');
    }

    private static void WriteName(DatapointBuffer buffer, in Datapoint point, Utf8Output output)
    {
        output.Append((byte)'"');
        if (point.Path != 0)
        {
            output.Append(buffer.Paths[point.Path]);
            output.Append((byte)'.');
        }

        if (point.Definition is { } definition)
        {
            output.Append(definition.NameUtf8);
        }
        else
        {
            output.Append((byte)'#');
            output.Append((ulong)point.Id);
        }

        output.Append("\":"u8);
    }

    private static void WriteValue(DatapointBuffer buffer, in Datapoint point, Utf8Output output)
    {
        switch (point.Type is PointType.Unknown ? TypeOf(point.Wire) : point.Type)
        {
            case PointType.Bool:
                output.Append(point.Bits != 0 ? "true"u8 : "false"u8);
                break;
            case PointType.Uint or PointType.Bitmask:
                output.Append(point.Bits);
                break;
            case PointType.Int:
                output.Append((long)point.Bits);
                break;
            case PointType.Decimal:
                output.AppendDecimal((long)point.Bits, point.Exponent);
                break;
            case PointType.Float32:
                WriteFloat(BitConverter.UInt32BitsToSingle((uint)point.Bits), output);
                break;
            case PointType.Float64:
                WriteFloat(BitConverter.UInt64BitsToDouble(point.Bits), output);
                break;
            case PointType.Enum:
                if (point.Definition?.Labels is { } labels && point.Bits <= uint.MaxValue && labels.TryGetValue((uint)point.Bits, out var label))
                {
                    output.Append((byte)'"');
                    output.Append(label);
                    output.Append((byte)'"');
                }
                else
                {
                    output.Append(point.Bits);
                }

                break;
            case PointType.String:
                output.AppendString(buffer.Source.Slice(point.Offset, point.Length));
                break;
            default:
                output.AppendHex(buffer.Source.Slice(point.Offset, point.Length));
                break;
        }
    }

    private static PointType TypeOf(WireType wire) => wire switch
    {
        WireType.Uvarint => PointType.Uint,
        WireType.Svarint => PointType.Int,
        WireType.F32 => PointType.Float32,
        WireType.F64 => PointType.Float64,
        WireType.Dec => PointType.Decimal,
        _ => PointType.Bytes,
    };

    // JSON has no infinities; their quality is out_of_range without a value, and of an unknown id they become null.
    private static void WriteFloat(double number, Utf8Output output)
    {
        if (double.IsFinite(number))
            output.Append(number);
        else
            output.Append("null"u8);
    }

    private static void WriteFloat(float number, Utf8Output output)
    {
        if (float.IsFinite(number))
            output.Append(number);
        else
            output.Append("null"u8);
    }

    /// <summary>Shorter names first, then by bytes; the same name in the order of the frame.</summary>
    private readonly struct NameOrder(DatapointBuffer buffer) : IComparer<int>
    {
        public bool IsSorted(ReadOnlySpan<int> order)
        {
            for (var i = 1; i < order.Length; i++)
                if (Compare(order[i - 1], order[i]) > 0)
                    return false;
            return true;
        }

        public int Compare(int x, int y)
        {
            ref readonly var a = ref buffer.Points[x];
            ref readonly var b = ref buffer.Points[y];
            if (LengthOf(in a) - LengthOf(in b) is var longer and not 0)
                return longer;
            if (a.Path != b.Path)
                return string.CompareOrdinal(buffer.Paths[a.Path], buffer.Paths[b.Path]);

            var order = a.Definition is { } left && b.Definition is { } right ? left.NameUtf8.AsSpan().SequenceCompareTo(right.NameUtf8) : a.Id.CompareTo(b.Id);
            return order != 0 ? order : x.CompareTo(y);
        }

        private int LengthOf(in Datapoint point) => (point.Definition?.NameUtf8.Length ?? 0) + (point.Path == 0 ? 0 : buffer.Paths[point.Path].Length + 1);
    }
}
