using System.Buffers.Binary;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Core.Protocols.Dp1;
using Pumps.Core.Protocols.Dp2;
using Pumps.Fleet.Devices;

namespace Pumps.Fleet.Load;

/// <summary>A frame of a stream. The bytes are the caller's.</summary>
/// <param name="Device">Index into <see cref="FrameStream.Devices"/>.</param>
public readonly record struct StreamFrame(int Device, Protocol Protocol, HeaderType HeaderType, byte[] Bytes);

/// <summary>An endless seeded stream of real frames, for load: cheap to make, and none is a repetition of another.</summary>
/// <remarks>
/// One day of one site per product is simulated once; its frames are the templates. A frame of the stream is a template with identity,
/// sequence number, time and checksum of its own. Devices take turns, and each round is one interval later, so that per device sequence and
/// time only grow. Not thread-safe, but for <see cref="Of"/> of different devices.
/// </remarks>
public sealed class FrameStream
{
    private const int EpochSecondsDp1 = 946_684_800;

    private readonly Template[][] _templates;
    private readonly uint[] _round;
    private readonly int _first;
    private readonly int _step;
    private readonly long _startMs;
    private readonly long _intervalMs;
    private int _next;

    /// <param name="options">Devices, mix and seed count; faults and rates do not.</param>
    /// <param name="startMs">Time of the first frames, ms since 1970 UTC. A receiver trusts no time far ahead of its own.</param>
    /// <param name="intervalMs">Between two frames of one device, at least a second, which is what DP1 can tell apart.</param>
    /// <param name="part">This stream makes the frames of every <paramref name="parts"/>-th device, beginning here.</param>
    public FrameStream(FleetOptions options, DictionarySet dictionaries, long startMs, long intervalMs = 1000, int part = 0, int parts = 1)
    {
        options.Validate();
        ArgumentOutOfRangeException.ThrowIfLessThan(intervalMs, 1000);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(part, Math.Min(parts, options.Devices));

        Devices = DeviceSpec.Of(options);
        _round = new uint[Devices.Count];
        (_first, _step, _next) = (part, parts, part);
        (_startMs, _intervalMs) = (startMs, intervalMs);
        _templates = new Template[Enum.GetValues<FleetProduct>().Length][];
        foreach (var product in Devices.Select(d => d.Product).Distinct())
            _templates[(int)product] = Simulate(product, options.Seed, dictionaries);
    }

    private readonly record struct Template(HeaderType HeaderType, byte[] Bytes);

    public IReadOnlyList<DeviceSpec> Devices { get; }

    /// <summary>The next frame, of the next device in turn.</summary>
    public StreamFrame Next()
    {
        var device = _next;
        _next += _step;
        if (_next >= Devices.Count)
            _next = _first;
        return Of(device);
    }

    /// <summary>The next frame of this device.</summary>
    public StreamFrame Of(int device)
    {
        var spec = Devices[device];
        var round = _round[device]++;
        var templates = _templates[(int)spec.Product];
        var template = templates[(int)((round + (spec.Seed % 1009)) % (uint)templates.Length)];
        var bytes = template.Bytes.AsSpan().ToArray();
        Patch(bytes, spec, round, _startMs + (round * _intervalMs));
        return new(device, spec.Protocol, template.HeaderType, bytes);
    }

    private static void Patch(Span<byte> bytes, DeviceSpec spec, uint sequence, long timeMs)
    {
        if (spec.Protocol is Protocol.Dp1)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes[4..], (uint)spec.Number);
            bytes[8] = (byte)sequence;
            BinaryPrimitives.WriteUInt32BigEndian(bytes[9..], (uint)((timeMs / 1000) - EpochSecondsDp1 + (spec.UtcOffsetMinutes * 60)));
            BinaryPrimitives.WriteUInt16BigEndian(bytes[^2..], Dp1Crc.Compute(bytes[..^2]));
        }
        else
        {
            BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], spec.Number);
            BinaryPrimitives.WriteInt64LittleEndian(bytes[16..], timeMs);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[24..], sequence);
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[^4..], Crc32C.Compute(bytes[..^4]));
        }
    }

    /// <summary>A day at five-minute intervals without what speaks of other times than its own.</summary>
    private static Template[] Simulate(FleetProduct product, ulong seed, DictionarySet dictionaries)
    {
        const long start = 1_748_728_800_000;
        var options = new FleetOptions { Devices = 1, Seed = seed, Mix = FleetMix.Only(product), TelemetryInterval = TimeSpan.FromMinutes(5), IncidentsPerSiteDay = 2 };
        var device = SimulatedDevice.Create(DeviceSpec.Of(options)[0], options, dictionaries, new FleetStatistics(), start);
        var frames = new List<DeviceFrame>();
        device.LinkUp(start, frames);
        device.Advance(start + 86_400_000, frames);
        return [.. frames.Where(f => f.Kind is FrameKind.Telemetry or FrameKind.Event).Select(f => new Template(f.HeaderType, f.Bytes))];
    }
}
