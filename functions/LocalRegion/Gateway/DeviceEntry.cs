using System.Security.Cryptography;
using Pumps.Handlers.Devices;

namespace Pumps.LocalRegion.Gateway;

/// <summary>What the memory holds of one device: what its connections and messages need. About 350 bytes.</summary>
internal sealed class DeviceEntry(DeviceRegistration registration, byte[] keys, bool enabled, Subscriptions subscriptions, bool keysReplaced = false)
{
    public const int KeyBytes = DeviceKey.Bytes;

    public string Id => Registration.Id;

    /// <summary>Replaced as a whole when the tags change.</summary>
    public DeviceRegistration Registration { get; set; } = registration;

    /// <summary>Primary, then secondary.</summary>
    public byte[] Keys { get; set; } = keys;

    /// <summary>A key was replaced on purpose: registering again does not bring the enrollment's keys back.</summary>
    public bool KeysReplaced { get; set; } = keysReplaced;

    /// <summary>False for a disabled and for a removed device: neither may stay connected.</summary>
    public bool Enabled { get; set; } = enabled;

    /// <summary>Kept for a device that connects without clean session.</summary>
    public Subscriptions Subscriptions { get; set; } = subscriptions;

    public bool Signed(SasToken token) => token.IsSignedWith(Keys.AsSpan(0, KeyBytes)) || token.IsSignedWith(Keys.AsSpan(KeyBytes));

    public RegisteredDevice ToRegistered() => new(
        Registration, Convert.ToBase64String(Keys, 0, KeyBytes), Convert.ToBase64String(Keys, KeyBytes, KeyBytes), Enabled);

    public static byte[] NewKeys() => RandomNumberGenerator.GetBytes(2 * KeyBytes);
}

/// <summary>What a device has subscribed to. The numbers are stored.</summary>
[Flags]
internal enum Subscriptions
{
    None = 0,
    CloudMessages = 1,

    /// <summary>Cloud-to-device messages with QoS 1: settled by the device's PUBACK. With QoS 0 they are settled when sent.</summary>
    CloudMessagesAcknowledged = 2,
    Methods = 4,
    TwinResponses = 8,
    DesiredProperties = 16,
}
