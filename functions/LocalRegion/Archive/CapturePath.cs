using System.Globalization;

namespace Pumps.LocalRegion.Archive;

/// <summary>What the path of a capture file says: <c>.../{hub}/{partition}/{yyyy}/{MM}/{dd}/{HH}/{mm}/{ss}.avro</c>.</summary>
internal readonly record struct CapturePath(string Hub, string Partition, DateTimeOffset Begun)
{
    public static bool TryParse(string path, out CapturePath parsed)
    {
        parsed = default;
        var parts = Path.ChangeExtension(Path.GetFullPath(path), null).Split(Path.DirectorySeparatorChar);
        if (parts.Length < 8
            || !DateTimeOffset.TryParseExact(
                string.Join('/', parts[^6..]), "yyyy/MM/dd/HH/mm/ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var begun))
            return false;

        parsed = new(parts[^8], parts[^7], begun);
        return true;
    }
}
