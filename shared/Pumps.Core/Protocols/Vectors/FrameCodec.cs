using System.Buffers;
using System.Text.Json;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Core.Protocols.Vectors;

/// <summary>Decodes frames of either protocol into the form that vectors compare.</summary>
internal sealed class FrameCodec
{
    private readonly Dp1Telegram _telegram = new();

    /// <summary>Decodes a frame; <paramref name="frame"/> is valid until the next call.</summary>
    public DecodeError TryDecode(Protocol protocol, ReadOnlySpan<byte> bytes, in DecodeContext context, out DecodedFrame frame)
    {
        frame = _telegram;
        return Dp1Decoder.TryDecode(bytes, context, _telegram);
    }

    public static JsonElement ToJson(DecodedFrame frame)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
            if (frame is Dp1Telegram telegram)
                Dp1Json.Write(json, telegram);

        using var document = JsonDocument.Parse(output.WrittenMemory);
        return document.RootElement.Clone();
    }
}
