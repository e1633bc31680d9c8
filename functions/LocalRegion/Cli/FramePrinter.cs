using System.Globalization;
using System.Text;
using System.Text.Json;
using Pumps.Core.Protocols;

namespace Pumps.LocalRegion.Cli;

/// <summary>Writes a frame in the manner of the worked examples of the specifications: bytes at the left, meaning at the right, then the result.</summary>
internal sealed class FramePrinter(TextWriter output)
{
    private const int BytesPerLine = 8;
    private const int BytesPerDumpLine = 16;
    private const int HexWidth = BytesPerLine * 3;

    // Firmware data and long series: the first and the last lines are enough to recognize them.
    private const int LinesShown = 4;

    public void Print(ReadOnlySpan<byte> bytes, IReadOnlyList<FrameNote> notes, DecodedFrame frame)
    {
        var width = notes.Max(note => note.Field.Length);
        foreach (var note in notes)
            PrintNote(bytes.Slice(note.Offset, note.Length), note, width);

        var message = FrameCodec.ToJson(frame);
        output.WriteLine();
        PrintResult(message, frame);
        PrintBody(message.GetProperty("body"));
    }

    /// <summary>The whole frame with the byte marked at which the failing check looked.</summary>
    public void PrintError(ReadOnlySpan<byte> bytes, DecodeError error, int offset, Direction direction)
    {
        for (var at = 0; at < bytes.Length || (at == 0 && bytes.IsEmpty); at += BytesPerDumpLine)
        {
            var line = bytes[at..Math.Min(bytes.Length, at + BytesPerDumpLine)];
            var isMarked = offset >= at && offset < at + BytesPerDumpLine || (offset >= bytes.Length && at + BytesPerDumpLine >= bytes.Length);

            // Long frames: only the lines around the fault.
            if (Math.Abs(offset - at) > 4 * BytesPerDumpLine && at > BytesPerDumpLine && !isMarked)
                continue;

            output.WriteLine($"{at,6}  {Hex(line)}");
            if (isMarked)
                output.WriteLine($"{new string(' ', 8 + 3 * Math.Min(offset - at, BytesPerDumpLine))}^^ offset {offset}");
        }

        output.WriteLine();
        output.WriteLine($"{error.Code()} at offset {offset}: {error.Meaning()}");
        if (error is DecodeError.Magic)
            output.WriteLine("A DP1 telegram begins with B5, a DP2 frame with D7 32.");
        if (error is DecodeError.Direction)
            output.WriteLine(direction is Direction.Up ? "It is a downlink frame: read it with --down." : "It is an uplink frame: read it without --down.");
    }

    private void PrintNote(ReadOnlySpan<byte> bytes, FrameNote note, int width)
    {
        var lines = Math.Max(1, (bytes.Length + BytesPerLine - 1) / BytesPerLine);
        for (var line = 0; line < lines; line++)
        {
            if (lines > LinesShown && line == LinesShown - 1)
            {
                output.WriteLine($"{note.Offset + line * BytesPerLine,6}  ... {bytes.Length - line * BytesPerLine} more");
                return;
            }

            var hex = Hex(bytes[(line * BytesPerLine)..Math.Min(bytes.Length, (line + 1) * BytesPerLine)]);
            var text = line == 0 ? $"{note.Field.PadRight(width)}  {note.Value}" : "";
            output.WriteLine($"{note.Offset + line * BytesPerLine,6}  {hex.PadRight(HexWidth)}{text}".TrimEnd());
        }
    }

    private void PrintResult(JsonElement message, DecodedFrame frame)
    {
        var time = DateTimeOffset.UnixEpoch.AddMilliseconds(Math.Clamp(frame.EffectiveMs, 0, 253_402_300_799_999));
        output.WriteLine(
            $"{frame.Kind.Name()} of {frame.Protocol.Name()}-{message.GetProperty("device")}, seq {frame.Sequence}, "
            + $"effective time {frame.EffectiveMs} = {time.ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture)} ({frame.Clock.Name()})");
        foreach (var warning in frame.Warnings.Codes())
            output.WriteLine($"{warning}: {DecodeMeanings.WarningMeaning(warning)}");
        output.WriteLine();
    }

    /// <summary>Datapoints as lines, every other member as it is in the decoded form.</summary>
    private void PrintBody(JsonElement body)
    {
        foreach (var member in body.EnumerateObject())
            if (member.Name is "points" or "args" && member.Value.ValueKind is JsonValueKind.Array)
                foreach (var point in member.Value.EnumerateArray())
                    output.WriteLine(Describe(point));

        var others = body.EnumerateObject().Where(m => m.Name is not ("points" or "args") && m.Value.ValueKind is not JsonValueKind.Null).ToList();
        if (others.Count > 0)
            output.WriteLine($"{{{string.Join(", ", others.Select(m => $"\"{m.Name}\": {m.Value.GetRawText()}"))}}}");
    }

    private static string Describe(JsonElement point)
    {
        var line = new StringBuilder();
        if (Text(point, "path") is { Length: > 0 } path)
            line.Append(path).Append('.');
        line.Append(Text(point, "name") ?? $"#{point.GetProperty("id")}").Append(" = ").Append(Text(point, "value") ?? "null");
        if (Text(point, "label") is { } label)
            line.Append($" ({label})");
        if (Text(point, "unit") is { } unit && unit != "1" && Text(point, "value") is not null)
            line.Append(' ').Append(unit);
        if (Text(point, "quality") is { } quality && quality != "good")
            line.Append($"  [{quality}]");
        if (Text(point, "timeMs") is { } time)
            line.Append($"   @{time}");
        return line.ToString();
    }

    private static string? Text(JsonElement owner, string member) =>
        owner.TryGetProperty(member, out var value) ? value.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.String => value.GetString(),
            _ => value.GetRawText(),
        }
        : null;

    private static string Hex(ReadOnlySpan<byte> bytes)
    {
        var line = new StringBuilder(bytes.Length * 3);
        foreach (var value in bytes)
            line.Append(value.ToString("X2", CultureInfo.InvariantCulture)).Append(' ');
        return line.ToString().TrimEnd();
    }
}
