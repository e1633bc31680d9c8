namespace Pumps.Handlers.Devices;

/// <summary>What lists and the customers' walls know of a device. PostgreSQL in both worlds.</summary>
public interface IDeviceDirectory
{
    /// <summary>Safe to repeat: the newest word wins.</summary>
    Task StoreAsync(DeviceRegistration device, CancellationToken cancel);
}
