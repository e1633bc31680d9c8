using System.Text.Json;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Core.Protocols.Vectors;

/// <summary>
/// Runs test vectors in the public format: <c>device-protocol-vectors/1</c> (a frame and what it decodes to) and
/// <c>device-protocol-sessions/1</c> (frames in order and what a receiver makes of each).
/// </summary>
/// <remarks>
/// A DP1 telegram that decodes is also encoded again, from the telegram and from its decoded form, and must give the same bytes.
/// A vector that cannot be read counts as failed; a file that cannot be read is a <see cref="FormatException"/>.
/// </remarks>
/// <param name="dictionaries">The registered dictionaries.</param>
/// <param name="keys">Makes the check of firmware signatures from trusted keys, key id to public key as hex.</param>
public sealed class VectorRunner(DictionarySet dictionaries, Func<IReadOnlyDictionary<string, string>, IFirmwareSignatures> keys)
{
    private readonly FrameCodec _codec = new();
    private readonly SessionRunner _sessions = new(dictionaries, keys);

    /// <summary>Runs all vectors or sessions of one file.</summary>
    /// <param name="file">Name of the file, for the report and as a hint to the protocol.</param>
    /// <exception cref="FormatException">The text is not a vector file; the message says why.</exception>
    public VectorReport Run(string file, ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            return VectorJson.OptionalText(root, "schema") switch
            {
                "device-protocol-vectors/1" => RunAll(file, VectorJson.Member(root, "vectors"), vector => RunVector(file, vector)),
                "device-protocol-sessions/1" => RunAll(file, VectorJson.Member(root, "sessions"), _sessions.Run),
                var schema => throw new FormatException(
                    $"the schema is {schema ?? "missing"}, not device-protocol-vectors/1 or device-protocol-sessions/1"),
            };
        }
        catch (JsonException wrong)
        {
            throw new FormatException($"not JSON: {wrong.Message}", wrong);
        }
    }

    private static VectorReport RunAll(string file, JsonElement items, Func<JsonElement, List<JsonDifference>> run)
    {
        if (items.ValueKind is not JsonValueKind.Array)
            throw new FormatException("the vectors are not a list");

        var passed = 0;
        var failures = new List<VectorFailure>();
        foreach (var item in items.EnumerateArray())
        {
            var differences = RunOne(item, run);
            if (differences.Count == 0)
                passed++;
            else
                failures.Add(new(VectorJson.OptionalText(item, "id") ?? "?", VectorJson.OptionalText(item, "name") ?? "?", differences));
        }

        return new(file, passed, failures);
    }

    private static List<JsonDifference> RunOne(JsonElement item, Func<JsonElement, List<JsonDifference>> run)
    {
        try
        {
            return run(item);
        }
        catch (Exception unreadable) when (unreadable is FormatException or InvalidOperationException or OverflowException or ArgumentException)
        {
            // InvalidOperationException is what JsonElement throws for a member of another kind than asked for.
            return [new("vector", "a vector that can be read", unreadable.Message)];
        }
    }

    private List<JsonDifference> RunVector(string file, JsonElement vector)
    {
        var protocol = ProtocolOf(file, vector);
        var bytes = VectorJson.Hex(VectorJson.Member(vector, "hex"));
        var expect = VectorJson.Member(vector, "expect");
        var context = VectorContext.Read(VectorJson.Optional(vector, "context") ?? default, protocol, dictionaries, keys);

        var error = _codec.TryDecode(protocol, bytes, context, out var frame);
        var (expected, actual) = (Outcome(expect), error is DecodeError.None ? "ok" : $"error {error.Code()}");
        if (expected != actual)
            return [new("status", expected, actual)];
        if (error is not DecodeError.None)
            return [];

        var message = FrameCodec.ToJson(frame);
        var differences = JsonDifference.Between(VectorJson.Member(expect, "message"), message);
        if (frame is Dp1Telegram telegram)
            EncodeAgain(telegram, message, bytes, differences);
        return differences;
    }

    private static string Outcome(JsonElement expect) =>
        VectorJson.Text(expect, "status") is "ok" ? "ok" : $"error {VectorJson.Text(expect, "code")}";

    private static void EncodeAgain(Dp1Telegram telegram, JsonElement message, byte[] bytes, List<JsonDifference> differences)
    {
        var expected = Convert.ToHexStringLower(bytes);
        Check("encoded again", Dp1Encoder.Encode(telegram));
        if (telegram.Type is not Dp1Type.FirmwareBlock)
            Check("encoded from the decoded form", Dp1JsonReader.Encode(message));

        void Check(string what, byte[] encoded)
        {
            var actual = Convert.ToHexStringLower(encoded);
            if (actual != expected)
                differences.Add(new(what, expected, actual));
        }
    }

    /// <summary>The protocol of a vector. The expected message says it; a malformed frame has none, and its bytes may be anything.</summary>
    private static Protocol ProtocolOf(string file, JsonElement vector)
    {
        if (VectorJson.Optional(VectorJson.Member(vector, "expect"), "message") is { } message && VectorJson.Number<byte>(message, "protocol") is { } told)
            return Known(told);
        if (VectorJson.Number<byte>(vector, "protocol") is { } own)
            return Known(own);

        return FromName(VectorJson.OptionalText(vector, "id"))
            ?? FromName(file[(file.LastIndexOfAny(['/', '\\']) + 1)..])
            ?? (VectorJson.Text(vector, "hex").StartsWith("d7", StringComparison.OrdinalIgnoreCase) ? Protocol.Dp2 : Protocol.Dp1);
    }

    internal static Protocol Known(byte protocol) => protocol switch
    {
        1 => Protocol.Dp1,
        2 => Protocol.Dp2,
        _ => throw new FormatException($"\"protocol\": {protocol} is neither 1 nor 2"),
    };

    private static Protocol? FromName(string? name) => name switch
    {
        null => null,
        _ when name.StartsWith("v1", StringComparison.OrdinalIgnoreCase) || name.StartsWith("dp1", StringComparison.OrdinalIgnoreCase) => Protocol.Dp1,
        _ when name.StartsWith("v2", StringComparison.OrdinalIgnoreCase) || name.StartsWith("dp2", StringComparison.OrdinalIgnoreCase) => Protocol.Dp2,
        _ => null,
    };
}
