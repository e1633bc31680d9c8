using System.Text.Json;
using Pumps.Core.Feeds;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Fleet;

namespace Pumps.Journeys.Tests;

/// <param name="Clock">Anything but <c>ok</c>: the time is the receiver's, so nobody but the region knows it.</param>
internal sealed record ExpectedObservation(ObservationKey Key, string Clock, string Points);

/// <summary>What the history must have of frames that were sent: each frame decoded by itself, without a region.</summary>
internal static class ExpectedObservations
{
    /// <summary>The observations with datapoints in one frame; none when it is of a kind that is on no offering's feed.</summary>
    public static IEnumerable<ExpectedObservation> Of(DeviceSpec device, byte[] bytes)
    {
        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var context = new DecodeContext(Direction.Up, now, device.UtcOffsetMinutes, device.Number, RunningRegion.Catalog.Dictionaries);
        var (dp1, dp2) = (new Dp1Telegram(), new Dp2Frame());
        var error = device.Protocol is Protocol.Dp1 ? Dp1Decoder.TryDecode(bytes, in context, dp1) : Dp2Decoder.TryDecode(bytes, in context, dp2);
        Assert.That(error, Is.EqualTo(DecodeError.None), $"a sound frame of {device.Id}: {Convert.ToHexString(bytes)}");

        DecodedFrame frame = device.Protocol is Protocol.Dp1 ? dp1 : dp2;
        if (frame.Kind is not (FrameKind.Telemetry or FrameKind.Event))
            return [];

        var output = new Utf8Output();
        var written = new List<WrittenObservation>();
        new ObservationWriter().Write(frame, device.Id, now, [], output, written);
        return written.Select(w => Read(output.Slice(w.Start, w.Length))).ToList();
    }

    private static ExpectedObservation Read(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        return new(
            new(root.GetProperty("device").GetString()!, root.GetProperty("observedAt").GetDateTimeOffset(), root.GetProperty("sequence").GetInt64()),
            root.GetProperty("clock").GetString()!, root.GetProperty("points").GetRawText());
    }
}
