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

/// <summary>New values of twin tags. Null leaves a tag as it is; an empty text removes it.</summary>
public sealed record TagChange
{
    public string? Protocol { get; init; }

    public string? Offering { get; init; }

    public string? Product { get; init; }

    public string? Customer { get; init; }

    public string? Region { get; init; }

    public int? UtcOffsetMinutes { get; init; }

    public DeviceRegistration ApplyTo(DeviceRegistration device) => device with
    {
        Protocol = Protocol ?? device.Protocol,
        Offering = Offering ?? device.Offering,
        Product = Product ?? device.Product,
        Customer = Customer ?? device.Customer,
        Region = Region ?? device.Region,
        UtcOffsetMinutes = UtcOffsetMinutes ?? device.UtcOffsetMinutes,
    };
}

/// <summary>
/// Device identities, keys and twin tags. Azure: IoT Hub and the Device Provisioning Service; local region: the gateway's registry, which is both.
/// </summary>
public interface IDeviceRegistry
{
    /// <summary>As the other one, without desired properties.</summary>
    Task<RegisteredDevice> RegisterAsync(DeviceRegistration device, CancellationToken cancel) => RegisterAsync(device, null, cancel);

    /// <summary>
    /// Creates the identity, enabled, with its tags and desired properties. Safe to repeat: an existing device keeps its keys and its state, gets
    /// the given tags, and the desired properties are merged into its own; nothing new, no new version.
    /// </summary>
    /// <param name="desired">A JSON object, or null for none.</param>
    /// <exception cref="ArgumentException">The id or the desired properties are not what IoT Hub allows.</exception>
    Task<RegisteredDevice> RegisterAsync(DeviceRegistration device, string? desired, CancellationToken cancel);

    /// <returns>The device; a tag that is missing is an empty text. Null when there is no such device.</returns>
    Task<RegisteredDevice?> FindAsync(string deviceId, CancellationToken cancel);

    /// <summary>The tags and nothing else, for whoever needs no key: IoT Hub (S1) allows 100 reads of twins a second, and of identities 100 a minute.</summary>
    /// <returns>As <see cref="FindAsync"/>.</returns>
    Task<DeviceRegistration?> FindTagsAsync(string deviceId, CancellationToken cancel);

    /// <summary>Changes tags and nothing else. Safe to repeat. Messages that come after it carry the new ones.</summary>
    /// <returns>False when there was no such device.</returns>
    Task<bool> UpdateTagsAsync(string deviceId, TagChange change, CancellationToken cancel);

    /// <summary>A disabled device cannot connect, and a connected one is disconnected. Safe to repeat.</summary>
    /// <returns>False when there was no such device.</returns>
    Task<bool> SetEnabledAsync(string deviceId, bool enabled, CancellationToken cancel);

    /// <summary>
    /// Replaces one key and leaves the other: a device changes keys without an interruption when the one that it does not use is set first.
    /// Safe to repeat. Connections stay until their token runs out.
    /// </summary>
    /// <param name="key">See <see cref="DeviceKey"/>.</param>
    /// <returns>False when there was no such device.</returns>
    /// <exception cref="ArgumentException">It is not base64 of 32 bytes.</exception>
    Task<bool> SetKeyAsync(string deviceId, DeviceKeySlot slot, string key, CancellationToken cancel);

    /// <summary>Devices without protocol or offering tag: their messages cannot be routed. IoT Hub's list is some seconds old.</summary>
    /// <returns>At most so many ids.</returns>
    Task<IReadOnlyList<string>> ListUntaggedAsync(int limit, CancellationToken cancel);

    /// <summary>
    /// Removes the identity with its twin, its queue and its registration with the provisioning service; a connected device is disconnected. One that
    /// is ordered again and registers is a new one. Safe to repeat, also when it threw half way.
    /// </summary>
    /// <returns>False when there was nothing of it.</returns>
    Task<bool> RemoveAsync(string deviceId, CancellationToken cancel);
}
