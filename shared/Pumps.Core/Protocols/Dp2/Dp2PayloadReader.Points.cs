using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Dp2;

/// <content>Sections 4.1 to 4.3: containers of datapoints. Nothing here rejects a frame.</content>
internal ref partial struct Dp2PayloadReader
{
    private const uint InstanceNumber = 1;
    private const uint InstanceName = 2;
    private const ulong ReasonMax = 4;

    /// <summary>Text, bytes and mismatched values are slices of the payload; the frame outlives the caller's bytes.</summary>
    private readonly void KeepSource() => _frame.Points.AddSource(_payload);

    private bool ReadPointsSegment(
        in Dp2Field group, DataDictionary? dictionary, int root, long time, long offset, Dp2SegmentKind kind = Dp2SegmentKind.Points)
    {
        var segment = new Dp2Segment
        {
            Kind = kind, OffsetMs = offset, Root = root, FirstPoint = _frame.Points.Count, FirstContainer = _frame.Points.PathCount,
        };
        if (!ReadContainer(group.Content, group.End, dictionary, root, time, depth: 1))
            return false;

        segment.EndPoint = _frame.Points.Count;
        segment.EndContainer = _frame.Points.PathCount;
        _frame.Segments.Add(segment);
        return true;
    }

    /// <param name="depth">Groups around the content, from the points group on; those beyond the first are instances.</param>
    /// <returns>False when the content was not checked before and is not as senders usually write it.</returns>
    private bool ReadContainer(int start, int end, DataDictionary? dictionary, int container, long time, int depth)
    {
        var payload = _payload;
        uint lastId = 0;
        ulong lastInstance = 0;
        var lastIsGroup = false;
        var ascends = true;
        var hasName = false;
        for (var position = start; position < end;)
        {
            if (!Dp2Wire.TryReadField(payload, ref position, end, out var field))
                return false;

            if (field.Id < Dp2Limits.DatapointIdMin)
            {
                if (field.Wire is WireType.Group && !_isChecked)
                    return false;
                ReadStructural(field, container, isInstance: depth > 1, ref hasName);
                continue;
            }

            // Senders use ascending ids, which cannot repeat. Only when they do not, a set is asked.
            var isGroup = field.Wire is WireType.Group;
            ulong instance = 0;
            if (isGroup && !TryFindInstance(field, out instance))
                return false;

            if (ascends && (field.Id > lastId || (field.Id == lastId && isGroup && lastIsGroup && instance > lastInstance)))
            {
                (lastId, lastIsGroup, lastInstance) = (field.Id, isGroup, instance);
            }
            else
            {
                if (!_isChecked)
                    return false;
                if (ascends)
                    Remember(start, field.Start);
                ascends = false;
                if (!_frame.Seen.Add((start, field.Id, isGroup, instance)))
                {
                    _warnings |= DecodeWarnings.PointDup;
                    continue;
                }
            }

            var definition = dictionary?.Find(field.Id);
            if (definition is null)
                _warnings |= DecodeWarnings.PointUnknown;
            if (!isGroup || definition is not (null or { Type: PointType.Group }))
            {
                if (isGroup && !_isChecked)
                    return false;
                AddPoint(field, definition, container, time);
            }
            else if (!ReadInstance(field, definition, container, instance, time, depth))
            {
                return false;
            }
        }

        return true;
    }

    private readonly void Remember(int start, int end)
    {
        for (var position = start; position < end;)
        {
            var field = Dp2Wire.ReadField(_payload, ref position);
            if (field.Id >= Dp2Limits.DatapointIdMin)
                _frame.Seen.Add((start, field.Id, field.Wire is WireType.Group, field.Wire is WireType.Group ? InstanceOf(field) : 0));
        }
    }

    private bool ReadInstance(in Dp2Field group, PointDefinition? definition, int parent, ulong instance, long time, int depth)
    {
        if (depth == Dp2Limits.DepthMax)
            return false;

        var dictionary = definition is null ? null : _context.Dictionaries.Find(definition.Child);
        var container = _frame.AddContainer(parent, parent, group.Id, instance, definition);
        var isRead = ReadContainer(group.Content, group.End, dictionary, container, time, depth + 1);
        _frame.Container(container).EndPoint = _frame.Points.Count;
        return isRead;
    }

    /// <summary>Senders write the instance number first; only in a group whose syntax is good it may be looked for elsewhere.</summary>
    private readonly bool TryFindInstance(in Dp2Field group, out ulong instance)
    {
        var position = group.Content;
        if (Dp2Wire.TryReadField(_payload, ref position, group.End, out var first) && first is { Id: InstanceNumber, Wire: WireType.Uvarint })
        {
            instance = first.Number;
            return true;
        }

        instance = _isChecked ? InstanceOf(group) : 0;
        return _isChecked;
    }

    /// <summary>The instance number may stand anywhere in its group, and paths and duplicates need it first.</summary>
    private readonly ulong InstanceOf(in Dp2Field group)
    {
        for (var position = group.Content; position < group.End;)
        {
            var field = Dp2Wire.ReadField(_payload, ref position);
            if (field is { Id: InstanceNumber, Wire: WireType.Uvarint })
                return field.Number;
        }

        return 0;
    }

    private void ReadStructural(in Dp2Field field, int container, bool isInstance, ref bool hasName)
    {
        if (isInstance && field is { Id: InstanceNumber, Wire: WireType.Uvarint })
            return;

        if (!isInstance || field.Id != InstanceName)
        {
            _warnings |= DecodeWarnings.FieldUnknown;
            return;
        }

        if (hasName)
            return;

        hasName = true;
        if (field.Wire is WireType.Bytes && Dp2Messages.IsText(_payload[field.Content..field.End]))
            (_frame.Container(container).NameOffset, _frame.Container(container).NameLength) = (field.Content, field.ContentLength);
        else
            _warnings |= DecodeWarnings.PointType;
    }

    /// <summary>Adds one datapoint: its value by the type of the dictionary, or by the wire type when the dictionary does not have it.</summary>
    private ref Datapoint AddPoint(in Dp2Field field, PointDefinition? definition, int container, long time)
    {
        ref var point = ref _frame.Points.Add();
        point.Definition = definition;
        point.Id = field.Id;
        point.Path = container;
        point.Wire = field.Wire;
        point.TimeMs = time;
        point.HasValue = true;
        point.Bits = field.Number;

        if (field.Wire is WireType.Null)
        {
            point.Type = definition?.Type ?? PointType.Unknown;
            point.Quality = definition is null ? Quality.UnknownId : Quality.NotAvailable;
            point.HasValue = false;
            point.Reason = field.Number <= ReasonMax ? (short)field.Number : (short)0;
            return ref point;
        }

        if (definition is null)
        {
            point.Quality = Quality.UnknownId;
            SetGeneric(ref point, field);
            return ref point;
        }

        point.Type = definition.Type;
        var accepted = definition.Type switch
        {
            PointType.Decimal => field.Wire is WireType.Svarint or WireType.Dec && SetDecimal(ref point, field, definition),
            PointType.Enum => field.Wire is WireType.Uvarint && SetEnum(ref point, definition),
            PointType.Uint => field.Wire is WireType.Uvarint && SetUint(ref point, definition),
            PointType.Int => field.Wire is WireType.Svarint && SetInt(ref point, field, definition),
            PointType.Bool => field.Wire is WireType.Uvarint && field.Number <= 1,
            PointType.Bitmask => field.Wire is WireType.Uvarint,
            PointType.Float32 => field.Wire is WireType.F32 && SetFloat(ref point, field, definition),
            PointType.Float64 => field.Wire is WireType.F32 or WireType.F64 && SetFloat(ref point, field, definition),
            PointType.String => field.Wire is WireType.Bytes && SetText(ref point, field),
            PointType.Bytes => field.Wire is WireType.Bytes && SetSlice(ref point, field),
            _ => false,
        };

        if (!accepted)
        {
            point.Quality = Quality.TypeMismatch;
            point.HasValue = false;
            point.Offset = field.Value;
            point.Length = field.End - field.Value;
            _warnings |= DecodeWarnings.PointType;
        }

        return ref point;
    }

    private static void SetGeneric(ref Datapoint point, in Dp2Field field)
    {
        point.Exponent = field.Exponent;
        switch (field.Wire)
        {
            case WireType.Svarint or WireType.Dec:
                point.Bits = (ulong)field.Signed;
                break;
            case WireType.Bytes:
                SetSlice(ref point, field);
                break;
            case WireType.F32:
                point.HasValue = float.IsFinite(BitConverter.UInt32BitsToSingle((uint)field.Number));
                SetFloatSource(ref point, field);
                break;
            case WireType.F64:
                point.HasValue = double.IsFinite(BitConverter.UInt64BitsToDouble(field.Number));
                SetFloatSource(ref point, field);
                break;
        }
    }

    private bool SetDecimal(ref Datapoint point, in Dp2Field field, PointDefinition definition)
    {
        var mantissa = field.Signed;
        point.Bits = (ulong)mantissa;
        var range = definition.Range;
        if (field.Wire is WireType.Svarint)
        {
            point.Exponent = definition.Exponent ?? 0;
            return mantissa >= range.MinMantissa && mantissa <= range.MaxMantissa || OutOfRange(ref point);
        }

        point.Exponent = field.Exponent;
        return range.Contains(mantissa, field.Exponent) || OutOfRange(ref point);
    }

    private bool SetInt(ref Datapoint point, in Dp2Field field, PointDefinition definition)
    {
        var value = field.Signed;
        point.Bits = (ulong)value;
        return value >= definition.Range.MinMantissa && value <= definition.Range.MaxMantissa || OutOfRange(ref point);
    }

    private bool SetUint(ref Datapoint point, PointDefinition definition) =>
        point.Bits >= definition.Range.MinUnsigned && point.Bits <= definition.Range.MaxUnsigned || OutOfRange(ref point);

    private bool SetEnum(ref Datapoint point, PointDefinition definition)
    {
        if (!definition.HasLabel(point.Bits))
        {
            point.Quality = Quality.UnknownEnum;
            _warnings |= DecodeWarnings.Enum;
        }

        return true;
    }

    private bool SetFloat(ref Datapoint point, in Dp2Field field, PointDefinition definition)
    {
        SetFloatSource(ref point, field);
        var value = field.Wire is WireType.F32
            ? BitConverter.UInt32BitsToSingle((uint)field.Number)
            : BitConverter.UInt64BitsToDouble(field.Number);
        if (definition.Type is PointType.Float64)
            point.Bits = BitConverter.DoubleToUInt64Bits(value);

        if (double.IsNaN(value))
        {
            point.Quality = Quality.NotAvailable;
            point.HasValue = false;
        }
        else if (double.IsInfinity(value) || value < definition.Range.MinDouble || value > definition.Range.MaxDouble)
        {
            OutOfRange(ref point);
            point.HasValue = !double.IsInfinity(value);
        }

        return true;
    }

    /// <summary>The bits as sent stay readable, whatever NaN they are.</summary>
    private static void SetFloatSource(ref Datapoint point, in Dp2Field field)
    {
        point.Offset = field.Value;
        point.Length = field.End - field.Value;
    }

    private static bool SetSlice(ref Datapoint point, in Dp2Field field)
    {
        point.Offset = field.Content;
        point.Length = field.ContentLength;
        return true;
    }

    private readonly bool SetText(ref Datapoint point, in Dp2Field field) =>
        SetSlice(ref point, field) && Dp2Messages.IsText(_payload[field.Content..field.End]);

    /// <summary>Marks the value as implausible; it is kept all the same.</summary>
    private bool OutOfRange(ref Datapoint point)
    {
        point.Quality = Quality.OutOfRange;
        _warnings |= DecodeWarnings.Range;
        return true;
    }
}
