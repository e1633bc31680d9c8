namespace Pumps.Handlers.Decoding;

/// <summary>
/// Recognizes a frame that a device sent again: the same bytes among its last few. A repetition keeps its sequence number, time and
/// checksum, so it is the same to the byte; a frame with anything new in it is never taken for one.
/// </summary>
/// <remarks>
/// Sequence numbers alone cannot decide here: a device counts over all its messages, which are split over hubs by header type, and starts
/// again after a reboot. What is forgotten, by a restart or by age, is caught by the storage's key (device, time, sequence).
/// Two generations bound the memory: when the younger one is full, the older one is dropped.
/// </remarks>
public sealed class RecentFrames(int devicesPerGeneration = 100_000)
{
    // A device repeats until it is answered; eight frames are minutes of traffic.
    private const int Remembered = 8;

    private Dictionary<string, ulong[]> _young = [];
    private Dictionary<string, ulong[]> _old = [];

    /// <summary>Whether the device's last frames include this one.</summary>
    public bool Contains(string device, ulong digest) =>
        (_young.TryGetValue(device, out var ring) || _old.TryGetValue(device, out ring)) && ring.AsSpan(1).Contains(digest);

    /// <summary>Remembers a frame, once it is safely passed on.</summary>
    public void Add(string device, ulong digest)
    {
        if (!_young.TryGetValue(device, out var ring))
        {
            if (_young.Count >= devicesPerGeneration)
                (_old, _young) = (_young, new(devicesPerGeneration / 4));
            if (!_old.Remove(device, out ring))
                ring = new ulong[Remembered + 1];
            _young.Add(device, ring);
        }

        // Entry 0 counts the writes.
        ring[1 + (int)(ring[0]++ % Remembered)] = digest;
    }
}
