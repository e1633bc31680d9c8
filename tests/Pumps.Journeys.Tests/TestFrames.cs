using System.Globalization;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Journeys.Tests;

/// <summary>Single DP2 frames for journeys that are about something else than their content.</summary>
internal static class TestFrames
{
    // Points of the irrigation pump's dictionary.
    private const ushort IrrigationPump = 257;
    private const ushort Revision = 3;
    private const uint Flow = 16;

    /// <summary>Telemetry with a flow of so many hundredths of m3/h.</summary>
    public static byte[] Flowing(string device, uint sequence, long hundredths, DateTimeOffset at) =>
        Telemetry(device, sequence, at, IrrigationPump, Revision, points => points.Decimal(Flow, hundredths, -2));

    /// <summary>What an irrigation pump says of itself when it starts.</summary>
    public static byte[] Describe(string device, uint sequence, string model, DateTimeOffset at) =>
        Dp2Encoder.Encode(Header(device, sequence, at), new Dp2Describe { Model = model, Firmware = "1.4.2" }, IrrigationPump, Revision);

    public static byte[] Telemetry(string device, uint sequence, DateTimeOffset at, ushort dictionary, ushort revision, Action<Dp2PointsWriter> points) =>
        Dp2Encoder.Telemetry(Header(device, sequence, at), dictionary, revision, telemetry => telemetry.Points(points));

    private static Dp2Header Header(string device, uint sequence, DateTimeOffset at) =>
        new(ulong.Parse(device.AsSpan(4), NumberStyles.HexNumber, CultureInfo.InvariantCulture), sequence, at.ToUnixTimeMilliseconds());
}
