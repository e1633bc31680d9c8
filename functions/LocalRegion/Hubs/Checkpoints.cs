using System.Globalization;
using System.Numerics;
using System.Text;

namespace Pumps.LocalRegion.Hubs;

/// <summary>The file <c>checkpoints</c>: how far every consumer group has come in every partition.</summary>
/// <remarks>
/// One file for all, replaced as a whole: one sync for a hundred groups. Readable on purpose. Last line: CRC-32C of those before.
/// <code>
/// pumps checkpoints 1
/// irrigation-telemetry latest 0 1838272 5210
/// hub                  group  partition address ordinal
/// </code>
/// </remarks>
internal static class CheckpointFile
{
    private const string Head = "pumps checkpoints 1";

    public static Dictionary<(string Hub, string Group, int Partition), (long Address, long Ordinal)> Read(string path)
    {
        if (!File.Exists(path))
            return [];

        var text = File.ReadAllText(path);
        var end = text.TrimEnd('\n').LastIndexOf('\n') + 1;
        if (!text.StartsWith(Head + "\n", StringComparison.Ordinal) || text[end..].TrimEnd() != Checksum(text[..end]))
            throw new InvalidDataException($"File '{path}' is damaged. Restore it, or delete it to have every event handled again.");

        return text[..end].Split('\n', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => line.Split(' ')).ToDictionary(
            part => (part[0], part[1], Number<int>(part[2])),
            part => (Number<long>(part[3]), Number<long>(part[4])));
    }

    public static void Write(string path, IEnumerable<(ConsumerPosition Of, (long Address, long Ordinal) At)> positions)
    {
        var text = new StringBuilder(Head).Append('\n');
        foreach (var (of, at) in positions)
            text.Append(CultureInfo.InvariantCulture, $"{of.Hub} {of.Group} {of.Partition} {at.Address} {at.Ordinal}\n");
        var body = text.ToString();
        Folders.WriteWhole(path, Encoding.UTF8.GetBytes(body + Checksum(body) + "\n"));
    }

    private static T Number<T>(string text) where T : INumber<T> => T.Parse(text, CultureInfo.InvariantCulture);

    private static string Checksum(string text)
    {
        var crc = uint.MaxValue;
        foreach (var b in Encoding.UTF8.GetBytes(text))
            crc = BitOperations.Crc32C(crc, b);
        return (~crc).ToString("x8", CultureInfo.InvariantCulture);
    }
}
