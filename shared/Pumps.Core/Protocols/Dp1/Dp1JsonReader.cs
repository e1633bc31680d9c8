using System.Globalization;
using System.Text.Json;

namespace Pumps.Core.Protocols.Dp1;

/// <summary>Builds a telegram from its decoded form (PROTOCOL.md, section 11), the inverse of <see cref="Dp1Json"/>.</summary>
/// <remarks>
/// The decoded form carries everything but the data of a FWBLOCK, of which it has the hash only. Times follow from the clock and are not read.
/// </remarks>
public static class Dp1JsonReader
{
    /// <summary>Encodes the telegram that has this decoded form.</summary>
    /// <exception cref="FormatException">A member is missing or has a value that no telegram has; the message names it.</exception>
    /// <exception cref="NotSupportedException">The message is a FWBLOCK.</exception>
    public static byte[] Encode(JsonElement message)
    {
        Span<byte> bytes = stackalloc byte[Dp1Encoder.SizeMax];
        var telegram = new Dp1Telegram
        {
            Type = (Dp1Type)Integer<byte>(message, "type"),
            Device = Integer<uint>(message, "device"),
            Sequence = Integer<byte>(message, "seq"),
            SizeClass = Integer<byte>(message, "size"),
            DeviceClock = OptionalClock(Member(message, "time"), "deviceSeconds"),
        };
        ReadBody(Member(message, "body"), telegram);
        try
        {
            return bytes[..Dp1Encoder.Encode(bytes, telegram)].ToArray();
        }
        catch (ArgumentException wrong)
        {
            throw new FormatException(wrong.Message, wrong);
        }
    }

    private static void ReadBody(JsonElement body, Dp1Telegram telegram)
    {
        switch (telegram.Type)
        {
            case Dp1Type.Status:
                ReadPoints(Items(body, "points"), Dp1Layout.Status, telegram);
                break;

            case Dp1Type.Batch:
                ReadBatch(body, telegram);
                break;

            case Dp1Type.Counters:
                ReadPoints(Items(body, "points"), Dp1Layout.Counters, telegram);
                break;

            case Dp1Type.Ident:
                telegram.Ident = new(
                    Integer<byte>(body, "hardware"), Version(body), Integer<byte>(body, "resetCause"), Integer<ushort>(body, "boots"),
                    Integer<byte>(body, "capabilities"), Text(body, "model"), Integer<ushort>(body, "intervalSeconds"),
                    Integer<byte>(body, "protocolMinor"));
                break;

            case Dp1Type.Alarm:
                var first = Member(body, "first").ValueKind is JsonValueKind.Null ? Dp1Layout.NoAlarm : (byte)AlarmBit(Text(body, "first"));
                telegram.Alarm = new(Mask(body, "active"), Mask(body, "raised") | Mask(body, "cleared"), first);
                ReadPoints(Items(body, "points"), Dp1Layout.Alarm, telegram);
                break;

            case Dp1Type.State:
                telegram.StateChange = new(
                    Integer<byte>(body, "from"), Integer<byte>(body, "to"), Integer<byte>(body, "cause"), Integer<byte>(body, "mode"),
                    Integer<ushort>(body, "detail"));
                break;

            case Dp1Type.FirmwareProgress:
                telegram.FirmwareProgress = new(
                    Integer<byte>(body, "image"), Integer<byte>(body, "state"), Integer<ushort>(body, "blocksDone"),
                    Integer<ushort>(body, "blocksTotal"), Integer<byte>(body, "result"));
                break;

            case Dp1Type.CommandResponse:
                telegram.CommandResponse = new(
                    Integer<ushort>(body, "token"), Integer<byte>(body, "code"), Integer<byte>(body, "result"), Integer<short>(body, "detail"),
                    Integer<uint>(body, "value"));
                break;

            case Dp1Type.FirmwareAck:
                telegram.FirmwareAck = new(
                    Integer<byte>(body, "image"), Integer<ushort>(body, "block"), Integer<byte>(body, "status"), Integer<ushort>(body, "next"));
                break;

            case Dp1Type.Command:
                telegram.Command = new(
                    Integer<ushort>(body, "token"), Integer<byte>(body, "code"), Integer<short>(body, "arg1"), Integer<uint>(body, "arg2"),
                    Member(body, "noResponse").ValueKind is JsonValueKind.True);
                break;

            case Dp1Type.FirmwareBegin:
                telegram.FirmwareBegin = new(
                    Integer<byte>(body, "image"), Version(body), Integer<uint>(body, "imageSize"), Integer<ushort>(body, "blocks"),
                    Integer<ushort>(body, "imageCrc", NumberStyles.AllowHexSpecifier), Integer<byte>(body, "hardwareMin"),
                    Integer<byte>(body, "hardwareMax"));
                break;

            case Dp1Type.FirmwareBlock:
                throw new NotSupportedException("The decoded form of FWBLOCK has the hash of its data only: the telegram cannot be built from it.");

            case Dp1Type.FirmwareControl:
                telegram.FirmwareControl = new(Integer<byte>(body, "image"), Integer<byte>(body, "action"));
                break;

            default:
                throw new FormatException($"\"type\": {(byte)telegram.Type} is not a telegram type.");
        }
    }

    private static void ReadBatch(JsonElement body, Dp1Telegram telegram)
    {
        var gaps = 0u;
        foreach (var gap in Items(body, "gaps"))
            gaps |= 1u << gap.GetInt32();

        telegram.Batch = new(
            OptionalClock(body, "firstSeconds"), Integer<ushort>(body, "intervalSeconds"), Integer<byte>(body, "count"), gaps);

        foreach (var sample in Items(body, "points").Chunk(Dp1Layout.Record.Length))
            ReadPoints(sample, Dp1Layout.Record, telegram);
    }

    private static void ReadPoints(IEnumerable<JsonElement> points, Dp1Field[] fields, Dp1Telegram telegram)
    {
        var count = 0;
        foreach (var (json, field) in points.Zip(fields))
        {
            if (Text(json, "name") != field.Definition.Name)
                throw new FormatException($"\"points\": {field.Definition.Name} is expected, not {Text(json, "name")}.");

            ref var point = ref telegram.Points.Add();
            point.HasValue = Member(json, "value").ValueKind is not JsonValueKind.Null;
            if (point.HasValue)
                point.Bits = (ulong)Mantissa(Text(json, "value"), field.Exponent);
            count++;
        }

        if (count != fields.Length)
            throw new FormatException($"\"points\": {fields.Length} are expected, not {count}.");
    }

    private static long Mantissa(string text, int exponent)
    {
        var point = text.IndexOf('.', StringComparison.Ordinal);
        var digits = point < 0 ? text : text.Remove(point, 1);
        if ((point < 0 ? 0 : text.Length - point - 1) != -exponent
            || !long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var mantissa))
            throw new FormatException($"\"value\": \"{text}\" is not a decimal with {-exponent} fraction digits.");

        return mantissa;
    }

    private static uint Mask(JsonElement body, string member) =>
        Items(body, member).Aggregate(0u, (mask, name) => mask | (1u << AlarmBit(name.GetString()!)));

    private static int AlarmBit(string name) =>
        Dp1Alarms.Find(name) is >= 0 and var bit ? bit : throw new FormatException($"\"{name}\" is not the name of an alarm.");

    private static Dp1Version Version(JsonElement body)
    {
        var text = Text(body, "firmware");
        var parts = text.Split('.');
        return parts.Length == 3
            && byte.TryParse(parts[0], CultureInfo.InvariantCulture, out var major)
            && byte.TryParse(parts[1], CultureInfo.InvariantCulture, out var minor)
            && byte.TryParse(parts[2], CultureInfo.InvariantCulture, out var patch)
                ? new(major, minor, patch)
                : throw new FormatException($"\"firmware\": \"{text}\" is not a version of three numbers up to 255.");
    }

    private static uint OptionalClock(JsonElement owner, string member) =>
        Member(owner, member).ValueKind is JsonValueKind.Null ? Dp1Layout.ClockUnset : Integer<uint>(owner, member);

    private static T Integer<T>(JsonElement owner, string member, NumberStyles style = NumberStyles.AllowLeadingSign)
        where T : struct, System.Numerics.IBinaryInteger<T> =>
        T.TryParse(Member(owner, member).ToString(), style, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException($"\"{member}\": {Member(owner, member)} is not an integer in range.");

    private static string Text(JsonElement owner, string member) =>
        Member(owner, member).ValueKind is JsonValueKind.String
            ? Member(owner, member).GetString()!
            : throw new FormatException($"\"{member}\" is not a text.");

    private static JsonElement.ArrayEnumerator Items(JsonElement owner, string member) =>
        Member(owner, member).ValueKind is JsonValueKind.Array
            ? Member(owner, member).EnumerateArray()
            : throw new FormatException($"\"{member}\" is not a list.");

    private static JsonElement Member(JsonElement owner, string member) =>
        owner.ValueKind is JsonValueKind.Object && owner.TryGetProperty(member, out var value)
            ? value
            : throw new FormatException($"\"{member}\" is missing.");
}
