using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>Writes the decoded form of section 13, in which decoders are compared.</summary>
public static class Dp2Json
{
    /// <summary>Writes one frame that was decoded without an error as a JSON object.</summary>
    public static void Write(Utf8JsonWriter json, Dp2Frame frame)
    {
        json.WriteStartObject();
        json.WriteNumber("protocol", 2);
        json.WriteString("version", $"2.{frame.MinorVersion}");
        json.WriteString("kind", frame.Kind.Name());
        json.WriteString("direction", frame.Direction.Name());
        json.WriteString("device", frame.Device.ToString("x16", CultureInfo.InvariantCulture));
        json.WriteNumber("seq", frame.Sequence);

        json.WriteStartObject("time");
        WriteText(json, "deviceMs", frame.DeviceMs);
        WriteText(json, "effectiveMs", frame.EffectiveMs);
        json.WriteString("source", frame.Clock switch
        {
            ClockQuality.Ok => "device",
            ClockQuality.Unchecked => "sender",
            _ => "receiver",
        });
        json.WriteString("quality", frame.Clock.Name());
        json.WriteEndObject();

        json.WriteStartObject("flags");
        json.WriteBoolean("compressed", frame.Compressed);
        json.WriteBoolean("historical", frame.Historical);
        json.WriteBoolean("ackRequested", frame.AckRequested);
        json.WriteEndObject();

        json.WriteString("headerExtension", Convert.ToHexStringLower(frame.HeaderExtension.Span));
        json.WriteStartObject("body");
        WriteBody(json, frame);
        json.WriteEndObject();

        json.WriteStartArray("warnings");
        foreach (var code in frame.Warnings.Codes())
            json.WriteStringValue(code);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteBody(Utf8JsonWriter json, Dp2Frame frame)
    {
        switch (frame.Body)
        {
            case null:
                WriteDictionary(json, frame.Dictionary, named: true);
                WritePoints(json, "points", frame);
                WriteInstances(json, frame);
                break;
            case Dp2Event body:
                WriteEvent(json, frame, body);
                break;
            case Dp2Response body:
                WriteHex(json, "correlation", body.Correlation);
                WriteCode(json, "status", body.Status, Dp2Names.ResponseStatus);
                WriteCode(json, "reason", body.Reason, Dp2Names.ResponseReason);
                json.WriteString("text", body.Text);
                WriteNumber(json, "progress", body.Progress);
                WriteDictionary(json, frame.Dictionary, named: true);
                WritePoints(json, "points", frame);
                WriteInstances(json, frame);
                break;
            case Dp2Describe body:
                WriteDescribe(json, frame, body);
                break;
            case Dp2FirmwareStatus body:
                WriteFirmwareStatus(json, body);
                break;
            case Dp2Command body:
                WriteHex(json, "correlation", body.Correlation);
                WriteDictionary(json, frame.Dictionary, named: true);
                json.WriteNumber("code", body.Code);
                json.WriteString("name", body.Name);
                json.WriteString("expiresMs", body.Expires.ToString(CultureInfo.InvariantCulture));
                WriteCode(json, "mode", body.Mode ?? 0, Dp2Names.CommandMode);
                json.WriteString("path", body.PathText);
                WritePoints(json, "args", frame);
                break;
            case Dp2FirmwareOffer body:
                WriteOffer(json, body);
                break;
            case Dp2FirmwareChunk body:
                WriteText(json, "transfer", body.Transfer);
                json.WriteNumber("index", body.Index);
                json.WriteNumber("length", body.Data.Length);
                WriteHex(json, "sha256", SHA256.HashData(body.Data));
                break;
            case Dp2FirmwareControl body:
                WriteText(json, "transfer", body.Transfer);
                WriteCode(json, "action", body.Action, Dp2Names.FirmwareAction);
                WriteText(json, "atMs", (long?)body.At);
                break;
            case Dp2Ack body:
                json.WriteStartArray("seqs");
                foreach (var sequence in body.Sequences)
                    json.WriteNumberValue(sequence);
                json.WriteEndArray();
                break;
        }
    }

    private static void WriteEvent(Utf8JsonWriter json, Dp2Frame frame, Dp2Event body)
    {
        WriteDictionary(json, frame.Dictionary, named: true);
        json.WriteNumber("code", body.Code);
        json.WriteString("name", body.Name);
        WriteCode(json, "severity", body.Severity, Dp2Names.Severity);
        WriteCode(json, "phase", body.Phase ?? 0, Dp2Names.Phase);
        WriteText(json, "atMs", body.AtMs);
        json.WriteString("text", body.Text);
        json.WriteString("eventId", body.EventId?.ToString(CultureInfo.InvariantCulture));
        json.WriteString("path", body.PathText);

        if (body.Transition is { } transition)
        {
            json.WriteStartObject("transition");
            WriteCode(json, "from", transition.From, body.StateName);
            WriteCode(json, "to", transition.To, body.StateName);
            WriteNumber(json, "cause", transition.Cause);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("transition");
        }

        if (body.Firmware is { } firmware)
        {
            json.WriteStartObject("firmware");
            WriteText(json, "transfer", firmware.Transfer);
            WriteCode(json, "state", firmware.State, Dp2Names.FirmwareState);
            WriteNumber(json, "received", firmware.Received);
            WriteNumber(json, "total", firmware.Total);
            WriteCode(json, "result", firmware.Result, Dp2Names.FirmwareResult);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("firmware");
        }

        WritePoints(json, "points", frame);
        WriteInstances(json, frame);
    }

    private static void WriteDescribe(Utf8JsonWriter json, Dp2Frame frame, Dp2Describe body)
    {
        WriteDictionary(json, frame.Dictionary, named: false);
        json.WriteString("model", body.Model);
        json.WriteString("firmware", body.Firmware);
        json.WriteString("serial", body.Serial);
        WriteHex(json, "dictionaryHash", body.DictionaryHash);
        json.WriteString("capabilities", body.Capabilities?.ToString(CultureInfo.InvariantCulture));
        WriteNumber(json, "maxFrame", body.FrameMax);
        WriteNumber(json, "bootCount", body.BootCount);
        json.WriteStartArray("definitions");
        foreach (var definition in body.Definitions)
            WriteDefinition(json, definition);
        json.WriteEndArray();
    }

    private static void WriteDefinition(Utf8JsonWriter json, Dp2Definition definition)
    {
        json.WriteStartObject();
        json.WriteNumber("id", definition.Id);
        json.WriteString("name", definition.Name);
        json.WriteString("unit", definition.Unit);
        json.WriteString("type", definition.Type.Name());
        WriteNumber(json, "exponent", definition.Exponent);
        json.WriteString("min", Decimal(definition.Min, definition.Exponent));
        json.WriteString("max", Decimal(definition.Max, definition.Exponent));
        if (definition.Labels is { } labels)
        {
            json.WriteStartObject("enum");
            foreach (var (code, label) in labels)
                json.WriteString(code.ToString(CultureInfo.InvariantCulture), label);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("enum");
        }

        WriteNumber(json, "child", definition.Child);
        WriteNumber(json, "childRevision", definition.ChildRevision);
        json.WriteString("access", Dp2Names.Access(definition.Access ?? 1));
        json.WriteEndObject();
    }

    private static void WriteFirmwareStatus(Utf8JsonWriter json, Dp2FirmwareStatus body)
    {
        WriteText(json, "transfer", body.Transfer);
        WriteCode(json, "state", body.State, Dp2Names.FirmwareState);
        WriteCode(json, "result", body.Result, Dp2Names.FirmwareResult);
        WriteNumber(json, "chunkCount", body.ChunkCount);
        WriteNumber(json, "base", body.Base);
        WriteNumber(json, "bitmapBits", body.Bitmap?.Length * 8);
        WriteMissing(json, body);
        WriteNumber(json, "received", body.Received);
        WriteNumber(json, "window", body.Window);
        json.WriteString("running", body.Running);
    }

    /// <summary>Null without a bitmap: an empty list would say that nothing is missing, and nobody knows.</summary>
    private static void WriteMissing(Utf8JsonWriter json, Dp2FirmwareStatus body)
    {
        if (body.Bitmap is null)
        {
            json.WriteNull("missing");
            return;
        }

        json.WriteStartArray("missing");
        foreach (var (first, last) in body.Missing())
        {
            json.WriteStartArray();
            json.WriteNumberValue(first);
            json.WriteNumberValue(last);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static void WriteOffer(Utf8JsonWriter json, Dp2FirmwareOffer body)
    {
        var manifest = body.Content!;
        WriteText(json, "transfer", body.Transfer);
        WriteHex(json, "keyId", body.KeyId);
        json.WriteString("signature", "valid");
        json.WriteNumber("chunkCount", manifest.ChunkCount);
        json.WriteStartObject("manifest");
        WriteHex(json, "vendor", manifest.Vendor);
        WriteHex(json, "class", manifest.Class);
        WriteNumber(json, "dictionary", manifest.Dictionary);
        json.WriteNumber("hardwareMin", manifest.HardwareMin);
        json.WriteNumber("hardwareMax", manifest.HardwareMax);
        json.WriteString("version", manifest.Version);
        WriteText(json, "securityCounter", manifest.SecurityCounter);
        WriteText(json, "imageSize", manifest.ImageSize);
        WriteHex(json, "sha256", manifest.Sha256);
        json.WriteNumber("chunkSize", manifest.ChunkSize);
        json.WriteString("requires", manifest.Requires);
        WriteNumber(json, "component", manifest.Component);
        WriteText(json, "releasedMs", (long?)manifest.ReleasedMs);
        json.WriteEndObject();
    }

    private static void WriteDictionary(Utf8JsonWriter json, Dp2DictionaryReference? reference, bool named)
    {
        if (reference is not { } dictionary)
        {
            json.WriteNull("dictionary");
            return;
        }

        json.WriteStartObject("dictionary");
        json.WriteNumber("id", dictionary.Id);
        json.WriteNumber("revision", dictionary.Revision);
        if (named)
            json.WriteString("name", dictionary.Definition?.Name);
        json.WriteString("status", dictionary.Status.Name());
        json.WriteEndObject();
    }

    private static void WriteInstances(Utf8JsonWriter json, Dp2Frame frame)
    {
        json.WriteStartArray("instances");
        foreach (var (path, name) in frame.Instances)
        {
            json.WriteStartObject();
            json.WriteString("path", path);
            json.WriteString("name", name);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WritePoints(Utf8JsonWriter json, string name, Dp2Frame frame)
    {
        json.WriteStartArray(name);
        foreach (ref readonly var point in frame.Points.Points)
            WritePoint(json, frame, point);
        json.WriteEndArray();
    }

    private static void WritePoint(Utf8JsonWriter json, Dp2Frame frame, in Datapoint point)
    {
        json.WriteStartObject();
        json.WriteString("path", frame.Points.Paths[point.Path]);
        json.WriteNumber("id", point.Id);
        json.WriteString("name", point.Definition?.Name);
        json.WriteString("unit", point.Definition?.Unit);
        json.WriteString("type", point.Definition is null ? point.Wire.Name() : point.Type.Name());
        WriteValue(json, frame, point);
        json.WriteString("quality", point.Quality.Name());
        WriteText(json, "timeMs", point.TimeMs);

        var source = frame.Points.Source.Slice(point.Offset, point.Length);
        if (point.Quality is Quality.TypeMismatch)
        {
            json.WriteString("wire", point.Wire.Name());
            json.WriteString("raw", Convert.ToHexStringLower(source));
        }
        else
        {
            if (point.Type is PointType.Enum)
                json.WriteString("label", point.HasValue ? Label(point) : null);
            if (point.Wire is WireType.F32 or WireType.F64)
                json.WriteString("bits", ReversedHex(source));
            if (point.Wire is WireType.Null)
                json.WriteNumber("reason", point.Reason);
        }

        json.WriteEndObject();
    }

    private static void WriteValue(Utf8JsonWriter json, Dp2Frame frame, in Datapoint point)
    {
        if (!point.HasValue)
            json.WriteNull("value");
        else if (point.Type is PointType.Bool)
            json.WriteBoolean("value", point.Bits != 0);
        else
            json.WriteString("value", ValueText(frame, point));
    }

    private static string ValueText(Dp2Frame frame, in Datapoint point) => (point.Type, point.Wire) switch
    {
        (PointType.Uint or PointType.Enum or PointType.Bitmask, _) or (PointType.Unknown, WireType.Uvarint) =>
            point.Bits.ToString(CultureInfo.InvariantCulture),
        (PointType.Int, _) or (PointType.Unknown, WireType.Svarint) => ((long)point.Bits).ToString(CultureInfo.InvariantCulture),
        (PointType.Decimal, _) or (PointType.Unknown, WireType.Dec) => Decimal((long)point.Bits, point.Exponent)!,
        (PointType.Float32, _) or (PointType.Unknown, WireType.F32) =>
            EcmaScriptNumber.Format(BitConverter.UInt32BitsToSingle((uint)point.Bits)),
        (PointType.Float64, _) or (PointType.Unknown, WireType.F64) => EcmaScriptNumber.Format(BitConverter.UInt64BitsToDouble(point.Bits)),
        (PointType.String, _) => frame.Text(point.Offset, point.Length),
        _ => Convert.ToHexStringLower(frame.Points.Source.Slice(point.Offset, point.Length)),
    };

    private static string? Label(in Datapoint point) =>
        point.Bits <= uint.MaxValue ? point.Definition?.Labels?.GetValueOrDefault((uint)point.Bits) : null;

    private static string ReversedHex(ReadOnlySpan<byte> littleEndian)
    {
        Span<byte> bytes = stackalloc byte[littleEndian.Length];
        littleEndian.CopyTo(bytes);
        bytes.Reverse();
        return Convert.ToHexStringLower(bytes);
    }

    /// <summary>mantissa × 10^exponent: exactly −exponent fraction digits, or a plain integer.</summary>
    private static string? Decimal(long? mantissa, sbyte? exponent)
    {
        if (mantissa is not { } value)
            return null;

        var places = -(exponent ?? 0);
        var digits = Int128.Abs(value).ToString(CultureInfo.InvariantCulture);
        var sign = value < 0 ? "-" : "";
        if (places <= 0)
            return value == 0 ? "0" : sign + digits + new string('0', -places);

        digits = digits.PadLeft(places + 1, '0');
        return $"{sign}{digits[..^places]}.{digits[^places..]}";
    }

    private static void WriteText(Utf8JsonWriter json, string name, long? number) =>
        json.WriteString(name, number?.ToString(CultureInfo.InvariantCulture));

    private static void WriteNumber(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } value)
            json.WriteNumber(name, value);
        else
            json.WriteNull(name);
    }

    private static void WriteCode(Utf8JsonWriter json, string name, uint? code, Func<uint, string?> label)
    {
        WriteNumber(json, name, code);
        json.WriteString(name + "Label", code is { } value ? label(value) : null);
    }

    private static void WriteHex(Utf8JsonWriter json, string name, byte[]? bytes) =>
        json.WriteString(name, bytes is null ? null : Convert.ToHexStringLower(bytes));
}
