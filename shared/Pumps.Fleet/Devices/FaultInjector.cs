using Pumps.Core.Protocols;
using Pumps.Fleet.Physics;

namespace Pumps.Fleet.Devices;

/// <summary>Does to the frames of one device what <see cref="FleetFaults"/> asks for.</summary>
internal sealed class FaultInjector(FleetFaults faults, ulong seed, FleetStatistics statistics)
{
    // Part 3 of a device's randomness; its machine has 1 and 2.
    private RandomSource _random = RandomSource.For(seed, 3);
    private DeviceFrame? _held;

    /// <summary>Adds to <paramref name="way"/> what goes out for this frame, in order.</summary>
    public void Pass(DeviceFrame frame, List<DeviceFrame> way)
    {
        if (_held is null && _random.Chance(faults.Disorder))
        {
            _held = Faulty(frame, FrameFault.Disorder, frame.Bytes);
            return;
        }

        way.Add(frame);
        if (_held is { } late)
        {
            way.Add(late);
            _held = null;
        }

        if (_random.Chance(faults.Duplicate))
            way.Add(Faulty(frame, FrameFault.Duplicate, frame.Bytes));
        if (_random.Chance(faults.BitFlip))
            way.Add(Faulty(frame, FrameFault.BitFlip, Flipped(frame.Bytes)));
        if (_random.Chance(faults.Truncate))
            way.Add(Faulty(frame, FrameFault.Truncate, frame.Bytes[.._random.Below(frame.Bytes.Length)]));
        if (_random.Chance(faults.Garbage))
            way.Add(Faulty(frame, FrameFault.Garbage, Noise(1 + _random.Below(200))));
        if (_random.Chance(faults.Oversize))
            way.Add(Faulty(frame, FrameFault.Oversize, [.. frame.Bytes, .. Noise(frame.Protocol is Protocol.Dp1 ? 300 : 8300)]));
    }

    /// <summary>Gives back a frame that is still held: the link is lost, or the fleet ends.</summary>
    public void Release(List<DeviceFrame> way)
    {
        if (_held is { } late)
            way.Add(late);
        _held = null;
    }

    public bool CutsConnection() => _random.Chance(faults.Disconnect);

    private DeviceFrame Faulty(DeviceFrame frame, FrameFault fault, byte[] bytes)
    {
        statistics.CountFault(fault);
        return frame with { Fault = fault, Bytes = bytes };
    }

    private byte[] Flipped(byte[] good)
    {
        var bytes = good.ToArray();
        // Three different bits at most: a checksum of either protocol finds all of these.
        var first = _random.Below(bytes.Length * 8);
        for (var flips = _random.Below(3); flips >= 0; flips--)
        {
            var bit = (first + (flips * 11)) % (bytes.Length * 8);
            bytes[bit >> 3] ^= (byte)(1 << (bit & 7));
        }

        return bytes;
    }

    private byte[] Noise(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
            bytes[i] = (byte)_random.NextBits();
        return bytes;
    }
}
