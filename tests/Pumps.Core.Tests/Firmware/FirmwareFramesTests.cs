using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Core.Tests.Dp1;
using Pumps.Core.Tests.Dp2;

namespace Pumps.Core.Tests.Firmware;

/// <summary>What a transfer sends says what was meant, and what devices answer is read for what it is.</summary>
public sealed class FirmwareFramesTests
{
    private static readonly DateTimeOffset Noon = DateTimeOffset.FromUnixTimeMilliseconds(Dp2Samples.FrameMs);
    private static readonly Image Dp1 = Image.Of(Protocol.Dp1, [.. Enumerable.Range(0, 200).Select(i => (byte)i)]);
    private static readonly Image Dp2 = Image.Of(Protocol.Dp2, [.. Enumerable.Range(0, 1000).Select(i => (byte)i)], chunkBytes: 256);

    /// <summary>Examples 7 and 8 of DP1 say the same with a clock.</summary>
    [Test]
    public void A_dp1_offer_and_its_blocks_say_the_image()
    {
        var offer = Telegram(Dp1.Encode(new(TransferAct.Offer), 3));
        Assert.That(offer.FirmwareBegin, Is.EqualTo(new Dp1FirmwareBegin(3, new(2, 15, 0), 200, 2, 0x9254, 2, 4)));

        var last = Telegram(Dp1.Encode(new(TransferAct.Chunk, 1), 3));
        Assert.That(last.FirmwareBlock, Is.EqualTo(new Dp1FirmwareBlock(3, 1)));
        Assert.That(last.BlockData.ToArray(), Is.EqualTo(Dp1.Content[128..].Concat(Enumerable.Repeat((byte)0xFF, 56))));
    }

    [TestCase(TransferAct.Verify, 1)]
    [TestCase(TransferAct.Activate, 2)]
    [TestCase(TransferAct.Cancel, 3)]
    [TestCase(TransferAct.Query, 4)]
    public void A_dp1_control_has_the_number_of_its_action(TransferAct act, byte action) =>
        Assert.That(Telegram(Dp1.Encode(new(act), 3)).FirmwareControl, Is.EqualTo(new Dp1FirmwareControl(3, action)));

    [TestCase(TransferAct.Query, 1)]
    [TestCase(TransferAct.Cancel, 2)]
    [TestCase(TransferAct.Activate, 3)]
    [TestCase(TransferAct.Confirm, 4)]
    public void A_dp2_control_has_the_number_of_its_action(TransferAct act, byte action) =>
        Assert.That(Frame(Dp2.Encode(new(act), 70_000)).Body, Is.EqualTo(new Dp2FirmwareControl(70_000, action)));

    [Test]
    public void A_dp2_offer_and_its_chunks_say_the_image()
    {
        var offer = (Dp2FirmwareOffer)Frame(Dp2.Encode(new(TransferAct.Offer), 7)).Body!;
        Assert.That((offer.Transfer, offer.Content!.Version, offer.Content.ChunkCount), Is.EqualTo((7u, "3.2.0", 4)));
        Assert.That(offer.Manifest, Is.EqualTo(Dp2.Head.Manifest));

        var last = (Dp2FirmwareChunk)Frame(Dp2.Encode(new(TransferAct.Chunk, 3), 7)).Body!;
        Assert.That((last.Transfer, last.Index), Is.EqualTo((7u, (ushort)3)));
        Assert.That(last.Data, Is.EqualTo(Dp2.Content[768..]));
    }

    [Test]
    public void Frames_carry_the_low_bits_of_their_number_and_the_device()
    {
        Assert.That((Telegram(Dp1.Encode(new(TransferAct.Query), 3, 258)).Sequence, Frame(Dp2.Encode(new(TransferAct.Query), 3, (1L << 32) + 5)).Sequence), Is.EqualTo((2u, 5u)));
        Assert.That(Frame(Dp2.Encode(new(TransferAct.Query), 3)).DeviceMs, Is.EqualTo(Dp2Samples.FrameMs));
    }

    [TestCase("2.15.0", "2.15.0")]
    [TestCase("0.0.255", "0.0.255")]
    [TestCase("2.15", null)]
    [TestCase("2.15.0.1", null)]
    [TestCase("2.15.256", null)]
    [TestCase("2.015.0", null)]
    [TestCase("v2.15.0", null)]
    [TestCase("2.15.-0", null)]
    [TestCase("", null)]
    public void A_dp1_version_is_three_bytes_written_in_one_way(string text, string? expected) =>
        Assert.That(FirmwareFrames.Dp1VersionOf(text)?.ToString(), Is.EqualTo(expected));

    [TestCase(Dp1BlockStatus.Stored, 1, TransferWord.Receiving, null, 1)]
    [TestCase(Dp1BlockStatus.Stored, 2, TransferWord.Receiving, null, 2)]
    [TestCase(Dp1BlockStatus.Duplicate, 1, TransferWord.Receiving, null, 1)]
    [TestCase(Dp1BlockStatus.OutOfOrder, 0, TransferWord.Receiving, null, 0)]
    [TestCase(Dp1BlockStatus.WrongImage, 0, TransferWord.Unknown, null, 0)]
    [TestCase(Dp1BlockStatus.FlashError, 1, TransferWord.Failed, "flash_error", 0)]
    [TestCase(Dp1BlockStatus.BadBlock, 1, TransferWord.Failed, "bad_block", 0)]
    [TestCase((Dp1BlockStatus)77, 1, TransferWord.Failed, "status_77", 0)]
    [TestCase(Dp1BlockStatus.Stored, 9, TransferWord.Receiving, null, 2, TestName = "A device that believes in more blocks than there are has them all")]
    public void A_dp1_acknowledgement_says_what_the_device_has(Dp1BlockStatus status, int next, TransferWord word, string? result, int count)
    {
        var answer = Read(new Dp1FirmwareAck(3, 0, (byte)status, (ushort)next), 3);
        Assert.That((answer.Word, answer.Result, answer.Count), Is.EqualTo((word, result, count)));
        Assert.That(answer.Missing, Is.EqualTo(word is TransferWord.Receiving && count < 2 ? [new ChunkRange(count, 1)] : Array.Empty<ChunkRange>()));
        Assert.That(Read(new Dp1FirmwareAck(4, 0, (byte)status, (ushort)next), 3), Is.EqualTo(new TransferAnswer(TransferWord.Unknown)), "of another image");
    }

    [TestCase(Dp1FirmwareState.Idle, Dp1FirmwareResult.None, TransferWord.Unknown, null)]
    [TestCase(Dp1FirmwareState.Receiving, Dp1FirmwareResult.None, TransferWord.Receiving, null)]
    [TestCase(Dp1FirmwareState.Verifying, Dp1FirmwareResult.None, TransferWord.Receiving, null)]
    [TestCase(Dp1FirmwareState.Ready, Dp1FirmwareResult.None, TransferWord.Stored, null)]
    [TestCase(Dp1FirmwareState.Activating, Dp1FirmwareResult.None, TransferWord.Activating, null)]
    [TestCase(Dp1FirmwareState.Done, Dp1FirmwareResult.None, TransferWord.Activating, null)]
    [TestCase(Dp1FirmwareState.Failed, Dp1FirmwareResult.SizeError, TransferWord.Receiving, null)]
    [TestCase(Dp1FirmwareState.Failed, Dp1FirmwareResult.CrcError, TransferWord.Failed, "crc_error")]
    [TestCase(Dp1FirmwareState.Failed, Dp1FirmwareResult.WrongHardware, TransferWord.Failed, "wrong_hardware")]
    [TestCase(Dp1FirmwareState.Failed, Dp1FirmwareResult.LowSupply, TransferWord.Failed, "low_supply")]
    [TestCase(Dp1FirmwareState.Failed, Dp1FirmwareResult.None, TransferWord.Failed, "failed")]
    [TestCase(Dp1FirmwareState.Failed, (Dp1FirmwareResult)77, TransferWord.Failed, "result_77")]
    [TestCase(Dp1FirmwareState.Aborted, Dp1FirmwareResult.None, TransferWord.Cancelled, null)]
    [TestCase((Dp1FirmwareState)77, Dp1FirmwareResult.None, TransferWord.Unknown, null)]
    public void A_dp1_progress_says_where_the_device_stands(Dp1FirmwareState state, Dp1FirmwareResult result, TransferWord word, string? expected)
    {
        var answer = Read(new Dp1FirmwareProgress(3, (byte)state, 1, 2, (byte)result), 3);
        Assert.That((answer.Word, answer.Result), Is.EqualTo((word, expected)));
        if (word is TransferWord.Receiving)
            Assert.That((answer.Count, answer.Missing.Single()), Is.EqualTo((1, new ChunkRange(1, 1))));
        Assert.That(Read(new Dp1FirmwareProgress(4, (byte)state, 1, 2, (byte)result), 3).Word, Is.EqualTo(TransferWord.Unknown), "of another image");
    }

    [TestCase(0, null, TransferWord.Unknown, null)]
    [TestCase(1, null, TransferWord.Receiving, null)]
    [TestCase(2, null, TransferWord.Stored, null)]
    [TestCase(3, null, TransferWord.Receiving, null)]
    [TestCase(4, null, TransferWord.Stored, null)]
    [TestCase(5, null, TransferWord.Activating, null)]
    [TestCase(6, (byte)0, TransferWord.Trial, null)]
    [TestCase(7, null, TransferWord.Confirmed, null)]
    [TestCase(8, (byte)9, TransferWord.RolledBack, "power_low")]
    [TestCase(9, (byte)5, TransferWord.Failed, "wrong_hardware")]
    [TestCase(9, (byte)77, TransferWord.Failed, "result_77")]
    [TestCase(9, null, TransferWord.Failed, "failed")]
    [TestCase(9, (byte)13, TransferWord.Unknown, null)]
    [TestCase(10, null, TransferWord.Cancelled, null)]
    [TestCase(77, null, TransferWord.Unknown, null)]
    public void A_dp2_status_says_where_the_device_stands(int state, byte? result, TransferWord word, string? expected)
    {
        var answer = Read(new Dp2FirmwareStatus(7, (byte)state, result), 7);
        Assert.That((answer.Word, answer.Result), Is.EqualTo((word, expected)));
        Assert.That(Read(new Dp2FirmwareStatus(8, (byte)state, result), 7).Word, Is.EqualTo(TransferWord.Unknown), "of another transfer");
    }

    [TestCase("example 11: chunks 0, 1 and 3 of 4", 4, 4, 2, "02", "2-2")]
    [TestCase("holes, and chunks that the bitmap does not reach", 20, 20, 1, "A6", "1-1 4-5 7-7 9-19")]
    [TestCase("the bitmap ends with the image", 10, 10, 2, "0F", "6-9")]
    [TestCase("nothing yet", 4, 4, 0, "00", "0-3")]
    [TestCase("all", 4, 4, 4, "", "")]
    [TestCase("no bitmap: all below the base", 4, 4, 2, null, "2-3")]
    [TestCase("neither bitmap nor base", 4, null, null, null, "0-3")]
    [TestCase("a device that believes in more chunks than there are", 4, 9, 2, "00", "2-3")]
    public void A_dp2_bitmap_says_which_chunks_are_missing(string name, int chunks, int? count, int? first, string? bitmap, string missing)
    {
        var status = new Dp2FirmwareStatus(
            7, 1, null, (ushort?)count, (ushort?)first, bitmap is null ? null : Convert.FromHexString(bitmap), Window: 5);
        var answer = FirmwareFrames.Read(Frame(Dp2Encoder.Encode(Dp2Samples.Header, status), Direction.Up), new(Protocol.Dp2, "3.2.0", chunks, 7))!;

        Assert.That(string.Join(' ', answer.Missing.Select(r => $"{r.First}-{r.Last}")), Is.EqualTo(missing), name);
        Assert.That((answer.Count, answer.Window), Is.EqualTo((chunks - answer.Missing.Sum(r => r.Last - r.First + 1), (int?)5)));
    }

    [Test]
    public void What_does_not_speak_of_firmware_is_no_answer() =>
        Assert.That(FirmwareFrames.Read(Telegram(Dp1Examples.Status, Direction.Up), Dp1.Terms(3)), Is.Null);

    private static TransferAnswer Read(Dp1FirmwareAck ack, byte image)
    {
        var bytes = new byte[Dp1Encoder.SizeMax];
        return FirmwareFrames.Read(Telegram(bytes[..Dp1Encoder.FirmwareAck(bytes, Image.Header, ack)], Direction.Up), Dp1.Terms(image))!;
    }

    private static TransferAnswer Read(Dp1FirmwareProgress progress, byte image)
    {
        var bytes = new byte[Dp1Encoder.SizeMax];
        return FirmwareFrames.Read(Telegram(bytes[..Dp1Encoder.FirmwareProgress(bytes, Image.Header, progress)], Direction.Up), Dp1.Terms(image))!;
    }

    private static TransferAnswer Read(Dp2FirmwareStatus status, uint transfer) =>
        FirmwareFrames.Read(Frame(Dp2Encoder.Encode(Dp2Samples.Header, status), Direction.Up), Dp2.Terms(transfer))!;

    private static Dp1Telegram Telegram(byte[] bytes, Direction direction = Direction.Down) => (Dp1Telegram)Image.Decode(Protocol.Dp1, bytes, direction);

    private static Dp2Frame Frame(byte[] bytes, Direction direction = Direction.Down) => (Dp2Frame)Image.Decode(Protocol.Dp2, bytes, direction);
}
