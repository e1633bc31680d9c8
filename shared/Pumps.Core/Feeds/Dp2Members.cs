using System.Globalization;
using System.Text.Json;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Feeds;

/// <summary>DP2's part of <see cref="FrameMembers"/>.</summary>
internal static class Dp2Members
{
    // Severities above it are reserved and count as critical (PROTOCOL.md, section 7).
    private const byte Critical = 4;

    public static void Write(Utf8JsonWriter json, Dp2Frame frame)
    {
        switch (frame.Body)
        {
            case Dp2Event happened:
                WriteEvent(json, happened);
                break;
            case Dp2Response response:
                WriteResult(json, response);
                break;
            case Dp2Describe describe:
                WriteHello(json, frame, describe);
                break;
            case Dp2FirmwareStatus status:
                WriteStatus(json, status);
                break;
            default:
                break;
        }
    }

    private static void WriteEvent(Utf8JsonWriter json, Dp2Event happened)
    {
        json.WriteStartArray("events");
        json.WriteStartObject();
        json.WriteString("name", happened.Name ?? $"#{happened.Code}");
        json.WriteString("severity", Dp2Names.Severity(Math.Min(happened.Severity, Critical)));
        json.WriteString("phase", Label(Dp2Names.Phase, happened.Phase ?? 0));
        json.WriteOptional("eventId", happened.EventId?.ToString(CultureInfo.InvariantCulture));
        json.WriteOptional("text", happened.Text);
        json.WriteOptional("path", happened.PathText);
        if (happened.Transition is { } transition)
        {
            json.WriteStartObject("transition");
            json.WriteString("from", happened.StateName(transition.From) ?? Text(transition.From));
            json.WriteString("to", happened.StateName(transition.To) ?? Text(transition.To));
            if (transition.Cause is { } cause)
                json.WriteString("cause", Text(cause));
            json.WriteEndObject();
        }

        if (happened.Firmware is { } firmware)
        {
            json.WriteStartObject("firmware");
            json.WriteString("transfer", Text(firmware.Transfer));
            json.WriteString("state", Label(Dp2Names.FirmwareState, firmware.State));
            if (firmware.Received is { } received)
                json.WriteNumber("received", received);
            if (firmware.Total is { } total)
                json.WriteNumber("total", total);
            if (firmware.Result is { } result)
                json.WriteString("result", Label(Dp2Names.FirmwareResult, result));
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndArray();
    }

    private static void WriteResult(Utf8JsonWriter json, Dp2Response response)
    {
        json.WriteStartObject("result");
        json.WriteString("correlation", Convert.ToHexStringLower(response.Correlation));
        json.WriteString("status", Label(Dp2Names.ResponseStatus, response.Status));
        if (response.Reason is { } reason)
            json.WriteString("reason", Label(Dp2Names.ResponseReason, reason));
        json.WriteOptional("text", response.Text);
        if (response.Progress is { } progress)
            json.WriteNumber("progress", progress);
        json.WriteEndObject();
    }

    private static void WriteHello(Utf8JsonWriter json, Dp2Frame frame, Dp2Describe describe)
    {
        json.WriteStartObject("hello");
        json.WriteOptional("model", describe.Model);
        json.WriteOptional("firmware", describe.Firmware);
        json.WriteOptional("serial", describe.Serial);
        if (frame.Dictionary is { } dictionary)
        {
            json.WriteStartObject("dictionary");
            json.WriteNumber("id", dictionary.Id);
            json.WriteNumber("revision", dictionary.Revision);
            json.WriteEndObject();
        }

        if (describe.BootCount is { } boots)
            json.WriteNumber("boots", boots);
        if (describe.Capabilities is { } capabilities)
            json.WriteNumber("capabilities", capabilities);
        if (describe.FrameMax is { } frameMax)
            json.WriteNumber("frameMax", frameMax);
        json.WriteEndObject();
    }

    private static void WriteStatus(Utf8JsonWriter json, Dp2FirmwareStatus status)
    {
        json.WriteStartObject("firmware");
        json.WriteString("transfer", Text(status.Transfer));
        json.WriteString("status", Label(Dp2Names.FirmwareState, status.State));
        if (status.Result is { } result)
            json.WriteString("result", Label(Dp2Names.FirmwareResult, result));
        WriteNumber(json, "chunkCount", status.ChunkCount);
        WriteNumber(json, "base", status.Base);
        WriteNumber(json, "received", status.Received);
        WriteNumber(json, "window", status.Window);
        if (status.Bitmap is { } bitmap)
            json.WriteString("bitmap", Convert.ToHexStringLower(bitmap));
        json.WriteOptional("running", status.Running);
        json.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, ushort? number)
    {
        if (number is { } value)
            json.WriteNumber(name, value);
    }

    /// <summary>The name of a code, or its number where the table does not have it.</summary>
    private static string Label(Func<uint, string?> table, uint code) => table(code) ?? Text(code);

    private static string Text(uint number) => number.ToString(CultureInfo.InvariantCulture);
}
