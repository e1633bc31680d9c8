using Pumps.Core.Dictionaries;
using static Pumps.Core.Protocols.Dp2.FieldForm;
using static Pumps.Core.Protocols.Dp2.FieldRule;

namespace Pumps.Core.Protocols.Dp2;

/// <content>Section 8.1: commands. A device is strict with them: what it does not fully understand it does not execute.</content>
internal ref partial struct Dp2PayloadReader
{
    private static readonly MessageSchema CommandSchema = new(
        FieldRule.Bytes(1, 4, 16).Must(),
        Number(2, 1, ushort.MaxValue).Must(),
        Number(3, 1, ushort.MaxValue).Must(),
        Number(4, 1, ushort.MaxValue).Must(),
        Number(5, 0, Dp2Limits.TimeMax).Must(),
        Points(6),
        Path(7, ContainerPath),
        Number(8, 0, 1));

    private DecodeError ReadCommand()
    {
        var fields = default(MessageFields);
        if (ReadMessage(CommandSchema, ref fields) is not DecodeError.None and var error)
            return error;

        SetDictionary(fields.Number(2), fields.Number(3));
        KeepSource();
        var inForce = _frame.Dictionary!.Value.Definition;
        var path = PathOrNull(fields, 7);
        var container = Enter(path, ref inForce);
        var body = new Dp2Command(Bytes(fields[1]), (uint)fields.Number(4), fields.Number(5), path, (byte?)fields.NumberOrNull(8))
        {
            InForce = inForce,
            PathText = _frame.Points.Paths[container],
        };
        _frame.Body = body;

        if (_frame.Dictionary!.Value.Status is not Dp2DictionaryStatus.Known)
            return FailAt(fields[3].Start, DecodeError.Dict);
        if (inForce is null)
            return FailAt(fields[7].Start, DecodeError.Dict);
        if (!inForce.Commands.TryGetValue(body.Code, out var command))
            return FailAt(fields[4].Start, DecodeError.Command);

        if (fields.Has(6))
        {
            if (CheckArguments(fields[6].Content, fields[6].End, inForce, isInstance: false) is not DecodeError.None and var refused)
                return refused;
            if (HasExtraArgument(fields[6], command))
                return DecodeError.Field;

            _frame.Seen.Clear();
            ReadPointsSegment(fields[6], inForce, container, _frame.EffectiveMs, 0);
        }

        foreach (var argument in command.Arguments)
            if (!HasArgument(fields, argument))
                return FailAt(_payload.Length, DecodeError.Missing);

        return body.Expires != 0 && (long)body.Expires < _context.ReceivedAtMs ? FailAt(fields[5].Start, DecodeError.Expired) : DecodeError.None;
    }

    /// <summary>Every argument in order of appearance: known id, right type, once, a value that can be used.</summary>
    private DecodeError CheckArguments(int start, int end, DataDictionary? dictionary, bool isInstance)
    {
        for (var position = start; position < end;)
        {
            var field = Dp2Wire.ReadField(_payload, ref position);
            _at = field.Start;
            if (isInstance && field.Id is InstanceNumber or InstanceName)
                continue;
            if (field.Id < Dp2Limits.DatapointIdMin || dictionary?.Find(field.Id) is not { } definition)
                return DecodeError.Field;

            var isGroup = field.Wire is WireType.Group && definition.Type is PointType.Group;
            var quality = isGroup ? Quality.Good : Judge(field, definition);
            if (quality is Quality.TypeMismatch)
                return DecodeError.WireType;
            if (!_frame.Seen.Add((start, field.Id, isGroup, isGroup ? InstanceOf(field) : 0)))
                return DecodeError.Duplicate;
            if (quality is not Quality.Good)
                return DecodeError.Range;
            if (isGroup && CheckArguments(field.Content, field.End, _context.Dictionaries.Find(definition.Child), isInstance: true)
                is not DecodeError.None and var error)
                return error;
        }

        return DecodeError.None;
    }

    /// <summary>The quality that the datapoint will have. It is read into the frame and taken out again: a refused command leaves none.</summary>
    private readonly Quality Judge(in Dp2Field field, PointDefinition definition)
    {
        var trial = new Dp2PayloadReader(_payload, _context, _frame);
        var quality = trial.AddPoint(field, definition, container: 0, time: 0).Quality;
        _frame.Points.RemoveLast();
        return quality;
    }

    private bool HasExtraArgument(in Dp2Field arguments, CommandDefinition command)
    {
        for (var position = arguments.Content; position < arguments.End;)
        {
            var field = Dp2Wire.ReadField(_payload, ref position);
            _at = field.Start;
            if (!command.Arguments.Contains(field.Id))
                return true;
        }

        return false;
    }

    private readonly bool HasArgument(in MessageFields fields, uint id)
    {
        if (!fields.Has(6))
            return false;

        for (var position = fields[6].Content; position < fields[6].End;)
            if (Dp2Wire.ReadField(_payload, ref position).Id == id)
                return true;

        return false;
    }
}
