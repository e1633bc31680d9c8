using System.Text.Json;
using Pumps.Core.Dictionaries;
using Pumps.Core.Firmware;

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

    private static List<JsonDifference> RunFirmware(JsonElement session, Protocol protocol, byte[][] frames, string[] expected)
    {
        var device = VectorJson.Optional(session, "device") ?? default;
        return RunDp1Firmware(device, frames, expected);
    }

    private static List<JsonDifference> RunDp1Firmware(JsonElement device, byte[][] frames, string[] expected)
    {
        var receiver = new Dp1FirmwareReceiver(VectorJson.Number<byte>(device, "hardware") ?? 0);
        return Compare(expected, [.. frames.Select(frame => receiver.Handle(frame))]);
    }

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
