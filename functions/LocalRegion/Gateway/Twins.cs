using System.Text.Json.Nodes;
using Pumps.Handlers.Devices;

namespace Pumps.LocalRegion.Gateway;

/// <summary>The twins' desired and reported properties, in the registry's file.</summary>
internal sealed class Twins(DeviceRegistry registry)
{
    public Task<DeviceTwin?> FindAsync(string deviceId, CancellationToken cancel) =>
        registry.File.RunAsync(file => Read(file, deviceId), null, cancel);

    /// <returns>The twin after the patch; null for an unknown device, or when the patch is at fault.</returns>
    public Task<(DeviceTwin? Twin, TwinFault Fault)> PatchReportedAsync(string deviceId, JsonObject patch, long? ifVersion, CancellationToken cancel) =>
        registry.File.RunAsync(
            file =>
            {
                if (Read(file, deviceId) is not { } twin) return (null, TwinFault.None);
                if (ifVersion is { } version && version != twin.ReportedVersion) return (null, TwinFault.VersionConflict);
                if (TwinDocument.Merge(twin.Reported, patch) is not { } merged) return (null, TwinFault.TooLarge);
                twin = twin with { Reported = merged, ReportedVersion = twin.ReportedVersion + 1 };
                file.Execute("write_reported", ("@id", deviceId), ("@document", merged), ("@version", twin.ReportedVersion));
                return ((DeviceTwin?)twin, TwinFault.None);
            },
            null, cancel);

    /// <param name="committed">Called in the order of the versions, so that a device hears of them in order.</param>
    /// <returns>See <see cref="PatchReportedAsync"/>.</returns>
    public Task<(DeviceTwin? Twin, TwinFault Fault)> PatchDesiredAsync(
        string deviceId, JsonObject patch, long? ifVersion, Action<DeviceTwin> committed, CancellationToken cancel) =>
        registry.File.RunAsync(
            file =>
            {
                if (Read(file, deviceId) is not { } twin) return (null, TwinFault.None);
                if (ifVersion is { } version && version != twin.DesiredVersion) return (null, TwinFault.VersionConflict);
                if (TwinDocument.Merge(twin.Desired, patch) is not { } merged) return (null, TwinFault.TooLarge);
                twin = twin with { Desired = merged, DesiredVersion = twin.DesiredVersion + 1 };
                file.Execute("write_desired", ("@id", deviceId), ("@document", merged), ("@version", twin.DesiredVersion));
                return ((DeviceTwin?)twin, TwinFault.None);
            },
            answer =>
            {
                if (answer.Item1 is { } twin) committed(twin);
            },
            cancel);

    /// <summary>Within work: merges a patch into the desired properties of a device that is there.</summary>
    /// <returns>The twin after it; null when the patch says nothing new.</returns>
    public static DeviceTwin? Merge(RegistryFile file, string deviceId, JsonObject patch)
    {
        var twin = Read(file, deviceId)!;
        var merged = TwinDocument.Merge(twin.Desired, patch)
            ?? throw new ArgumentException($"The desired properties would have more than {GatewayLimits.TwinSectionBytes} bytes.", nameof(patch));
        if (merged == twin.Desired) return null;
        twin = twin with { Desired = merged, DesiredVersion = twin.DesiredVersion + 1 };
        file.Execute("write_desired", ("@id", deviceId), ("@document", merged), ("@version", twin.DesiredVersion));
        return twin;
    }

    private static DeviceTwin? Read(RegistryFile file, string deviceId) => file.Query(
        "read_twin", r => new DeviceTwin(deviceId, r.GetString(0), r.GetInt64(1), r.GetString(2), r.GetInt64(3)), ("@id", deviceId)) is [var twin]
        ? twin
        : null;
}
