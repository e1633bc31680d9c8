namespace Pumps.Core.Protocols.Dp2;

/// <summary>Writes the payload of a decoded frame again: containers as they were nested, series as series.</summary>
internal readonly struct Dp2FrameWriter(Dp2Frame frame, Dp2FieldWriter fields)
{
    private readonly Dp2Frame _frame = frame;
    private readonly Dp2FieldWriter _fields = fields;

    public void Write()
    {
        var (dictionary, revision) = (_frame.Dictionary?.Id ?? 0, _frame.Dictionary?.Revision ?? 0);
        if (_frame.Body is { } body)
        {
            var self = this;
            Action? points = _frame.Segments.Count == 0 ? null : () => self.WriteContainer(self._frame.Segments[0]);
            Dp2BodyWriter.Write(_fields, body, dictionary, revision, points);
            return;
        }

        _fields.Unsigned(1, dictionary);
        _fields.Unsigned(2, revision);
        foreach (var segment in _frame.Segments)
            WriteSegment(segment);
    }

    private void WriteSegment(in Dp2Segment segment)
    {
        switch (segment.Kind)
        {
            case Dp2SegmentKind.Points:
                var points = _fields.BeginGroup(3);
                WriteContainer(segment);
                _fields.EndGroup(points);
                break;

            case Dp2SegmentKind.Sample:
                var sample = _fields.BeginGroup(4);
                _fields.Signed(1, segment.OffsetMs);
                var inner = _fields.BeginGroup(2);
                WriteContainer(segment);
                _fields.EndGroup(inner);
                _fields.EndGroup(sample);
                break;

            case Dp2SegmentKind.Series:
                WriteSeries(segment);
                break;
        }
    }

    private void WriteContainer(in Dp2Segment segment)
    {
        var next = segment.FirstContainer;
        WriteContainer(segment.Root, segment.FirstPoint, segment.EndPoint, ref next, segment.EndContainer);
    }

    /// <summary>Writes points and groups of a container in the order they had. Both lists are in order of appearance.</summary>
    private void WriteContainer(int container, int point, int endPoint, ref int next, int endContainer)
    {
        while (true)
        {
            if (next < endContainer && _frame.Containers[next].Parent == container && _frame.Containers[next].FirstPoint == point)
            {
                var index = next++;
                WriteInstance(index, ref next, endContainer);
                point = _frame.Containers[index].EndPoint;
            }
            else if (point < endPoint)
            {
                WritePoint(_frame.Points.Points[point++]);
            }
            else
            {
                return;
            }
        }
    }

    private void WriteInstance(int index, ref int next, int endContainer)
    {
        var container = _frame.Containers[index];
        var mark = _fields.BeginGroup(container.Group);
        _fields.Unsigned(1, container.Instance);
        if (container.NameLength >= 0)
            _fields.Bytes(2, _frame.Points.Source.Slice(container.NameOffset, container.NameLength));
        WriteContainer(index, container.FirstPoint, container.EndPoint, ref next, endContainer);
        _fields.EndGroup(mark);
    }

    private void WritePoint(in Datapoint point)
    {
        var source = _frame.Points.Source.Slice(point.Offset, point.Length);
        if (point.Quality is Quality.TypeMismatch)
        {
            _fields.Tag(point.Id, point.Wire);
            _fields.Raw(source);
            return;
        }

        switch (point.Wire)
        {
            case WireType.Uvarint:
                _fields.Unsigned(point.Id, point.Bits);
                break;
            case WireType.Svarint:
                _fields.Signed(point.Id, (long)point.Bits);
                break;
            case WireType.Bytes:
                _fields.Bytes(point.Id, source);
                break;
            case WireType.Dec:
                _fields.Decimal(point.Id, (long)point.Bits, point.Exponent);
                break;
            case WireType.Null:
                _fields.Null(point.Id, (byte)point.Reason);
                break;
            default:
                _fields.Tag(point.Id, point.Wire);
                _fields.Raw(source);
                break;
        }
    }

    private void WriteSeries(in Dp2Segment segment)
    {
        var points = _frame.Points.Points[segment.FirstPoint..segment.EndPoint];
        var values = new Dp2FieldWriter();
        var deltas = new Dp2FieldWriter();
        var nulls = new byte[(points.Length + 7) / 8];
        var isFloat = segment.Encoding == 1;
        long previous = 0;
        for (var i = 0; i < points.Length; i++)
        {
            ref readonly var point = ref points[i];
            if (i > 0)
                deltas.Varint((ulong)(point.TimeMs - points[i - 1].TimeMs));

            if (point.Wire is WireType.Null)
            {
                nulls[i >> 3] |= (byte)(1 << (i & 7));
            }
            else if (isFloat)
            {
                values.Raw(_frame.Points.Source.Slice(point.Offset, point.Length));
            }
            else
            {
                var value = Integer(point);
                values.Varint(Dp2Wire.Zigzag(unchecked(value - previous)));
                previous = value;
            }
        }

        var mark = _fields.BeginGroup(5);
        _fields.Bytes(1, _frame.Points.Source.Slice(segment.PathOffset, segment.PathLength));
        _fields.Signed(2, segment.OffsetMs);
        if (segment.HasInterval)
            _fields.Unsigned(3, segment.IntervalMs);
        else
            _fields.Bytes(4, deltas.Written);
        _fields.Unsigned(5, (uint)points.Length);
        _fields.Bytes(6, values.Written);
        if (segment.Exponent is { } exponent)
            _fields.Signed(7, exponent);
        if (segment.HasNulls)
            _fields.Bytes(8, nulls);
        if (segment.Encoding is { } encoding)
            _fields.Unsigned(9, encoding);
        _fields.EndGroup(mark);
    }

    /// <summary>The integer that a delta series carried for this point.</summary>
    private long Integer(in Datapoint point)
    {
        if (point.Quality is not Quality.TypeMismatch)
            return (long)point.Bits;

        var position = point.Offset;
        return Dp2Wire.Unzigzag(Dp2Wire.ReadVarint(_frame.Points.Source, ref position));
    }
}
