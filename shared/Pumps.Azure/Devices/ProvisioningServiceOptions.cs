using System.ComponentModel.DataAnnotations;

namespace Pumps.Azure.Devices;

/// <summary>Section <c>ProvisioningService</c>: the region's Device Provisioning Service.</summary>
public sealed record ProvisioningServiceOptions
{
    public const string Section = "ProvisioningService";

    /// <summary>Such as <c>pumps-weu-provisioning.azure-devices-provisioning.net</c>.</summary>
    [Required(ErrorMessage = "ProvisioningService:hostName is missing: the host name of the region's Device Provisioning Service.")]
    public string HostName { get; init; } = "";
}
