using System.Text;

namespace Pumps.LocalRegion.Hubs;

/// <summary>The partition of a key: FNV-1a (32 bits, mixed) of its UTF-8 bytes. Stored data depends on it: it never changes.</summary>
internal static class PartitionOf
{
    public static int Key(string key, int partitions)
    {
        const int stackMax = 256;
        var length = Encoding.UTF8.GetMaxByteCount(key.Length);
        Span<byte> bytes = length <= stackMax ? stackalloc byte[stackMax] : new byte[length];
        return (int)(Hash(bytes[..Encoding.UTF8.GetBytes(key, bytes)]) % (uint)partitions);
    }

    public static uint Hash(ReadOnlySpan<byte> bytes)
    {
        var hash = 2166136261u;
        foreach (var b in bytes)
            hash = (hash ^ b) * 16777619u;

        // The low bits of FNV-1a are weak for names that differ in their last digit only.
        hash ^= hash >> 16;
        hash *= 0x7feb352du;
        return hash ^ (hash >> 15);
    }
}
