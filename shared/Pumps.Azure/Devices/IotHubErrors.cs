using Microsoft.Azure.Devices.Common.Exceptions;
using Pumps.Handlers.Devices;

namespace Pumps.Azure.Devices;

/// <summary>What IoT Hub's errors mean to the port. What has no meaning there (throttling, an outage) stays an exception.</summary>
internal static class IotHubErrors
{
    // The service client knows no code of its own for it; the answer's text has it.
    private const string GatewayTimeout = "504101";

    public static DeviceRefusal? RefusalOf(Exception error, string deviceId) => error switch
    {
        // An unknown device and one that is offline are both "not found"; only the code tells them apart.
        IotHubException { Code: ErrorCode.DeviceNotOnline } => new(DeviceRefusals.DeviceOffline, $"The device '{deviceId}' is not connected."),
        DeviceNotFoundException or IotHubException { Code: ErrorCode.DeviceNotFound } => new(DeviceRefusals.UnknownDevice, $"There is no device '{deviceId}'."),
        DeviceMaximumQueueDepthExceededException or IotHubException { Code: ErrorCode.DeviceMaximumQueueDepthExceeded } =>
            new(DeviceRefusals.DeviceQueueFull, $"The queue of the device '{deviceId}' is full."),
        MessageTooLargeException or IotHubException { Code: ErrorCode.MessageTooLarge } => new(DeviceRefusals.TooLarge, error.Message),
        PreconditionFailedException or IotHubException { Code: ErrorCode.PreconditionFailed } => new(DeviceRefusals.VersionConflict, error.Message),
        IotHubException { Code: ErrorCode.ArgumentInvalid } => new(DeviceRefusals.Invalid, error.Message),
        IotHubException when error.Message.Contains(GatewayTimeout, StringComparison.Ordinal) =>
            new(DeviceRefusals.DeviceTimeout, $"The device '{deviceId}' did not answer in time."),
        // What the service answers with status 400, the client throws as this.
        ArgumentException => new(DeviceRefusals.Invalid, error.Message),
        _ => null,
    };

    public static bool IsUnknownDevice(Exception error) => RefusalOf(error, "") is { Code: DeviceRefusals.UnknownDevice };
}
