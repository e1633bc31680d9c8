using Pumps.Core.Devices;

namespace Pumps.Handlers.Devices;

/// <summary>A device's connection as it is stored; <paramref name="Line"/> is null when nothing was heard of it.</summary>
/// <param name="Product">Empty when it is not known.</param>
public sealed record KnownLine(string DeviceId, string Product, DeviceLine? Line);

/// <summary>Connections of devices. PostgreSQL in both worlds.</summary>
/// <remarks>
/// Each method holds rows, asks <c>step</c> for what becomes of each (the same object: nothing), writes that, and lets the rows go: two processes
/// that change one device do it one after the other. <c>step</c> must not wait for anything.
/// </remarks>
public interface IConnectionStore
{
    /// <returns>How many of the devices are known; of the others nothing is stored.</returns>
    Task<int> ChangeAsync(IReadOnlyCollection<string> deviceIds, Func<KnownLine, DeviceLine?> step, CancellationToken cancel);

    /// <summary>Those whose grace is over, at most so many.</summary>
    /// <returns>How many there were.</returns>
    Task<int> ChangeDueAsync(DateTimeOffset now, int limit, Func<KnownLine, DeviceLine?> step, CancellationToken cancel);

    /// <summary>Those that are not offline, in the order of their ids, at most so many after one.</summary>
    /// <returns>The last id; null when there was none.</returns>
    Task<string?> ChangePresentAsync(string after, int limit, Func<KnownLine, DeviceLine?> step, CancellationToken cancel);
}
