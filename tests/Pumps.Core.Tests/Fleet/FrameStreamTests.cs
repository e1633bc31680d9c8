using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Fleet;
using Pumps.Fleet.Load;

namespace Pumps.Core.Tests.Fleet;

public sealed class FrameStreamTests
{
    private const long Start = DeviceTests.Midnight;

    [Test]
    public void Every_frame_decodes_and_is_fresh()
    {
        var stream = Stream();
        var seen = new HashSet<string>();
        var last = new Dictionary<int, (long Time, uint Sequence)>();
        var (telegram, frame) = (new Dp1Telegram(), new Dp2Frame());
        for (var i = 0; i < 20_000; i++)
        {
            var next = stream.Next();
            var spec = stream.Devices[next.Device];
            var context = new DecodeContext(Direction.Up, null, spec.UtcOffsetMinutes, spec.Number, DeviceTests.Dictionaries);
            DecodedFrame decoded = next.Protocol is Protocol.Dp1 ? telegram : frame;
            var error = next.Protocol is Protocol.Dp1
                ? Dp1Decoder.TryDecode(next.Bytes, context, telegram)
                : Dp2Decoder.TryDecode(next.Bytes, context, frame);
            Assert.That((error, decoded.Warnings), Is.EqualTo((DecodeError.None, DecodeWarnings.None)));
            Assert.That(seen.Add(Convert.ToHexString(next.Bytes)), "no frame twice");
            Assert.That(next.HeaderType, Is.EqualTo(decoded.Kind is FrameKind.Telemetry ? HeaderType.Telemetry : HeaderType.Event));
            if (last.TryGetValue(next.Device, out var before))
            {
                Assert.That(decoded.EffectiveMs, Is.EqualTo(before.Time + 1000));
                Assert.That(decoded.Sequence, Is.EqualTo(next.Protocol is Protocol.Dp1 ? (byte)(before.Sequence + 1) : before.Sequence + 1));
            }

            last[next.Device] = (decoded.EffectiveMs, decoded.Sequence);
        }

        Assert.That(last, Has.Count.EqualTo(50));
    }

    [Test]
    public void The_same_seed_gives_the_same_stream()
    {
        var (one, other) = (Stream(), Stream());
        for (var i = 0; i < 500; i++)
            Assert.That(other.Next().Bytes, Is.EqualTo(one.Next().Bytes));
    }

    [Test]
    public void Parts_share_the_devices_without_overlap()
    {
        var (even, odd) = (Stream(part: 0, parts: 2), Stream(part: 1, parts: 2));
        var devices = Enumerable.Range(0, 25).SelectMany(_ => new[] { even.Next().Device, odd.Next().Device });

        Assert.That(devices, Is.EquivalentTo(Enumerable.Range(0, 50)));
    }

    [Test]
    public void Percentiles_are_at_most_a_sixteenth_too_high()
    {
        var histogram = new LatencyHistogram();
        for (var ms = 1; ms <= 1000; ms++)
            histogram.Add(TimeSpan.FromMilliseconds(ms));

        Assert.That(histogram.Percentile(0.5).TotalMilliseconds, Is.InRange(500, 500 * 17 / 16.0));
        Assert.That(histogram.Percentile(0.99).TotalMilliseconds, Is.InRange(990, 1000));
        Assert.That(histogram.Percentile(1), Is.EqualTo(histogram.Max));
    }

    private static FrameStream Stream(int part = 0, int parts = 1) =>
        new(new FleetOptions { Devices = 50, Seed = 4 }, DeviceTests.Dictionaries, Start, part: part, parts: parts);
}
