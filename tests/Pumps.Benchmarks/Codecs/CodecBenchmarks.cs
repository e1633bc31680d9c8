using BenchmarkDotNet.Attributes;
using Pumps.Core.Feeds;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Handlers.Offerings;

namespace Pumps.Benchmarks.Codecs;

/// <summary>
/// Decoding one frame, against parsing the equal protobuf message and against just computing the frame's checksum; and decoding plus
/// writing the feed JSON. Targets: 0 bytes allocated; at least twice as fast as the equal message; decode and JSON at most 1.5 µs.
/// </summary>
[MemoryDiagnoser]
[HideColumns("Error", "StdDev", "Median", "Gen0")]
public class CodecBenchmarks
{
    private const string Device = "dp2-00a1b2c3d4e5f607";
    private const long ReceivedAtMs = 1748779201500;

    private readonly Dp1Telegram _dp1 = new();
    private readonly Dp2Frame _dp2 = new();
    private readonly ObservationWriter _writer = new();
    private readonly Utf8Output _output = new();
    private readonly List<WrittenObservation> _written = [];
    private DecodeContext _dp1Context;
    private DecodeContext _dp2Context;
    private byte[] _status = [];
    private byte[] _telemetry = [];
    private byte[] _selfDescribing = [];
    private byte[] _typed = [];

    [GlobalSetup]
    public void Setup()
    {
        var dictionaries = CatalogLoader.Load(CatalogLoader.DefaultFolder).Dictionaries;
        _dp1Context = new(Direction.Up, ReceivedAtMs, 120, 4711001, dictionaries);
        _dp2Context = new(Direction.Up, ReceivedAtMs, 0, 0x00a1b2c3d4e5f607, dictionaries);

        // DP1 specification, example 1.
        _status = Convert.FromHexString("B52410110047E259112FCF1960021200F30195FFEB0092FF0A960476025167120F91000002009A00");
        (_telemetry, _selfDescribing, _typed) = EqualMessages.Make();

        Check(Dp1Decoder.TryDecode(_status, in _dp1Context, _dp1), _dp1, 15);
        Check(Dp2Decoder.TryDecode(_telemetry, in _dp2Context, _dp2), _dp2, EqualMessages.Points);
    }

    [Benchmark]
    public DecodeError Dp1Status() => Dp1Decoder.TryDecode(_status, in _dp1Context, _dp1);

    [Benchmark]
    public ushort Dp1StatusCrcAlone() => Dp1Crc.Compute(_status);

    [Benchmark]
    public DecodeError Dp2Telemetry() => Dp2Decoder.TryDecode(_telemetry, in _dp2Context, _dp2);

    [Benchmark]
    public uint Dp2TelemetryCrcAlone() => Crc32C.Compute(_telemetry);

    [Benchmark(Baseline = true)]
    public SelfDescribing ProtobufEqualMessage() => SelfDescribing.Parser.ParseFrom(_selfDescribing);

    [Benchmark]
    public Typed ProtobufMessageOfOneProduct() => Typed.Parser.ParseFrom(_typed);

    [Benchmark]
    public int Dp2TelemetryToFeed()
    {
        Dp2Decoder.TryDecode(_telemetry, in _dp2Context, _dp2);
        return WriteFeed(_dp2);
    }

    [Benchmark]
    public int Dp1StatusToFeed()
    {
        Dp1Decoder.TryDecode(_status, in _dp1Context, _dp1);
        return WriteFeed(_dp1);
    }

    private int WriteFeed(DecodedFrame frame)
    {
        _output.Clear();
        _written.Clear();
        _writer.Write(frame, Device, ReceivedAtMs, [], _output, _written);
        return _output.Length;
    }

    private static void Check(DecodeError error, DecodedFrame frame, int points)
    {
        if (error is not DecodeError.None || frame.Points.Count != points)
            throw new InvalidOperationException($"The frame to be measured gives {error.Code()} and {frame.Points.Count} datapoints instead of {points}.");
    }
}
