using System.Buffers.Binary;

namespace Pumps.Core.Protocols.Dp1;

/// <summary>The checksum of telegrams and firmware images (PROTOCOL.md, section 2).</summary>
/// <remarks>
/// CRC-16/SPI-FUJITSU: polynomial 0x1021, initial value 0x1D0F, nothing reflected, no final XOR; "123456789" gives 0xE5CC.
/// Eight bytes a step with eight tables of 512 bytes: table k holds the effect of a byte that k further bytes follow.
/// Because the checksum is sent high byte first, it is 0 over a whole correct telegram.
/// </remarks>
public static class Dp1Crc
{
    public const ushort Initial = 0x1D0F;

    private const ushort Polynomial = 0x1021;
    private const int Slice = 8;

    private static readonly ushort[] Tables = BuildTables();

    public static ushort Compute(ReadOnlySpan<byte> bytes) => Append(Initial, bytes);

    /// <summary>The checksum of what gave <paramref name="crc"/> followed by <paramref name="bytes"/>.</summary>
    public static ushort Append(ushort crc, ReadOnlySpan<byte> bytes)
    {
        // The span has a constant length and every index is below it, so the bounds checks fall away.
        var tables = Tables.AsSpan(0, 256 * Slice);
        while (bytes.Length >= Slice)
        {
            var word = BinaryPrimitives.ReadUInt64BigEndian(bytes) ^ ((ulong)crc << 48);
            crc = (ushort)(
                tables[7 * 256 + (byte)(word >> 56)] ^ tables[6 * 256 + (byte)(word >> 48)] ^
                tables[5 * 256 + (byte)(word >> 40)] ^ tables[4 * 256 + (byte)(word >> 32)] ^
                tables[3 * 256 + (byte)(word >> 24)] ^ tables[2 * 256 + (byte)(word >> 16)] ^
                tables[1 * 256 + (byte)(word >> 8)] ^ tables[(byte)word]);
            bytes = bytes[Slice..];
        }

        foreach (var value in bytes)
            crc = (ushort)((crc << 8) ^ tables[(byte)((crc >> 8) ^ value)]);

        return crc;
    }

    private static ushort[] BuildTables()
    {
        var tables = new ushort[256 * Slice];
        for (var value = 0; value < 256; value++)
        {
            var crc = (ushort)(value << 8);
            for (var bit = 0; bit < 8; bit++)
                crc = (ushort)((crc & 0x8000) != 0 ? (crc << 1) ^ Polynomial : crc << 1);
            tables[value] = crc;
        }

        for (var i = 256; i < tables.Length; i++)
        {
            var before = tables[i - 256];
            tables[i] = (ushort)((before << 8) ^ tables[before >> 8]);
        }

        return tables;
    }
}
