using System.ComponentModel.DataAnnotations;
using Pumps.Core.Provisioning;

namespace Pumps.Handlers.Provisioning;

/// <summary>Section <c>Provisioning</c>. A wrong value stops the host at start.</summary>
public sealed record ProvisioningOptions
{
    public const string Section = "Provisioning";

    /// <summary>Devices that one customer may have; null is no limit.</summary>
    [Range(1, 10_000_000)]
    public int? DevicesMax { get; set; }

    /// <summary>The customer that stands for devices without an owner: only theirs can be claimed.</summary>
    [Required, RegularExpression("^[a-z0-9-]{1,64}$")]
    public string StockCustomer { get; set; } = "stock";

    /// <summary>Days that an ordered device may take until it connects for the first time: a season on a shelf.</summary>
    [Range(1, 730)]
    public int HelloWithinDays { get; set; } = 90;

    /// <summary>Days until a device must have changed to its secondary key; then the rotation ends without harm.</summary>
    [Range(1, 90)]
    public int ConfirmWithinDays { get; set; } = 14;

    /// <summary>
    /// A secret of the region, base64 of at least 32 bytes, that is part of every claim code's hash: a stolen database alone cannot be searched
    /// for codes. Changing it invalidates all codes.
    /// </summary>
    public string ClaimPepper { get; set; } = "";

    public OrderLimits Limits => OrderLimits.Default with
    {
        HelloWithin = TimeSpan.FromDays(HelloWithinDays),
        ConfirmWithin = TimeSpan.FromDays(ConfirmWithinDays),
    };
}
