using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>Why a value is not available (section 4, NULL).</summary>
public enum Dp2NullReason : byte
{
    NotAvailable = 0,
    SensorFault = 1,
    NotFitted = 2,
    WarmingUp = 3,
    OutOfMeasuringRange = 4,
}

/// <summary>Writes the datapoints of one container. Ids ascend by convention, and decoders are fastest with that.</summary>
public sealed class Dp2PointsWriter
{
    private readonly Dp2FieldWriter _fields;

    internal Dp2PointsWriter(Dp2FieldWriter fields) => _fields = fields;

    /// <summary>A bool, uint, enum or bitmask.</summary>
    public Dp2PointsWriter Unsigned(uint id, ulong value)
    {
        _fields.Unsigned(id, value);
        return this;
    }

    public Dp2PointsWriter Bool(uint id, bool value) => Unsigned(id, value ? 1UL : 0);

    /// <summary>An int, or the mantissa of a decimal at the dictionary's exponent.</summary>
    public Dp2PointsWriter Signed(uint id, long value)
    {
        _fields.Signed(id, value);
        return this;
    }

    /// <summary>A decimal with an exponent of its own.</summary>
    public Dp2PointsWriter Decimal(uint id, long mantissa, int exponent)
    {
        _fields.Decimal(id, mantissa, exponent);
        return this;
    }

    public Dp2PointsWriter Float32(uint id, float value)
    {
        _fields.Float32(id, value);
        return this;
    }

    public Dp2PointsWriter Float64(uint id, double value)
    {
        _fields.Float64(id, value);
        return this;
    }

    public Dp2PointsWriter Text(uint id, string value)
    {
        _fields.Text(id, value);
        return this;
    }

    public Dp2PointsWriter Bytes(uint id, ReadOnlySpan<byte> value)
    {
        _fields.Bytes(id, value);
        return this;
    }

    public Dp2PointsWriter Null(uint id, Dp2NullReason reason = Dp2NullReason.NotAvailable)
    {
        _fields.Null(id, (byte)reason);
        return this;
    }

    /// <summary>A number in the form that its definition asks for; decimals are rounded to the dictionary's exponent.</summary>
    /// <exception cref="ArgumentException">The definition is not of a number.</exception>
    public Dp2PointsWriter Number(PointDefinition definition, double value) => definition.Type switch
    {
        PointType.Decimal => Signed(definition.Id, checked((long)Math.Round(value * Math.Pow(10, -(definition.Exponent ?? 0))))),
        PointType.Int => Signed(definition.Id, checked((long)Math.Round(value))),
        PointType.Uint or PointType.Enum or PointType.Bitmask => Unsigned(definition.Id, checked((ulong)Math.Round(value))),
        PointType.Bool => Bool(definition.Id, value != 0),
        PointType.Float32 => Float32(definition.Id, (float)value),
        PointType.Float64 => Float64(definition.Id, value),
        _ => throw new ArgumentException($"point {definition.Name} is of type {definition.Type.Name()}, not a number", nameof(definition)),
    };

    /// <summary>One instance of a group: pump 2 of a station.</summary>
    public Dp2PointsWriter Instance(uint id, ulong instance, string? name, Action<Dp2PointsWriter> points)
    {
        var mark = _fields.BeginGroup(id);
        _fields.Unsigned(1, instance);
        if (name is not null)
            _fields.Text(2, name);
        points(this);
        _fields.EndGroup(mark);
        return this;
    }
}

/// <summary>One datapoint over time (section 6.1).</summary>
/// <param name="Path">Groups around the point, outermost first; empty at the top level.</param>
/// <param name="Point">Id of the datapoint.</param>
/// <param name="OffsetMs">Time of the first sample, relative to the frame; not above 0.</param>
/// <param name="IntervalMs">Between samples; 0 when <paramref name="DeltasMs"/> gives their distances.</param>
public sealed record Dp2Series(Dp2PathStep[] Path, uint Point, long OffsetMs, uint IntervalMs = 0, ulong[]? DeltasMs = null)
{
    /// <summary>Integers, or mantissas of decimals; null where not available. Exactly one of this and <see cref="Floats"/> is set.</summary>
    public long?[]? Integers { get; init; }

    public float?[]? Floats { get; init; }

    /// <summary>Overrides the dictionary's exponent of a decimal.</summary>
    public sbyte? Exponent { get; init; }
}

/// <summary>Writes the content of a telemetry message: points, then samples, then series.</summary>
public sealed class Dp2TelemetryWriter
{
    private readonly Dp2FieldWriter _fields;
    private readonly Dp2PointsWriter _points;

    internal Dp2TelemetryWriter(Dp2FieldWriter fields)
    {
        _fields = fields;
        _points = new Dp2PointsWriter(fields);
    }

    /// <summary>Values at the time of the frame. At most once.</summary>
    public Dp2TelemetryWriter Points(Action<Dp2PointsWriter> points)
    {
        var mark = _fields.BeginGroup(3);
        points(_points);
        _fields.EndGroup(mark);
        return this;
    }

    /// <summary>Values at an earlier time, ms relative to the frame and not above 0.</summary>
    public Dp2TelemetryWriter Sample(long offsetMs, Action<Dp2PointsWriter> points)
    {
        var mark = _fields.BeginGroup(4);
        _fields.Signed(1, offsetMs);
        var inner = _fields.BeginGroup(2);
        points(_points);
        _fields.EndGroup(inner);
        _fields.EndGroup(mark);
        return this;
    }

    public Dp2TelemetryWriter Series(Dp2Series series)
    {
        var count = series.Integers?.Length ?? series.Floats?.Length ?? 0;
        if (count == 0 || (series.Integers is null) == (series.Floats is null))
            throw new ArgumentException("a series has either integers or floats, and at least one", nameof(series));
        if ((series.IntervalMs == 0) == (series.DeltasMs is null))
            throw new ArgumentException("a series has either an interval or deltas", nameof(series));

        var values = new Dp2FieldWriter();
        var nulls = new byte[(count + 7) / 8];
        long previous = 0;
        for (var i = 0; i < count; i++)
        {
            if (series.Integers is not null && series.Integers[i] is { } integer)
            {
                values.Varint(Dp2Wire.Zigzag(checked(integer - previous)));
                previous = integer;
            }
            else if (series.Floats is not null && series.Floats[i] is { } number)
            {
                values.Raw(BitConverter.GetBytes(BitConverter.SingleToUInt32Bits(number)));
            }
            else
            {
                nulls[i >> 3] |= (byte)(1 << (i & 7));
            }
        }

        var path = new Dp2FieldWriter();
        foreach (var step in series.Path)
        {
            path.Varint(step.Group);
            path.Varint(step.Instance);
        }

        path.Varint(series.Point);
        var deltas = new Dp2FieldWriter();
        foreach (var delta in series.DeltasMs ?? [])
            deltas.Varint(delta);

        var mark = _fields.BeginGroup(5);
        _fields.Bytes(1, path.Written);
        _fields.Signed(2, series.OffsetMs);
        if (series.DeltasMs is null)
            _fields.Unsigned(3, series.IntervalMs);
        else
            _fields.Bytes(4, deltas.Written);
        _fields.Unsigned(5, (uint)count);
        _fields.Bytes(6, values.Written);
        if (series.Exponent is { } exponent)
            _fields.Signed(7, exponent);
        if (nulls.AsSpan().ContainsAnyExcept((byte)0))
            _fields.Bytes(8, nulls);
        if (series.Floats is not null)
            _fields.Unsigned(9, 1);
        _fields.EndGroup(mark);
        return this;
    }
}
