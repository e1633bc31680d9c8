using Pumps.Core.Firmware;
using Pumps.Core.Protocols.Dp1;

namespace Pumps.Core.Tests.Dp1;

/// <summary>The device's reactions of PROTOCOL.md, section 6.</summary>
public sealed class Dp1FirmwareReceiverTests
{
    private const byte Hardware = 3;
    private const byte Verify = 1, Activate = 2, Abort = 3, Status = 4;

    private static readonly byte[] Image = [.. Enumerable.Range(0, 300).Select(i => (byte)(i * 7))];

    private readonly byte[] _buffer = new byte[Dp1Encoder.SizeMax];

    private static readonly Dp1Header Header = new(Dp1Examples.Serial, 1, Dp1Examples.Clock);

    private static Dp1FirmwareBegin Offer(byte image = 7) => new(image, new(2, 15, 0), 300, 3, Dp1Crc.Compute(Image), 2, 4);

    private string Begin(Dp1FirmwareReceiver device, Dp1FirmwareBegin offer) =>
        device.Handle(_buffer.AsSpan(0, Dp1Encoder.FirmwareBegin(_buffer, Header, offer)));

    private string Block(Dp1FirmwareReceiver device, int block, byte image = 7, bool isDamaged = false)
    {
        var data = Image[Math.Min(block * 128, 299)..Math.Min(block * 128 + 128, 300)];
        if (isDamaged)
            data[0] ^= 1;
        return device.Handle(_buffer.AsSpan(0, Dp1Encoder.FirmwareBlock(_buffer, Header, new(image, (ushort)block), data)));
    }

    private string Control(Dp1FirmwareReceiver device, byte action, byte image = 7) =>
        device.Handle(_buffer.AsSpan(0, Dp1Encoder.FirmwareControl(_buffer, Header, new(image, action))));

    private Dp1FirmwareReceiver Receiving(int blocks = 0)
    {
        var device = new Dp1FirmwareReceiver(Hardware);
        Assert.That(Begin(device, Offer()), Is.EqualTo("begin"));
        for (var block = 0; block < blocks; block++)
            Assert.That(Block(device, block), Is.EqualTo("stored"));
        return device;
    }

    [Test]
    public void A_whole_transfer_ends_activating()
    {
        var device = Receiving(blocks: 3);

        Assert.That(Control(device, Verify), Is.EqualTo("ready"));
        Assert.That(device.Progress, Is.EqualTo(new Dp1FirmwareProgress(7, 3, 3, 3, 0)));
        Assert.That(Control(device, Activate), Is.EqualTo("activating"));
        Assert.That(device.Activating, Is.EqualTo(new Dp1Version(2, 15, 0)));
    }

    [Test]
    public void Only_the_expected_block_is_stored()
    {
        var device = Receiving(blocks: 1);

        Assert.That(Block(device, 2), Is.EqualTo("out_of_order"));
        Assert.That(device.Ack, Is.EqualTo(new Dp1FirmwareAck(7, 2, 2, 1)));
        Assert.That(Block(device, 0), Is.EqualTo("duplicate"));
        Assert.That(Block(device, 3), Is.EqualTo("bad_block"));
        Assert.That(Block(device, 1, image: 8), Is.EqualTo("wrong_image"));
        Assert.That(Block(device, 1), Is.EqualTo("stored"));
        Assert.That(device.Ack, Is.EqualTo(new Dp1FirmwareAck(7, 1, 0, 2)));
    }

    [Test]
    public void Without_an_offer_every_image_is_the_wrong_one()
    {
        var device = new Dp1FirmwareReceiver(Hardware);

        Assert.That(Block(device, 0), Is.EqualTo("wrong_image"));
        Assert.That(Control(device, Verify), Is.EqualTo("wrong_image"));
        Assert.That(device.State, Is.EqualTo(Dp1FirmwareState.Idle));
    }

    [TestCase(1, "wrong_hardware")]
    [TestCase(2, "begin")]
    [TestCase(4, "begin")]
    [TestCase(5, "wrong_hardware")]
    public void An_offer_for_other_hardware_is_refused(byte hardware, string expected)
    {
        var device = new Dp1FirmwareReceiver(hardware);

        Assert.That(Begin(device, Offer()), Is.EqualTo(expected));
        Assert.That(device.Progress.Image, Is.EqualTo(7));
        Assert.That(Block(device, 0), Is.EqualTo(expected == "begin" ? "stored" : "wrong_image"));
    }

    [Test]
    public void Verify_with_blocks_missing_is_a_size_error_and_the_transfer_can_go_on()
    {
        var device = Receiving(blocks: 2);

        Assert.That(Control(device, Verify), Is.EqualTo("size_error"));
        Assert.That(device.Progress, Is.EqualTo(new Dp1FirmwareProgress(7, 6, 2, 3, 3)));
        Assert.That(Block(device, 2), Is.EqualTo("stored"));
        Assert.That(Control(device, Verify), Is.EqualTo("ready"));
    }

    [Test]
    public void A_damaged_image_is_a_checksum_error_and_needs_a_new_start()
    {
        var device = Receiving(blocks: 1);
        Block(device, 1, isDamaged: true);
        Block(device, 2);

        Assert.That(Control(device, Verify), Is.EqualTo("crc_error"));
        Assert.That(Control(device, Activate), Is.EqualTo("failed"));
        Assert.That(Begin(device, Offer()), Is.EqualTo("begin"));
        Assert.That(Block(device, 0), Is.EqualTo("stored"));
    }

    [Test]
    public void The_padding_of_the_last_block_is_not_part_of_the_image()
    {
        var device = Receiving(blocks: 2);
        byte[] padded = [.. Image[256..], .. new byte[84]];
        device.Handle(_buffer.AsSpan(0, Dp1Encoder.FirmwareBlock(_buffer, Header, new(7, 2), padded)));

        Assert.That(Control(device, Verify), Is.EqualTo("ready"));
    }

    [Test]
    public void The_same_offer_again_keeps_what_was_stored_and_another_discards_it()
    {
        var device = Receiving(blocks: 2);

        Begin(device, Offer());
        Assert.That(Block(device, 1), Is.EqualTo("duplicate"));
        Begin(device, Offer(image: 8));
        Assert.That(Block(device, 2), Is.EqualTo("wrong_image"));
        Assert.That(Block(device, 0, image: 8), Is.EqualTo("stored"));
    }

    [Test]
    public void Abort_and_restart_discard_what_was_stored([Values] bool isRestart)
    {
        var device = Receiving(blocks: 2);

        if (isRestart)
            device.Restart();
        else
            Assert.That(Control(device, Abort), Is.EqualTo("aborted"));

        Assert.That(Block(device, 2), Is.EqualTo("wrong_image"));
        Assert.That(Begin(device, Offer()), Is.EqualTo("begin"));
        Assert.That(Block(device, 0), Is.EqualTo("stored"));
    }

    [Test]
    public void An_image_that_is_not_verified_is_not_activated()
    {
        var device = Receiving(blocks: 3);

        Assert.That(Control(device, Activate), Is.EqualTo("receiving"));
        Assert.That(Control(device, Status), Is.EqualTo("receiving"));
        Assert.That(device.Activating, Is.Null);
    }

    [Test]
    public void A_telegram_that_cannot_be_read_changes_nothing()
    {
        var device = Receiving(blocks: 1);
        byte[] damaged = [.. Dp1Examples.LastBlock[..^1], 0];

        Assert.That(device.Handle(damaged), Is.EqualTo("E_CRC"));
        Assert.That(device.Handle(Dp1Examples.Status), Is.EqualTo("E_DIRECTION"));
        Assert.That(device.Handle(Dp1Examples.Command), Is.EqualTo("ignored"));
        Assert.That(Block(device, 1), Is.EqualTo("stored"));
    }
}
