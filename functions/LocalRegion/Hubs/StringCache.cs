using System.Text;

namespace Pumps.LocalRegion.Hubs;

/// <summary>Gives the same string for the same bytes, mostly: a fixed number of slots, the newest wins.</summary>
/// <remarks>
/// Keys and tags recur in every event; without this, 30,000 events a second are a million strings a second. Safe from several
/// threads: a slot is one reference, and a lost race costs one string.
/// </remarks>
internal sealed class StringCache
{
    // 16,384 slots of one partition: some ten thousand devices share it and most hit. 128 KiB, and at most some 1.5 MiB of strings.
    private const int Slots = 16_384;
    private const int LengthMax = 64;

    private readonly string?[] _slots = new string?[Slots];

    public string Get(ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
            return "";
        if (utf8.Length > LengthMax)
            return Encoding.UTF8.GetString(utf8);

        ref var slot = ref _slots[PartitionOf.Hash(utf8) & (Slots - 1)];
        if (slot is { } known && Ascii.Equals(utf8, known))
            return known;
        return slot = Encoding.UTF8.GetString(utf8);
    }
}
