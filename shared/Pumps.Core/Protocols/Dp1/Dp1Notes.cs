using System.Globalization;
using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Dp1;

/// <summary>Explains a decoded telegram byte by byte, in the manner of PROTOCOL.md, section 12.</summary>
public static class Dp1Notes
{
    /// <summary>Notes for all bytes of a telegram, in their order.</summary>
    public static IReadOnlyList<FrameNote> Of(ReadOnlySpan<byte> bytes, Dp1Telegram telegram)
    {
        var notes = new List<FrameNote>
        {
            new(0, 1, "SD", "start delimiter"),
            new(1, 1, "LEN", $"{bytes[1]}, total {bytes.Length} bytes"),
            new(2, 1, "TT", Dp1TypeInfo.Of(telegram.Type).Name),
            new(3, 1, "FMT", $"format {Dp1Layout.FormatVersion}, size class {telegram.SizeClass}{(telegram.SizeClass is < 1 or > 4 ? " (unknown)" : "")}"),
            new(4, 4, "SERIAL", Text(telegram.Device)),
            new(8, 1, "SEQ", Text(telegram.Sequence)),
            new(9, 4, "CLOCK", Clock(telegram.DeviceClock)),
        };
        AddBody(notes, bytes[Dp1Layout.BodyAt..^2], telegram);
        notes.Add(new(bytes.Length - 2, 2, "CRC", "right"));
        return notes;
    }

    private static void AddBody(List<FrameNote> notes, ReadOnlySpan<byte> body, Dp1Telegram telegram)
    {
        var at = Dp1Layout.BodyAt;
        void Add(int length, string field, string value)
        {
            notes.Add(new(at, length, field, value));
            at += length;
        }

        switch (telegram.Type)
        {
            case Dp1Type.Status:
                AddPoints(notes, body, at, Dp1Layout.Status, telegram.Points.Points);
                break;

            case Dp1Type.Batch:
                AddBatch(notes, body, telegram);
                break;

            case Dp1Type.Counters:
                AddPoints(notes, body, at, Dp1Layout.Counters, telegram.Points.Points);
                break;

            case Dp1Type.Ident:
                var ident = telegram.Ident;
                Add(1, "hardware", Text(ident.Hardware));
                Add(3, "firmware", ident.Firmware.ToString());
                Add(1, "reset_cause", Code(ident.ResetCause, Dp1Codes.ResetCauses));
                Add(2, "boots", Text(ident.Boots));
                Add(1, "capabilities", Capabilities(ident.Capabilities));
                Add(Dp1Layout.ModelSize, "model", $"\"{ident.Model}\"");
                Add(2, "interval", $"{ident.IntervalSeconds} s");
                Add(1, "minor", Text(ident.ProtocolMinor));
                break;

            case Dp1Type.Alarm:
                var alarm = telegram.Alarm;
                Add(4, "active", Mask(alarm.Active));
                Add(4, "changed", $"raised {Mask(alarm.Raised)}; cleared {Mask(alarm.Cleared)}");
                Add(1, "first", alarm.First == Dp1Layout.NoAlarm ? "none" : Dp1Alarms.Name(alarm.First));
                AddPoints(notes, body, Dp1Layout.BodyAt, Dp1Layout.Alarm, telegram.Points.Points);
                break;

            case Dp1Type.State:
                var change = telegram.StateChange;
                Add(1, "from", Code(change.From, Dp1Codes.PumpStates));
                Add(1, "to", Code(change.To, Dp1Codes.PumpStates));
                Add(1, "cause", Code(change.Cause, Dp1Codes.StateCauses));
                Add(1, "mode", Code(change.Mode, Dp1Codes.ControlModes));
                Add(2, "detail", Text(change.Detail));
                break;

            case Dp1Type.FirmwareProgress:
                var progress = telegram.FirmwareProgress;
                Add(1, "image", Text(progress.Image));
                Add(1, "state", Code(progress.State, Dp1Codes.FirmwareStates));
                Add(2, "done", $"{progress.BlocksDone} blocks");
                Add(2, "total", $"{progress.BlocksTotal} blocks");
                Add(1, "result", Code(progress.Result, Dp1Codes.FirmwareResults));
                break;

            case Dp1Type.CommandResponse:
                var response = telegram.CommandResponse;
                Add(2, "token", Text(response.Token));
                Add(1, "code", $"{response.Code} {Dp1CommandInfo.Find(response.Code)?.Name ?? "unknown"}");
                Add(1, "result", Code(response.Result, Dp1Codes.CommandResults));
                Add(2, "detail", Text(response.Detail));
                Add(4, "value", Text(response.Value));
                break;

            case Dp1Type.FirmwareAck:
                var ack = telegram.FirmwareAck;
                Add(1, "image", Text(ack.Image));
                Add(2, "block", Text(ack.Block));
                Add(1, "status", Code(ack.Status, Dp1Codes.BlockStatuses));
                Add(2, "next", Text(ack.Next));
                break;

            case Dp1Type.Command:
                var command = telegram.Command;
                Add(2, "token", Text(command.Token));
                Add(1, "code", $"{command.Code} {Dp1CommandInfo.Find(command.Code)?.Name}");
                Add(1, "flags", command.NoResponse ? "send no CMDRSP" : "none");
                Add(2, "arg1", Text(command.Argument1));
                Add(4, "arg2", Text(command.Argument2));
                break;

            case Dp1Type.FirmwareBegin:
                var begin = telegram.FirmwareBegin;
                Add(1, "image", Text(begin.Image));
                Add(3, "firmware", begin.Firmware.ToString());
                Add(4, "size", $"{begin.ImageSize} bytes");
                Add(2, "blocks", Text(begin.Blocks));
                Add(2, "image_crc", begin.ImageCrc.ToString("X4", CultureInfo.InvariantCulture));
                Add(1, "hw_min", Text(begin.HardwareMin));
                Add(1, "hw_max", Text(begin.HardwareMax));
                break;

            case Dp1Type.FirmwareBlock:
                Add(1, "image", Text(telegram.FirmwareBlock.Image));
                Add(2, "block", Text(telegram.FirmwareBlock.Block));
                Add(Dp1Layout.BlockSize, "data", $"{Dp1Layout.BlockSize} bytes");
                break;

            case Dp1Type.FirmwareControl:
                Add(1, "image", Text(telegram.FirmwareControl.Image));
                Add(1, "action", Code(telegram.FirmwareControl.Action, Dp1Codes.FirmwareActions));
                break;
        }
    }

    private static void AddBatch(List<FrameNote> notes, ReadOnlySpan<byte> body, Dp1Telegram telegram)
    {
        var batch = telegram.Batch;
        var points = telegram.Points.Points;
        notes.Add(new(Dp1Layout.BodyAt, 4, "first", Clock(batch.First)));
        notes.Add(new(Dp1Layout.BodyAt + 4, 2, "interval", $"{batch.IntervalSeconds} s"));
        notes.Add(new(Dp1Layout.BodyAt + 6, 1, "count", $"{batch.Count} samples"));
        for (var i = 0; i < batch.Count; i++)
        {
            var at = Dp1Layout.BatchHeadSize + i * Dp1Layout.RecordSize;
            if (batch.IsGap(i))
            {
                notes.Add(new(Dp1Layout.BodyAt + at, Dp1Layout.RecordSize, $"[{i}]", "gap: the device was off"));
                continue;
            }

            AddPoints(notes, body[at..], Dp1Layout.BodyAt + at, Dp1Layout.Record, points, $"[{i}] ");
            points = points[Dp1Layout.Record.Length..];
        }
    }

    /// <summary>Points in wire order; the two nibbles of a byte share a note, high one first.</summary>
    private static void AddPoints(
        List<FrameNote> notes, ReadOnlySpan<byte> body, int bodyAt, Dp1Field[] fields, ReadOnlySpan<Datapoint> points, string prefix = "")
    {
        for (var i = 0; i < fields.Length; i++)
        {
            var field = fields[i];
            var value = Describe(field, field.Read(body), points[i]);
            if (field.Format is Dp1Format.HighNibble or Dp1Format.LowNibble && notes[^1].Offset == bodyAt + field.At)
            {
                var other = notes[^1];
                notes[^1] = field.Format is Dp1Format.LowNibble
                    ? other with { Field = $"{other.Field}, {field.Definition.Name}", Value = $"{other.Value}; {value}" }
                    : other with { Field = $"{prefix}{field.Definition.Name}, {other.Field[prefix.Length..]}", Value = $"{value}; {other.Value}" };
                continue;
            }

            notes.Add(new(bodyAt + field.At, field.Size, prefix + field.Definition.Name, value));
        }
    }

    private static string Describe(Dp1Field field, long raw, in Datapoint point)
    {
        if (!point.HasValue)
            return "not available";

        var note = point.Quality is Quality.OutOfRange ? " (out of range)" : "";
        var text = DecimalText.Format((long)point.Bits, field.Exponent);
        switch (point.Type)
        {
            case PointType.Enum:
                return $"{text} {field.Definition.Labels!.GetValueOrDefault((uint)point.Bits, "(unknown)")}";
            case PointType.Bitmask:
                return Mask((uint)point.Bits);
            default:
                var unit = field.Definition.Unit is "1" ? "" : $" {field.Definition.Unit}";
                return raw.ToString(CultureInfo.InvariantCulture) == text ? $"{text}{unit}{note}" : $"{text}{unit}{note}  = {Formula(field, raw)}";
        }
    }

    private static string Formula(Dp1Field field, long raw)
    {
        var scaled = field switch
        {
            { Mult: not 1 } => $"{raw} x {field.Mult}",
            { Off: < 0 } => $"{raw} - {-field.Off}",
            _ => Text(raw),
        };
        return field.Exponent == 0 ? scaled : $"{scaled} x {DecimalText.Format(1, field.Exponent)}";
    }

    private static string Mask(uint mask) => mask == 0 ? "none" : string.Join(", ", Dp1Alarms.Names(mask));

    private static string Code(byte code, IReadOnlyList<string?> table) => $"{code} {Dp1Codes.Label(table, code) ?? "(unknown)"}";

    private static string Capabilities(byte bits)
    {
        string[] names = ["flow meter", "soil probe", "vibration", "variable speed", "valve output"];
        var set = names.Where((_, bit) => (bits & (1 << bit)) != 0);
        return bits == 0 ? "none" : string.Join(", ", bits >= 1 << names.Length ? set.Append("others") : set);
    }

    private static string Clock(uint seconds) =>
        seconds == Dp1Layout.ClockUnset
            ? "not set"
            : $"{seconds} = {new DateTime(2000, 1, 1).AddSeconds(seconds).ToString("s", CultureInfo.InvariantCulture)} on the device's clock";

    private static string Text<T>(T number) where T : IFormattable => number.ToString(null, CultureInfo.InvariantCulture);
}
