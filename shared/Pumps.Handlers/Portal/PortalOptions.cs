using System.ComponentModel.DataAnnotations;

namespace Pumps.Handlers.Portal;

/// <summary>Section <c>Portal</c>. A wrong value stops the host at start.</summary>
public sealed record PortalOptions
{
    public const string Section = "Portal";

    /// <summary>Name of this region; becomes the twin tag <c>region</c> of every device registered here.</summary>
    [Required, RegularExpression("^[a-z0-9-]{1,32}$")]
    public string Region { get; set; } = "local";

    /// <summary>Host name in devices' connection strings: the IoT Hub's, or the local gateway's.</summary>
    [Required, RegularExpression("^[A-Za-z0-9.:-]{1,253}$")]
    public string DeviceHost { get; set; } = "localhost";
}
