using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Core.Tests.Dp1;

/// <summary>Damaged telegrams, most with their checksum made right again so that they reach the checks behind it.</summary>
/// <remarks>The seed is fixed. <c>PUMPS_FUZZ_COUNT</c> sets the number of telegrams for longer runs.</remarks>
public sealed class Dp1FuzzTests
{
    private const int CountByDefault = 300_000;

    [Test]
    public void Any_bytes_give_a_telegram_or_one_error_and_never_an_exception()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("PUMPS_FUZZ_COUNT") ?? $"{CountByDefault}", CultureInfo.InvariantCulture);
        var random = new Random(20250601);
        var seeds = Seeds();
        var telegram = new Dp1Telegram();
        var encoded = new byte[Dp1Encoder.SizeMax];
        var outcomes = new int[64];
        var output = new ArrayBufferWriter<byte>(65536);
        using var json = new Utf8JsonWriter(output);

        for (var i = 0; i < count; i++)
        {
            var bytes = Mutate(random, seeds[random.Next(seeds.Count)]);
            var context = random.Next(2) == 0 ? Dp1Examples.Up : Dp1Examples.Down;

            var error = Dp1Decoder.TryDecode(bytes, context, telegram);

            outcomes[(int)error]++;
            if (error is DecodeError.None)
            {
                if (!encoded.AsSpan(0, Dp1Encoder.Encode(encoded, telegram)).SequenceEqual(bytes))
                    Assert.Fail($"not the same again: {Convert.ToHexString(bytes)}");
                if (i % 16 == 0)
                {
                    output.ResetWrittenCount();
                    json.Reset();
                    Dp1Json.Write(json, telegram);
                    json.Flush();
                }
            }
            else if (telegram.ErrorOffset < 0 || telegram.ErrorOffset > bytes.Length)
            {
                Assert.Fail($"offset {telegram.ErrorOffset} of {Convert.ToHexString(bytes)}");
            }
        }

        DecodeError[] reachable =
        [
            DecodeError.None, DecodeError.Truncated, DecodeError.Magic, DecodeError.Oversize, DecodeError.Length, DecodeError.Crc, DecodeError.Version,
            DecodeError.Type, DecodeError.Direction, DecodeError.Field, DecodeError.Range, DecodeError.Command,
        ];
        TestContext.Out.WriteLine(string.Join(", ", reachable.Select(e => $"{(e is DecodeError.None ? "ok" : e.Code())} {outcomes[(int)e]}")));
        Assert.That(reachable.Where(e => outcomes[(int)e] == 0), Is.Empty, "the mutations reached every outcome");
        Assert.That(reachable.Sum(e => outcomes[(int)e]), Is.EqualTo(count), "and no other");
    }

    private static List<byte[]> Seeds() =>
        [.. JsonNode.Parse(File.ReadAllBytes(Path.Combine(TestFiles.Vectors, "v1-valid.json")))!["vectors"]!.AsArray()
            .Select(vector => Convert.FromHexString(vector!["hex"]!.GetValue<string>()))];

    private static byte[] Mutate(Random random, byte[] seed)
    {
        var bytes = seed.ToArray();
        for (var changes = random.Next(4); changes > 0; changes--)
            switch (random.Next(6))
            {
                case 0: bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8)); break;
                case 1: bytes[random.Next(bytes.Length)] = (byte)random.Next(256); break;
                case 2: bytes[random.Next(bytes.Length)] = random.Next(2) == 0 ? (byte)0 : (byte)0xFF; break;
                case 3: bytes[random.Next(Math.Min(4, bytes.Length))] = (byte)random.Next(256); break;
                case 4: bytes = bytes[..random.Next(1, bytes.Length + 1)]; break;
                default: bytes = [.. bytes, .. new byte[random.Next(1, 40)]]; break;
            }

        if (random.Next(20) == 0)
            return bytes;

        // Right length and checksum, so that the checks behind them are reached.
        if (bytes.Length is >= 15 and <= 253 && random.Next(4) != 0)
            bytes[1] = (byte)(bytes.Length - 4);
        return bytes.Length >= 2 ? Dp1Examples.Sealed(bytes) : bytes;
    }
}
