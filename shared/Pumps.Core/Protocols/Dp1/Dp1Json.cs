using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Dp1;

/// <summary>Writes the decoded form of a telegram (PROTOCOL.md, section 11): the form in which two decoders are compared byte for byte.</summary>
/// <remarks>Numbers that always fit 32 bits are JSON numbers, except where section 11 says text; everything else numeric is decimal text.</remarks>
public static class Dp1Json
{
    private static readonly DateTime Epoch = new(2000, 1, 1, 0, 0, 0, DateTimeKind.Unspecified);

    public static void Write(Utf8JsonWriter json, Dp1Telegram telegram)
    {
        json.WriteStartObject();
        json.WriteNumber("protocol"u8, 1);
        json.WriteString("kind"u8, telegram.Kind.Name());
        json.WriteString("telegram"u8, Dp1TypeInfo.Of(telegram.Type).Name);
        json.WriteNumber("type"u8, (byte)telegram.Type);
        json.WriteString("direction"u8, telegram.Direction.Name());
        WriteText(json, "device"u8, (long)telegram.Device);
        json.WriteNumber("format"u8, Dp1Layout.FormatVersion);
        json.WriteNumber("size"u8, telegram.SizeClass);
        json.WriteNumber("seq"u8, telegram.Sequence);
        WriteTime(json, telegram);

        json.WriteStartObject("body"u8);
        WriteBody(json, telegram);
        json.WriteEndObject();

        json.WriteStartArray("warnings"u8);
        foreach (var warning in telegram.Warnings.Codes())
            json.WriteStringValue(warning);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteTime(Utf8JsonWriter json, Dp1Telegram telegram)
    {
        json.WriteStartObject("time"u8);
        if (telegram.DeviceClock == Dp1Layout.ClockUnset)
        {
            json.WriteNull("deviceSeconds"u8);
            json.WriteNull("deviceLocal"u8);
        }
        else
        {
            WriteText(json, "deviceSeconds"u8, telegram.DeviceClock);
            json.WriteString("deviceLocal"u8, Epoch.AddSeconds(telegram.DeviceClock).ToString("s", CultureInfo.InvariantCulture));
        }

        WriteText(json, "effectiveMs"u8, telegram.EffectiveMs);
        json.WriteString("source"u8, telegram.Clock switch
        {
            ClockQuality.Ok => "device"u8,
            ClockQuality.Unchecked => "sender"u8,
            _ => "receiver"u8,
        });
        json.WriteString("quality"u8, telegram.Clock.Name());
        json.WriteEndObject();
    }

    private static void WriteBody(Utf8JsonWriter json, Dp1Telegram telegram)
    {
        switch (telegram.Type)
        {
            case Dp1Type.Status:
                WritePoints(json, telegram);
                WriteAlarms(json, "alarms"u8, telegram.AlarmMask);
                break;

            case Dp1Type.Batch:
                WriteBatch(json, telegram);
                break;

            case Dp1Type.Counters:
                WritePoints(json, telegram);
                break;

            case Dp1Type.Ident:
                WriteIdent(json, telegram.Ident);
                break;

            case Dp1Type.Alarm:
                WriteAlarm(json, telegram);
                break;

            case Dp1Type.State:
                var change = telegram.StateChange;
                WriteCode(json, "from"u8, "fromLabel"u8, change.From, Dp1Codes.PumpStates);
                WriteCode(json, "to"u8, "toLabel"u8, change.To, Dp1Codes.PumpStates);
                WriteCode(json, "cause"u8, "causeLabel"u8, change.Cause, Dp1Codes.StateCauses);
                WriteCode(json, "mode"u8, "modeLabel"u8, change.Mode, Dp1Codes.ControlModes);
                json.WriteNumber("detail"u8, change.Detail);
                break;

            case Dp1Type.FirmwareProgress:
                var progress = telegram.FirmwareProgress;
                json.WriteNumber("image"u8, progress.Image);
                WriteCode(json, "state"u8, "stateLabel"u8, progress.State, Dp1Codes.FirmwareStates);
                json.WriteNumber("blocksDone"u8, progress.BlocksDone);
                json.WriteNumber("blocksTotal"u8, progress.BlocksTotal);
                WriteCode(json, "result"u8, "resultLabel"u8, progress.Result, Dp1Codes.FirmwareResults);
                break;

            case Dp1Type.CommandResponse:
                var response = telegram.CommandResponse;
                json.WriteNumber("token"u8, response.Token);
                json.WriteNumber("code"u8, response.Code);
                json.WriteString("name"u8, Dp1CommandInfo.Find(response.Code)?.Name);
                WriteCode(json, "result"u8, "resultLabel"u8, response.Result, Dp1Codes.CommandResults);
                json.WriteNumber("detail"u8, response.Detail);
                WriteText(json, "value"u8, response.Value);
                break;

            case Dp1Type.FirmwareAck:
                var ack = telegram.FirmwareAck;
                json.WriteNumber("image"u8, ack.Image);
                json.WriteNumber("block"u8, ack.Block);
                WriteCode(json, "status"u8, "statusLabel"u8, ack.Status, Dp1Codes.BlockStatuses);
                json.WriteNumber("next"u8, ack.Next);
                break;

            case Dp1Type.Command:
                var command = telegram.Command;
                json.WriteNumber("token"u8, command.Token);
                json.WriteNumber("code"u8, command.Code);
                json.WriteString("name"u8, Dp1CommandInfo.Find(command.Code)?.Name);
                json.WriteBoolean("noResponse"u8, command.NoResponse);
                json.WriteNumber("arg1"u8, command.Argument1);
                WriteText(json, "arg2"u8, command.Argument2);
                break;

            case Dp1Type.FirmwareBegin:
                WriteFirmwareBegin(json, telegram.FirmwareBegin);
                break;

            case Dp1Type.FirmwareBlock:
                WriteFirmwareBlock(json, telegram);
                break;

            case Dp1Type.FirmwareControl:
                json.WriteNumber("image"u8, telegram.FirmwareControl.Image);
                WriteCode(json, "action"u8, "actionLabel"u8, telegram.FirmwareControl.Action, Dp1Codes.FirmwareActions);
                break;
        }
    }

    private static void WriteBatch(Utf8JsonWriter json, Dp1Telegram telegram)
    {
        var batch = telegram.Batch;
        if (batch.First == Dp1Layout.ClockUnset)
            json.WriteNull("firstSeconds"u8);
        else
            WriteText(json, "firstSeconds"u8, batch.First);
        json.WriteNumber("intervalSeconds"u8, batch.IntervalSeconds);
        json.WriteNumber("count"u8, batch.Count);

        json.WriteStartArray("gaps"u8);
        for (var i = 0; i < batch.Count; i++)
            if (batch.IsGap(i))
                json.WriteNumberValue(i);
        json.WriteEndArray();
        WritePoints(json, telegram);
    }

    private static void WriteIdent(Utf8JsonWriter json, in Dp1Ident ident)
    {
        json.WriteNumber("hardware"u8, ident.Hardware);
        json.WriteString("firmware"u8, ident.Firmware.ToString());
        WriteCode(json, "resetCause"u8, "resetCauseLabel"u8, ident.ResetCause, Dp1Codes.ResetCauses);
        json.WriteNumber("boots"u8, ident.Boots);
        json.WriteNumber("capabilities"u8, ident.Capabilities);
        json.WriteString("model"u8, ident.Model);
        json.WriteNumber("intervalSeconds"u8, ident.IntervalSeconds);
        json.WriteNumber("protocolMinor"u8, ident.ProtocolMinor);
    }

    private static void WriteAlarm(Utf8JsonWriter json, Dp1Telegram telegram)
    {
        var alarm = telegram.Alarm;
        WriteAlarms(json, "active"u8, alarm.Active);
        WriteAlarms(json, "raised"u8, alarm.Raised);
        WriteAlarms(json, "cleared"u8, alarm.Cleared);
        json.WriteString("first"u8, alarm.First == Dp1Layout.NoAlarm ? null : Dp1Alarms.Name(alarm.First));
        WriteCode(json, "severity"u8, "severityLabel"u8, alarm.Severity, Dp1Codes.Severities);
        WritePoints(json, telegram);
    }

    private static void WriteFirmwareBegin(Utf8JsonWriter json, in Dp1FirmwareBegin begin)
    {
        json.WriteNumber("image"u8, begin.Image);
        json.WriteString("firmware"u8, begin.Firmware.ToString());
        WriteText(json, "imageSize"u8, begin.ImageSize);
        json.WriteNumber("blocks"u8, begin.Blocks);
        json.WriteString("imageCrc"u8, begin.ImageCrc.ToString("x4", CultureInfo.InvariantCulture));
        json.WriteNumber("hardwareMin"u8, begin.HardwareMin);
        json.WriteNumber("hardwareMax"u8, begin.HardwareMax);
    }

    private static void WriteFirmwareBlock(Utf8JsonWriter json, Dp1Telegram telegram)
    {
        json.WriteNumber("image"u8, telegram.FirmwareBlock.Image);
        json.WriteNumber("block"u8, telegram.FirmwareBlock.Block);
        json.WriteNumber("length"u8, Dp1Layout.BlockSize);

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(telegram.BlockData, hash);
        json.WriteString("sha256"u8, Convert.ToHexStringLower(hash));
    }

    private static void WritePoints(Utf8JsonWriter json, Dp1Telegram telegram)
    {
        json.WriteStartArray("points"u8);
        foreach (ref readonly var point in telegram.Points.Points)
            WritePoint(json, point);
        json.WriteEndArray();
    }

    private static void WritePoint(Utf8JsonWriter json, in Datapoint point)
    {
        var definition = point.Definition!;
        json.WriteStartObject();
        json.WriteString("path"u8, ""u8);
        json.WriteNumber("id"u8, point.Id);
        json.WriteString("name"u8, definition.NameUtf8);
        json.WriteString("unit"u8, definition.Unit);
        json.WriteString("type"u8, point.Type switch
        {
            PointType.Enum => "enum"u8,
            PointType.Bitmask => "bitmask"u8,
            _ => "decimal"u8,
        });

        if (point.HasValue)
            WriteText(json, "value"u8, (long)point.Bits, point.Exponent);
        else
            json.WriteNull("value"u8);

        json.WriteString("quality"u8, point.Quality switch
        {
            Quality.Good => "good"u8,
            Quality.NotAvailable => "not_available"u8,
            Quality.OutOfRange => "out_of_range"u8,
            _ => "unknown_enum"u8,
        });
        WriteText(json, "timeMs"u8, point.TimeMs);
        if (point.Type is PointType.Enum)
            json.WriteString("label"u8, point.HasValue ? definition.Labels!.GetValueOrDefault((uint)point.Bits) : null);
        json.WriteEndObject();
    }

    private static void WriteAlarms(Utf8JsonWriter json, ReadOnlySpan<byte> name, uint mask)
    {
        json.WriteStartArray(name);
        foreach (var alarm in Dp1Alarms.Names(mask))
            json.WriteStringValue(alarm);
        json.WriteEndArray();
    }

    private static void WriteCode(Utf8JsonWriter json, ReadOnlySpan<byte> name, ReadOnlySpan<byte> labelName, byte code, IReadOnlyList<string?> table)
    {
        json.WriteNumber(name, code);
        json.WriteString(labelName, Dp1Codes.Label(table, code));
    }

    private static void WriteText(Utf8JsonWriter json, ReadOnlySpan<byte> name, long mantissa, int exponent = 0)
    {
        Span<byte> text = stackalloc byte[DecimalText.SizeMax];
        json.WriteString(name, text[..DecimalText.Write(text, mantissa, exponent)]);
    }
}
