using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;
using Pumps.Handlers.Firmware;

namespace Pumps.Core.Tests.Dp2;

/// <summary>A frame of the public vectors with what its decoder is told.</summary>
public sealed record Dp2Sample(string Id, string Name, byte[] Bytes, DecodeContext Context, JsonElement Expect)
{
    public override string ToString() => $"{Id} {Name}";
}

/// <summary>The public vectors, the registered dictionaries, and short ways to decode in tests.</summary>
internal static class Dp2Samples
{
    public const long ReceivedAtMs = 1748779201500;
    public const long FrameMs = 1748779200000;
    public const ulong Device = 0x00A1B2C3D4E5F607;

    public static string Folder { get; } = Here();

    public static DictionarySet Dictionaries { get; } = new(
        Directory.GetFiles(Path.Combine(Folder, "../../../shared/catalog/dictionaries"), "*.json")
            .Select(file => DictionaryJson.Parse(File.ReadAllBytes(file))));

    public static Dp2Sample[] Valid { get; } = Load("v2-valid.json");

    public static Dp2Sample[] Malformed { get; } = Load("v2-malformed.json");

    public static Dp2Header Header { get; } = new(Device, 1, FrameMs);

    public static DecodeContext Up { get; } = new(Direction.Up, ReceivedAtMs, 0, null, Dictionaries);

    public static DecodeContext Down { get; } = Up with { Direction = Direction.Down, Signatures = TestKey.Signatures };

    public static DecodeError Decode(byte[] bytes, out Dp2Frame frame, DecodeContext? context = null)
    {
        frame = new Dp2Frame();
        return Dp2Decoder.TryDecode(bytes, context ?? Up, frame);
    }

    public static Dp2Frame Good(byte[] bytes, DecodeContext? context = null)
    {
        var error = Decode(bytes, out var frame, context);
        Assert.That(error, Is.EqualTo(DecodeError.None), $"at offset {frame.ErrorOffset}");
        return frame;
    }

    public static JsonElement Json(Dp2Frame frame)
    {
        var output = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(output))
            Dp2Json.Write(json, frame);
        using var document = JsonDocument.Parse(output.WrittenMemory);
        return document.RootElement.Clone();
    }

    /// <summary>The decoded form of a frame that must decode.</summary>
    public static JsonElement Json(byte[] bytes, DecodeContext? context = null) => Json(Good(bytes, context));

    public static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal));

    /// <summary>A frame around a payload given as hex.</summary>
    public static byte[] Frame(FrameKind kind, string payload) => Dp2Encoder.Frame(kind, Header, Hex(payload));

    /// <summary>Telemetry of the irrigation pump, revision 3, with the given content of field 3.</summary>
    public static byte[] Pump(Action<Dp2PointsWriter> points) => Dp2Encoder.Telemetry(Header, 0x0101, 3, t => t.Points(points));

    private static Dp2Sample[] Load(string file)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "../Vectors", file)));
        return [.. document.RootElement.GetProperty("vectors").EnumerateArray().Select(v => new Dp2Sample(
            v.GetProperty("id").GetString()!,
            v.GetProperty("name").GetString()!,
            Convert.FromHexString(v.GetProperty("hex").GetString()!),
            ReadContext(v.GetProperty("context")),
            v.GetProperty("expect").Clone()))];
    }

    private static DecodeContext ReadContext(JsonElement context)
    {
        var dictionaries = Dictionaries;
        if (context.TryGetProperty("extraDictionaries", out var extra))
            dictionaries = dictionaries.With(extra.EnumerateArray().Select(DictionaryJson.Read));
        if (context.TryGetProperty("knownRevisions", out var known))
            dictionaries = dictionaries.With(known.EnumerateObject().Select(k =>
                dictionaries.Find(uint.Parse(k.Name, CultureInfo.InvariantCulture))!.AtRevision(k.Value.GetUInt16())));

        return new DecodeContext(
            context.GetProperty("direction").GetString() == "up" ? Direction.Up : Direction.Down,
            long.Parse(context.GetProperty("receivedAtMs").GetString()!, CultureInfo.InvariantCulture),
            0,
            context.TryGetProperty("deviceId", out var id) ? Convert.ToUInt64(id.GetString(), 16) : null,
            dictionaries,
            context.TryGetProperty("trustedKeys", out var keys)
                ? new Ed25519Signatures(keys.EnumerateObject().ToDictionary(k => k.Name, k => Convert.FromHexString(k.Value.GetString()!)))
                : null);
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
