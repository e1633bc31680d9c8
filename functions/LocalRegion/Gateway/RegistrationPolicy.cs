using System.Globalization;
using System.Text;

namespace Pumps.LocalRegion.Gateway;

/// <summary>Who may register: the Device Provisioning Service's rules for user name and token of a symmetric-key enrollment group.</summary>
/// <remarks>
/// A device whose keys were replaced may also sign with those, as with an individual enrollment of its own: a device that has one key for both,
/// as Microsoft's SDKs do, must find its way back after a rotation.
/// </remarks>
internal sealed class RegistrationPolicy(string idScope, EnrollmentGroup group, DeviceRegistry registry, TimeProvider time)
{
    private const string Middle = "/registrations/";

    // The name that the SDKs give to the key.
    private const string KeyName = "registration";

    private static long _clients;

    /// <summary>Whether a client comes to register: <c>{id scope}/registrations/{registration id}/api-version=...</c>.</summary>
    public static bool IsRegistration(string? userName) =>
        userName?.Split('/', 4) is [_, "registrations", _, var rest] && rest.TrimStart('?').StartsWith("api-version=", StringComparison.Ordinal);

    /// <summary>
    /// How the MQTT server knows a client that registers: by a name that no other client has. It displaces neither the device at work nor anybody
    /// who registers under the same id, so a stranger, whose key is looked at later, can disturb nobody.
    /// </summary>
    public static string ClientIdOf(string clientId) =>
        string.Create(CultureInfo.InvariantCulture, $"registrations/{clientId}/{Interlocked.Increment(ref _clients)}");

    /// <param name="clientId">Of <see cref="ClientIdOf"/>.</param>
    /// <param name="password">A shared access signature, UTF-8.</param>
    /// <returns>Null when the device may register until <paramref name="expiresAt"/>.</returns>
    public RefusalReason? Check(string clientId, string userName, byte[]? password, out string registrationId, out DateTimeOffset expiresAt)
    {
        var parts = userName.Split('/', 4);
        registrationId = parts[2];
        expiresAt = default;

        if (!DeviceRegistry.IsId(registrationId)) return RefusalReason.BadUserName;
        if (!clientId.AsSpan(0, clientId.LastIndexOf('/')).SequenceEqual("registrations/" + registrationId)) return RefusalReason.ClientIdMismatch;
        if (parts[0] != idScope) return RefusalReason.UnknownIdScope;
        if (!SasToken.TryParse(password is null ? null : Encoding.UTF8.GetString(password), out var token)) return RefusalReason.MalformedToken;
        if (token.Policy is not (null or KeyName)) return RefusalReason.PolicyToken;
        if (token.Resource != idScope + Middle + registrationId) return RefusalReason.WrongResource;

        if (!IsSigned(token, group.KeysOf(registrationId)) && !(registry.TryGet(registrationId, out var device) && device.KeysReplaced && device.Signed(token)))
            return RefusalReason.WrongSignature;
        if (token.ExpiresAt <= time.GetUtcNow()) return RefusalReason.TokenExpired;

        expiresAt = token.ExpiresAt;
        return null;
    }

    private static bool IsSigned(SasToken token, byte[] keys) =>
        token.IsSignedWith(keys.AsSpan(0, DeviceEntry.KeyBytes)) || token.IsSignedWith(keys.AsSpan(DeviceEntry.KeyBytes));
}
