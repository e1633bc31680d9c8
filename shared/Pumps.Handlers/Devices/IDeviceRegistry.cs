namespace Pumps.Handlers.Devices;

/// <summary>The identity and twin tags of a device, as provisioning sets them.</summary>
/// <param name="Id"><c>dp1-&lt;SERIAL&gt;</c> or <c>dp2-&lt;EUI-64 hex&gt;</c>.</param>
/// <param name="UtcOffsetMinutes">DP1 only: minutes that the site's civil time is ahead of UTC.</param>
public sealed record DeviceRegistration(string Id, string Protocol, string Offering, string Product, string Customer, string Region, int? UtcOffsetMinutes)
{
    /// <summary>How an enrichment names a twin tag; where the tag is missing, IoT Hub leaves this text in its place.</summary>
    public const string TagPrefix = "$twin.tags.";

    /// <summary>What IoT Hub makes of an enrichment for this device: the tag's value, or the expression itself where there is none.</summary>
    public string Evaluate(string expression)
    {
        if (!expression.StartsWith(TagPrefix, StringComparison.Ordinal))
            return expression;

        var value = expression.AsSpan(TagPrefix.Length) switch
        {
            "protocol" => Protocol,
            "offering" => Offering,
            "product" => Product,
            "customer" => Customer,
            "region" => Region,
            "utcOffset" => UtcOffsetMinutes?.ToString(System.Globalization.CultureInfo.InvariantCulture),
            _ => null,
        };
        return string.IsNullOrEmpty(value) ? expression : value;
    }
}

/// <summary>A registered device with its symmetric keys (base64). Never logged.</summary>
public sealed record RegisteredDevice(DeviceRegistration Device, string PrimaryKey, string SecondaryKey, bool Enabled);

/// <summary>Device identities, keys and twin tags. Azure: IoT Hub; local region: the gateway's registry.</summary>
public interface IDeviceRegistry
{
    /// <summary>Creates the identity with its tags. Safe to repeat: an existing device keeps its keys and gets the given tags.</summary>
    Task<RegisteredDevice> RegisterAsync(DeviceRegistration device, CancellationToken cancel);

    Task<RegisteredDevice?> FindAsync(string deviceId, CancellationToken cancel);

    /// <returns>False when there was no such device.</returns>
    Task<bool> RemoveAsync(string deviceId, CancellationToken cancel);
}
