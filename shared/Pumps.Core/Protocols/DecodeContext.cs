using Pumps.Core.Dictionaries;

namespace Pumps.Core.Protocols;

/// <summary>What a decoder is told beside the bytes.</summary>
/// <param name="Direction">The direction this decoder is for; frames of the other one are refused.</param>
/// <param name="ReceivedAtMs">The receiver's clock, ms since 1970 UTC; null when it has none.</param>
/// <param name="UtcOffsetMinutes">Minutes that the device's civil time is ahead of UTC (DP1 only).</param>
/// <param name="Identity">The identity proven by the transport (DP1 serial, DP2 EUI-64 as a number in printing order); null when unknown.</param>
/// <param name="Dictionaries">The dictionaries known to this decoder (DP2).</param>
/// <param name="Signatures">Checks firmware signatures (DP2 downlink); null trusts no key.</param>
public readonly record struct DecodeContext(
    Direction Direction,
    long? ReceivedAtMs,
    int UtcOffsetMinutes,
    ulong? Identity,
    DictionarySet Dictionaries,
    IFirmwareSignatures? Signatures = null);

/// <summary>Checks Ed25519 signatures of firmware manifests against the trusted keys. The core has no package, so this is a port.</summary>
public interface IFirmwareSignatures
{
    /// <summary>Whether the key with this id (first 8 bytes of the SHA-256 of the public key) is trusted.</summary>
    bool Trusts(ReadOnlySpan<byte> keyId);

    /// <summary>Whether the 64-byte signature over the message is valid for the trusted key, S below L included.</summary>
    bool Verify(ReadOnlySpan<byte> keyId, ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature);
}
