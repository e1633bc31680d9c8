using Pumps.Core.Dictionaries;
using static Pumps.Core.Protocols.Dp2.FieldRule;

namespace Pumps.Core.Protocols.Dp2;

/// <content>Section 5.3: describe.</content>
internal ref partial struct Dp2PayloadReader
{
    private const int DefinitionField = 8;
    private const int LabelField = 8;

    private static readonly MessageSchema LabelSchema = new(
        Number(1, 0, ushort.MaxValue).Must(),
        FieldRule.Text(2, 1, 32).Must());

    private static readonly MessageSchema DefinitionSchema = new(
        Number(1, Dp2Limits.DatapointIdMin, Dp2Limits.FieldIdMax).Must(),
        FieldRule.Text(2, 1, 32).Must(),
        FieldRule.Text(3, 1, 32),
        Number(4, (long)PointType.Bool, (ulong)PointType.Group).Must(),
        Signed(5, -Dp2Limits.ExponentMax, Dp2Limits.ExponentMax),
        Signed(6),
        Signed(7),
        Of(LabelField, LabelSchema).Many(),
        Number(9, 1, ushort.MaxValue),
        Number(10, 1, ushort.MaxValue),
        Number(11, 1, 3));

    private static readonly MessageSchema DescribeSchema = new(
        Number(1, 1, ushort.MaxValue).Must(),
        Number(2, 1, ushort.MaxValue).Must(),
        FieldRule.Text(3, 0, 64),
        FieldRule.Text(4, 0, 32),
        FieldRule.Text(5, 0, 32),
        FieldRule.Bytes(6, 8, 8),
        Number(7),
        Of(DefinitionField, DefinitionSchema).Many(),
        Number(9, 256, Dp2Limits.FrameMax),
        Number(10, 0, uint.MaxValue));

    private DecodeError ReadDescribe()
    {
        var fields = default(MessageFields);
        if (ReadMessage(DescribeSchema, ref fields) is not DecodeError.None and var error)
            return error;

        SetDictionary(fields.Number(1), fields.Number(2));
        var definitions = new List<Dp2Definition>();
        if (fields.Has(DefinitionField) && ReadDefinitions(fields[DefinitionField].Start, definitions) is not DecodeError.None and var bad)
            return bad;

        _frame.Body = new Dp2Describe
        {
            Model = TextOrNull(fields, 3),
            Firmware = TextOrNull(fields, 4),
            Serial = TextOrNull(fields, 5),
            DictionaryHash = BytesOrNull(fields, 6),
            Capabilities = fields.NumberOrNull(7),
            Definitions = definitions,
            FrameMax = (ushort?)fields.NumberOrNull(9),
            BootCount = (uint?)fields.NumberOrNull(10),
        };
        return DecodeError.None;
    }

    private DecodeError ReadDefinitions(int position, List<Dp2Definition> definitions)
    {
        var ids = new HashSet<uint>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (position < _payload.Length)
        {
            var field = Dp2Wire.ReadField(_payload, ref position);
            if (field.Id != DefinitionField)
                continue;

            if (ReadDefinition(field, out var definition) is not DecodeError.None and var error)
                return FailAt(field.Start, error);

            if (!ids.Add(definition.Id) || !names.Add(definition.Name))
                return FailAt(field.Start, DecodeError.Duplicate);

            definitions.Add(definition);
        }

        return DecodeError.None;
    }

    private DecodeError ReadDefinition(in Dp2Field group, out Dp2Definition definition)
    {
        var fields = ReadGroup(DefinitionSchema, group);
        var type = (PointType)fields.Number(4);
        definition = new Dp2Definition(
            (uint)fields.Number(1), Text(fields[2]), type, TextOrNull(fields, 3),
            fields.Has(5) ? (sbyte)fields[5].Signed : null,
            fields.Has(6) ? fields[6].Signed : null,
            fields.Has(7) ? fields[7].Signed : null,
            Labels: null,
            (ushort?)fields.NumberOrNull(9), (ushort?)fields.NumberOrNull(10), (byte?)fields.NumberOrNull(11));

        var complete = type switch
        {
            PointType.Decimal => fields.Has(5),
            PointType.Enum => fields.Has(LabelField),
            PointType.Group => fields.Has(9) && fields.Has(10),
            _ => true,
        };
        if (!complete)
            return DecodeError.Missing;

        if (!fields.Has(LabelField))
            return DecodeError.None;

        definition = definition with { Labels = ReadLabels(group) };
        return definition.Labels.DistinctBy(l => l.Key).Count() == definition.Labels.Length ? DecodeError.None : DecodeError.Duplicate;
    }

    private KeyValuePair<ushort, string>[] ReadLabels(in Dp2Field definition)
    {
        var labels = new List<KeyValuePair<ushort, string>>();
        for (var position = definition.Content; position < definition.End;)
        {
            var field = Dp2Wire.ReadField(_payload, ref position);
            if (field.Id != LabelField)
                continue;

            var label = ReadGroup(LabelSchema, field);
            labels.Add(new((ushort)label.Number(1), Text(label[2])));
        }

        return [.. labels];
    }
}
