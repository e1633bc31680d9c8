using System.Collections.Immutable;
using System.Globalization;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;

namespace Pumps.Core.Firmware;

/// <summary>An image of firmware, without its bytes.</summary>
/// <param name="Version">As a device says it. DP1: <c>2.15.0</c>.</param>
/// <param name="Sha256">Of the whole image.</param>
/// <param name="Signature">Ed25519. DP1: over the SHA-256; DP2: over <see cref="Dp2Manifest.SignedBytes"/>.</param>
/// <param name="KeyId">The first 8 bytes of the SHA-256 of the public key.</param>
/// <param name="ChunkBytes">Of every chunk but the last, which may be shorter.</param>
/// <param name="ImageCrc">DP1: the checksum of the image; 0 for DP2.</param>
/// <param name="Manifest">DP2: as it was signed; empty for DP1.</param>
public sealed record FirmwareHead(
    Protocol Protocol, string Version, ushort HardwareMin, ushort HardwareMax, int SizeBytes, byte[] Sha256, byte[] Signature, byte[] KeyId, int ChunkBytes,
    ushort ImageCrc, byte[] Manifest)
{
    public int Chunks => (SizeBytes + ChunkBytes - 1) / ChunkBytes;

    /// <summary>The bytes of one chunk.</summary>
    public ReadOnlySpan<byte> Chunk(ReadOnlySpan<byte> image, int chunk) =>
        image.Slice(chunk * ChunkBytes, Math.Min(ChunkBytes, SizeBytes - (chunk * ChunkBytes)));
}

/// <summary>Writes what a transfer sends as frames, and reads what devices answer, by the codecs of the protocols.</summary>
public static class FirmwareFrames
{
    // The field is informative (DP1 section 3).
    private const uint NoClock = uint.MaxValue;

    /// <param name="identity">DP1 serial number or DP2 EUI-64.</param>
    /// <param name="number">Of <see cref="TransferTerms"/>.</param>
    /// <param name="image">All of its bytes.</param>
    /// <param name="downlink">Number of the frame among all that were sent down to the device; the wire carries its low bits.</param>
    public static byte[] Encode(
        FirmwareHead head, uint number, TransferEffect effect, ReadOnlySpan<byte> image, ulong identity, long downlink, DateTimeOffset now) =>
        head.Protocol is Protocol.Dp1
            ? Dp1(head, (byte)number, effect, image, new((uint)identity, unchecked((byte)downlink), NoClock))
            : Dp2Encoder.Encode(new Dp2Header(identity, unchecked((uint)downlink), now.ToUnixTimeMilliseconds()), Dp2(head, number, effect, image));

    /// <summary>What a frame of a device says of a transfer; null when it does not speak of firmware.</summary>
    public static TransferAnswer? Read(DecodedFrame frame, in TransferTerms terms) => frame switch
    {
        Dp1Telegram { Type: Dp1Type.FirmwareAck } telegram => Read(telegram.FirmwareAck, terms),
        Dp1Telegram { Type: Dp1Type.FirmwareProgress } telegram => Read(telegram.FirmwareProgress, terms),
        Dp2Frame { Body: Dp2FirmwareStatus status } => Read(status, terms),
        _ => null,
    };

    /// <summary>A version as DP1 writes it; null when it is none.</summary>
    public static Dp1Version? Dp1VersionOf(string text)
    {
        var parts = text.Split('.');
        return parts is [var major, var minor, var patch] && TryByte(major, out var a) && TryByte(minor, out var b) && TryByte(patch, out var c)
            && new Dp1Version(a, b, c) is var version && version.ToString() == text ? version : null;

        static bool TryByte(string digits, out byte value) => byte.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private static byte[] Dp1(FirmwareHead head, byte number, TransferEffect effect, ReadOnlySpan<byte> image, Dp1Header header)
    {
        Span<byte> frame = stackalloc byte[Dp1Encoder.SizeMax];
        var size = effect.Act switch
        {
            TransferAct.Offer => Dp1Encoder.FirmwareBegin(frame, header, new(
                number, Dp1VersionOf(head.Version)!.Value, (uint)head.SizeBytes, (ushort)head.Chunks, head.ImageCrc, (byte)head.HardwareMin, (byte)head.HardwareMax)),
            TransferAct.Chunk => Dp1Encoder.FirmwareBlock(frame, header, new(number, (ushort)effect.Chunk), head.Chunk(image, effect.Chunk)),
            _ => Dp1Encoder.FirmwareControl(frame, header, new(number, (byte)(effect.Act switch
            {
                TransferAct.Verify => 1,
                TransferAct.Activate => 2,
                TransferAct.Cancel => 3,
                TransferAct.Query => 4,
                _ => throw new ArgumentOutOfRangeException(nameof(effect), effect, "DP1 has no such message."),
            }))),
        };
        return frame[..size].ToArray();
    }

    private static Dp2Body Dp2(FirmwareHead head, uint number, TransferEffect effect, ReadOnlySpan<byte> image) => effect.Act switch
    {
        TransferAct.Offer => new Dp2FirmwareOffer(number, head.Manifest, head.Signature, head.KeyId),
        TransferAct.Chunk => new Dp2FirmwareChunk(number, (ushort)effect.Chunk, head.Chunk(image, effect.Chunk).ToArray()),
        TransferAct.Query => new Dp2FirmwareControl(number, 1),
        TransferAct.Cancel => new Dp2FirmwareControl(number, 2),
        TransferAct.Activate => new Dp2FirmwareControl(number, 3),
        TransferAct.Confirm => new Dp2FirmwareControl(number, 4),
        _ => throw new ArgumentOutOfRangeException(nameof(effect), effect, "DP2 has no such message."),
    };

    private static TransferAnswer Read(in Dp1FirmwareAck ack, in TransferTerms terms) => Dp1Codes.Label(Dp1Codes.BlockStatuses, ack.Status) switch
    {
        _ when ack.Image != terms.Number => new(TransferWord.Unknown),
        "stored" or "duplicate" or "out_of_order" => Receiving(ack.Next, terms),
        "wrong_image" => new(TransferWord.Unknown),
        var status => new(TransferWord.Failed, status ?? $"status_{ack.Status}"),
    };

    private static TransferAnswer Read(in Dp1FirmwareProgress progress, in TransferTerms terms) => (Dp1FirmwareState)progress.State switch
    {
        _ when progress.Image != terms.Number => new(TransferWord.Unknown),
        Dp1FirmwareState.Receiving or Dp1FirmwareState.Verifying => Receiving(progress.BlocksDone, terms),
        Dp1FirmwareState.Ready => new(TransferWord.Stored, Count: terms.Chunks),
        Dp1FirmwareState.Activating => new(TransferWord.Activating),
        // Done is what it says before it restarts; which image runs then comes with its IDENT.
        Dp1FirmwareState.Done => new(TransferWord.Activating),
        Dp1FirmwareState.Failed when (Dp1FirmwareResult)progress.Result is Dp1FirmwareResult.SizeError => Receiving(progress.BlocksDone, terms),
        Dp1FirmwareState.Failed when (Dp1FirmwareResult)progress.Result is Dp1FirmwareResult.None => new(TransferWord.Failed, "failed"),
        Dp1FirmwareState.Failed => new(TransferWord.Failed, Dp1Codes.Label(Dp1Codes.FirmwareResults, progress.Result) ?? $"result_{progress.Result}"),
        Dp1FirmwareState.Aborted => new(TransferWord.Cancelled),
        _ => new(TransferWord.Unknown),
    };

    private static TransferAnswer Receiving(int stored, in TransferTerms terms) =>
        Receiving(stored < terms.Chunks ? [new(stored, terms.Chunks - 1)] : [], terms);

    private static TransferAnswer Receiving(ImmutableArray<ChunkRange> missing, in TransferTerms terms) =>
        new(TransferWord.Receiving, Count: terms.Chunks - missing.Sum(r => r.Last - r.First + 1), Missing: missing);

    private static TransferAnswer Read(Dp2FirmwareStatus status, in TransferTerms terms)
    {
        if (status.Transfer != terms.Number)
            return new(TransferWord.Unknown);
        var result = status.Result is { } code and not 0 ? Dp2Names.FirmwareResult(code) ?? $"result_{code}" : null;
        if (result is "unknown_transfer")
            return new(TransferWord.Unknown);
        return (Dp2TransferState)status.State switch
        {
            Dp2TransferState.Downloading => Receiving(MissingIn(status, terms.Chunks), terms) with { Result = result, Window = status.Window },
            // Beside the states that a receiver here has there are verifying (3) and verified (4).
            (Dp2TransferState)3 => new(TransferWord.Receiving, result, terms.Chunks, []),
            Dp2TransferState.Downloaded or (Dp2TransferState)4 => new(TransferWord.Stored, result, terms.Chunks),
            Dp2TransferState.Activating => new(TransferWord.Activating, result),
            Dp2TransferState.TrialBoot => new(TransferWord.Trial, result),
            Dp2TransferState.Confirmed => new(TransferWord.Confirmed, result),
            Dp2TransferState.RolledBack => new(TransferWord.RolledBack, result),
            Dp2TransferState.Failed => new(TransferWord.Failed, result ?? "failed"),
            Dp2TransferState.Cancelled => new(TransferWord.Cancelled, result),
            _ => new(TransferWord.Unknown, result),
        };
    }

    /// <summary>What the bitmap lacks, and all that it does not reach; nothing beyond the image, however many chunks the device believes in.</summary>
    private static ImmutableArray<ChunkRange> MissingIn(Dp2FirmwareStatus status, int chunks)
    {
        var missing = ImmutableArray.CreateBuilder<ChunkRange>();
        foreach (var (first, last) in status.Missing())
            if (first < chunks)
                missing.Add(new(first, Math.Min(last, chunks - 1)));
        var reached = Math.Min(chunks, (status.Base ?? 0) + ((status.Bitmap?.Length ?? 0) * 8));
        if (reached < chunks)
            missing.Add(new(reached, chunks - 1));
        return missing.ToImmutable();
    }
}
