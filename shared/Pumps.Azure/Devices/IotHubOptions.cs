using System.ComponentModel.DataAnnotations;

namespace Pumps.Azure.Devices;

/// <summary>Section <c>IotHub</c>: the region's IoT Hub.</summary>
public sealed record IotHubOptions
{
    public const string Section = "IotHub";

    /// <summary>Such as <c>pumps-weu.azure-devices.net</c>.</summary>
    [Required(ErrorMessage = "IotHub:hostName is missing: the host name of the region's IoT Hub.")]
    public string HostName { get; init; } = "";
}
