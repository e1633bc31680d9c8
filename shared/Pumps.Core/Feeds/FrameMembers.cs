using System.Text.Json;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Feeds;

/// <summary>
/// What a feed event says beside its datapoints, in the same words for both protocols: <c>events</c> of an event frame, <c>result</c> of a
/// command's answer, <c>hello</c> of IDENT and describe, <c>firmware</c> of a firmware status.
/// </summary>
public static class FrameMembers
{
    /// <summary>The CloudEvents type of feed events that carry frames of a kind.</summary>
    public static string EventType(FrameKind kind) => kind switch
    {
        FrameKind.Telemetry => "pumps.telemetry.v1",
        FrameKind.Event => "pumps.event.v1",
        FrameKind.Response => "pumps.command-result.v1",
        FrameKind.Describe => "pumps.hello.v1",
        FrameKind.FirmwareStatus => "pumps.firmware-status.v1",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Only uplink frames are on feeds."),
    };

    /// <summary>When that happened of which a frame without datapoints tells, ms since 1970 UTC.</summary>
    public static long ObservedAt(DecodedFrame frame) => frame is Dp2Frame { Body: Dp2Event happened } ? happened.AtMs : frame.EffectiveMs;

    /// <summary>Writes the members as JSON text without braces; none for telemetry. The result lies in <paramref name="buffer"/>.</summary>
    public static ReadOnlySpan<byte> Write(DecodedFrame frame, Utf8Output buffer)
    {
        if (frame.Kind is FrameKind.Telemetry)
            return [];

        buffer.Clear();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            if (frame is Dp1Telegram dp1)
                Dp1Members.Write(json, dp1);
            else
                Dp2Members.Write(json, (Dp2Frame)frame);
            json.WriteEndObject();
        }

        return buffer.Written[1..^1];
    }

    /// <summary>Writes a member only where there is something to say.</summary>
    internal static void WriteOptional(this Utf8JsonWriter json, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
            json.WriteString(name, value);
    }
}
