using System.Text;

namespace Pumps.LocalRegion.Gateway;

/// <summary>Who may register: the Device Provisioning Service's rules for user name and token of a symmetric-key enrollment group.</summary>
internal sealed class RegistrationPolicy(string idScope, EnrollmentGroup group, TimeProvider time)
{
    private const string Middle = "/registrations/";

    // The name that the SDKs give to the key.
    private const string KeyName = "registration";

    // A device id has no slash: a device that registers and the same device at work are two clients to the MQTT server.
    private const string ClientPrefix = "registrations/";

    /// <summary>Whether a client comes to register: <c>{id scope}/registrations/{registration id}/api-version=...</c>.</summary>
    public static bool IsRegistration(string? userName) =>
        userName?.Split('/', 4) is [_, "registrations", _, var rest] && rest.TrimStart('?').StartsWith("api-version=", StringComparison.Ordinal);

    /// <summary>How the MQTT server knows a client that registers.</summary>
    public static string ClientIdOf(string clientId) => ClientPrefix + clientId;

    /// <param name="clientId">Of <see cref="ClientIdOf"/>.</param>
    /// <param name="password">A shared access signature, UTF-8.</param>
    /// <returns>Null when the device may register until <paramref name="expiresAt"/>.</returns>
    public RefusalReason? Check(string clientId, string userName, byte[]? password, out string registrationId, out DateTimeOffset expiresAt)
    {
        var parts = userName.Split('/', 4);
        registrationId = parts[2];
        expiresAt = default;

        if (parts[0] != idScope) return RefusalReason.UnknownIdScope;
        if (!DeviceRegistry.IsId(registrationId)) return RefusalReason.BadUserName;
        if (clientId != ClientIdOf(registrationId)) return RefusalReason.ClientIdMismatch;
        if (!SasToken.TryParse(password is null ? null : Encoding.UTF8.GetString(password), out var token)) return RefusalReason.MalformedToken;
        if (token.Policy is not (null or KeyName)) return RefusalReason.PolicyToken;
        if (token.Resource != idScope + Middle + registrationId) return RefusalReason.WrongResource;

        var keys = group.KeysOf(registrationId);
        if (!token.IsSignedWith(keys.AsSpan(0, DeviceEntry.KeyBytes)) && !token.IsSignedWith(keys.AsSpan(DeviceEntry.KeyBytes))) return RefusalReason.WrongSignature;
        if (token.ExpiresAt <= time.GetUtcNow()) return RefusalReason.TokenExpired;

        expiresAt = token.ExpiresAt;
        return null;
    }
}
