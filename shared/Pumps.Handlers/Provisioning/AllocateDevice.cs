using Pumps.Handlers.Devices;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Provisioning;

/// <summary>Where a device that registers belongs, and what its twin is to say.</summary>
/// <param name="Hub">Host name of its IoT Hub; in the local region the gateway's.</param>
/// <param name="Desired">The twin's desired properties, a JSON object.</param>
public sealed record Allocation(DeviceRegistration Device, string Hub, string Desired);

/// <summary>Decides on a device that registers with the provisioning service: only one that was ordered gets in, with the tags of its order.</summary>
/// <remarks>
/// Safe to repeat; changes nothing. The registration id is the device id. Whoever asks has proved who he is: the provisioning service (Azure) or
/// the gateway (local region) has checked the key before.
/// </remarks>
public sealed class AllocateDevice(IDeviceRegistry registry, IDeviceMessaging messaging)
{
    /// <param name="hub">Host name of the region's hub.</param>
    /// <param name="linkedHubs">The hubs that the asking service can assign to.</param>
    /// <returns>
    /// The allocation, or a refusal: <c>invalid_device_id</c>, <c>device_not_ordered</c>, <c>device_suspended</c>, <c>hub_not_linked</c>.
    /// </returns>
    public async Task<Answer<Allocation>> HandleAsync(string registrationId, string hub, IReadOnlyList<string> linkedHubs, CancellationToken cancel)
    {
        if (RegisterDevices.ProtocolOf(registrationId) is null)
            return Refused("invalid_device_id", $"\"{registrationId}\" is no device id; a device registers with dp1-<serial number> or dp2-<EUI-64, 16 hex digits in lower case>.");

        if (await registry.FindAsync(registrationId, cancel) is not { } registered)
            return Refused("device_not_ordered", $"Nobody has ordered \"{registrationId}\" in this region. Order it; the device may then register again.");

        if (!registered.Enabled)
            return Refused("device_suspended", $"\"{registrationId}\" is suspended. Resume it; the device may then register again.");

        if (!linkedHubs.Contains(hub, StringComparer.OrdinalIgnoreCase))
            return Refused("hub_not_linked", $"The region's hub {hub} is not linked to the provisioning service, which has: {string.Join(", ", linkedHubs)}.");

        var twin = await messaging.FindTwinAsync(registrationId, cancel);
        return new Answer<Allocation>.Found(new(registered.Device, hub, twin?.Desired ?? "{}"));
    }

    private static Answer<Allocation>.Refused Refused(string rule, string detail) => new(rule, detail);
}
