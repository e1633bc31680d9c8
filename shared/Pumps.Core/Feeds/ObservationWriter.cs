using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;

namespace Pumps.Core.Feeds;

/// <summary>Where one observation lies in the output, and when it was observed.</summary>
public readonly record struct WrittenObservation(int Start, int Length, long ObservedAtMs);

/// <summary>Writes a decoded frame as feed JSON (design, section 5): one object per instant, the datapoints of that instant in it.</summary>
/// <remarks>
/// Only good values are in <c>points</c>; every other one is named in <c>quality</c>, alone where there is no value, else as
/// <c>{"quality": ..., "value": ...}</c>. Which names stand there and in which order is told by <see cref="ObservationShape"/>.
/// Not safe for use by two threads: the work arrays are reused.
/// </remarks>
public sealed class ObservationWriter
{
    // More shapes than a fleet has, and more datapoints than a station has; what is beyond only costs the work again.
    private const int ShapesKept = 256;
    private const int ShapePointsMax = 256;

    private static readonly byte[][] Qualities =
        [.. new[] { "good", "not_available", "out_of_range", "unknown_enum", "type_mismatch", "unknown_id" }.Select(System.Text.Encoding.ASCII.GetBytes)];

    private static readonly byte[][] Clocks = [.. Enum.GetValues<ClockQuality>().Select(c => System.Text.Encoding.ASCII.GetBytes(c.Name()))];

    private readonly Utf8Output _quality = new();
    private readonly Dictionary<ulong, ObservationShape> _shapes = [];
    private int[] _order = [];
    private int[] _byTime = [];
    private long[] _times = [];

    /// <summary>Writes the observations of a frame, oldest first. A frame without datapoints gives none.</summary>
    /// <param name="members">Further members of the object, as JSON text without braces, such as <c>"events":[...]</c>; each observation carries them.</param>
    public void Write(DecodedFrame frame, string deviceId, long receivedAtMs, ReadOnlySpan<byte> members, Utf8Output output, List<WrittenObservation> written)
    {
        var points = frame.Points.Points;
        if (points.Length == 0)
            return;

        var order = IsOneInstant(points) ? InFrame(points.Length) : SortByTime(points);
        for (var from = 0; from < order.Length;)
        {
            var to = order.Length;
            if (points[order[from]].TimeMs != points[order[^1]].TimeMs)
                for (to = from + 1; points[order[to]].TimeMs == points[order[from]].TimeMs;)
                    to++;
            WriteOne(frame, order[from..to], deviceId, receivedAtMs, members, output, written);
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

    private ReadOnlySpan<int> InFrame(int count)
    {
        if (_order.Length < count)
            _order = [.. Enumerable.Range(0, count * 2)];
        return _order.AsSpan(0, count);
    }

    private ReadOnlySpan<int> SortByTime(ReadOnlySpan<Datapoint> points)
    {
        if (_byTime.Length < points.Length)
            (_byTime, _times) = (new int[points.Length * 2], new long[points.Length * 2]);

        for (var i = 0; i < points.Length; i++)
            (_byTime[i], _times[i]) = (i, points[i].TimeMs);

        // Sorted by time, then by place in the frame: the keys make the sort stable.
        var order = _byTime.AsSpan(0, points.Length);
        var times = _times;
        order.Sort((a, b) => times[a] != times[b] ? times[a].CompareTo(times[b]) : a.CompareTo(b));
        return order;
    }

    private ObservationShape ShapeOf(DatapointBuffer buffer, ReadOnlySpan<int> order)
    {
        if (order.Length > ShapePointsMax)
            return new(buffer, order);

        var key = (ulong)order.Length;
        var points = buffer.Points;
        foreach (var i in order)
            key = (key * 31) + points[i].Id + ((ulong)points[i].Path << 32);
        key ^= (ulong)System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(points[order[0]].Definition) << 32;

        if (_shapes.TryGetValue(key, out var shape) && shape.Fits(buffer, order))
            return shape;

        if (_shapes.Count == ShapesKept)
            _shapes.Clear();
        return _shapes[key] = new(buffer, order);
    }

    /// <param name="order">Indices of the datapoints of this instant.</param>
    private void WriteOne(
        DecodedFrame frame, ReadOnlySpan<int> order, string deviceId, long receivedAtMs, ReadOnlySpan<byte> members,
        Utf8Output output, List<WrittenObservation> written)
    {
        var start = output.Length;
        var points = frame.Points.Points;
        var shape = ShapeOf(frame.Points, order);
        var observedAt = points[order[0]].TimeMs;
        WriteHead(frame, observedAt, deviceId, receivedAtMs, members, output);
        output.Append(",\"points\":{"u8);
        _quality.Clear();

        var first = true;
        foreach (ref readonly var named in shape.InOrder)
        {
            ref readonly var point = ref points[order[named.Index]];
            var name = shape.Name(in named);
            if (point.Quality is Quality.Good)
            {
                output.Append(first ? name[1..] : name);
                first = false;
                WriteValue(frame.Points, in point, output);
            }
            else
            {
                _quality.Append(_quality.Length == 0 ? name[1..] : name);
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
                if (point.Definition is { } definition && definition.LabelJson(point.Bits) is { Length: > 0 } label)
                    output.Append(label);
                else
                    output.Append(point.Bits);
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
}
