using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pumps.LocalRegion.Gateway;

/// <summary>A device's shared access signature.</summary>
/// <remarks>
/// <code>
/// SharedAccessSignature sr={host}%2Fdevices%2F{id}&amp;sig={base64, URL-encoded}&amp;se={seconds since 1970}
/// sig = HMAC-SHA256(key, sr as written in the token + "\n" + se)
/// </code>
/// Source: "Control access to IoT Hub with shared access signatures", Azure IoT Hub documentation.
/// </remarks>
public readonly record struct SasToken
{
    private const string Scheme = "SharedAccessSignature ";

    // Signed is the token's own spelling: clients differ in how they escape.
    private SasToken(string signed, string resource, byte[] signature, DateTimeOffset expiresAt, string? policy) =>
        (Signed, Resource, Signature, ExpiresAt, Policy) = (signed, resource, signature, expiresAt, policy);

    private string Signed { get; }

    private byte[] Signature { get; }

    /// <summary>What it opens: <c>{host}/devices/{id}</c>.</summary>
    public string Resource { get; }

    public DateTimeOffset ExpiresAt { get; }

    /// <summary>The name of the hub's policy (<c>skn</c>); null in a device's own token.</summary>
    public string? Policy { get; }

    /// <summary>Reads a token. Never throws: tokens come from strangers.</summary>
    public static bool TryParse(string? text, out SasToken token)
    {
        token = default;
        if (text is null || !text.StartsWith(Scheme, StringComparison.Ordinal)) return false;

        string? resource = null, signature = null, expiry = null, policy = null;
        foreach (var range in text.AsSpan(Scheme.Length).Split('&'))
        {
            var field = text.AsSpan(Scheme.Length)[range].Trim();
            var equals = field.IndexOf('=');
            if (equals < 0) return false;
            var value = field[(equals + 1)..].ToString();
            switch (field[..equals])
            {
                case "sr": resource = value; break;
                case "sig": signature = value; break;
                case "se": expiry = value; break;
                case "skn": policy = value; break;
                default: return false;
            }
        }

        if (resource is null || signature is null || !long.TryParse(expiry, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            || seconds > DateTimeOffset.MaxValue.ToUnixTimeSeconds())
            return false;

        var bytes = new byte[SHA256.HashSizeInBytes];
        if (!Convert.TryFromBase64String(Uri.UnescapeDataString(signature), bytes, out var written) || written != bytes.Length) return false;

        token = new(
            resource + "\n" + expiry, Uri.UnescapeDataString(resource), bytes, DateTimeOffset.FromUnixTimeSeconds(seconds),
            string.IsNullOrEmpty(policy) ? null : policy);
        return true;
    }

    /// <summary>Whether this key made the token. The comparison takes the same time for every wrong signature.</summary>
    public bool IsSignedWith(ReadOnlySpan<byte> key)
    {
        Span<byte> expected = stackalloc byte[SHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(Signed), expected);
        return CryptographicOperations.FixedTimeEquals(expected, Signature);
    }

    /// <summary>Makes a device's token.</summary>
    /// <param name="key">The device's key, base64.</param>
    public static string Create(string host, string deviceId, string key, DateTimeOffset expiresAt)
    {
        var resource = Uri.EscapeDataString($"{host}/devices/{deviceId}");
        var expiry = expiresAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = HMACSHA256.HashData(Convert.FromBase64String(key), Encoding.UTF8.GetBytes(resource + "\n" + expiry));
        return $"{Scheme}sr={resource}&sig={Uri.EscapeDataString(Convert.ToBase64String(signature))}&se={expiry}";
    }

    // A record prints its members; a token's signature must not come into a log.
    public override string ToString() => $"token for {Resource} until {ExpiresAt:O}";
}
