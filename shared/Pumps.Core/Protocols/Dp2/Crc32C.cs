using System.Buffers.Binary;
using System.Numerics;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>CRC-32C (CRC-32/ISCSI, Castagnoli), section 2: reflected, initial value and final XOR all ones, check value 0xE3069283.</summary>
public static class Crc32C
{
    public static uint Compute(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        while (bytes.Length >= 8)
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        foreach (var rest in bytes)
            crc = BitOperations.Crc32C(crc, rest);
        return ~crc;
    }
}
