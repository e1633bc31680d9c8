using System.Text;
using Pumps.Core.Dictionaries;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Pumps.Core.Protocols.Dp1;

/// <summary>Reads DP1 telegrams.</summary>
/// <remarks>
/// Big endian, 15 to 253 bytes, one telegram per transport message. Source: PROTOCOL.md beside this file, sections 2, 4 and 9.1.
/// <code>
///  offset size field
///       0    1 SD       B5
///       1    1 LEN      bytes from offset 2 to the last body byte, 11..249
///       2    1 TT       telegram type
///       3    1 FMT      high nibble 1, low nibble pump size class 1..4
///       4    4 SERIAL   identity of the device
///       8    1 SEQ      sequence number of the sender
///       9    4 CLOCK    seconds since 2000 on the device's civil clock, FFFFFFFF not set
///      13    n BODY     0..238 bytes, by TT; for STATUS:
///        +0    1 pump_state      +8    2 water_temp      0.1 Cel, signed   +17   1 motor_temp     Cel + 40
///        +1    ½ control_mode   +10    1 soil_moisture   0.5 %             +18   1 vibration_rms  0.1 mm/s
///        +1    ½ valve_state    +11    2 speed           /min              +19   2 supply_voltage 0.1 V
///        +2    2 flow  0.1 m3/h +13    2 motor_current   0.01 A            +21   4 alarm_mask
///        +4    2 pressure_out   +15    2 power           0.01 kW
///        +6    2 pressure_in, both 0.01 bar
///   LEN+2    2 CRC      over all before it, high byte first
/// </code>
/// </remarks>
public static class Dp1Decoder
{
    internal const long EpochMs = 946_684_800_000; // 2000-01-01
    private const long AheadMaxMs = 900_000;
    private const long PastMaxMs = 400L * 24 * 3600 * 1000;

    /// <summary>Decodes one whole telegram. Never throws: bytes from a device are not to be trusted.</summary>
    /// <returns><see cref="DecodeError.None"/>, or the first check of section 9.1 that failed; then only the error may be used.</returns>
    public static DecodeError TryDecode(ReadOnlySpan<byte> bytes, in DecodeContext context, Dp1Telegram telegram)
    {
        telegram.Points.Clear();
        telegram.Warnings = DecodeWarnings.None;
        telegram.Historical = false;
        telegram.IsRestart = false;

        var error = CheckFrame(bytes, out var at);
        if (error is DecodeError.None)
            error = CheckHead(bytes, context, out at);
        if (error is DecodeError.None)
        {
            ReadHead(bytes, context, telegram);
            error = DecodeBody(bytes[Dp1Layout.BodyAt..^2], telegram, out at);
            at += Dp1Layout.BodyAt;
        }

        telegram.ErrorOffset = error is DecodeError.None ? 0 : at;
        return error;
    }

    /// <summary>Checks 1 to 9: delimiter, lengths, checksum.</summary>
    private static DecodeError CheckFrame(ReadOnlySpan<byte> bytes, out int at)
    {
        at = 0;
        if (bytes.IsEmpty) return DecodeError.Truncated;
        if (bytes[0] != Dp1Layout.StartDelimiter) return DecodeError.Magic;

        at = Dp1Layout.TelegramSizeMax;
        if (bytes.Length > Dp1Layout.TelegramSizeMax) return DecodeError.Oversize;

        at = 1;
        if (bytes.Length < 2) return DecodeError.Truncated;

        int len = bytes[1];
        if (len > Dp1Layout.LenMax) return DecodeError.Oversize;
        if (len < Dp1Layout.LenMin) return DecodeError.Length;

        var size = len + Dp1Layout.LenExcess;
        at = bytes.Length;
        if (bytes.Length < size) return DecodeError.Truncated;

        at = size;
        if (bytes.Length > size) return DecodeError.Length;

        // The CRC over a whole correct telegram, its own bytes included, is 0.
        at = size - 2;
        return Dp1Crc.Compute(bytes) == 0 ? DecodeError.None : DecodeError.Crc;
    }

    /// <summary>Checks 10 to 14, without the inner lengths of a BATCH: version, type, direction, identity, body length.</summary>
    private static DecodeError CheckHead(ReadOnlySpan<byte> bytes, in DecodeContext context, out int at)
    {
        at = 3;
        if (bytes[3] >> 4 != Dp1Layout.FormatVersion) return DecodeError.Version;

        at = 2;
        if (Dp1TypeInfo.Find(bytes[2]) is not { } type) return DecodeError.Type;
        if (type.Direction != context.Direction) return DecodeError.Direction;

        at = 4;
        if (context.Identity is { } identity && identity != ReadUInt32BigEndian(bytes[4..])) return DecodeError.Identity;

        at = 1;
        var body = bytes.Length - Dp1Layout.BodyAt - 2;
        var fits = type.Type is Dp1Type.Batch ? body >= type.BodySize : body == type.BodySize;
        return fits ? DecodeError.None : DecodeError.Length;
    }

    private static void ReadHead(ReadOnlySpan<byte> bytes, in DecodeContext context, Dp1Telegram telegram)
    {
        var type = Dp1TypeInfo.Find(bytes[2])!;
        telegram.Type = type.Type;
        telegram.Kind = type.Kind;
        telegram.Direction = type.Direction;
        telegram.SizeClass = (byte)(bytes[3] & 0xF);
        telegram.Device = ReadUInt32BigEndian(bytes[4..]);
        telegram.Sequence = bytes[8];
        telegram.DeviceClock = ReadUInt32BigEndian(bytes[9..]);

        if (telegram.SizeClass is < 1 or > 4)
            telegram.Warnings |= DecodeWarnings.Enum;

        SetTime(context, telegram);
    }

    /// <summary>Effective time: the table of section 3. A wrong clock never drops a telegram.</summary>
    private static void SetTime(in DecodeContext context, Dp1Telegram telegram)
    {
        var utcMs = EpochMs + 1000L * telegram.DeviceClock - 60_000L * context.UtcOffsetMinutes;
        var (clock, warning) = (telegram.DeviceClock, context.Direction, context.ReceivedAtMs) switch
        {
            // On the downlink CLOCK is the cloud's own idea of the device's clock, so there is nobody to warn.
            (Dp1Layout.ClockUnset, Direction.Down, _) => (ClockQuality.Unset, DecodeWarnings.None),
            (Dp1Layout.ClockUnset, _, _) => (ClockQuality.Unset, DecodeWarnings.ClockUnset),
            (_, Direction.Down, _) => (ClockQuality.Unchecked, DecodeWarnings.None),
            (_, _, { } receivedAt) when utcMs > receivedAt + AheadMaxMs => (ClockQuality.Future, DecodeWarnings.ClockFuture),
            (_, _, { } receivedAt) when utcMs < receivedAt - PastMaxMs => (ClockQuality.Past, DecodeWarnings.ClockPast),
            _ => (ClockQuality.Ok, DecodeWarnings.None),
        };

        telegram.Clock = clock;
        telegram.Warnings |= warning;
        telegram.EffectiveMs = clock is ClockQuality.Ok or ClockQuality.Unchecked ? utcMs : context.ReceivedAtMs ?? 0;
    }

    private static DecodeError DecodeBody(ReadOnlySpan<byte> body, Dp1Telegram telegram, out int at)
    {
        at = 0;
        switch (telegram.Type)
        {
            case Dp1Type.Status:
                ReadPoints(body, Dp1Layout.Status, telegram.EffectiveMs, telegram);
                telegram.AlarmMask = ReadUInt32BigEndian(body[21..]);
                WarnOfReservedBits(telegram.AlarmMask, telegram);
                return DecodeError.None;

            case Dp1Type.Batch:
                return DecodeBatch(body, telegram, out at);

            case Dp1Type.Counters:
                ReadPoints(body, Dp1Layout.Counters, telegram.EffectiveMs, telegram);
                return DecodeError.None;

            case Dp1Type.Ident:
                return DecodeIdent(body, telegram, out at);

            case Dp1Type.Alarm:
                return DecodeAlarm(body, telegram, out at);

            case Dp1Type.State:
                telegram.StateChange = new(body[0], body[1], body[2], body[3], ReadUInt16BigEndian(body[4..]));
                WarnOfUnknown(Dp1Codes.PumpStates, body[0], telegram);
                WarnOfUnknown(Dp1Codes.PumpStates, body[1], telegram);
                WarnOfUnknown(Dp1Codes.StateCauses, body[2], telegram);
                WarnOfUnknown(Dp1Codes.ControlModes, body[3], telegram);
                return DecodeError.None;

            case Dp1Type.FirmwareProgress:
                return DecodeFirmwareProgress(body, telegram, out at);

            case Dp1Type.CommandResponse:
                // The code is an echo: with "unknown_command" it is rightly one that no table has, and no warning.
                telegram.CommandResponse = new(
                    ReadUInt16BigEndian(body), body[2], body[3], ReadInt16BigEndian(body[4..]), ReadUInt32BigEndian(body[6..]));
                WarnOfUnknown(Dp1Codes.CommandResults, body[3], telegram);
                return DecodeError.None;

            case Dp1Type.FirmwareAck:
                telegram.FirmwareAck = new(body[0], ReadUInt16BigEndian(body[1..]), body[3], ReadUInt16BigEndian(body[4..]));
                WarnOfUnknown(Dp1Codes.BlockStatuses, body[3], telegram);
                return DecodeError.None;

            case Dp1Type.Command:
                return DecodeCommand(body, telegram, out at);

            case Dp1Type.FirmwareBegin:
                return DecodeFirmwareBegin(body, telegram, out at);

            case Dp1Type.FirmwareBlock:
                telegram.FirmwareBlock = new(body[0], ReadUInt16BigEndian(body[1..]));
                body[3..].CopyTo(telegram.BlockBuffer);
                if (body[0] == 0) return DecodeError.Range;

                at = 1;
                return telegram.FirmwareBlock.Block < Dp1Layout.BlocksMax ? DecodeError.None : DecodeError.Range;

            case Dp1Type.FirmwareControl:
                telegram.FirmwareControl = new(body[0], body[1]);
                if (body[0] == 0) return DecodeError.Range;

                at = 1;
                return Dp1Codes.Label(Dp1Codes.FirmwareActions, body[1]) is null ? DecodeError.Range : DecodeError.None;

            default:
                throw new System.Diagnostics.UnreachableException("The type was looked up in the table of types.");
        }
    }

    /// <summary>Section 4.2. The count is checked before the length that follows from it (check 14).</summary>
    private static DecodeError DecodeBatch(ReadOnlySpan<byte> body, Dp1Telegram telegram, out int at)
    {
        var first = ReadUInt32BigEndian(body);
        var interval = ReadUInt16BigEndian(body[4..]);
        int count = body[6];

        at = 6;
        if (count is < 1 or > Dp1Layout.SamplesMax) return DecodeError.Range;

        at = 1 - Dp1Layout.BodyAt; // LEN is what disagrees
        if (body.Length != Dp1Layout.BatchHeadSize + count * Dp1Layout.RecordSize) return DecodeError.Length;

        at = 4;
        if (interval is < 1 or > Dp1Layout.IntervalMax) return DecodeError.Range;

        telegram.Historical = true;
        var (startMs, warning) = SampleTime(telegram, first, interval, count);
        telegram.Warnings |= warning;

        var gaps = 0u;
        for (var i = 0; i < count; i++)
        {
            var record = body.Slice(Dp1Layout.BatchHeadSize + i * Dp1Layout.RecordSize, Dp1Layout.RecordSize);
            if (record.ContainsAnyExcept((byte)0xFF))
                ReadPoints(record, Dp1Layout.Record, startMs + 1000L * i * interval, telegram);
            else
                gaps |= 1u << i;
        }

        telegram.Batch = new(first, interval, (byte)count, gaps);
        return DecodeError.None;
    }

    /// <summary>When sample 0 was taken. The spacing is kept also when the telegram's own time had to be replaced.</summary>
    private static (long StartMs, DecodeWarnings Warning) SampleTime(Dp1Telegram telegram, uint first, ushort interval, int count)
    {
        var lastAfterFirst = (count - 1L) * interval;
        if (first == Dp1Layout.ClockUnset || telegram.DeviceClock == Dp1Layout.ClockUnset)
            return (telegram.EffectiveMs - 1000 * lastAfterFirst, DecodeWarnings.ClockUnset);

        var startMs = telegram.EffectiveMs + 1000 * ((long)first - telegram.DeviceClock);
        return (startMs, first + lastAfterFirst > telegram.DeviceClock ? DecodeWarnings.ClockOrder : DecodeWarnings.None);
    }

    private static DecodeError DecodeIdent(ReadOnlySpan<byte> body, Dp1Telegram telegram, out int at)
    {
        const int ModelAt = 8;
        var model = body.Slice(ModelAt, Dp1Layout.ModelSize);
        var foreign = model.IndexOfAnyExceptInRange((byte)' ', (byte)'~');
        at = ModelAt + foreign;
        if (foreign >= 0) return DecodeError.Field;

        telegram.IsRestart = true;
        telegram.Ident = new(
            body[0], new(body[1], body[2], body[3]), body[4], ReadUInt16BigEndian(body[5..]), body[7],
            Encoding.ASCII.GetString(model.TrimEnd((byte)' ')), ReadUInt16BigEndian(body[20..]), body[22]);
        WarnOfUnknown(Dp1Codes.ResetCauses, body[4], telegram);
        return DecodeError.None;
    }

    private static DecodeError DecodeAlarm(ReadOnlySpan<byte> body, Dp1Telegram telegram, out int at)
    {
        telegram.Alarm = new(ReadUInt32BigEndian(body), ReadUInt32BigEndian(body[4..]), body[8]);
        at = 8;
        if (body[8] is > 31 and not Dp1Layout.NoAlarm) return DecodeError.Range;

        WarnOfReservedBits(telegram.Alarm.Active | telegram.Alarm.Changed, telegram);
        ReadPoints(body, Dp1Layout.Alarm, telegram.EffectiveMs, telegram);
        return DecodeError.None;
    }

    private static DecodeError DecodeFirmwareProgress(ReadOnlySpan<byte> body, Dp1Telegram telegram, out int at)
    {
        var progress = new Dp1FirmwareProgress(body[0], body[1], ReadUInt16BigEndian(body[2..]), ReadUInt16BigEndian(body[4..]), body[6]);
        telegram.FirmwareProgress = progress;

        at = 4;
        if (progress.BlocksTotal > Dp1Layout.BlocksMax) return DecodeError.Range;

        at = 2;
        if (progress.BlocksDone > progress.BlocksTotal) return DecodeError.Range;

        WarnOfUnknown(Dp1Codes.FirmwareStates, progress.State, telegram);
        WarnOfUnknown(Dp1Codes.FirmwareResults, progress.Result, telegram);
        return DecodeError.None;
    }

    /// <summary>Section 4.10. Flags first: a telegram with unknown flags cannot be answered as the sender expects.</summary>
    private static DecodeError DecodeCommand(ReadOnlySpan<byte> body, Dp1Telegram telegram, out int at)
    {
        const byte NoResponse = 1;
        var command = new Dp1Command(
            ReadUInt16BigEndian(body), body[2], ReadInt16BigEndian(body[4..]), ReadUInt32BigEndian(body[6..]), (body[3] & NoResponse) != 0);
        telegram.Command = command;

        at = 3;
        if ((body[3] & ~NoResponse) != 0) return DecodeError.Field;

        at = 2;
        if (Dp1CommandInfo.Find(command.Code) is not { } known) return DecodeError.Command;

        at = 4;
        if (!known.AllowsArgument1(command.Argument1)) return DecodeError.Range;

        at = 6;
        return known.AllowsArgument2(command.Argument2) ? DecodeError.None : DecodeError.Range;
    }

    /// <summary>Section 4.11. The size comes first: without a size in range there is no right number of blocks.</summary>
    private static DecodeError DecodeFirmwareBegin(ReadOnlySpan<byte> body, Dp1Telegram telegram, out int at)
    {
        var begin = new Dp1FirmwareBegin(
            body[0], new(body[1], body[2], body[3]), ReadUInt32BigEndian(body[4..]), ReadUInt16BigEndian(body[8..]),
            ReadUInt16BigEndian(body[10..]), body[12], body[13]);
        telegram.FirmwareBegin = begin;

        at = 4;
        if (begin.ImageSize is 0 or > Dp1Layout.ImageSizeMax) return DecodeError.Range;

        at = 8;
        if (begin.Blocks != Dp1FirmwareBegin.BlocksOf(begin.ImageSize)) return DecodeError.Field;

        at = 0;
        if (begin.Image == 0) return DecodeError.Range;

        at = 12;
        return begin.HardwareMin <= begin.HardwareMax ? DecodeError.None : DecodeError.Range;
    }

    /// <summary>Adds the points of a table. "Not available" is looked for before the range and before scaling (section 1, rule 6).</summary>
    private static void ReadPoints(ReadOnlySpan<byte> from, Dp1Field[] fields, long timeMs, Dp1Telegram telegram)
    {
        foreach (var field in fields)
        {
            var raw = field.Read(from);

            ref var point = ref telegram.Points.Add();
            point.Definition = field.Definition;
            point.Id = field.Definition.Id;
            point.Type = field.Definition.Type;
            point.Wire = field.IsSigned ? WireType.Svarint : WireType.Uvarint;
            point.Exponent = field.Exponent;
            point.TimeMs = timeMs;

            if (raw == field.NotAvailable)
            {
                point.Quality = Quality.NotAvailable;
                continue;
            }

            point.HasValue = true;
            point.Bits = (ulong)(raw * field.Mult + field.Off);
            if (raw >= field.Min && raw <= field.Max)
                continue;

            var isEnum = point.Type is PointType.Enum;
            point.Quality = isEnum ? Quality.UnknownEnum : Quality.OutOfRange;
            telegram.Warnings |= isEnum ? DecodeWarnings.Enum : DecodeWarnings.Range;
        }
    }

    private static void WarnOfUnknown(IReadOnlyList<string> table, byte code, Dp1Telegram telegram)
    {
        if (code >= table.Count)
            telegram.Warnings |= DecodeWarnings.Enum;
    }

    private static void WarnOfReservedBits(uint mask, Dp1Telegram telegram)
    {
        if ((mask & Dp1Alarms.ReservedBits) != 0)
            telegram.Warnings |= DecodeWarnings.ReservedBits;
    }
}
