using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Devices;

namespace Pumps.Handlers.Portal;

/// <summary>Changes what people say of a device: the site where it stands, and their own words for it.</summary>
/// <remarks>Safe to repeat. Neither has to do with twin tags, which provisioning alone sets.</remarks>
public sealed class ChangeDevice(IDeviceDirectory directory, IDatapointQueries queries)
{
    /// <summary>Tags are for groups of devices; a device that belongs to more of them is described, not grouped.</summary>
    public const int TagsMax = 20;

    /// <param name="site">Null leaves it; an empty text removes it.</param>
    /// <param name="tags">Null leaves them.</param>
    public async Task<Answer<DeviceSummary>> HandleAsync(string deviceId, string? site, IReadOnlyList<string>? tags, CancellationToken cancel)
    {
        var faults = new List<Fault>();
        if (site is null && tags is null)
            faults.Add(new("nothing_to_change", "body", null, "site, tags or both"));
        if (site is { Length: > 0 } && !Names.IsId(site))
            faults.Add(new("invalid_site", "site", site, Names.IdAllowed + ", or empty for none"));
        if (tags?.Count > TagsMax)
            faults.Add(new("invalid_tags", "tags", $"{tags.Count} tags", $"at most {TagsMax} tags"));
        else if (tags is not null)
            faults.AddRange(tags.Where(t => !Names.IsTag(t)).Select(t => new Fault("invalid_tag", "tags", t, Names.TagAllowed)));
        if (faults.Count > 0)
            return new Answer<DeviceSummary>.Invalid(faults);

        var changed = await directory.ChangeAsync(deviceId, new() { Site = site, Tags = tags is null ? null : [.. tags.Distinct().Order(StringComparer.Ordinal)] }, cancel);
        if (changed is DeviceChanged.UnknownSite)
            return new Answer<DeviceSummary>.Invalid([new("unknown_site", "site", site, "a site of the device's customer")]);
        return changed is DeviceChanged.Done && await queries.FindDeviceAsync(deviceId, cancel) is { } device
            ? new Answer<DeviceSummary>.Found(device)
            : new Answer<DeviceSummary>.Absent(DeviceRoutes.NoDevice(deviceId));
    }
}
