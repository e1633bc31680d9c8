using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Math.EC.Rfc8032;
using Pumps.Core.Protocols.Dp2;
using Pumps.Handlers.Firmware;

namespace Pumps.Core.Tests.Dp2;

/// <summary>The test key of the specification's Example 10. Never trust it in a product.</summary>
internal static class TestKey
{
    private static readonly byte[] Seed = SHA256.HashData(Encoding.ASCII.GetBytes("DP2 TEST KEY 1 - NOT FOR PRODUCTION"));

    public static byte[] Public { get; } = MakePublic();

    public static byte[] Id { get; } = Ed25519Signatures.KeyId(Public);

    public static Ed25519Signatures Signatures { get; } = new(new Dictionary<string, byte[]> { [Convert.ToHexStringLower(Id)] = Public });

    public static byte[] Sign(byte[] manifest)
    {
        var message = Dp2Manifest.SignedBytes(manifest);
        var signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(Seed, 0, message, 0, message.Length, signature, 0);
        return signature;
    }

    public static Dp2FirmwareOffer Offer(uint transfer, byte[] manifest) => new(transfer, manifest, Sign(manifest), Id);

    private static byte[] MakePublic()
    {
        var key = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(Seed, 0, key, 0);
        return key;
    }
}
