using Microsoft.Extensions.Logging;
using Pumps.Handlers.Devices;

namespace Pumps.Handlers.Provisioning;

/// <summary>Finds devices whose protocol or offering tag is missing, which nothing can route, and gives them the tags that their order says.</summary>
/// <remarks>Safe to repeat and to run from several hosts at once. A device that nobody has ordered stays as it is: it may be anybody's.</remarks>
public sealed class RepairTags(IDeviceRegistry registry, IDeviceTargets targets, ILogger<RepairTags> log)
{
    // What a registry lists at once; the next run takes the next ones.
    private const int LimitMax = 1000;

    /// <returns>How many devices got their tags back.</returns>
    public async Task<int> HandleAsync(CancellationToken cancel)
    {
        var repaired = 0;
        foreach (var id in await registry.ListUntaggedAsync(LimitMax, cancel))
        {
            if (await targets.FindAsync(id, cancel) is not { } device)
            {
                log.TagsUnknown(id);
                continue;
            }

            // All of them: the twin may have lost more than those two.
            await registry.UpdateTagsAsync(id, new TagChange
            {
                Protocol = device.Protocol, Offering = device.Offering, Product = device.Product, Customer = device.Customer,
                Region = device.Region is { Length: > 0 } region ? region : null, UtcOffsetMinutes = device.UtcOffsetMinutes,
            }, cancel);
            log.TagsRepaired(id);
            repaired++;
        }

        return repaired;
    }
}

/// <summary>What devices were last ordered to be. PostgreSQL in both worlds.</summary>
public interface IDeviceTargets
{
    /// <returns>The device, its region empty where that is not known; null when nobody knows what it is.</returns>
    Task<DeviceRegistration?> FindAsync(string deviceId, CancellationToken cancel);
}
