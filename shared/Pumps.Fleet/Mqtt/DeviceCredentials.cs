using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Pumps.Fleet.Mqtt;

/// <summary>What a device connects with: the parts of IoT Hub's connection string.</summary>
public sealed record DeviceCredentials(string HostName, string DeviceId, string SharedAccessKey)
{
    /// <summary>Reads <c>HostName=...;DeviceId=...;SharedAccessKey=...</c>.</summary>
    /// <exception cref="FormatException">A part is missing; the message names it, never the key.</exception>
    public static DeviceCredentials Parse(string connectionString)
    {
        var parts = connectionString.Split(';', StringSplitOptions.RemoveEmptyEntries)
            .Select(part => part.Split('=', 2))
            .Where(pair => pair.Length == 2)
            .ToDictionary(pair => pair[0], pair => pair[1], StringComparer.OrdinalIgnoreCase);
        return new(Part("HostName"), Part("DeviceId"), Part("SharedAccessKey"));

        string Part(string name) => parts.TryGetValue(name, out var value) && value.Length > 0
            ? value
            : throw new FormatException($"a device's connection string has no {name}; it is HostName=...;DeviceId=...;SharedAccessKey=...");
    }

    public string UserName => $"{HostName}/{DeviceId}/?api-version=2021-04-12";

    /// <summary>Makes a shared access signature, as "Control access to IoT Hub with shared access signatures" describes it.</summary>
    public string Token(DateTimeOffset expiresAt) => Sign($"{HostName}/devices/{DeviceId}", SharedAccessKey, expiresAt);

    /// <param name="key">Base64.</param>
    /// <param name="keyName">The provisioning service wants the key to have a name.</param>
    internal static string Sign(string resource, string key, DateTimeOffset expiresAt, string? keyName = null)
    {
        var signed = Uri.EscapeDataString(resource);
        var expiry = expiresAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = HMACSHA256.HashData(Convert.FromBase64String(key), Encoding.UTF8.GetBytes(signed + "\n" + expiry));
        return $"SharedAccessSignature sr={signed}&sig={Uri.EscapeDataString(Convert.ToBase64String(signature))}&se={expiry}{(keyName is null ? "" : "&skn=" + keyName)}";
    }

    // A record prints its members; a key must not come into a log.
    public override string ToString() => $"credentials of {DeviceId} for {HostName}";
}
