using static Pumps.Core.Protocols.Dp2.FieldForm;
using static Pumps.Core.Protocols.Dp2.FieldRule;

namespace Pumps.Core.Protocols.Dp2;

/// <content>Sections 7, 8.2 and 8.3: event, response, ack.</content>
internal ref partial struct Dp2PayloadReader
{
    private static readonly MessageSchema TransitionSchema = new(
        Number(1, 0, ushort.MaxValue).Must(),
        Number(2, 0, ushort.MaxValue).Must(),
        Number(3, 0, ushort.MaxValue));

    private static readonly MessageSchema FirmwareProgressSchema = new(
        Number(1, 1, uint.MaxValue).Must(),
        Number(2, 0, byte.MaxValue).Must(),
        Number(3, 0, ushort.MaxValue),
        Number(4, 0, ushort.MaxValue),
        Number(5, 0, byte.MaxValue));

    private static readonly MessageSchema EventSchema = new(
        Number(1, 1, ushort.MaxValue).Must(),
        Number(2, 1, ushort.MaxValue).Must(),
        Number(3, 1, ushort.MaxValue).Must(),
        Number(4, 0, byte.MaxValue).Must(),
        Number(5, 0, byte.MaxValue),
        Signed(6, -Dp2Limits.OldestMs, 0),
        FieldRule.Text(7, 0, 256),
        Points(8),
        Number(9),
        Path(10, ContainerPath),
        Of(11, TransitionSchema),
        Of(12, FirmwareProgressSchema));

    private static readonly MessageSchema ResponseSchema = new(
        FieldRule.Bytes(1, 4, 16).Must(),
        Number(2, 0, byte.MaxValue).Must(),
        Number(3, 0, byte.MaxValue),
        FieldRule.Text(4, 0, 256),
        Number(5, 1, ushort.MaxValue),
        Number(6, 1, ushort.MaxValue),
        Points(7),
        Number(8, 0, 100));

    private static readonly MessageSchema AckSchema = new(
        Number(1, 0, uint.MaxValue).Must().Many());

    private DecodeError ReadEvent()
    {
        var fields = default(MessageFields);
        if (ReadMessage(EventSchema, ref fields) is not DecodeError.None and var error)
            return error;

        SetDictionary(fields.Number(1), fields.Number(2));
        KeepSource();
        var inForce = _frame.Dictionary!.Value.Definition;
        var path = PathOrNull(fields, 10);
        var container = Enter(path, ref inForce);
        var offset = fields.Signed(6, 0);
        var body = new Dp2Event(
            (uint)fields.Number(3), (byte)fields.Number(4), (byte?)fields.NumberOrNull(5), fields.Has(6) ? offset : null,
            TextOrNull(fields, 7), fields.NumberOrNull(9), path)
        {
            InForce = inForce,
            PathText = _frame.Points.Paths[container],
            AtMs = _frame.EffectiveMs + offset,
        };
        if (fields.Has(11))
            body = body with { Transition = ReadTransition(fields[11], body) };
        if (fields.Has(12))
        {
            body = body with { Firmware = ReadFirmwareProgress(fields[12]) };
            if (body.Firmware.Received > body.Firmware.Total)
                return FailAt(fields[12].Start, DecodeError.Range);
        }

        WarnUnnamed(Dp2Names.Severity(body.Severity));
        WarnUnnamed(Dp2Names.Phase(body.Phase ?? 0));
        // A dictionary that is not known has no table of events to be outside of.
        if (body.Code < Dp2Limits.DatapointIdMin || inForce is not null)
            WarnUnnamed(body.Name);

        _frame.Body = body;
        if (fields.Has(8))
            ReadPointsSegment(fields[8], inForce, container, body.AtMs, offset);
        return DecodeError.None;
    }

    private Dp2Transition ReadTransition(in Dp2Field group, Dp2Event body)
    {
        var fields = ReadGroup(TransitionSchema, group);
        var transition = new Dp2Transition((ushort)fields.Number(1), (ushort)fields.Number(2), (ushort?)fields.NumberOrNull(3));
        if (body.InForce?.States is not null)
        {
            WarnUnnamed(body.StateName(transition.From));
            WarnUnnamed(body.StateName(transition.To));
        }

        return transition;
    }

    private Dp2FirmwareProgress ReadFirmwareProgress(in Dp2Field group)
    {
        var fields = ReadGroup(FirmwareProgressSchema, group);
        var progress = new Dp2FirmwareProgress(
            (uint)fields.Number(1), (byte)fields.Number(2), (ushort?)fields.NumberOrNull(3), (ushort?)fields.NumberOrNull(4),
            (byte?)fields.NumberOrNull(5));
        WarnUnnamed(Dp2Names.FirmwareState(progress.State));
        WarnUnnamed(Dp2Names.FirmwareResult(progress.Result ?? 0));
        return progress;
    }

    private DecodeError ReadResponse()
    {
        var fields = default(MessageFields);
        if (ReadMessage(ResponseSchema, ref fields) is not DecodeError.None and var error)
            return error;

        if (fields.Has(5) != fields.Has(6) || (fields.Has(7) && !fields.Has(5)))
            return FailAt(_payload.Length, DecodeError.Missing);

        var body = new Dp2Response(
            Bytes(fields[1]), (byte)fields.Number(2), (byte?)fields.NumberOrNull(3), TextOrNull(fields, 4), (byte?)fields.NumberOrNull(8));
        _frame.Body = body;
        WarnUnnamed(Dp2Names.ResponseStatus(body.Status));
        WarnUnnamed(Dp2Names.ResponseReason(body.Reason ?? 0));
        if (!fields.Has(5))
            return DecodeError.None;

        SetDictionary(fields.Number(5), fields.Number(6));
        KeepSource();
        if (fields.Has(7))
            ReadPointsSegment(fields[7], _frame.Dictionary!.Value.Definition, 0, _frame.EffectiveMs, 0);
        return DecodeError.None;
    }

    private DecodeError ReadAck()
    {
        var fields = default(MessageFields);
        if (ReadMessage(AckSchema, ref fields) is not DecodeError.None and var error)
            return error;

        var sequences = new List<uint>();
        for (var position = 0; position < _payload.Length;)
        {
            var field = Dp2Wire.ReadField(_payload, ref position);
            if (field.Id != 1)
                continue;
            if (sequences.Count == Dp2Limits.AcksMax)
                return FailAt(field.Start, DecodeError.Count);
            sequences.Add((uint)field.Number);
        }

        _frame.Body = new Dp2Ack([.. sequences]);
        return DecodeError.None;
    }

    /// <summary>Notes a code that is outside of its table.</summary>
    private void WarnUnnamed(string? name)
    {
        if (name is null)
            _warnings |= DecodeWarnings.Enum;
    }
}
