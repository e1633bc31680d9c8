using System.Buffers;
using System.Text.Json;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Protocols;

/// <summary>Decodes frames of either protocol into the form that vectors compare.</summary>
public sealed class FrameCodec
{
    private readonly Dp1Telegram _telegram = new();
    private readonly Dp2Frame _frame = new();

    /// <summary>Decodes a frame; <paramref name="frame"/> is valid until the next call.</summary>
    public DecodeError TryDecode(Protocol protocol, ReadOnlySpan<byte> bytes, in DecodeContext context, out DecodedFrame frame)
    {
        if (protocol is Protocol.Dp1)
        {
            frame = _telegram;
            return Dp1Decoder.TryDecode(bytes, context, _telegram);
        }

        frame = _frame;
        return Dp2Decoder.TryDecode(bytes, context, _frame);
    }

    public static JsonElement ToJson(DecodedFrame frame)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
            if (frame is Dp1Telegram telegram)
                Dp1Json.Write(json, telegram);
            else
                Dp2Json.Write(json, (Dp2Frame)frame);

        using var document = JsonDocument.Parse(output.WrittenMemory);
        return document.RootElement.Clone();
    }
}
