using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Pumps.Core.Dictionaries;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>Explains a decoded frame byte by byte: the header, then every field of the payload with its name. Fields in groups are indented.</summary>
public static class Dp2Notes
{
    private const int BytesShown = 16;

    /// <summary>Notes for all bytes of a frame, in their order. A compressed payload is one note: its fields have no bytes of their own.</summary>
    public static IReadOnlyList<FrameNote> Of(ReadOnlySpan<byte> bytes, Dp2Frame frame, DictionarySet dictionaries)
    {
        int headerLength = bytes[3];
        var payload = bytes[headerLength..^Dp2Limits.CrcSize];
        var notes = new List<FrameNote>
        {
            new(0, 2, "magic", "start of a DP2 frame"),
            new(2, 1, "version", $"2.{frame.MinorVersion}"),
            new(3, 1, "HLEN", Text(headerLength)),
            new(4, 1, "flags", Flags(frame)),
            new(5, 1, "kind", frame.Kind.Name()),
            new(6, 2, "PLEN", Text(payload.Length)),
            new(8, 8, "device", Convert.ToHexStringLower(bytes.Slice(8, 8))),
            new(16, 8, "time", Time(ReadUInt64LittleEndian(bytes[16..]))),
            new(24, 4, "sequence", Text(frame.Sequence)),
        };
        if (headerLength > Dp2Limits.HeaderMin)
            notes.Add(new(Dp2Limits.HeaderMin, headerLength - Dp2Limits.HeaderMin, "extension", "of a newer minor version"));

        if (frame.Compressed)
            notes.Add(new(headerLength, payload.Length, "payload", "compressed"));
        else
            new Walk(bytes, notes, dictionaries).Fields(headerLength, headerLength + payload.Length, FieldNames.Of(frame.Kind), "");

        notes.Add(new(bytes.Length - Dp2Limits.CrcSize, Dp2Limits.CrcSize, "CRC", "right"));
        return notes;
    }

    private static string Flags(Dp2Frame frame)
    {
        string[] set = [.. Names()];
        return set.Length == 0 ? "none" : string.Join(", ", set);

        IEnumerable<string> Names()
        {
            if (frame.Compressed) yield return "compressed";
            if (frame.Historical) yield return "historical";
            if (frame.AckRequested) yield return "ack requested";
        }
    }

    private static string Time(ulong ms) =>
        ms == 0 ? "not set"
        : ms <= 253_402_300_799_999 ? $"{ms} = {DateTimeOffset.FromUnixTimeMilliseconds((long)ms):yyyy-MM-ddTHH:mm:ss.fffZ}"
        : Text(ms);

    private static string Text<T>(T number) where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);

    /// <summary>One pass over a payload whose syntax the decoder has already checked.</summary>
    private readonly ref struct Walk(ReadOnlySpan<byte> bytes, List<FrameNote> notes, DictionarySet dictionaries)
    {
        private readonly ReadOnlySpan<byte> _bytes = bytes;

        public void Fields(int position, int end, FieldNames names, string indent)
        {
            DataDictionary? dictionary = null;
            while (position < end)
            {
                var (at, id, wire) = Tag(ref position);
                var name = indent + names.Name(id);
                if (wire is not WireType.Group)
                {
                    var value = Value(ref position, wire, null, out var number);
                    if (id == names.DictionaryId)
                        value = $"{number} {(dictionary = dictionaries.Find((uint)Math.Min(number, uint.MaxValue)))?.Name ?? "(unknown)"}";
                    notes.Add(new(at, position - at, name, value));
                    continue;
                }

                var length = (int)Varint(ref position);
                notes.Add(new(at, position - at, name, $"{length} bytes:"));
                if (id == names.PointsId)
                    Points(position, position + length, names.DictionaryOf(dictionary), indent + "  ");
                else
                    Fields(position, position + length, names.Group(id).Within(dictionary), indent + "  ");
                position += length;
            }
        }

        private void Points(int position, int end, DataDictionary? dictionary, string indent)
        {
            while (position < end)
            {
                var (at, id, wire) = Tag(ref position);
                var point = id < Dp2Limits.DatapointIdMin ? null : dictionary?.Find(id);
                var name = id switch
                {
                    1 => "instance",
                    2 => "name",
                    _ => point?.Name ?? $"#{id}",
                };
                if (wire is not WireType.Group)
                {
                    var value = Value(ref position, wire, point, out _);
                    notes.Add(new(at, position - at, indent + name, value));
                    continue;
                }

                var length = (int)Varint(ref position);
                notes.Add(new(at, position - at, indent + name, $"{length} bytes:"));
                Points(position, position + length, point is { Type: PointType.Group } ? dictionaries.Find(point.Child) : null, indent + "  ");
                position += length;
            }
        }

        private (int At, uint Id, WireType Wire) Tag(ref int position)
        {
            var at = position;
            var tag = Varint(ref position);
            return (at, (uint)(tag >> 3), (WireType)(tag & 7));
        }

        private string Value(ref int position, WireType wire, PointDefinition? point, out ulong number)
        {
            number = 0;
            switch (wire)
            {
                case WireType.Uvarint:
                    number = Varint(ref position);
                    return Describe(point, number <= long.MaxValue ? (long)number : null, Text(number));

                case WireType.Svarint:
                    var folded = Varint(ref position);
                    var signed = (long)(folded >> 1) ^ -(long)(folded & 1);
                    return Describe(point, signed, Text(signed));

                case WireType.Bytes:
                    var length = (int)Varint(ref position);
                    position += length;
                    return Describe(_bytes.Slice(position - length, length));

                case WireType.F32:
                    position += 4;
                    return Text(ReadSingleLittleEndian(_bytes[(position - 4)..])) + Unit(point);

                case WireType.F64:
                    position += 8;
                    return Text(ReadDoubleLittleEndian(_bytes[(position - 8)..])) + Unit(point);

                case WireType.Dec:
                    var exponent = (sbyte)_bytes[position++];
                    var mantissa = Varint(ref position);
                    return DecimalText.Format((long)(mantissa >> 1) ^ -(long)(mantissa & 1), exponent) + Unit(point);

                default:
                    return $"not available, reason {_bytes[position++]}";
            }
        }

        private ulong Varint(ref int position)
        {
            var value = 0UL;
            for (var shift = 0; ; shift += 7)
            {
                var group = _bytes[position++];
                value |= (ulong)(group & 0x7F) << shift;
                if (group < 0x80)
                    return value;
            }
        }

        private static string Describe(PointDefinition? point, long? number, string text) => point switch
        {
            { Type: PointType.Decimal, Exponent: { } exponent } when number is { } mantissa => DecimalText.Format(mantissa, exponent) + Unit(point),
            { Type: PointType.Enum, Labels: { } labels } when number is >= 0 and <= uint.MaxValue =>
                $"{text} {labels.GetValueOrDefault((uint)number, "(unknown)")}",
            { Type: PointType.Bool } => number != 0 ? "true" : "false",
            _ => text + Unit(point),
        };

        private static string Describe(ReadOnlySpan<byte> value)
        {
            if (value.Length > 0 && Utf8.IsValid(value) && !value.ContainsAnyInRange((byte)0, (byte)0x1F))
                return $"\"{Encoding.UTF8.GetString(value)}\"";

            var shown = Convert.ToHexStringLower(value[..Math.Min(value.Length, BytesShown)]);
            return value.Length <= BytesShown ? $"{value.Length} bytes {shown}" : $"{value.Length} bytes {shown}...";
        }

        private static string Unit(PointDefinition? point) => point?.Unit is null or "1" ? "" : " " + point.Unit;
    }

    /// <summary>The names in the field tables of PROTOCOL.md, sections 5 to 9.</summary>
    /// <param name="Names">By id, from 1.</param>
    /// <param name="DictionaryId">The field that names the dictionary; 0 if there is none.</param>
    /// <param name="PointsId">The field that is a points group; 0 if there is none.</param>
    private sealed record FieldNames(string[] Names, int DictionaryId = 0, int PointsId = 0, params (uint Id, FieldNames Fields)[] Groups)
    {
        private static readonly FieldNames None = new([]);

        private static readonly FieldNames Telemetry = new(
            ["dictionary", "revision", "points", "sample", "series"], 1, 3,
            (4, new(["offset ms", "points"], 0, 2)),
            (5, new(["path", "t0 ms", "interval ms", "time deltas", "count", "values", "exponent", "nulls", "encoding"])));

        private static readonly FieldNames Event = new(
            ["dictionary", "revision", "code", "severity", "phase", "at ms", "text", "points", "event id", "path", "transition", "firmware"], 1, 8,
            (11, new(["from", "to", "cause"])),
            (12, new(["transfer", "state", "received", "total", "result"])));

        private static readonly FieldNames Response = new(
            ["correlation", "status", "reason", "text", "dictionary", "revision", "points", "progress"], 5, 7);

        private static readonly FieldNames Describe = new(
            ["dictionary", "revision", "model", "firmware", "serial", "hash", "capabilities", "definition", "largest frame", "boots"], 1);

        private static readonly FieldNames Status = new(
            ["transfer", "state", "result", "chunk count", "base", "bitmap", "received", "window", "running"]);

        private static readonly FieldNames Command = new(
            ["correlation", "dictionary", "revision", "code", "expires ms", "args", "path", "mode"], 2, 6);

        private static readonly FieldNames Offer = new(["transfer", "manifest", "signature", "key id"]);

        private static readonly FieldNames Chunk = new(["transfer", "index", "data"]);

        private static readonly FieldNames Control = new(["transfer", "action", "at ms"]);

        private static readonly FieldNames Ack = new(["sequence"]);

        private DataDictionary? Outer { get; init; }

        public static FieldNames Of(FrameKind kind) => kind switch
        {
            FrameKind.Telemetry => Telemetry,
            FrameKind.Event => Event,
            FrameKind.Response => Response,
            FrameKind.Describe => Describe,
            FrameKind.FirmwareStatus => Status,
            FrameKind.Command => Command,
            FrameKind.FirmwareOffer => Offer,
            FrameKind.FirmwareChunk => Chunk,
            FrameKind.FirmwareControl => Control,
            _ => Ack,
        };

        public string Name(uint id) => id <= Names.Length ? Names[id - 1] : $"field {id}";

        public FieldNames Group(uint id) => Array.Find(Groups, g => g.Id == id).Fields ?? None;

        /// <summary>These names in a group of a message that has named its dictionary.</summary>
        public FieldNames Within(DataDictionary? dictionary) => this with { Outer = dictionary };

        public DataDictionary? DictionaryOf(DataDictionary? own) => own ?? Outer;
    }
}
