using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp2;
using Pumps.Handlers.Firmware;

namespace Pumps.Core.Tests.Dp2;

/// <summary>Firmware (section 9): manifests, and the device's side of a transfer.</summary>
public sealed class Dp2FirmwareTests
{
    private const long Now = Dp2Samples.ReceivedAtMs;
    private static readonly byte[] Image = [.. Enumerable.Range(0, 1000).Select(i => (byte)i)];

    private static readonly Dp2Manifest Good = new(
        [.. Enumerable.Repeat((byte)1, 16)], [.. Enumerable.Repeat((byte)2, 16)], 1, 4, "3.2.0", 12, 1000, SHA256.HashData(Image), 256);

    private static byte[] Bytes(Dp2Manifest manifest) => manifest.ToBytes();

    private static byte[] Offer(Dp2Manifest manifest, uint transfer = 7) => Dp2Encoder.Encode(Dp2Samples.Header, TestKey.Offer(transfer, Bytes(manifest)));

    private static byte[] Chunk(int index, uint transfer = 7) =>
        Dp2Encoder.Encode(Dp2Samples.Header, new Dp2FirmwareChunk(transfer, (ushort)index, Image[(index * 256)..Math.Min(1000, index * 256 + 256)]));

    private static byte[] Control(byte action, uint transfer = 7) => Dp2Encoder.Encode(Dp2Samples.Header, new Dp2FirmwareControl(transfer, action));

    private static Dp2FirmwareReceiver Device() =>
        new(2, 12, TestKey.Signatures) { Vendor = Good.Vendor, ProductClass = Good.Class };

    private static string[] React(Dp2FirmwareReceiver device, params byte[][] frames) => [.. frames.Select(f => device.Handle(f, Now))];

    [Test]
    public void The_public_sessions_get_their_reactions_and_final_status([Values("session-009", "session-010")] string id)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Dp2Samples.Folder, "../Vectors/sessions.json")));
        var session = document.RootElement.GetProperty("sessions").EnumerateArray().Single(s => s.GetProperty("id").GetString() == id);
        var keys = new Ed25519Signatures(
            session.GetProperty("trustedKeys").EnumerateObject().ToDictionary(k => k.Name, k => Convert.FromHexString(k.Value.GetString()!)));
        var device = new Dp2FirmwareReceiver(session.GetProperty("device").GetProperty("hardware").GetUInt32(), 0, keys);

        Assert.Multiple(() =>
        {
            Assert.That(
                React(device, [.. session.GetProperty("frames").EnumerateArray().Select(f => Convert.FromHexString(f.GetString()!))]),
                Is.EqualTo(session.GetProperty("expect").EnumerateArray().Select(e => e.GetString())));
            Assert.That(Convert.ToHexStringLower(Dp2FirmwareReceiver.Payload(device.Status())), Is.EqualTo(session.GetProperty("finalStatusPayloadHex").GetString()));
        });
    }

    [TestCase("08 07 10 09 18 03", "null", "null", TestName = "Missing chunks: unknown without a bitmap")]
    [TestCase("08 07 10 02 20 04 28 04 32 00", "0", "[]", TestName = "Missing chunks: none, the bitmap is empty because all are stored")]
    [TestCase("08 07 10 01 20 04 28 00 32 01 05", "8", "[[1,1],[3,3]]", TestName = "Missing chunks: the holes of the bitmap")]
    public void A_status_tells_holes_apart_from_not_knowing(string payload, string bitmapBits, string missing)
    {
        var body = Dp2Samples.Json(Dp2Samples.Frame(FrameKind.FirmwareStatus, payload)).GetProperty("body");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(body.GetProperty("bitmapBits").GetRawText(), Is.EqualTo(bitmapBits));
            Assert.That(body.GetProperty("missing").GetRawText(), Is.EqualTo(missing));
        }
    }

    [Test]
    public void A_refused_offer_leaves_the_transfer_in_progress_alone()
    {
        var device = Device();
        var forged = Offer(Good);
        forged[60] ^= 1;
        Assert.That(
            React(
                device, Offer(Good), Chunk(1), Offer(Good with { Vendor = Good.Class }), Offer(Good with { Class = Good.Vendor }),
                Offer(Good with { HardwareMin = 3 }), Offer(Good with { HardwareMax = 1 }), Offer(Good with { SecurityCounter = 11 }),
                Dp2FrameErrorTests.Seal(forged), Offer(Good with { Version = "1" }), Offer(Good), Chunk(1)),
            Is.EqualTo([
                "accepted", "stored", "wrong_product", "wrong_product", "wrong_hardware", "wrong_hardware", "downgrade_refused",
                "E_SIGNATURE", "E_MANIFEST", "resumed", "duplicate"]));
        Assert.That(device.Status().Received, Is.EqualTo(1));
    }

    /// <summary>Whoever sent the frame must learn why, and not how another transfer fares.</summary>
    [Test]
    public void A_refused_frame_is_answered_with_its_refusal_while_another_transfer_goes_on([Values] bool isComplete)
    {
        var device = Device();
        React(device, Offer(Good), Chunk(0), Chunk(1), Chunk(2));
        if (isComplete)
            React(device, Chunk(3));
        var status = Dp2FirmwareReceiver.Payload(device.Status());
        Assert.That(Dp2FirmwareReceiver.Payload(device.Answer()), Is.EqualTo(status), "a chunk that was taken");

        foreach (var (frame, result) in new[]
                 {
                     (Offer(Good with { Class = Good.Vendor }, transfer: 8), "wrong_product"), (Offer(Good with { HardwareMin = 3 }, transfer: 8), "wrong_hardware"),
                     (Offer(Good with { SecurityCounter = 11 }, transfer: 8), "downgrade_refused"), (Offer(Good with { Version = "1" }, transfer: 8), "bad_manifest"),
                     (Dp2Encoder.Encode(Dp2Samples.Header, TestKey.Offer(8, Bytes(Good)) with { Signature = new byte[64] }), "bad_signature"),
                     (Dp2Encoder.Encode(Dp2Samples.Header, TestKey.Offer(8, Bytes(Good)) with { KeyId = new byte[8] }), "unknown_key"),
                     (Chunk(0, transfer: 8), "unknown_transfer"), (Control(1, transfer: 8), "unknown_transfer"),
                 })
        {
            React(device, frame);
            var answer = device.Answer();
            Assert.That((answer.Transfer, answer.State, Dp2Names.FirmwareResult(answer.Result!.Value)), Is.EqualTo((8u, (byte)Dp2TransferState.Failed, result)));
            Assert.That(Dp2FirmwareReceiver.Payload(device.Status()), Is.EqualTo(status), "the other transfer goes on");
        }

        React(device, Control(1));
        Assert.That(Dp2FirmwareReceiver.Payload(device.Answer()), Is.EqualTo(status), "a refusal answers its own frame only");
    }

    [Test]
    public void A_chunk_that_does_not_fit_is_dropped()
    {
        var device = Device();
        var other = Chunk(0);
        other[100] ^= 1;
        var tooLong = Dp2Encoder.Encode(Dp2Samples.Header, new Dp2FirmwareChunk(7, 3, Image[..256]));
        var tooFar = Dp2Encoder.Encode(Dp2Samples.Header, new Dp2FirmwareChunk(7, 4, Image[..1]));
        Assert.That(
            React(device, Chunk(0), Offer(Good), Chunk(0), Dp2FrameErrorTests.Seal(other), tooLong, tooFar, Chunk(0, transfer: 8)),
            Is.EqualTo(["unknown_transfer", "accepted", "stored", "E_CHUNK", "E_CHUNK", "E_CHUNK", "unknown_transfer"]));
        Assert.That(device.Status().Received, Is.EqualTo(1));
    }

    [Test]
    public void Another_manifest_starts_over()
    {
        var device = Device();
        Assert.That(
            React(device, Offer(Good), Chunk(0), Offer(Good with { Version = "3.2.1" }), Chunk(0), Offer(Good, transfer: 8), Chunk(0)),
            Is.EqualTo(["accepted", "stored", "accepted", "stored", "accepted", "unknown_transfer"]));
    }

    [Test]
    public void A_wrong_digest_discards_everything()
    {
        var device = Device();
        Assert.That(
            React(device, Offer(Good with { Sha256 = new byte[32] }), Chunk(3), Chunk(2), Chunk(1), Chunk(0), Chunk(0)),
            Is.EqualTo(["accepted", "stored", "stored", "stored", "E_HASH", "unknown_transfer"]));
        Assert.That((device.Status().State, device.Status().Result, device.Status().Received, device.Image.Length), Is.EqualTo((9, 3, 0, 0)));
    }

    [Test]
    public void A_verified_image_is_tried_and_raises_the_counter_when_confirmed()
    {
        var device = Device();
        React(device, Offer(Good with { SecurityCounter = 13 }), Chunk(3), Chunk(2), Chunk(1));
        Assert.That(React(device, Control(3), Control(1), Chunk(0), Control(4), Control(3)), Is.EqualTo(["ignored", "status", "verified", "ignored", "activating"]));
        Assert.That(device.Image.ToArray(), Is.EqualTo(Image));

        device.Started();
        Assert.That(device.Status().State, Is.EqualTo(6));
        Assert.That(React(device, Control(4), Offer(Good)), Is.EqualTo(["confirmed", "downgrade_refused"]));
    }

    [Test]
    public void A_transfer_is_given_up_after_fourteen_days()
    {
        var device = Device();
        device.Handle(Offer(Good), Now);
        Assert.That(device.Handle(Chunk(0), Now + Dp2FirmwareReceiver.GiveUpMs), Is.EqualTo("stored"));
        Assert.That(device.Handle(Chunk(1), Now + Dp2FirmwareReceiver.GiveUpMs + 1), Is.EqualTo("timeout"));
        Assert.That(device.Handle(Offer(Good), Now + Dp2FirmwareReceiver.GiveUpMs + 2), Is.EqualTo("accepted"));
    }

    private static IEnumerable<TestCaseData> Manifests()
    {
        yield return Case("as it is", Bytes(Good), DecodeError.None);
        yield return Case("with everything", Bytes(Good with { Dictionary = 1, Requires = "1.0.0", Component = 2, ReleasedMs = 5 }), DecodeError.None);
        yield return Case("an unknown field", [.. Bytes(Good), 0x78, 1], DecodeError.None);
        yield return Case("a must-understand field", [.. Bytes(Good), 0x80, 4, 1], DecodeError.Manifest);
        yield return Case("a field out of order", [.. Bytes(Good), 0x20, 1], DecodeError.Manifest);
        yield return Case("a field twice", [.. Bytes(Good), 0x58, 0x80, 2], DecodeError.Manifest);
        yield return Case("bad syntax behind it", [.. Bytes(Good), 0xFF], DecodeError.Manifest);
        yield return Case("cut", Bytes(Good)[..^1], DecodeError.Manifest);
        yield return Case("hardware from above to", Bytes(Good with { HardwareMin = 5 }), DecodeError.Manifest);
        yield return Case("a short version", Bytes(Good with { Version = "1.2" }), DecodeError.Manifest);
        yield return Case("image of no bytes", Bytes(Good with { ImageSize = 0 }), DecodeError.Manifest);
        yield return Case("image of 2^28 bytes", Bytes(Good with { ImageSize = 1 << 28, ChunkSize = 4096 }), DecodeError.Manifest);
        yield return Case("65535 chunks", Bytes(Good with { ImageSize = 65535 * 128, ChunkSize = 128 }), DecodeError.None);
        yield return Case("65536 chunks", Bytes(Good with { ImageSize = 65535 * 128 + 1, ChunkSize = 128 }), DecodeError.Manifest);
        yield return Case("chunks of 127 bytes", Bytes(Good with { ChunkSize = 127 }), DecodeError.Manifest);
        yield return Case("a vendor of 15 bytes", Bytes(Good with { Vendor = new byte[15] }), DecodeError.Manifest);
        yield return Case("another format", [0x08, 2, .. Bytes(Good)[2..]], DecodeError.Manifest);
    }

    private static TestCaseData Case(string name, byte[] manifest, DecodeError expected) => new TestCaseData(manifest, expected).SetArgDisplayNames(name);

    [TestCaseSource(nameof(Manifests))]
    public void A_signed_manifest_is_read_by_its_rules(byte[] manifest, DecodeError expected)
    {
        var bytes = Dp2Encoder.Encode(Dp2Samples.Header, TestKey.Offer(7, manifest));
        Assert.That(Dp2Samples.Decode(bytes, out _, Dp2Samples.Down), Is.EqualTo(expected));
    }

    [Test]
    public void The_key_comes_before_the_signature_and_the_signature_before_the_manifest()
    {
        var offer = TestKey.Offer(7, [1]);
        Assert.Multiple(() =>
        {
            Assert.That(Code(offer with { KeyId = new byte[8], Signature = new byte[64] }), Is.EqualTo(DecodeError.Key));
            Assert.That(Code(offer with { Signature = new byte[64] }), Is.EqualTo(DecodeError.Signature));
            Assert.That(Code(offer with { Signature = PlusOrder(offer.Signature) }), Is.EqualTo(DecodeError.Signature), "S not below L");
            Assert.That(Code(offer), Is.EqualTo(DecodeError.Manifest));
        });

        static DecodeError Code(Dp2FirmwareOffer offer) => Dp2Samples.Decode(Dp2Encoder.Encode(Dp2Samples.Header, offer), out _, Dp2Samples.Down);
    }

    /// <summary>The same signature with L added to S: a malleable copy that a strict check refuses.</summary>
    private static byte[] PlusOrder(byte[] signature)
    {
        var order = System.Numerics.BigInteger.Parse("01000000000000000000000000000000014DEF9DEA2F79CD65812631A5CF5D3ED", NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        var sum = new System.Numerics.BigInteger(signature.AsSpan(32), isUnsigned: true) + order;
        var changed = signature.ToArray();
        sum.ToByteArray(isUnsigned: true).CopyTo(changed, 32);
        return changed;
    }
}
