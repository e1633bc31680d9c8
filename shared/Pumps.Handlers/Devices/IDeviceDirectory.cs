using Pumps.Core.Devices;

namespace Pumps.Handlers.Devices;

/// <summary>What changes of a device in the directory. Null leaves a thing as it is; an empty text removes it.</summary>
public sealed record DeviceChange
{
    /// <summary>Id of a site of the device's customer.</summary>
    public string? Site { get; init; }

    public IReadOnlyList<string>? Tags { get; init; }

    public DeviceStatus? Status { get; init; }

    public string? Model { get; init; }

    public string? Firmware { get; init; }
}

/// <summary>What became of a <see cref="DeviceChange"/>.</summary>
public enum DeviceChanged
{
    Done,
    UnknownDevice,

    /// <summary>The device's customer has no such site.</summary>
    UnknownSite,
}

/// <summary>Whose a device was; <paramref name="To"/> is null while it still is.</summary>
public sealed record Ownership(string Customer, DateTimeOffset From, DateTimeOffset? To);

/// <summary>What lists and the customers' walls know of a device. PostgreSQL in both worlds.</summary>
/// <remarks>A device that changes its customer leaves its site and its tags behind, and its ownership is written down, whoever changes it.</remarks>
public interface IDeviceDirectory
{
    /// <summary>Safe to repeat: the newest word wins.</summary>
    Task StoreAsync(DeviceRegistration device, CancellationToken cancel);

    /// <summary>Safe to repeat.</summary>
    Task<DeviceChanged> ChangeAsync(string deviceId, DeviceChange change, CancellationToken cancel);

    /// <summary>Newest first; empty for a device that had no owner.</summary>
    Task<IReadOnlyList<Ownership>> ListOwnersAsync(string deviceId, CancellationToken cancel);
}
