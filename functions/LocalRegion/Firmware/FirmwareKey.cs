using Org.BouncyCastle.Math.EC.Rfc8032;
using Pumps.Handlers.Firmware;

namespace Pumps.LocalRegion.Firmware;

/// <summary>
/// The key with which images are signed on a developer's machine, and which its region trusts. The maker's own key is outside of the platform: no region
/// in Azure has a private key.
/// </summary>
public sealed class FirmwareKey
{
    private readonly byte[] _seed;

    private FirmwareKey(byte[] seed)
    {
        _seed = seed;
        PublicKey = new byte[Ed25519.PublicKeySize];
        Ed25519.GeneratePublicKey(seed, 0, PublicKey, 0);
        KeyId = Convert.ToHexStringLower(Ed25519Signatures.KeyId(PublicKey));
    }

    /// <summary>32 bytes.</summary>
    public byte[] PublicKey { get; }

    /// <summary>16 hex digits.</summary>
    public string KeyId { get; }

    public static string FileIn(string dataFolder) => Path.Combine(dataFolder, "firmware-key");

    /// <exception cref="InvalidOperationException">The file does not hold what a region writes.</exception>
    public static FirmwareKey ReadOrCreate(string dataFolder)
    {
        Directory.CreateDirectory(dataFolder);
        var (file, seed) = (FileIn(dataFolder), new byte[Ed25519.SecretKeySize]);
        return Convert.TryFromBase64String(RegionSecret.ReadOrCreate(file), seed, out var bytes) && bytes == seed.Length
            ? new(seed)
            : throw new InvalidOperationException($"{file} does not hold {Ed25519.SecretKeySize} bytes in base64. Without the file a region makes a new key, and trusts images of the old one no more.");
    }

    /// <summary>The Ed25519 signature over a message.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        var signature = new byte[Ed25519.SignatureSize];
        Ed25519.Sign(_seed, 0, message.ToArray(), 0, message.Length, signature, 0);
        return signature;
    }
}
