using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using Pumps.Core.Firmware;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;

namespace Pumps.Handlers.Firmware;

/// <summary>An image as somebody gives it.</summary>
/// <param name="KeyId">16 hex digits.</param>
/// <param name="Signature">Ed25519. DP1: over the SHA-256 of the content; DP2: over the manifest (section 9.1).</param>
/// <param name="Manifest">DP2: as it was signed; it says all that is said of the image. Null for DP1.</param>
/// <param name="Version">DP1, as the two after it: <c>2.15.0</c>. Null for DP2.</param>
/// <param name="HardwareMin">Lowest hardware revision that takes it.</param>
/// <param name="HardwareMax">Highest one.</param>
public sealed record ImageFile(
    string Id, string Product, byte[] Content, string KeyId, byte[] Signature, byte[]? Manifest, string? Version, int? HardwareMin, int? HardwareMax);

/// <summary>Takes an image of firmware, when a key that the region trusts has signed it for what it is.</summary>
/// <remarks>Safe to repeat: the same id with the same content is the same image.</remarks>
public sealed class ImportImage(Catalog catalog, IFirmwareImages store, IOptions<FirmwareOptions> options, TimeProvider time)
{
    private readonly Ed25519Signatures _keys = options.Value.Signatures();

    public async Task<Answer<StoredImage>> HandleAsync(ImageFile file, CancellationToken cancel)
    {
        var faults = new List<Fault>();
        if (!PlaceOrder.IsId(file.Id))
            faults.Add(new("invalid_image_id", "image", file.Id, $"1 to {PlaceOrder.IdMax} letters, digits, '-', '_' or '.'"));
        var product = catalog.Products.GetValueOrDefault(file.Product);
        if (product is null)
            faults.Add(new("unknown_product", "product", file.Product, "a product of the catalog"));
        var head = product is null ? null : product.Protocol is Protocol.Dp1 ? Dp1(file, faults) : Dp2(file, product, faults);
        if (faults.Count > 0)
            return new Answer<StoredImage>.Invalid(faults);

        var (stored, isNew) = await store.AddAsync(new(file.Id, file.Product, head!, time.GetUtcNow()), file.Content, cancel);
        return isNew || (stored.Product == file.Product && IsSame(stored.Head, head!))
            ? new Answer<StoredImage>.Found(stored)
            : new Answer<StoredImage>.Refused("image_id_taken", $"Image {file.Id} exists and is another one. Give another id.");
    }

    /// <summary>Whether a stored image still is what a trusted key has signed: asked again before a rollout begins.</summary>
    public bool IsGenuine(FirmwareHead head, ReadOnlySpan<byte> content) =>
        SHA256.HashData(content).AsSpan().SequenceEqual(head.Sha256)
        && _keys.Verify(head.KeyId, SignedBytes(head), head.Signature)
        && (head.Protocol is Protocol.Dp1
            || (Dp2Manifest.Parse(head.Manifest) is { } manifest && manifest.Sha256.AsSpan().SequenceEqual(head.Sha256) && By(manifest, head) == head));

    /// <summary>The head with all that a manifest says.</summary>
    private static FirmwareHead By(Dp2Manifest manifest, FirmwareHead head) => head with
    {
        Version = manifest.Version,
        HardwareMin = manifest.HardwareMin,
        HardwareMax = manifest.HardwareMax,
        SizeBytes = (int)manifest.ImageSize,
        ChunkBytes = manifest.ChunkSize,
    };

    // A DP1 signature does not cover the version and the hardware.
    private static bool IsSame(FirmwareHead stored, FirmwareHead given) =>
        (stored.Version, stored.HardwareMin, stored.HardwareMax) == (given.Version, given.HardwareMin, given.HardwareMax)
        && stored.Signature.AsSpan().SequenceEqual(given.Signature) && stored.Sha256.AsSpan().SequenceEqual(given.Sha256);

    private static byte[] SignedBytes(FirmwareHead head) => head.Protocol is Protocol.Dp1 ? head.Sha256 : Dp2Manifest.SignedBytes(head.Manifest);

    private FirmwareHead? Dp1(ImageFile file, List<Fault> faults)
    {
        var largest = Math.Min(Dp1Layout.ImageSizeMax, options.Value.ImageBytesMax);
        if (file.Content.Length is 0 || file.Content.Length > largest)
            faults.Add(new("image_size", "content", $"{file.Content.Length} bytes", $"1 to {largest} bytes"));
        if (file.Version is null || FirmwareFrames.Dp1VersionOf(file.Version) is null)
            faults.Add(new("invalid_version", "version", file.Version, "three numbers from 0 to 255, such as 2.15.0"));
        if (file.HardwareMin is not { } low || file.HardwareMax is not { } high || low < 0 || high > byte.MaxValue || low > high)
            faults.Add(new("invalid_hardware", "hardwareMin", $"{file.HardwareMin} to {file.HardwareMax}", "hardwareMin and hardwareMax from 0 to 255, the lowest first"));
        if (file.Manifest is not null)
            faults.Add(new("unexpected_manifest", "manifest", "a manifest", "none: an image for DP1 has none"));
        if (faults.Count > 0 || KeyOf(file, faults) is not { } key)
            return null;

        var head = new FirmwareHead(
            Protocol.Dp1, file.Version!, (ushort)file.HardwareMin!, (ushort)file.HardwareMax!, file.Content.Length, SHA256.HashData(file.Content), file.Signature, key,
            Dp1Layout.BlockSize, Dp1Crc.Compute(file.Content), []);
        return IsSigned(head, "the SHA-256 of the content", faults) ? head : null;
    }

    private FirmwareHead? Dp2(ImageFile file, Product product, List<Fault> faults)
    {
        if (file.Content.Length is 0 || file.Content.Length > options.Value.ImageBytesMax)
            faults.Add(new("image_size", "content", $"{file.Content.Length} bytes", $"1 to {options.Value.ImageBytesMax} bytes"));
        if (file.Version is not null || file.HardwareMin is not null || file.HardwareMax is not null)
            faults.Add(new("unexpected_version", "version", file.Version, "no version and no hardware: the manifest says them"));
        if (file.Manifest is not { Length: > 0 } signed)
            faults.Add(new("missing_manifest", "manifest", null, "the manifest as it was signed, base64"));
        else if (faults.Count == 0 && KeyOf(file, faults) is { } key)
        {
            // Signature first: nothing of a manifest is looked at that nobody answers for.
            var digest = SHA256.HashData(file.Content);
            var head = new FirmwareHead(Protocol.Dp2, "", 0, 0, file.Content.Length, digest, file.Signature, key, 0, 0, signed);
            if (!IsSigned(head, "the manifest, behind the prefix of the protocol", faults))
                return null;
            if (Dp2Manifest.Parse(signed) is not { } manifest)
                faults.Add(new("bad_manifest", "manifest", "a manifest that cannot be read", "a manifest by section 9.2 of the protocol"));
            else if (manifest.ImageSize != file.Content.Length || !manifest.Sha256.AsSpan().SequenceEqual(digest))
                faults.Add(new("image_digest", "content", $"{file.Content.Length} bytes, SHA-256 {Convert.ToHexStringLower(digest)}",
                    $"the image of the manifest: {manifest.ImageSize} bytes, SHA-256 {Convert.ToHexStringLower(manifest.Sha256)}"));
            else if (product.FirmwareClass is { } wanted && new Guid(manifest.Class, bigEndian: true) != wanted)
                faults.Add(new("wrong_product", "manifest", $"class {new Guid(manifest.Class, bigEndian: true)}", $"the class of {product.Id}: {wanted}"));
            else
                return By(manifest, head);
        }

        return null;
    }

    private byte[]? KeyOf(ImageFile file, List<Fault> faults)
    {
        var key = new byte[file.KeyId.Length / 2];
        if (Convert.FromHexString(file.KeyId, key, out _, out _) is System.Buffers.OperationStatus.Done && _keys.Trusts(key))
            return key;
        faults.Add(new("unknown_key", "keyId", file.KeyId, "the id of a key that this region trusts (setting Firmware:TrustedKeys)"));
        return null;
    }

    private bool IsSigned(FirmwareHead head, string over, List<Fault> faults)
    {
        if (_keys.Verify(head.KeyId, SignedBytes(head), head.Signature))
            return true;
        faults.Add(new("bad_signature", "signature", "a signature that does not fit", $"the key's Ed25519 signature over {over}, base64"));
        return false;
    }
}
