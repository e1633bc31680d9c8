using Pumps.Core.Devices;
using Pumps.Core.Schedules;
using Pumps.Handlers.Schedules;

namespace Pumps.Handlers.Devices;

/// <summary>How far the clock of a DP1 device is to be ahead of UTC when somebody sets it.</summary>
public sealed class DeviceClocks(IDeviceRegistry registry, IClockStore store, TimeProvider time)
{
    /// <returns>Minutes: of its site's civil time, or as <see cref="SiteClock.ToSet"/> says; of its tag when it stands nowhere; null when nobody has said.</returns>
    public async Task<int?> FindOffsetAsync(string deviceId, CancellationToken cancel)
    {
        var tag = (await registry.FindTagsAsync(deviceId, cancel))?.UtcOffsetMinutes;
        var (name, clock) = await store.FindAsync(deviceId, cancel);
        return SiteClock.ToSet(tag, clock, ScheduleClock.Zone(name) is { } zone ? CivilTime.OffsetMinutes(zone, time.GetUtcNow()) : null);
    }
}
