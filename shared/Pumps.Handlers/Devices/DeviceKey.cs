using System.Security.Cryptography;

namespace Pumps.Handlers.Devices;

/// <summary>Which of a device's two keys. While one is changed, the device connects with the other.</summary>
public enum DeviceKeySlot
{
    Primary,
    Secondary,
}

/// <summary>A device's symmetric key, base64. Never logged.</summary>
public static class DeviceKey
{
    /// <summary>IoT Hub takes 16 to 64; HMAC-SHA256 gains nothing beyond its own size.</summary>
    public const int Bytes = 32;

    public static string Create() => Convert.ToBase64String(RandomNumberGenerator.GetBytes(Bytes));

    /// <exception cref="ArgumentException">It is not base64 of 32 bytes. The message does not repeat it.</exception>
    public static byte[] Read(string key)
    {
        var bytes = new byte[Bytes + 1];
        return Convert.TryFromBase64String(key, bytes, out var count) && count == Bytes
            ? bytes[..Bytes]
            : throw new ArgumentException($"A device's key must be {Bytes} bytes in base64.", nameof(key));
    }
}
