namespace Pumps.LocalRegion.Hubs;

/// <summary>Refuses to write before the disk is really full.</summary>
internal sealed class DiskSpace(HubStorageOptions options)
{
    // Asking costs a system call; what can be written in between is far below the reserve.
    private const long AskEveryMilliseconds = 100;

    private long _askedAt = long.MinValue / 2;
    private long _free;

    /// <exception cref="HubFullException">Less than the reserve is left.</exception>
    public void ThrowIfLow()
    {
        var now = Environment.TickCount64;
        if (now - Volatile.Read(ref _askedAt) >= AskEveryMilliseconds || Volatile.Read(ref _free) < options.MinFreeBytes)
        {
            Volatile.Write(ref _free, options.FreeBytes(options.Folder));
            Volatile.Write(ref _askedAt, now);
        }

        if (Volatile.Read(ref _free) < options.MinFreeBytes)
            throw new HubFullException(
                $"The disk of '{options.Folder}' has {_free >> 20} MiB left; hubs take no events below {options.MinFreeBytes >> 20} MiB (MinFreeBytes). Free some space: appends go on by themselves.");
    }
}
