using System.Text;
using static Pumps.Core.Protocols.Dp2.FieldRule;

namespace Pumps.Core.Protocols.Dp2;

/// <summary>What a signed firmware manifest says (section 9.2).</summary>
/// <param name="Class">UUID of the product class.</param>
/// <param name="SecurityCounter">A device refuses a counter below its own.</param>
/// <param name="Requires">Version that must be running at least.</param>
/// <param name="Component">0 application, 1 communication module, 2 motor drive.</param>
public sealed record Dp2Manifest(
    byte[] Vendor, byte[] Class, ushort HardwareMin, ushort HardwareMax, string Version, uint SecurityCounter,
    uint ImageSize, byte[] Sha256, ushort ChunkSize,
    ushort? Dictionary = null, string? Requires = null, byte? Component = null, ulong? ReleasedMs = null)
{
    private static readonly MessageSchema Schema = new(
        Number(1, 1, 1).Must(),
        FieldRule.Bytes(2, 16, 16).Must(),
        FieldRule.Bytes(3, 16, 16).Must(),
        Number(4, 1, ushort.MaxValue),
        Number(5, 0, ushort.MaxValue).Must(),
        Number(6, 0, ushort.MaxValue).Must(),
        FieldRule.Text(7, 5, 32).Must(),
        Number(8, 0, uint.MaxValue).Must(),
        Number(9, 1, Dp2Limits.ImageMax).Must(),
        FieldRule.Bytes(10, 32, 32).Must(),
        Number(11, 128, Dp2Limits.ChunkBytesMax).Must(),
        FieldRule.Text(12, 5, 32),
        Number(13, 0, byte.MaxValue),
        Number(14, 0, Dp2Limits.TimeMax));

    /// <summary>The prefix that keeps a signature over a manifest from being one over anything else.</summary>
    private static ReadOnlySpan<byte> SignaturePrefix => "DP2-FW-MANIFEST-1\0"u8;

    public int ChunkCount => (int)((ImageSize + ChunkSize - 1) / ChunkSize);

    /// <summary>The bytes that the signature is over.</summary>
    public static byte[] SignedBytes(ReadOnlySpan<byte> manifest) => [.. SignaturePrefix, .. manifest];

    /// <summary>The manifest as bytes, ready to be signed.</summary>
    public byte[] ToBytes()
    {
        var fields = new Dp2FieldWriter();
        Dp2BodyWriter.Write(fields, this);
        return fields.Written.ToArray();
    }

    /// <summary>Length of a chunk; only the last one may be shorter.</summary>
    public int ChunkLength(int index) => (int)Math.Min(ChunkSize, ImageSize - (long)index * ChunkSize);

    /// <summary>Reads a manifest whose signature has been verified.</summary>
    /// <returns>Null for any fault in it.</returns>
    public static Dp2Manifest? Parse(ReadOnlySpan<byte> bytes)
    {
        var warnings = default(DecodeWarnings);
        return TryParse(bytes, out var manifest, ref warnings) ? manifest : null;
    }

    /// <inheritdoc cref="Parse"/>
    /// <returns>False for any fault in it.</returns>
    internal static bool TryParse(ReadOnlySpan<byte> bytes, out Dp2Manifest? manifest, ref DecodeWarnings warnings)
    {
        manifest = null;
        var at = 0;
        var fields = default(MessageFields);
        if (Dp2Syntax.Check(bytes, out _) is not DecodeError.None
            || !Ascends(bytes)
            || Dp2Messages.Read(Schema, bytes, 0, bytes.Length, ref fields, ref warnings, ref at) is not DecodeError.None)
            return false;

        var content = new Dp2Manifest(
            Slice(bytes, fields[2]), Slice(bytes, fields[3]), (ushort)fields.Number(5), (ushort)fields.Number(6),
            Encoding.UTF8.GetString(Slice(bytes, fields[7])), (uint)fields.Number(8), (uint)fields.Number(9), Slice(bytes, fields[10]),
            (ushort)fields.Number(11), (ushort?)fields.NumberOrNull(4),
            fields.Has(12) ? Encoding.UTF8.GetString(Slice(bytes, fields[12])) : null,
            (byte?)fields.NumberOrNull(13), fields.NumberOrNull(14));
        if (content.HardwareMin > content.HardwareMax || content.ChunkCount > Dp2Limits.ChunksMax)
            return false;

        manifest = content;
        return true;
    }

    private static bool Ascends(ReadOnlySpan<byte> bytes)
    {
        uint last = 0;
        for (var position = 0; position < bytes.Length;)
        {
            var id = Dp2Wire.ReadField(bytes, ref position).Id;
            if (id <= last)
                return false;
            last = id;
        }

        return true;
    }

    private static byte[] Slice(ReadOnlySpan<byte> bytes, in Dp2Field field) => bytes[field.Content..field.End].ToArray();
}
