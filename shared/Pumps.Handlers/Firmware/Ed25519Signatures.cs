using System.Security.Cryptography;
using Org.BouncyCastle.Math.EC.Rfc8032;
using Pumps.Core.Protocols;

namespace Pumps.Handlers.Firmware;

/// <summary>Checks firmware signatures (Ed25519, RFC 8032, pure) against a fixed set of trusted public keys.</summary>
public sealed class Ed25519Signatures : IFirmwareSignatures
{
    private const int KeyIdBytes = 8;

    private readonly Dictionary<string, byte[]> _keys = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="keys">Public keys of 32 bytes by key id, 16 hex digits.</param>
    /// <exception cref="ArgumentException">A key has not 32 bytes.</exception>
    public Ed25519Signatures(IReadOnlyDictionary<string, byte[]> keys)
    {
        foreach (var (id, key) in keys)
        {
            if (key.Length != Ed25519.PublicKeySize)
                throw new ArgumentException($"the public key {id} has {key.Length} bytes; an Ed25519 key has {Ed25519.PublicKeySize}", nameof(keys));
            _keys.Add(id, key);
        }
    }

    /// <summary>The id of a key: the first 8 bytes of its SHA-256.</summary>
    public static byte[] KeyId(ReadOnlySpan<byte> publicKey) => SHA256.HashData(publicKey)[..KeyIdBytes];

    public bool Trusts(ReadOnlySpan<byte> keyId) => _keys.ContainsKey(Convert.ToHexStringLower(keyId));

    public bool Verify(ReadOnlySpan<byte> keyId, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
        signature.Length == Ed25519.SignatureSize
        && _keys.TryGetValue(Convert.ToHexStringLower(keyId), out var key)
        && Ed25519.Verify(signature.ToArray(), 0, key, 0, message.ToArray(), 0, message.Length);
}
