using System.IO.Compression;
using Avro.File;

namespace Pumps.LocalRegion.Archive;

/// <summary>Avro's codec "deflate" at its fastest level: the package's own takes three times the processor for a tenth less on disk.</summary>
internal sealed class FastDeflate : Codec
{
    public override string GetName() => "deflate";

    public override byte[] Compress(byte[] uncompressedData) => Compress(uncompressedData.AsSpan());

    public override void Compress(MemoryStream inputStream, MemoryStream outputStream)
    {
        outputStream.SetLength(0);
        using var deflate = new DeflateStream(outputStream, CompressionLevel.Fastest, leaveOpen: true);
        inputStream.WriteTo(deflate);
    }

    public override byte[] Decompress(byte[] compressedData, int blockLength)
    {
        using var inflate = new DeflateStream(new MemoryStream(compressedData, 0, blockLength), CompressionMode.Decompress);
        using var whole = new MemoryStream();
        inflate.CopyTo(whole);
        return whole.ToArray();
    }

    public override bool Equals(object? other) => other is FastDeflate;

    public override int GetHashCode() => GetName().GetHashCode(StringComparison.Ordinal);

    private static byte[] Compress(ReadOnlySpan<byte> data)
    {
        using var whole = new MemoryStream();
        using (var deflate = new DeflateStream(whole, CompressionLevel.Fastest, leaveOpen: true))
            deflate.Write(data);
        return whole.ToArray();
    }
}
