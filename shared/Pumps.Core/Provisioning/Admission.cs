namespace Pumps.Core.Provisioning;

/// <summary>The rules by which an order is admitted, given how its device is.</summary>
public static class Admission
{
    /// <param name="target">What the device is to be; null where the kind does not say.</param>
    /// <param name="devices">Devices that the target's customer has, and those that older open orders bring.</param>
    /// <param name="devicesMax">The plan's limit; null: none.</param>
    /// <param name="stock">The customer that stands for devices without an owner.</param>
    /// <returns>The broken rule with its explanation, or null.</returns>
    public static (string Rule, string Detail)? Refusal(
        OrderKind kind, DeviceTags? target, DeviceBefore before, int devices, int? devicesMax, string stock)
    {
        var owner = before.Row is { Status: not "retired" } row ? row.Customer : null;

        if (kind is not OrderKind.Provision && (before.Identity is null || before.Row is { Status: "retired" }))
            return ("unknown_device", "There is no such device, or it is retired. Order it first.");

        if (kind is OrderKind.Resume && before.Row is { Status: not ("suspended" or "active") })
            return ("device_not_suspended", "Only a suspended device can be resumed.");

        // Who else has it is not the asker's business.
        if (kind is OrderKind.Provision && owner is { Length: > 0 } && owner != target!.Customer && owner != stock)
            return ("device_taken", "The device works for another customer. It must be retired there, or change hands by a change or a claim.");

        if (kind is OrderKind.Provision or OrderKind.Change && owner != target!.Customer && devicesMax is { } max && devices >= max)
            return ("device_limit", $"The customer's plan has {max} devices, and all of them are taken.");

        return null;
    }
}
