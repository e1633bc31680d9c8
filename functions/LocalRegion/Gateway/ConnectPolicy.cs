using System.Text;

namespace Pumps.LocalRegion.Gateway;

/// <summary>Who may connect: IoT Hub's rules for client id, user name and token.</summary>
internal sealed class ConnectPolicy(DeviceRegistry registry, IEnumerable<string> hosts, TimeProvider time)
{
    private readonly HashSet<string> _hosts = new(hosts, StringComparer.OrdinalIgnoreCase);

    /// <param name="userName"><c>{host}/{device id}</c>, then optionally <c>/?api-version=...&amp;DeviceClientType=...</c>.</param>
    /// <param name="password">A shared access signature, UTF-8.</param>
    /// <returns>Null when the device may connect until <paramref name="expiresAt"/>.</returns>
    public RefusalReason? Check(string? clientId, string? userName, byte[]? password, out DeviceEntry? device, out DateTimeOffset expiresAt)
    {
        device = null;
        expiresAt = default;

        var parts = (userName ?? "").Split('/', 3);
        if (parts.Length < 2 || parts[0].Length == 0 || (parts.Length == 3 && parts[2].Length > 0 && parts[2][0] != '?' && !parts[2].Contains('=')))
            return RefusalReason.BadUserName;
        var host = parts[0];
        var deviceId = parts[1];
        if (deviceId.IndexOf('?') is >= 0 and var query) deviceId = deviceId[..query];
        if (deviceId.Length == 0) return RefusalReason.BadUserName;
        if (!_hosts.Contains(host)) return RefusalReason.UnknownHost;
        if (deviceId != clientId) return RefusalReason.ClientIdMismatch;

        if (!SasToken.TryParse(password is null ? null : Encoding.UTF8.GetString(password), out var token)) return RefusalReason.MalformedToken;
        if (token.Policy is not null) return RefusalReason.PolicyToken;
        if (!IsFor(token.Resource, host, deviceId)) return RefusalReason.WrongResource;
        if (!registry.TryGet(deviceId, out device)) return RefusalReason.UnknownDevice;
        if (!device.Signed(token)) return RefusalReason.WrongSignature;
        if (token.ExpiresAt <= time.GetUtcNow()) return RefusalReason.TokenExpired;
        if (!device.Enabled) return RefusalReason.DeviceDisabled;

        expiresAt = token.ExpiresAt;
        return null;
    }

    // Host names know no case, device ids do.
    private static bool IsFor(string resource, string host, string deviceId)
    {
        const string middle = "/devices/";
        return resource.Length == host.Length + middle.Length + deviceId.Length
            && resource.StartsWith(host, StringComparison.OrdinalIgnoreCase)
            && resource.AsSpan(host.Length).StartsWith(middle)
            && resource.EndsWith(deviceId, StringComparison.Ordinal);
    }
}
