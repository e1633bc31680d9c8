using CsCheck;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Core.Tests.Dp1;

public sealed class Dp1StreamReaderTests
{
    private static List<byte[]> Read(Dp1StreamReader reader, ReadOnlySpan<byte> bytes, long nowMs = 0)
    {
        var telegrams = new List<byte[]>();
        while (reader.TryRead(ref bytes, nowMs, out var telegram))
            telegrams.Add(telegram.ToArray());
        return telegrams;
    }

    [Test]
    public void Telegrams_come_out_whole_however_the_stream_is_cut([Values(1, 2, 3, 7, 64, 1000)] int size)
    {
        var reader = new Dp1StreamReader();
        byte[][] sent = [Dp1Examples.Status, Dp1Examples.Batch, Dp1Examples.Counters, Dp1Examples.LastBlock];

        var read = sent.SelectMany(t => t).Chunk(size).SelectMany(chunk => Read(reader, chunk)).ToList();

        Assert.That(read, Is.EqualTo(sent));
        Assert.That(reader.Discarded, Is.Zero);
    }

    [Test]
    public void Noise_before_a_telegram_is_skipped_and_counted()
    {
        var reader = new Dp1StreamReader();

        var read = Read(reader, [0x00, 0xB5, 0x01, 0xB5, 0xFF, 0x42, .. Dp1Examples.Status]);

        Assert.That(read, Is.EqualTo(new[] { Dp1Examples.Status }));
        Assert.That(reader.Discarded, Is.EqualTo(6));
    }

    [Test]
    public void After_a_wrong_checksum_the_search_goes_on_one_byte_after_the_delimiter_tried()
    {
        // A stray B5 with a plausible length swallows the whole telegram behind it; the telegram must be found in the bytes already read.
        var reader = new Dp1StreamReader();
        byte[] stray = [0xB5, 0x30];

        var read = Read(reader, [.. stray, .. Dp1Examples.Status, .. Dp1Examples.Counters]);

        Assert.That(read, Is.EqualTo(new[] { Dp1Examples.Status, Dp1Examples.Counters }));
    }

    [Test]
    public void A_delimiter_inside_a_telegram_does_not_disturb()
    {
        var reader = new Dp1StreamReader();
        var inner = Dp1Examples.Telegram(Dp1Type.Counters, [0xB5, 0x18, 0xB5, 0xB5, 0xB5, 11, 0xB5, 0xB5, 0xB5, 0xB5, 0xB5, 0xB5, 0xB5]);

        Assert.That(Read(reader, [.. inner, .. inner]), Is.EqualTo(new[] { inner, inner }));
    }

    [TestCase(49, true)]
    [TestCase(50, false)]
    public void A_silence_of_50_ms_inside_a_telegram_ends_the_attempt(int silenceMs, bool isRead)
    {
        var reader = new Dp1StreamReader();
        Read(reader, Dp1Examples.Status.AsSpan(0, 20), nowMs: 1000);

        var read = Read(reader, Dp1Examples.Status.AsSpan(20), nowMs: 1000 + silenceMs);

        Assert.That(read, Has.Count.EqualTo(isRead ? 1 : 0));
    }

    [Test]
    public void After_a_silence_a_telegram_hidden_behind_a_stray_delimiter_is_found_without_more_bytes()
    {
        var reader = new Dp1StreamReader();
        Assert.That(Read(reader, [0xB5, 0xF0, .. Dp1Examples.Status], nowMs: 0), Is.Empty);

        Assert.That(Read(reader, [], nowMs: 50), Is.EqualTo(new[] { Dp1Examples.Status }));
    }

    [Test]
    public void Silence_between_telegrams_costs_nothing()
    {
        var reader = new Dp1StreamReader();

        Assert.That(Read(reader, Dp1Examples.Status, nowMs: 0), Has.Count.EqualTo(1));
        Assert.That(Read(reader, Dp1Examples.Counters, nowMs: 5000), Has.Count.EqualTo(1));
    }

    /// <summary>Whatever stands between them and however the stream is cut, a telegram after a silence is always found.</summary>
    [Test]
    public void A_telegram_after_a_silence_is_always_found() =>
        Gen.Select(Gen.Byte.Array[0, 300], Gen.Int[1, 80]).Sample(
            (noise, size) =>
            {
                var reader = new Dp1StreamReader();
                foreach (var chunk in noise.Chunk(size))
                    Read(reader, chunk, nowMs: 0);

                var read = Dp1Examples.Batch.Chunk(size).SelectMany(chunk => Read(reader, chunk, nowMs: 100)).ToList();
                return read.Count == 1 && read[0].SequenceEqual(Dp1Examples.Batch);
            },
            seed: "0000000000000001", iter: 20_000);
}
