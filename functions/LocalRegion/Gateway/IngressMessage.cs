using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion.Gateway;

/// <summary>A device-to-cloud message that waits for its acknowledgement.</summary>
/// <param name="Device">The sender with its tags of now: authenticated, not what the device says of itself.</param>
/// <param name="Properties">What the device has set, under the names that hubs use.</param>
/// <param name="Body">Valid until the sink has returned.</param>
/// <param name="EnqueuedAt">The gateway's clock.</param>
public readonly record struct IngressMessage(DeviceRegistration Device, EventProperties Properties, ReadOnlyMemory<byte> Body, DateTimeOffset EnqueuedAt)
{
    public string DeviceId => Device.Id;
}

/// <summary>A device came or went.</summary>
/// <param name="Reason">
/// On leaving: <c>client</c> (it said goodbye), <c>connection_lost</c>, <c>shutdown</c>, or a <see cref="RefusalReason"/> in snake case.
/// </param>
public sealed record ConnectionChange(string DeviceId, bool Connected, string? Reason, DateTimeOffset At);
