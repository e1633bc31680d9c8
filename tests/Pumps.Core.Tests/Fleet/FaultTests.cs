using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Fleet;

namespace Pumps.Core.Tests.Fleet;

public sealed class FaultTests
{
    private static readonly FleetFaults Everything = new()
    {
        Duplicate = 0.1, Disorder = 0.1, BitFlip = 0.1, Truncate = 0.1, Garbage = 0.1, Oversize = 0.05,
    };

    [Test]
    public void Faults_add_messages_and_take_none_away([Values(FleetProduct.IrrigationPumpV1, FleetProduct.MixingStation)] FleetProduct product)
    {
        var statistics = new FleetStatistics();
        var (device, faulty) = DeviceTests.Day(product, 5, Everything, statistics);
        device.LinkLost(DeviceTests.Midnight + 86_400_000, faulty);
        var (_, good) = DeviceTests.Day(product, 5);

        var arrived = faulty.Where(f => f.Fault is FrameFault.None or FrameFault.Disorder).Select(f => Convert.ToHexString(f.Bytes));
        Assert.That(arrived, Is.EquivalentTo(good.Select(f => Convert.ToHexString(f.Bytes))), "each sound frame once");
        foreach (var fault in Enum.GetValues<FrameFault>().Skip(1))
        {
            Assert.That(faulty.Count(f => f.Fault == fault), Is.EqualTo(statistics.Of(fault)), $"{fault} is counted");
            Assert.That(statistics.Of(fault), Is.GreaterThan(0), $"{fault} happens");
        }
    }

    [Test]
    public void Damaged_frames_are_refused_by_the_decoder([Values(FleetProduct.IrrigationPumpV1, FleetProduct.IrrigationStation)] FleetProduct product)
    {
        var (device, frames) = DeviceTests.Day(product, 6, Everything);
        foreach (var frame in frames.Where(f => !f.IsSound))
        {
            var context = new DecodeContext(Direction.Up, frame.ObservedAtMs, 120, device.Spec.Number, DeviceTests.Dictionaries);
            var error = frame.Protocol is Protocol.Dp1
                ? Dp1Decoder.TryDecode(frame.Bytes, context, new Dp1Telegram())
                : Dp2Decoder.TryDecode(frame.Bytes, context, new Dp2Frame());
            Assert.That(error, Is.Not.EqualTo(DecodeError.None), $"{frame.Fault} {Convert.ToHexString(frame.Bytes)}");
            if (frame.Fault is FrameFault.Oversize)
                Assert.That(error, Is.EqualTo(DecodeError.Oversize));
        }
    }

    [Test]
    public void A_disordered_frame_comes_after_the_next_one()
    {
        var (_, frames) = DeviceTests.Day(FleetProduct.MixingStation, 9, new FleetFaults { Disorder = 0.2 });

        for (var i = 1; i < frames.Count; i++)
            if (frames[i].Fault is FrameFault.Disorder)
                Assert.That(frames[i - 1].Sequence, Is.EqualTo(frames[i].Sequence + 1));
        Assert.That(frames.Exists(f => f.Fault is FrameFault.Disorder));
    }

    [Test]
    public void Without_faults_nothing_is_added() =>
        Assert.That(DeviceTests.Day(FleetProduct.MixingStation, 9).Frames.TrueForAll(f => f.Fault is FrameFault.None));

    private static readonly object[] WrongOptions =
    [
        new object[] { new FleetOptions { Devices = 0 }, "Devices" },
        new object[] { new FleetOptions { Mix = new(0, 0, 0, 0, 0) }, "Mix" },
        new object[] { new FleetOptions { TelemetryInterval = TimeSpan.Zero }, "TelemetryInterval" },
        new object[] { new FleetOptions { TelemetryInterval = TimeSpan.FromMilliseconds(1500) }, "TelemetryInterval" },
        new object[] { new FleetOptions { SpeedUp = 0.5 }, "SpeedUp" },
        new object[] { new FleetOptions { ConnectsPerSecond = 0 }, "ConnectsPerSecond" },
        new object[] { new FleetOptions { IncidentsPerSiteDay = -1 }, "IncidentsPerSiteDay" },
        new object[] { new FleetOptions { Customers = 0 }, "Customers" },
        new object[] { new FleetOptions { UtcOffsetMinutes = 900 }, "UtcOffsetMinutes" },
        new object[] { new FleetOptions { CountersEvery = 0 }, "CountersEvery" },
        new object[] { new FleetOptions { Faults = new() { Garbage = 1.5 } }, "Garbage" },
        new object[] { new FleetOptions { Devices = 2, Faults = new() { ClocksUnset = 3 } }, "Faults" },
    ];

    [TestCaseSource(nameof(WrongOptions))]
    public void A_wrong_option_is_refused_by_name(FleetOptions options, string name) =>
        Assert.That(options.Validate, Throws.ArgumentException.With.Message.Contains(name));

    [Test]
    public void Device_ids_follow_from_seed_and_index_alone()
    {
        var small = DeviceSpec.Of(new FleetOptions { Devices = 20, Seed = 9 });
        var large = DeviceSpec.Of(new FleetOptions { Devices = 500, Seed = 9 });
        var other = DeviceSpec.Of(new FleetOptions { Devices = 500, Seed = 10 });

        Assert.That(large.Take(20), Is.EqualTo(small));
        Assert.That(large.Select(d => d.Id).Intersect(other.Select(d => d.Id)), Is.Empty);
        Assert.That(large.Select(d => d.Id), Is.Unique);
        Assert.That(large.Select(d => d.Id), Is.All.Match("^(dp1-[1-9][0-9]{9}|dp2-[0-9a-f]{16})$"));
        Assert.That(small.Select(d => d.Product).Distinct().Count(), Is.EqualTo(5), "one of each in a small fleet");
        Assert.That(large.Count(d => d.Product is FleetProduct.FirePanel), Is.EqualTo(75));
    }
}
