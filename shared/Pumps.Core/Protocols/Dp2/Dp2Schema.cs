using System.Runtime.CompilerServices;
using System.Text.Unicode;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>What a message field holds; decides its wire type and which limits apply.</summary>
internal enum FieldForm : byte
{
    Number,
    Signed,
    Text,
    Bytes,
    Group,

    /// <summary>A GROUP of datapoint fields: nothing inside can reject the frame on the uplink.</summary>
    Points,

    /// <summary>A path to a container: pairs of group id and instance number.</summary>
    ContainerPath,

    /// <summary>A path to a datapoint: pairs, then a datapoint id.</summary>
    PointPath,
}

/// <summary>One row of a field table in sections 5 to 9.</summary>
/// <param name="Min">Smallest number, or least bytes.</param>
/// <param name="Max">Largest number, or most bytes.</param>
internal sealed record FieldRule(int Id, FieldForm Form, long Min, ulong Max, bool Mandatory = false, bool Repeated = false, MessageSchema? Group = null)
{
    public WireType Wire { get; } = Form switch
    {
        FieldForm.Number => WireType.Uvarint,
        FieldForm.Signed => WireType.Svarint,
        FieldForm.Group or FieldForm.Points => WireType.Group,
        _ => WireType.Bytes,
    };

    public static FieldRule Number(int id, long min = 0, ulong max = ulong.MaxValue) => new(id, FieldForm.Number, min, max);

    public static FieldRule Signed(int id, long min = long.MinValue, long max = long.MaxValue) => new(id, FieldForm.Signed, min, (ulong)max);

    public static FieldRule Text(int id, int min, int max) => new(id, FieldForm.Text, min, (ulong)max);

    public static FieldRule Bytes(int id, int min = 0, int max = int.MaxValue) => new(id, FieldForm.Bytes, min, (ulong)max);

    public static FieldRule Points(int id) => new(id, FieldForm.Points, 0, 0);

    public static FieldRule Path(int id, FieldForm form) => new(id, form, 0, 0);

    public static FieldRule Of(int id, MessageSchema group) => new(id, FieldForm.Group, 0, 0, Group: group);

    public FieldRule Must() => this with { Mandatory = true };

    public FieldRule Many() => this with { Repeated = true };
}

/// <summary>The field table of a message or of a group in one.</summary>
internal sealed class MessageSchema
{
    public const int FieldIdMax = 15;

    private readonly FieldRule?[] _byId = new FieldRule?[FieldIdMax + 1];

    public MessageSchema(params FieldRule[] rules)
    {
        foreach (var rule in rules)
        {
            _byId[rule.Id] = rule;
            if (rule.Mandatory)
                Mandatory |= 1u << rule.Id;
        }
    }

    /// <summary>One bit per mandatory id.</summary>
    public uint Mandatory { get; }

    public FieldRule? Find(uint id) => id <= FieldIdMax ? _byId[id] : null;
}

/// <summary>The fields of one message or group, by id: where each was seen first, and its number.</summary>
internal struct MessageFields
{
    private Slots _slots;
    private uint _present;

    public readonly uint Present => _present;

    public readonly bool Has(int id) => (_present & (1u << id)) != 0;

    [InlineArray(MessageSchema.FieldIdMax + 1)]
    private struct Slots
    {
        private Dp2Field _first;
    }

    public readonly Dp2Field this[int id] => _slots[id];

    public readonly ulong Number(int id) => _slots[id].Number;

    public readonly ulong? NumberOrNull(int id) => Has(id) ? _slots[id].Number : null;

    public readonly long Signed(int id, long otherwise) => Has(id) ? _slots[id].Signed : otherwise;

    public void Add(int id, in Dp2Field field)
    {
        _slots[id] = field;
        _present |= 1u << id;
    }
}

/// <summary>Check 15: message fields by the rules of section 4, in order of appearance, then missing fields.</summary>
internal static class Dp2Messages
{
    private const uint CriticalMin = 64;
    private const uint CriticalMax = 127;

    /// <param name="at">On an error: where the field at fault begins, or the end of the group that lacks one.</param>
    public static DecodeError Read(
        MessageSchema schema, ReadOnlySpan<byte> payload, int position, int end, ref MessageFields fields, ref DecodeWarnings warnings, ref int at)
    {
        while (position < end)
        {
            at = position;
            var field = Dp2Wire.ReadField(payload, ref position);
            if (schema.Find(field.Id) is not { } rule)
            {
                if (field.Id is >= CriticalMin and <= CriticalMax)
                    return DecodeError.Critical;

                warnings |= DecodeWarnings.FieldUnknown;
                continue;
            }

            if (field.Wire != rule.Wire)
                return DecodeError.WireType;

            if (!fields.Has(rule.Id))
                fields.Add(rule.Id, field);
            else if (!rule.Repeated)
                return DecodeError.Duplicate;

            if (CheckValue(rule, payload, field, ref warnings, ref at) is not DecodeError.None and var error)
                return error;
        }

        at = end;
        return (fields.Present & schema.Mandatory) == schema.Mandatory ? DecodeError.None : DecodeError.Missing;
    }

    private static DecodeError CheckValue(FieldRule rule, ReadOnlySpan<byte> payload, in Dp2Field field, ref DecodeWarnings warnings, ref int at)
    {
        switch (rule.Form)
        {
            case FieldForm.Number:
                return field.Number >= (ulong)rule.Min && field.Number <= rule.Max ? DecodeError.None : DecodeError.Range;

            case FieldForm.Signed:
                return field.Signed >= rule.Min && field.Signed <= (long)rule.Max ? DecodeError.None : DecodeError.Range;

            case FieldForm.Bytes:
            case FieldForm.Text:
                if (field.ContentLength < rule.Min || (ulong)field.ContentLength > rule.Max)
                    return DecodeError.Field;
                return rule.Form is FieldForm.Bytes || IsText(payload[field.Content..field.End]) ? DecodeError.None : DecodeError.Utf8;

            case FieldForm.ContainerPath:
            case FieldForm.PointPath:
                return Dp2Path.Check(payload, field.Content, field.End, namesPoint: rule.Form is FieldForm.PointPath, ref at);

            case FieldForm.Group:
                var inner = default(MessageFields);
                return Read(rule.Group!, payload, field.Content, field.End, ref inner, ref warnings, ref at);

            default:
                return DecodeError.None;
        }
    }

    /// <summary>Text is UTF-8 without NUL, surrogates and overlong forms (section 1).</summary>
    public static bool IsText(ReadOnlySpan<byte> bytes) => Utf8.IsValid(bytes) && !bytes.Contains((byte)0);
}

/// <summary>Paths in message fields (section 4.3): packed uvarints, outermost group first.</summary>
internal static class Dp2Path
{
    public static DecodeError Check(ReadOnlySpan<byte> payload, int position, int end, bool namesPoint, ref int at)
    {
        var start = position;
        var count = 0;
        var idsGood = true;
        for (; position < end; count++)
        {
            var error = Dp2Wire.TryReadVarint(payload, ref position, end, out var number);
            if (error is not DecodeError.None)
            {
                at = position;
                return error;
            }

            // Even places hold ids of groups or of the datapoint, odd places instance numbers, which have no limit.
            if (count % 2 == 0 && (number == 0 || number > Dp2Limits.FieldIdMax))
                idsGood = false;
        }

        at = start;
        return idsGood && count <= Dp2Limits.PathNumbersMax && (count % 2 == 1) == namesPoint ? DecodeError.None : DecodeError.Field;
    }
}
