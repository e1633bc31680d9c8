using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Core.Tests.Dp2;
using Pumps.Core.Tests.Firmware;
using Pumps.Fleet;
using Pumps.Fleet.Devices;

namespace Pumps.Core.Tests.Fleet;

/// <summary>Simulated devices get firmware as methods and answer each frame at once.</summary>
public sealed class FirmwareAnswerTests
{
    private const uint Number = 7;

    private static readonly Image Dp1 = Image.Of(Protocol.Dp1, [.. Enumerable.Range(0, 300).Select(i => (byte)i)]);
    private static readonly Image Dp2 = Image.Of(Protocol.Dp2, [.. Enumerable.Range(0, 3000).Select(i => (byte)(i * 7))], chunkBytes: 128);

    private readonly List<DeviceFrame> _way = [];
    private DeviceFrame? _last;
    private long _now;

    [Test]
    public void A_transfer_brings_a_simulated_device_to_the_new_version(
        [Values(FleetProduct.IrrigationPumpV1, FleetProduct.IrrigationPumpV2, FleetProduct.FirePanel)] FleetProduct product)
    {
        var device = Device(product);
        var (image, begun) = (device.Spec.Protocol is Protocol.Dp1 ? Dp1 : Dp2, _now);
        var (state, running) = (TransferMachine.Begin with { DueAt = Time }, device.Firmware);
        TransferSignal signal = new TransferSignal.Due(running, null);
        while (!state.Phase.IsOver())
        {
            (state, var effects) = TransferMachine.Step(state, signal, Time, image.Terms(Number), TransferLimits.Default);
            if (effects.IsEmpty && state.DueAt is { } due)
            {
                _now = Math.Max(_now, due.ToUnixTimeMilliseconds());
                device.Advance(_now, _way);
                running = _way.Where(f => f.Kind is FrameKind.Describe).Select(f => FirmwareOf(device, f)).LastOrDefault() ?? running;
                signal = new TransferSignal.Due(running, null);
            }
            else if (!effects.IsEmpty)
                signal = TransferMachine.Merge([.. effects.Select(e => new TransferSignal.Heard(Send(device, image, e)))]);
        }

        Assert.That((state.Phase, state.Reason, device.Firmware), Is.EqualTo((TransferPhase.Done, (string?)null, image.Head.Version)));
        Assert.That(_now - begun, Is.LessThan(5 * 60_000), "nothing was waited for in vain");
        device.Advance(_now + (60 * 60_000), _way);
        Assert.That((device.Firmware, device.Boots), Is.EqualTo((image.Head.Version, 2)), "for good");
    }

    [Test]
    public void A_dp1_device_answers_every_firmware_telegram([Values(0, 3, 9)] byte image)
    {
        var device = Device(FleetProduct.IrrigationPumpV1);
        if (image != 0)
            Send(device, Dp1, new(TransferAct.Offer), image);

        Assert.That(Type(new(TransferAct.Chunk, 1)), Is.EqualTo(Dp1Type.FirmwareAck));
        foreach (var act in new[] { TransferAct.Query, TransferAct.Verify, TransferAct.Activate, TransferAct.Cancel, TransferAct.Offer })
            Assert.That(Type(new(act)), Is.EqualTo(Dp1Type.FirmwareProgress), act.ToString());
        Assert.That(_way, Is.Empty, "what has gone back does not go out as well");

        Dp1Type Type(TransferEffect effect)
        {
            Send(device, Dp1, effect, 3);
            return (Dp1Type)_last!.Bytes[2];
        }
    }

    [Test]
    public void A_dp1_device_that_is_asked_while_it_waits_to_start_starts_all_the_same()
    {
        var device = Device(FleetProduct.IrrigationPumpV1);
        foreach (var effect in new TransferEffect[]
                 { new(TransferAct.Offer), new(TransferAct.Chunk, 0), new(TransferAct.Chunk, 1), new(TransferAct.Chunk, 2), new(TransferAct.Verify), new(TransferAct.Activate) })
            Send(device, Dp1, effect);
        for (var i = 0; i < 5; i++, _now += 900)
            Send(device, Dp1, new(TransferAct.Query));

        var ident = ((Dp1Telegram)DeviceTests.Decode(device, _way.Single(f => f.Kind is FrameKind.Describe))).Ident;
        Assert.That((ident.Firmware.ToString(), ident.ResetCause), Is.EqualTo((Dp1.Head.Version, (byte)4)));
        Assert.That(Send(device, Dp1, new(TransferAct.Query)).Word, Is.EqualTo(TransferWord.Unknown), "the restart has made it forget the transfer");
    }

    [Test]
    public void A_dp2_device_says_why_it_refuses_an_offer_while_another_transfer_goes_on()
    {
        var device = Device(FleetProduct.MixingStation);
        Send(device, Dp2, new(TransferAct.Offer));
        Send(device, Dp2, new(TransferAct.Chunk, 0));
        var forged = new Image(Dp2.Head with { Signature = new byte[64] }, Dp2.Content);

        var refused = Send(device, forged, new(TransferAct.Offer), 8);
        Assert.That((refused.Word, refused.Result), Is.EqualTo((TransferWord.Failed, "bad_signature")));
        Assert.That(Send(device, Dp2, new(TransferAct.Chunk, 0), 8).Word, Is.EqualTo(TransferWord.Unknown));
        var goesOn = Send(device, Dp2, new(TransferAct.Query));
        Assert.That((goesOn.Word, goesOn.Count), Is.EqualTo((TransferWord.Receiving, 1)));
    }

    /// <summary>It is what wakes the transfer, even when somebody asks in the very moment.</summary>
    [Test]
    public void A_dp2_device_on_trial_says_so_in_a_message_of_its_own()
    {
        var device = Device(FleetProduct.FirePanel);
        Send(device, Dp2, new(TransferAct.Offer));
        for (var chunk = 0; chunk < Dp2.Head.Chunks; chunk++)
            Send(device, Dp2, new(TransferAct.Chunk, chunk));
        Assert.That(Send(device, Dp2, new(TransferAct.Activate)).Word, Is.EqualTo(TransferWord.Activating));
        Assert.That(_way.Where(f => f.Kind is FrameKind.FirmwareStatus), Is.Empty);

        _now += 10_000;
        Assert.That(Send(device, Dp2, new(TransferAct.Confirm)).Word, Is.EqualTo(TransferWord.Confirmed));
        Assert.That(((Dp2FirmwareStatus)((Dp2Frame)DeviceTests.Decode(device, _way.Single(f => f.Kind is FrameKind.FirmwareStatus))).Body!).State, Is.EqualTo(6));
    }

    private DateTimeOffset Time => DateTimeOffset.FromUnixTimeMilliseconds(_now);

    private SimulatedDevice Device(FleetProduct product)
    {
        var options = new FleetOptions { Devices = 1, Seed = 1, Mix = FleetMix.Only(product), IncidentsPerSiteDay = 0 };
        var device = SimulatedDevice.Create(
            DeviceSpec.Of(options)[0], options, DeviceTests.Dictionaries, new FleetStatistics(), DeviceTests.Midnight, TestKey.Signatures);
        _now = DeviceTests.Midnight + 1000;
        device.LinkUp(_now, _way);
        _way.Clear();
        return device;
    }

    private static string FirmwareOf(SimulatedDevice device, DeviceFrame frame) => DeviceTests.Decode(device, frame) switch
    {
        Dp1Telegram telegram => telegram.Ident.Firmware.ToString(),
        var other => ((Dp2Describe)((Dp2Frame)other).Body!).Firmware!,
    };

    /// <summary>One frame down as a method, and what the cloud makes of the answer.</summary>
    private TransferAnswer Send(SimulatedDevice device, Image image, TransferEffect effect, uint number = Number)
    {
        var frame = FirmwareFrames.Encode(image.Head, number, effect, image.Content, device.Spec.Number, 1, Time);
        _last = device.Obey(frame, _now += 50, _way);
        Assert.That(_last, Is.Not.Null, $"no answer to {effect}");
        var answer = FirmwareFrames.Read(DeviceTests.Decode(device, _last!), image.Terms(number));
        Assert.That(answer, Is.Not.Null, $"{effect} answered with {_last!.Kind}");
        return answer!;
    }
}
