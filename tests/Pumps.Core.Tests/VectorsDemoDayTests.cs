using System.Globalization;
using System.Text.Json;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;

namespace Pumps.Core.Tests;

/// <summary>One day of one pump as frames of both protocols, and what was true: every frame decodes, and what it says is true to the digit it has.</summary>
public sealed class VectorsDemoDayTests
{
    private const int UtcOffsetMinutes = 120;
    private const long RowMs = 60_000;

    // The device's clock drifts by a second or two in the course of the day.
    private const long DriftMs = 2_000;

    /// <summary>Resolution where it is not 10^exponent: half a percent of moisture in DP1, 25 /min in a sample of a BATCH.</summary>
    private static decimal QuantumOf(DecodedFrame frame, in Datapoint point) => point.Definition!.Name switch
    {
        "soil_moisture" when frame.Protocol is Protocol.Dp1 => 0.5m,
        "speed" when frame is { Protocol: Protocol.Dp1, Historical: true } => 25m,
        _ => Scale(1, point.Exponent),
    };

    [Test]
    public void Every_frame_of_the_day_says_what_was_true()
    {
        var folder = Path.Combine(TestFiles.Vectors, "demo");
        var truth = Truth(Path.Combine(folder, "pump-day-seed1.truth.csv"));
        var dictionaries = new DictionarySet(Directory.GetFiles(Path.Combine(TestFiles.Root, "shared/catalog/dictionaries"), "*.json")
            .Select(f => DictionaryJson.Parse(File.ReadAllBytes(f))));
        var codec = new FrameCodec();
        var compared = new Dictionary<(Protocol, string), int>();
        var frames = 0;

        foreach (var line in File.ReadLines(Path.Combine(folder, "pump-day-seed1.frames.jsonl")))
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            var direction = root.GetProperty("direction").GetString() == "up" ? Direction.Up : Direction.Down;
            var context = new DecodeContext(direction, root.GetProperty("tMs").GetInt64() + 500, UtcOffsetMinutes, null, dictionaries);
            var error = codec.TryDecode(
                (Protocol)root.GetProperty("protocol").GetByte(), Convert.FromHexString(root.GetProperty("hex").GetString()!), context, out var frame);
            Assert.That(error, Is.EqualTo(DecodeError.None), line);
            frames++;

            foreach (ref readonly var point in frame.Points.Points)
                if (point is { HasValue: true, Definition: { } definition } && Row(truth, point.TimeMs) is { } row && row.TryGetValue(definition.Name, out var expected))
                {
                    var actual = Scale((long)point.Bits, point.Exponent);
                    Assert.That(actual, Is.EqualTo(expected).Within(QuantumOf(frame, point) * 0.5m + 0.0001m), $"{definition.Name} in {line}");
                    compared[(frame.Protocol, definition.Name)] = compared.GetValueOrDefault((frame.Protocol, definition.Name)) + 1;
                }
        }

        Assert.That(frames, Is.EqualTo(689));
        Assert.That(compared.Keys.Count(k => k.Item1 is Protocol.Dp1), Is.GreaterThanOrEqualTo(15), "columns compared with DP1");
        Assert.That(compared.Keys.Count(k => k.Item1 is Protocol.Dp2), Is.GreaterThanOrEqualTo(15), "columns compared with DP2");
        Assert.That(compared.Values.Sum(), Is.GreaterThan(3000));
    }

    private static Dictionary<long, Dictionary<string, decimal>> Truth(string file)
    {
        var lines = File.ReadAllLines(file);
        var columns = lines[0].Split(',');
        return lines[1..].Select(l => l.Split(',')).ToDictionary(
            cells => long.Parse(cells[0], CultureInfo.InvariantCulture),
            cells => columns.Zip(cells).Skip(1).ToDictionary(c => c.First, c => decimal.Parse(c.Second, NumberStyles.Float, CultureInfo.InvariantCulture)));
    }

    private static Dictionary<string, decimal>? Row(Dictionary<long, Dictionary<string, decimal>> truth, long timeMs)
    {
        var nearest = (timeMs + RowMs / 2) / RowMs * RowMs;
        return Math.Abs(timeMs - nearest) <= DriftMs ? truth.GetValueOrDefault(nearest) : null;
    }

    private static decimal Scale(long mantissa, int exponent)
    {
        decimal value = mantissa;
        for (; exponent < 0; exponent++)
            value /= 10;
        return value;
    }
}
