using System.Security.Cryptography;
using Pumps.Core.Dictionaries;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Core.Tests.Dp1;
using Pumps.Core.Tests.Dp2;

namespace Pumps.Core.Tests.Firmware;

/// <summary>An image of either protocol, signed with the test key where devices check that.</summary>
internal sealed record Image(FirmwareHead Head, byte[] Content)
{
    public const byte Hardware = 3;

    public static Dp1Header Header { get; } = new(Dp1Examples.Serial, 1, Dp1Examples.Clock);

    public static Image Of(Protocol protocol, byte[] content, int chunkBytes = Dp1Layout.BlockSize)
    {
        var digest = SHA256.HashData(content);
        if (protocol is Protocol.Dp1)
            return new(new(protocol, "2.15.0", 2, 4, content.Length, digest, new byte[64], TestKey.Id, Dp1Layout.BlockSize, Dp1Crc.Compute(content), []), content);

        var manifest = new Dp2Manifest(new byte[16], new byte[16], 2, 4, "3.2.0", 1, (uint)content.Length, digest, (ushort)chunkBytes).ToBytes();
        return new(new(protocol, "3.2.0", 2, 4, content.Length, digest, TestKey.Sign(manifest), TestKey.Id, chunkBytes, 0, manifest), content);
    }

    public TransferTerms Terms(uint number) => new(Head.Protocol, Head.Version, Head.Chunks, number);

    public byte[] Encode(TransferEffect effect, uint number, long downlink = 1, DateTimeOffset? now = null) => FirmwareFrames.Encode(
        Head, number, effect, Content, Head.Protocol is Protocol.Dp1 ? Dp1Examples.Serial : Dp2Samples.Device, downlink,
        now ?? DateTimeOffset.FromUnixTimeMilliseconds(Dp2Samples.FrameMs));

    public static DecodedFrame Decode(Protocol protocol, byte[] bytes, Direction direction)
    {
        var identity = protocol is Protocol.Dp1 ? Dp1Examples.Serial : Dp2Samples.Device;
        var context = new DecodeContext(direction, Dp2Samples.ReceivedAtMs, 0, identity, DictionarySet.Empty, TestKey.Signatures);
        DecodedFrame frame = protocol is Protocol.Dp1 ? new Dp1Telegram() : new Dp2Frame();
        var error = frame is Dp1Telegram telegram ? Dp1Decoder.TryDecode(bytes, context, telegram) : Dp2Decoder.TryDecode(bytes, context, (Dp2Frame)frame);
        Assert.That(error, Is.EqualTo(DecodeError.None), Convert.ToHexString(bytes));
        return frame;
    }
}
