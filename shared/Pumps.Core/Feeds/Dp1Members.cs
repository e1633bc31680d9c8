using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Core.Feeds;

/// <summary>DP1's part of <see cref="FrameMembers"/>.</summary>
internal static class Dp1Members
{
    public static void Write(Utf8JsonWriter json, Dp1Telegram telegram)
    {
        switch (telegram.Type)
        {
            case Dp1Type.Alarm:
                WriteAlarm(json, telegram.Alarm);
                break;
            case Dp1Type.State:
                WriteStateChange(json, telegram.StateChange);
                break;
            case Dp1Type.FirmwareProgress:
                WriteProgress(json, telegram.FirmwareProgress);
                break;
            case Dp1Type.CommandResponse:
                WriteResult(json, telegram.CommandResponse);
                break;
            case Dp1Type.Ident:
                WriteHello(json, telegram.Ident);
                break;
            case Dp1Type.FirmwareAck:
                WriteAck(json, telegram.FirmwareAck);
                break;
            default:
                break;
        }
    }

    // One telegram may raise and clear several alarms; a reminder (nothing changed) repeats those that are active.
    private static void WriteAlarm(Utf8JsonWriter json, Dp1Alarm alarm)
    {
        json.WriteStartArray("events");
        WriteAlarms(json, alarm.Raised, "raised");
        WriteAlarms(json, alarm.Cleared, "cleared");
        if (alarm.Changed == 0)
            WriteAlarms(json, alarm.Active, "reminder");
        json.WriteEndArray();
    }

    private static void WriteAlarms(Utf8JsonWriter json, uint mask, string phase)
    {
        for (; mask != 0; mask &= mask - 1)
        {
            var bit = BitOperations.TrailingZeroCount(mask);
            WriteStart(json, Dp1Alarms.Name(bit), Dp1Alarms.Severity(bit), phase);
            json.WriteEndObject();
        }
    }

    private static void WriteStateChange(Utf8JsonWriter json, Dp1StateChange change)
    {
        json.WriteStartArray("events");
        WriteStart(json, "state_change", 0, "momentary");
        json.WriteStartObject("transition");
        json.WriteString("from", Label(Dp1Codes.PumpStates, change.From));
        json.WriteString("to", Label(Dp1Codes.PumpStates, change.To));
        json.WriteString("cause", Label(Dp1Codes.StateCauses, change.Cause));
        json.WriteString("mode", Label(Dp1Codes.ControlModes, change.Mode));
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteProgress(Utf8JsonWriter json, Dp1FirmwareProgress progress)
    {
        json.WriteStartArray("events");
        WriteStart(json, "firmware_progress", 0, "momentary");
        json.WriteStartObject("firmware");
        json.WriteString("transfer", Text(progress.Image));
        json.WriteString("state", Label(Dp1Codes.FirmwareStates, progress.State));
        json.WriteNumber("received", progress.BlocksDone);
        json.WriteNumber("total", progress.BlocksTotal);
        json.WriteString("result", Label(Dp1Codes.FirmwareResults, progress.Result));
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteResult(Utf8JsonWriter json, Dp1CommandResponse response)
    {
        json.WriteStartObject("result");
        json.WriteString("correlation", Text(response.Token));
        json.WriteString("command", Dp1CommandInfo.Find(response.Code)?.Name ?? Text(response.Code));
        json.WriteString("status", Label(Dp1Codes.CommandResults, response.Result));
        json.WriteNumber("detail", response.Detail);
        json.WriteNumber("value", response.Value);
        json.WriteEndObject();
    }

    private static void WriteHello(Utf8JsonWriter json, Dp1Ident ident)
    {
        json.WriteStartObject("hello");
        json.WriteString("model", ident.Model);
        json.WriteString("firmware", ident.Firmware.ToString());
        json.WriteNumber("hardware", ident.Hardware);
        json.WriteString("resetCause", Label(Dp1Codes.ResetCauses, ident.ResetCause));
        json.WriteNumber("boots", ident.Boots);
        json.WriteNumber("capabilities", ident.Capabilities);
        json.WriteNumber("reportIntervalSeconds", ident.IntervalSeconds);
        json.WriteEndObject();
    }

    private static void WriteAck(Utf8JsonWriter json, Dp1FirmwareAck ack)
    {
        json.WriteStartObject("firmware");
        json.WriteString("transfer", Text(ack.Image));
        json.WriteNumber("block", ack.Block);
        json.WriteString("status", Label(Dp1Codes.BlockStatuses, ack.Status));
        json.WriteNumber("next", ack.Next);
        json.WriteEndObject();
    }

    private static void WriteStart(Utf8JsonWriter json, string name, byte severity, string phase)
    {
        json.WriteStartObject();
        json.WriteString("name", name);
        json.WriteString("severity", Label(Dp1Codes.Severities, severity));
        json.WriteString("phase", phase);
    }

    /// <summary>The name of a code, or its number where the table does not have it.</summary>
    private static string Label(IReadOnlyList<string?> table, int code) => Dp1Codes.Label(table, code) ?? Text(code);

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
