using System.Globalization;
using System.Text;
using CsCheck;
using Pumps.Core.Feeds;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Tests.Dp2;

/// <summary>
/// Telemetry with its fields in the usual order is read at once, syntax and content; in any other order the syntax is checked first.
/// Both ways must give the same, for good content and bad. The number of frames is that of <c>DP2_FUZZ_FRAMES</c>.
/// </summary>
public sealed class Dp2PlainTelemetryTests
{
    private const int FramesUsually = 100_000;
    private const int GroupAt = Dp2Limits.HeaderMin + 5;

    private static readonly byte[] DictionaryField = [0x08, 0x82, 0x02];
    private static readonly byte[] RevisionField = [0x10, 0x03];

    /// <summary>Content of a station's points group: numbers of every kind, groups in groups, names, ids that no dictionary has.</summary>
    private static readonly byte[][] Seeds =
    [
        Content(p => p.Signed(16, 2430).Signed(17, 405).Unsigned(22, 1).Unsigned(23, 7).Decimal(29, 6310, -3).Null(34)),
        Content(p => p.Signed(16, -5)
            .Instance(20, 1, "North", i => i.Signed(16, 1200).Unsigned(23, 2))
            .Instance(20, 2, null, i => i.Signed(16, 1300).Bool(43, true).Instance(21, 300, null, s => s.Float32(16, 1.5f)))
            .Instance(22, 4, "Zone", z => z.Instance(21, 1, null, s => s.Unsigned(16, 30)).Text(60, "x"))),
        Content(p => p.Unsigned(16, ulong.MaxValue).Float64(17, double.NaN).Text(18, "north").Bytes(500, [1, 2, 3]).Null(16_000_000, Dp2NullReason.NotAvailable)),
    ];

    private static readonly Gen<(int Seed, (int At, int Kind, int Value)[] Changes)> Mutations = Gen.Select(
        Gen.Int[0, Seeds.Length - 1], Gen.Select(Gen.Int[0, 10_000], Gen.Int[0, 4], Gen.Int[0, 255]).Array[0, 3]);

    [Test]
    public void Read_at_once_or_checked_first_a_frame_gives_the_same()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("DP2_FUZZ_FRAMES") ?? $"{FramesUsually}", CultureInfo.InvariantCulture);
        var good = 0;
        Mutations.Sample(
            mutation =>
            {
                var content = Mutate(Seeds[mutation.Seed], mutation.Changes);
                var usual = Outcome([.. DictionaryField, .. RevisionField, .. Group(content)], out var error);
                good += error is DecodeError.None ? 1 : 0;
                return usual == Outcome([.. RevisionField, .. DictionaryField, .. Group(content)], out _);
            },
            iter: count, threads: 1, seed: "0000Dp2Plain");

        Assert.That(good, Is.InRange(count / 4, count * 3 / 4), "frames that decode");
    }

    [Test]
    public void Limits_hold_in_both_ways([Values(0, 4093, 4094)] int fields, [Values(1, 5, 6, 7)] int depth)
    {
        var content = new byte[fields * 2];
        for (var i = 0; i < content.Length; i += 2)
            content[i] = 15 << 3 | (int)WireType.Null;
        for (var i = 1; i < depth; i++)
            content = [0xA7, 0x01, .. Varint(content.Length + 2), 0x08, 0x01, .. content];

        Assert.That(
            Outcome([.. DictionaryField, .. RevisionField, .. Group(content)], out _),
            Is.EqualTo(Outcome([.. RevisionField, .. DictionaryField, .. Group(content)], out _)));
    }

    /// <summary>All that a frame says, as text: error and place, or decoded form, datapoints and feed.</summary>
    private static string Outcome(byte[] payload, out DecodeError error)
    {
        var compression = payload.Length > Dp2Limits.PayloadMax ? Dp2Compression.Always : Dp2Compression.Never;
        var bytes = Dp2Encoder.Frame(FrameKind.Telemetry, Dp2Samples.Header with { Compression = compression }, payload);
        error = Dp2Samples.Decode(bytes, out var frame);
        if (error is not DecodeError.None)
            return $"{error} at {(frame.ErrorOffset < GroupAt ? 0 : frame.ErrorOffset)}";

        var text = new StringBuilder($"{Dp2Samples.Json(frame)} {frame.Warnings} {frame.Dictionary} {string.Join(',', frame.Instances)}");
        foreach (var p in frame.Points.Points)
            text.Append(CultureInfo.InvariantCulture,
                $"\n{p.Id} {p.Path} {p.Definition?.Name} {p.Type} {p.Wire} {p.Quality} {p.HasValue} {p.Exponent} {p.Reason} {p.Bits} {p.Offset} {p.Length} {p.TimeMs}");

        var output = new Utf8Output();
        new ObservationWriter().Write(frame, "dp2-1", Dp2Samples.ReceivedAtMs, [], output, []);
        return text.Append(Encoding.UTF8.GetString(output.Written)).ToString();
    }

    private static byte[] Content(Action<Dp2PointsWriter> points)
    {
        var frame = Dp2Encoder.Telemetry(Dp2Samples.Header with { Compression = Dp2Compression.Never }, 0x0102, 3, t => t.Points(points));
        var at = GroupAt + 1;
        while (frame[at++] >= 0x80)
            ;
        return frame[at..^Dp2Limits.CrcSize];
    }

    private static byte[] Group(byte[] content) => [0x1F, .. Varint(content.Length), .. content];

    private static IEnumerable<byte> Varint(int value)
    {
        for (; value >= 0x80; value >>= 7)
            yield return (byte)(value | 0x80);
        yield return (byte)value;
    }

    private static byte[] Mutate(byte[] seed, (int At, int Kind, int Value)[] changes)
    {
        var bytes = seed.ToList();
        foreach (var (place, kind, value) in changes)
        {
            var at = place % bytes.Count;
            switch (kind)
            {
                case 0: bytes[at] = (byte)value; break;
                case 1: bytes[at] ^= (byte)(1 << (value & 7)); break;
                case 2: bytes.Insert(at, (byte)value); break;
                case 3 when bytes.Count > 1: bytes.RemoveAt(at); break;
                case 4: bytes.InsertRange(at, bytes.GetRange(at, Math.Min(value & 15, bytes.Count - at))); break;
            }
        }

        return [.. bytes];
    }
}
