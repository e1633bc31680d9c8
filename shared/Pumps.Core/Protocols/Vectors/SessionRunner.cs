using System.Buffers;
using System.Text.Json;
using Pumps.Core.Dictionaries;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Protocols.Vectors;

/// <summary>Runs sessions: frames in order, with the classification (<c>sequence</c>) or the device's reaction (<c>firmware</c>) expected of each.</summary>
internal sealed class SessionRunner(DictionarySet dictionaries, Func<IReadOnlyDictionary<string, string>, IFirmwareSignatures> keys)
{
    private readonly FrameCodec _codec = new();

    public List<JsonDifference> Run(JsonElement session)
    {
        var protocol = VectorRunner.Known(VectorJson.Number<byte>(session, "protocol") ?? throw new FormatException("\"protocol\" is missing"));
        byte[][] frames = [.. VectorJson.Member(session, "frames").EnumerateArray().Select(VectorJson.Hex)];
        string[] expected = [.. VectorJson.Member(session, "expect").EnumerateArray().Select(reaction => reaction.ToString())];
        return VectorJson.Text(session, "kind") switch
        {
            "sequence" => Compare(expected, Classify(session, protocol, frames)),
            "firmware" => RunFirmware(session, protocol, frames, expected),
            var kind => throw new FormatException($"\"kind\": {kind} is neither sequence nor firmware"),
        };
    }

    /// <summary>Classifies each frame among those of its device and direction. A frame that cannot be read gives its error code.</summary>
    private List<string> Classify(JsonElement session, Protocol protocol, byte[][] frames)
    {
        var trackers = new Dictionary<(ulong Device, Direction Direction), SequenceTracker>();
        var context = VectorContext.Read(VectorJson.Optional(session, "context") ?? session, protocol, dictionaries, keys);
        var classes = new List<string>();
        foreach (var bytes in frames)
        {
            var error = _codec.TryDecode(protocol, bytes, context with { Direction = Direction.Up }, out var frame);
            if (error is DecodeError.Direction)
                error = _codec.TryDecode(protocol, bytes, context with { Direction = Direction.Down }, out frame);

            if (error is not DecodeError.None)
            {
                classes.Add(error.Code());
                continue;
            }

            var tracker = trackers.GetValueOrDefault((frame.Device, frame.Direction));
            classes.Add(tracker.Classify(frame).ToString());
            trackers[(frame.Device, frame.Direction)] = tracker;
        }

        return classes;
    }

    private List<JsonDifference> RunFirmware(JsonElement session, Protocol protocol, byte[][] frames, string[] expected)
    {
        var device = VectorJson.Optional(session, "device") ?? default;
        var (reactions, status, payload) = protocol is Protocol.Dp1 ? RunDp1(device, frames) : RunDp2(session, device, frames);

        var differences = Compare(expected, reactions);
        if (VectorJson.Optional(session, "finalStatus") is { } finalStatus)
            differences.AddRange(CompareStatus(finalStatus, status));
        if (VectorJson.OptionalText(session, "finalStatusPayloadHex") is { } hex && !hex.Equals(payload, StringComparison.OrdinalIgnoreCase))
            differences.Add(new("finalStatusPayloadHex", hex, payload));
        return differences;
    }

    private static (List<string> Reactions, JsonElement Status, string? Payload) RunDp1(JsonElement device, byte[][] frames)
    {
        var receiver = new Dp1FirmwareReceiver(VectorJson.Number<byte>(device, "hardware") ?? 0);
        List<string> reactions = [.. frames.Select(frame => receiver.Handle(frame))];
        var status = ToJson(json =>
        {
            json.WriteNumber("image", receiver.Progress.Image);
            json.WriteString("state", Dp1Codes.FirmwareStates[receiver.Progress.State]);
            json.WriteNumber("blocksDone", receiver.Progress.BlocksDone);
            json.WriteNumber("blocksTotal", receiver.Progress.BlocksTotal);
            json.WriteString("result", Dp1Codes.FirmwareResults[receiver.Progress.Result]);
        });
        return (reactions, status, null);
    }

    private (List<string> Reactions, JsonElement Status, string? Payload) RunDp2(JsonElement session, JsonElement device, byte[][] frames)
    {
        var receiver = new Dp2FirmwareReceiver(
            VectorJson.Number<uint>(device, "hardware") ?? 0, VectorJson.Number<ulong>(device, "securityCounter") ?? 0, keys(VectorContext.Keys(session)));
        var receivedAtMs = VectorJson.Number<long>(VectorJson.Optional(session, "context") ?? session, "receivedAtMs") ?? 0;
        List<string> reactions = [.. frames.Select(frame => receiver.Handle(frame, receivedAtMs))];

        var status = receiver.Status();
        return (reactions, ToJson(json => WriteStatus(json, status)), Convert.ToHexStringLower(Dp2FirmwareReceiver.Payload(status)));
    }

    private static void WriteStatus(Utf8JsonWriter json, Dp2FirmwareStatus status)
    {
        json.WriteNumber("transfer", status.Transfer);
        json.WriteNumber("state", status.State);
        json.WriteNumber("result", status.Result ?? 0);
        json.WriteNumber("chunkCount", status.ChunkCount ?? 0);
        json.WriteNumber("base", status.Base ?? 0);
        json.WriteNumber("bitmapBits", (status.Bitmap?.Length ?? 0) * 8);
        json.WriteNumber("received", status.Received ?? 0);
        json.WriteStartArray("missing");
        foreach (var (first, last) in status.Missing())
        {
            json.WriteStartArray();
            json.WriteNumberValue(first);
            json.WriteNumberValue(last);
            json.WriteEndArray();
        }

        json.WriteEndArray();
    }

    private static JsonElement ToJson(Action<Utf8JsonWriter> write)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        using var document = JsonDocument.Parse(output.WrittenMemory);
        return document.RootElement.Clone();
    }

    /// <summary>A session names the members of the status that it is about.</summary>
    private static IEnumerable<JsonDifference> CompareStatus(JsonElement expected, JsonElement actual) =>
        JsonDifference.Between(expected, actual)
            .Where(difference => difference.Expected is not null)
            .Select(difference => difference with { Path = "finalStatus" + difference.Path[1..] });

    private static List<JsonDifference> Compare(string[] expected, List<string> actual)
    {
        var differences = new List<JsonDifference>();
        for (var i = 0; i < Math.Max(expected.Length, actual.Count); i++)
        {
            var (wanted, got) = (expected.ElementAtOrDefault(i), actual.ElementAtOrDefault(i));
            if (wanted != got)
                differences.Add(new($"frames[{i}]", wanted, got));
        }

        return differences;
    }
}
