using System.ComponentModel.DataAnnotations;
using Org.BouncyCastle.Math.EC.Rfc8032;
using Pumps.Core.Firmware;

namespace Pumps.Handlers.Firmware;

/// <summary>Section <c>Firmware</c>. A wrong value stops the host at start.</summary>
public sealed record FirmwareOptions : IValidatableObject
{
    public const string Section = "Firmware";

    /// <summary>
    /// Public keys (Ed25519, 32 bytes, base64) whose signatures this region trusts, none by default: then no image can be imported. The private ones are
    /// never in the platform.
    /// </summary>
    public IReadOnlyList<string> TrustedKeys { get; set; } = [];

    /// <summary>Transfers under way at a time, queued ones included. Each waits for its device most of the time; the pace of the hub is the limit that counts.</summary>
    [Range(1, 10_000)]
    public int TransfersMax { get; set; } = 200;

    /// <summary>How long one device is served before its progress is kept and it stands in the queue again. Shorter than a Service Bus lock lasts, renewals included.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:04:00")]
    public TimeSpan Turn { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a device may be silent after a frame (DP1 section 6: 10 s).</summary>
    [Range(typeof(TimeSpan), "00:00:05", "00:01:00")]
    public TimeSpan AnswerTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Before a device that is not connected is tried again; doubled each time, up to an hour.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan OfflinePause { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>After that a device that has not got the whole image is a failure. Not longer than a device keeps what it has (DP2 section 9.4: 14 days).</summary>
    [Range(typeof(TimeSpan), "01:00:00", "14.00:00:00")]
    public TimeSpan GiveUpAfter { get; set; } = TimeSpan.FromDays(14);

    /// <summary>Bytes of an image. It is read into memory as a whole, and comes in one request.</summary>
    [Range(1024, 64 << 20)]
    public int ImageBytesMax { get; set; } = 8 << 20;

    public TransferLimits Limits => TransferLimits.Default with { OfflinePause = OfflinePause, GiveUpAfter = GiveUpAfter };

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var key in TrustedKeys)
            if (!Convert.TryFromBase64String(key, new byte[key.Length], out var bytes) || bytes != Ed25519.PublicKeySize)
                yield return new($"TrustedKeys has \"{key}\", which is not a public Ed25519 key: {Ed25519.PublicKeySize} bytes in base64.", [nameof(TrustedKeys)]);
    }

    /// <summary>The keys as what verifies by them.</summary>
    public Ed25519Signatures Signatures() => new(TrustedKeys.Select(Convert.FromBase64String).DistinctBy(Convert.ToHexString)
        .ToDictionary(key => Convert.ToHexStringLower(Ed25519Signatures.KeyId(key)), key => key));
}
