using System.Buffers.Binary;
using System.Numerics;
using Pumps.Core.Dictionaries;
using static Pumps.Core.Protocols.Dp2.FieldForm;
using static Pumps.Core.Protocols.Dp2.FieldRule;

namespace Pumps.Core.Protocols.Dp2;

/// <content>Section 6: telemetry, samples and series.</content>
internal ref partial struct Dp2PayloadReader
{
    private const int PointsField = 3;
    private const int SampleField = 4;
    private const int SeriesField = 5;

    private static readonly MessageSchema SampleSchema = new(
        Signed(1, -Dp2Limits.OldestMs, 0).Must(),
        Points(2).Must());

    private static readonly MessageSchema SeriesSchema = new(
        Path(1, PointPath).Must(),
        Signed(2, -Dp2Limits.OldestMs, 0).Must(),
        Number(3, 1, 86_400_000),
        FieldRule.Bytes(4),
        Number(5, 1, Dp2Limits.SamplesMax).Must(),
        FieldRule.Bytes(6).Must(),
        Signed(7, -Dp2Limits.ExponentMax, Dp2Limits.ExponentMax),
        FieldRule.Bytes(8),
        Number(9, 0, 1));

    private static readonly MessageSchema TelemetrySchema = new(
        Number(1, 1, ushort.MaxValue).Must(),
        Number(2, 1, ushort.MaxValue).Must(),
        Points(PointsField),
        Of(SampleField, SampleSchema).Many(),
        Of(SeriesField, SeriesSchema).Many());

    /// <summary>Reads telemetry as devices send it: dictionary, revision and one group of points, checking the syntax on the way.</summary>
    /// <returns>False when it is something else. What was read until then is to be thrown away.</returns>
    public bool TryReadAtOnce()
    {
        // Each field has at least two bytes, so a payload of this length cannot have too many of them.
        var position = 0;
        var end = _payload.Length;
        if (_frame.Kind is not FrameKind.Telemetry || end > 2 * Dp2Limits.FieldsMax
            || !Dp2Wire.TryReadField(_payload, ref position, end, out var dictionary) || dictionary is not { Id: 1, Wire: WireType.Uvarint, Number: > 0 and <= ushort.MaxValue }
            || !Dp2Wire.TryReadField(_payload, ref position, end, out var revision) || revision is not { Id: 2, Wire: WireType.Uvarint, Number: > 0 and <= ushort.MaxValue }
            || !Dp2Wire.TryReadField(_payload, ref position, end, out var points) || points is not { Id: PointsField, Wire: WireType.Group }
            || position < end)
            return false;

        SetDictionary(dictionary.Number, revision.Number);
        KeepSource();
        if (!ReadPointsSegment(points, _frame.Dictionary!.Value.Definition, 0, _frame.EffectiveMs, 0))
            return false;

        _frame.Warnings |= _warnings;
        return true;
    }

    private DecodeError ReadTelemetry()
    {
        var fields = default(MessageFields);
        if (ReadMessage(TelemetrySchema, ref fields) is not DecodeError.None and var error)
            return error;

        SetDictionary(fields.Number(1), fields.Number(2));
        KeepSource();
        if (fields.Has(PointsField))
            ReadPointsSegment(fields[PointsField], _frame.Dictionary!.Value.Definition, 0, _frame.EffectiveMs, 0);
        if (fields.Has(SampleField))
            ReadSamples(fields[SampleField].Start);
        return fields.Has(SeriesField) ? ReadAllSeries(fields[SeriesField].Start) : DecodeError.None;
    }

    private void ReadSamples(int position)
    {
        while (position < _payload.Length)
        {
            var field = Dp2Wire.ReadField(_payload, ref position);
            if (field.Id != SampleField)
                continue;

            var sample = ReadGroup(SampleSchema, field);
            var offset = sample[1].Signed;
            ReadPointsSegment(sample[2], _frame.Dictionary!.Value.Definition, 0, _frame.EffectiveMs + offset, offset, Dp2SegmentKind.Sample);
        }
    }

    private DecodeError ReadAllSeries(int position)
    {
        while (position < _payload.Length)
        {
            var field = Dp2Wire.ReadField(_payload, ref position);
            if (field.Id == SeriesField && ReadSeries(field) is not DecodeError.None and var error)
                return error;
        }

        return DecodeError.None;
    }

    private DecodeError ReadSeries(in Dp2Field group)
    {
        var fields = ReadGroup(SeriesSchema, group);
        var count = (int)fields.Number(5);
        var hasInterval = fields.Has(3);
        _at = group.Start;
        if (hasInterval == fields.Has(4))
            return DecodeError.Series;

        _samples += count;
        if (_samples > Dp2Limits.SamplesMax)
            return DecodeError.Count;

        if (CheckNulls(fields, count, out var available) is not DecodeError.None and var badNulls)
            return badNulls;

        var offset = fields[2].Signed;
        if (CheckTimes(fields, count, offset) is not DecodeError.None and var badTimes)
            return badTimes;

        var isFloat = fields.Has(9) && fields.Number(9) == 1;
        if (CheckValues(fields[6], available, isFloat) is not DecodeError.None and var badValues)
            return badValues;

        AddSeries(fields, count, isFloat);
        return DecodeError.None;
    }

    private DecodeError CheckNulls(in MessageFields fields, int count, out int available)
    {
        available = count;
        if (!fields.Has(8))
            return DecodeError.None;

        var nulls = _payload[fields[8].Content..fields[8].End];
        _at = fields[8].Start;
        if (nulls.Length != (count + 7) / 8 || (count % 8 != 0 && nulls[^1] >> (count % 8) != 0))
            return DecodeError.Series;

        foreach (var bits in nulls)
            available -= BitOperations.PopCount(bits);
        return DecodeError.None;
    }

    /// <summary>As many deltas as the count asks for, and no sample later than the frame.</summary>
    private DecodeError CheckTimes(in MessageFields fields, int count, long offset)
    {
        if (fields.Has(3))
        {
            _at = fields[3].Start;
            return offset + (long)fields.Number(3) * (count - 1) <= 0 ? DecodeError.None : DecodeError.Series;
        }

        var deltas = 0;
        var position = fields[4].Content;
        var left = (ulong)-offset;
        var late = false;
        for (; position < fields[4].End; deltas++)
        {
            if (Dp2Wire.TryReadVarint(_payload, ref position, fields[4].End, out var delta) is not DecodeError.None and var error)
                return FailAt(position, error);

            late |= delta > left;
            left -= Math.Min(delta, left);
        }

        _at = fields[4].Start;
        return deltas == count - 1 && !late ? DecodeError.None : DecodeError.Series;
    }

    private DecodeError CheckValues(in Dp2Field values, int available, bool isFloat)
    {
        _at = values.Start;
        if (isFloat)
            return values.ContentLength == 4 * available ? DecodeError.None : DecodeError.Series;

        var count = 0;
        var overflow = false;
        long sum = 0;
        for (var position = values.Content; position < values.End; count++)
        {
            if (Dp2Wire.TryReadVarint(_payload, ref position, values.End, out var difference) is not DecodeError.None and var error)
                return FailAt(position, error);

            var previous = sum;
            var step = Dp2Wire.Unzigzag(difference);
            sum = unchecked(previous + step);
            overflow |= ((previous ^ sum) & (step ^ sum)) < 0;
        }

        return count == available && !overflow ? DecodeError.None : DecodeError.Series;
    }

    private void AddSeries(in MessageFields fields, int count, bool isFloat)
    {
        var segment = new Dp2Segment
        {
            Kind = Dp2SegmentKind.Series,
            HasInterval = fields.Has(3),
            IntervalMs = fields.Has(3) ? fields.Number(3) : 0,
            HasNulls = fields.Has(8),
            Encoding = fields.Has(9) ? (byte)fields.Number(9) : null,
            Exponent = fields.Has(7) ? (sbyte)fields[7].Signed : null,
            OffsetMs = fields[2].Signed,
            PathOffset = fields[1].Content,
            PathLength = fields[1].ContentLength,
            FirstPoint = _frame.Points.Count,
            FirstContainer = _frame.Points.PathCount,
        };

        // The path leads through containers of its own.
        var dictionary = _frame.Dictionary!.Value.Definition;
        var container = 0;
        var position = fields[1].Content;
        var id = (uint)Dp2Wire.ReadVarint(_payload, ref position);
        while (position < fields[1].End)
        {
            container = Enter(container, id, Dp2Wire.ReadVarint(_payload, ref position), ref dictionary);
            id = (uint)Dp2Wire.ReadVarint(_payload, ref position);
        }

        var definition = dictionary?.Find(id);
        if (definition is null)
            _warnings |= DecodeWarnings.PointUnknown;

        var time = _frame.EffectiveMs + segment.OffsetMs;
        var delta = fields[4].Content;
        var value = fields[6].Content;
        long sum = 0;
        for (var i = 0; i < count; i++)
        {
            if (i > 0)
                time += segment.HasInterval ? (long)segment.IntervalMs : (long)Dp2Wire.ReadVarint(_payload, ref delta);

            var sample = new Dp2Field { Id = id, Wire = WireType.Null };
            if (segment.HasNulls && (_payload[fields[8].Content + (i >> 3)] & (1 << (i & 7))) != 0)
            {
                AddPoint(sample, definition, container, time);
            }
            else if (isFloat)
            {
                sample.Wire = WireType.F32;
                sample.Value = value;
                sample.Number = BinaryPrimitives.ReadUInt32LittleEndian(_payload[value..]);
                value += 4;
                sample.End = value;
                AddPoint(sample, definition, container, time);
            }
            else
            {
                sum += Dp2Wire.Unzigzag(Dp2Wire.ReadVarint(_payload, ref value));
                AddSummedPoint(sample, sum, segment.Exponent, definition, container, time);
            }
        }

        segment.EndPoint = _frame.Points.Count;
        segment.EndContainer = _frame.Points.PathCount;
        _frame.Segments.Add(segment);
    }

    /// <summary>A value of a delta series: an integer that the dictionary's type gives its meaning.</summary>
    private void AddSummedPoint(Dp2Field sample, long sum, sbyte? exponent, PointDefinition? definition, int container, long time)
    {
        var type = definition?.Type ?? PointType.Unknown;
        var asUnsigned = type is PointType.Bool or PointType.Uint or PointType.Enum or PointType.Bitmask && sum >= 0;
        sample.Exponent = exponent ?? 0;
        sample.Wire = asUnsigned ? WireType.Uvarint
            : exponent is not null && type is PointType.Unknown or PointType.Decimal ? WireType.Dec
            : WireType.Svarint;
        sample.Number = asUnsigned ? (ulong)sum : Dp2Wire.Zigzag(sum);

        ref var point = ref AddPoint(sample, definition, container, time);
        if (point.Quality is not Quality.TypeMismatch)
            return;

        Span<byte> raw = stackalloc byte[Dp2Wire.VarintMax];
        point.Wire = WireType.Svarint;
        point.Offset = _frame.Points.AddSource(raw[..Dp2Wire.WriteVarint(raw, Dp2Wire.Zigzag(sum))]);
        point.Length = _frame.Points.SourceLength - point.Offset;
    }
}
