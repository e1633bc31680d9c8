using System.Diagnostics;
using Pumps.Core.Feeds;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Fleet;
using Pumps.Fleet.Load;

namespace Pumps.Benchmarks.Pipeline;

/// <summary>
/// The same frames through the core alone, on one processor: how many observations they hold, which is what history must have, and how long
/// decoding and writing the feed takes without everything around it.
/// </summary>
internal sealed class CodecAlone(Catalog catalog, TimeProvider time)
{
    private readonly Dp1Telegram _dp1 = new();
    private readonly Dp2Frame _dp2 = new();
    private readonly ObservationWriter _writer = new();
    private readonly Utf8Output _output = new();
    private readonly List<WrittenObservation> _written = [];

    public (long Observations, TimeSpan Took) Run(FrameStream stream, long frames)
    {
        var block = new StreamFrame[1000];
        var observations = 0L;
        var took = TimeSpan.Zero;
        for (var done = 0L; done < frames; done += block.Length)
        {
            var count = (int)Math.Min(block.Length, frames - done);
            for (var i = 0; i < count; i++)
                block[i] = stream.Next();

            var began = Stopwatch.GetTimestamp();
            var receivedAt = time.GetUtcNow().ToUnixTimeMilliseconds();
            for (var i = 0; i < count; i++)
                observations += Write(block[i], stream.Devices[block[i].Device], receivedAt);
            took += Stopwatch.GetElapsedTime(began);
        }

        return (observations, took);
    }

    private int Write(in StreamFrame frame, DeviceSpec device, long receivedAt)
    {
        var context = new DecodeContext(Direction.Up, receivedAt, device.UtcOffsetMinutes, device.Number, catalog.Dictionaries);
        var error = frame.Protocol is Protocol.Dp1
            ? Dp1Decoder.TryDecode(frame.Bytes, in context, _dp1)
            : Dp2Decoder.TryDecode(frame.Bytes, in context, _dp2);
        if (error is not DecodeError.None)
            throw new InvalidDataException($"A frame of the load does not decode: {error.Code()}, {Convert.ToHexString(frame.Bytes)}");

        _output.Clear();
        _written.Clear();
        _writer.Write(frame.Protocol is Protocol.Dp1 ? _dp1 : _dp2, device.Id, receivedAt, [], _output, _written);
        return _written.Count;
    }
}
