using System.Buffers.Binary;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Pumps.Core.Dictionaries;
using Pumps.Fleet.Mqtt;

namespace Pumps.Fleet.Load;

/// <param name="Connections">One device each.</param>
/// <param name="InFlight">Messages that a connection has sent and not seen acknowledged, 1 to 1000.</param>
public sealed record LoadOptions(int Connections, TimeSpan Duration, int InFlight = 4, ulong Seed = 1)
{
    /// <summary>Messages per second over all connections, evenly spread, one in flight per connection; 0 for as many as are acknowledged.</summary>
    public double PerSecond { get; init; }
}

/// <summary>What a load run has measured.</summary>
/// <param name="Elapsed">From the moment when all connections stood to the last acknowledgement.</param>
public sealed record LoadResult(long Acknowledged, long Bytes, TimeSpan Elapsed, LatencyHistogram Latency)
{
    public double PerSecond => Acknowledged / Elapsed.TotalSeconds;

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Acknowledged} acknowledged in {Elapsed.TotalSeconds:F1} s: {PerSecond:F0}/s, p50 {Latency.Percentile(0.5).TotalMilliseconds:F1} ms, " +
        $"p99 {Latency.Percentile(0.99).TotalMilliseconds:F1} ms, max {Latency.Max.TotalMilliseconds:F1} ms");
}

/// <summary>Publishes real frames as fast as they are acknowledged, over many connections, with as little work of its own as MQTT 3.1.1 allows.</summary>
public sealed class LoadGenerator(
    LoadOptions load, FleetConnection connection, IFleetProvisioner provisioner, DictionarySet dictionaries, TimeProvider time)
{
    public async Task<LoadResult> RunAsync(CancellationToken cancel)
    {
        if (load.InFlight is < 1 or > 1000)
            throw new ArgumentException($"load option InFlight is {load.InFlight}; allowed: 1 to 1000");

        var options = new FleetOptions { Devices = load.Connections, Seed = load.Seed };
        var stream = new FrameStream(options, dictionaries, time.GetUtcNow().ToUnixTimeMilliseconds() - 3_600_000);
        var credentials = await provisioner.RegisterAsync(stream.Devices, cancel);

        var publishers = new Publisher[load.Connections];
        try
        {
            await Parallel.ForAsync(0, publishers.Length, new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = cancel }, async (i, stop) =>
            {
                publishers[i] = new Publisher(i, stream, load, time);
                await publishers[i].ConnectAsync(connection, credentials[stream.Devices[i].Id], stop);
            });

            var began = time.GetTimestamp();
            using var over = new CancellationTokenSource(load.Duration, time);
            await Task.WhenAll(publishers.Select(p => p.RunAsync(over.Token, cancel)));
            var elapsed = time.GetElapsedTime(began);

            var latency = new LatencyHistogram();
            foreach (var publisher in publishers)
                latency.Add(publisher.Latency);
            return new(latency.Count, publishers.Sum(p => p.Bytes), elapsed, latency);
        }
        finally
        {
            foreach (var publisher in publishers)
                publisher?.Dispose();
        }
    }

    /// <summary>One connection: CONNECT, then PUBLISH at QoS 1 and PUBACK, in two buffers of its own.</summary>
    private sealed class Publisher(int device, FrameStream stream, LoadOptions load, TimeProvider time) : IDisposable
    {
        private const byte Connect = 0x10, ConnectAck = 0x20, PublishQos1 = 0x32, PublishAck = 0x40;

        // Ids 1 to 1023: more than the window, and few enough to index by.
        private const int PacketIds = 1024;

        private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        private readonly byte[] _acks = new byte[4 * 1000];
        private readonly long[] _sentAt = new long[PacketIds];
        private byte[] _out = new byte[1024];
        private byte[][] _topics = [];
        private Stream _wire = Stream.Null;
        private ushort _packet;

        public LatencyHistogram Latency { get; } = new();

        public long Bytes { get; private set; }

        public async Task ConnectAsync(FleetConnection to, DeviceCredentials credentials, CancellationToken cancel)
        {
            _topics = [.. Enum.GetValues<HeaderType>().Select(t => Encoding.UTF8.GetBytes(DeviceLink.Topic(credentials.DeviceId, t, 0, 0)))];
            await _socket.ConnectAsync(to.Host, to.Port, cancel);
            _wire = new NetworkStream(_socket, ownsSocket: true);
            if (!to.Plain)
            {
                var authorities = to.Authorities();
                var tls = new SslStream(_wire, false, (_, certificate, _, errors) => FleetConnection.Trusts(authorities, certificate, errors));
                await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = to.Host }, cancel);
                _wire = tls;
            }

            var at = WriteConnect(credentials);
            await _wire.WriteAsync(_out.AsMemory(0, at), cancel);
            await _wire.ReadExactlyAsync(_acks.AsMemory(0, 4), cancel);
            if (_acks[0] != ConnectAck || _acks[3] != 0)
                throw new IOException($"{credentials.DeviceId} was refused with code {_acks[3]} of MQTT's CONNACK");
        }

        /// <summary>Keeps the window full until <paramref name="over"/>, then waits for what is in flight.</summary>
        public async Task RunAsync(CancellationToken over, CancellationToken cancel)
        {
            var (flying, kept) = (0, 0);
            var pace = load.PerSecond == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(load.Connections / load.PerSecond);
            var began = time.GetTimestamp();
            var window = pace == TimeSpan.Zero ? load.InFlight : 1;
            var due = pace * ((double)device / load.Connections);
            while (flying > 0 || !over.IsCancellationRequested)
            {
                if (pace > TimeSpan.Zero && flying == 0)
                {
                    await WaitAsync(due - time.GetElapsedTime(began), over);
                    due += pace;
                }

                var at = 0;
                while (flying < window && !over.IsCancellationRequested)
                {
                    at = WritePublish(at);
                    flying++;
                }

                if (at > 0)
                    await _wire.WriteAsync(_out.AsMemory(0, at), cancel);
                if (flying == 0)
                    break;

                var got = await _wire.ReadAsync(_acks.AsMemory(kept), cancel);
                if (got == 0)
                    throw new IOException($"{stream.Devices[device].Id}: the other side closed the connection with {flying} messages in flight");

                kept += got;
                var used = 0;
                for (; kept - used >= 4; used += 4, flying--)
                    TakeAck(_acks.AsSpan(used, 4));
                _acks.AsSpan(used, kept - used).CopyTo(_acks);
                kept -= used;
            }
        }

        private async Task WaitAsync(TimeSpan pause, CancellationToken over)
        {
            if (pause > TimeSpan.Zero)
                await Task.Delay(pause, time, over).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        public void Dispose()
        {
            _wire.Dispose();
            _socket.Dispose();
        }

        private void TakeAck(ReadOnlySpan<byte> packet)
        {
            if (packet[0] != PublishAck || packet[1] != 2)
                throw new IOException($"{stream.Devices[device].Id}: expected a PUBACK, got packet type {packet[0] >> 4}");

            Latency.Add(time.GetElapsedTime(_sentAt[BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) % PacketIds]));
        }

        private int WritePublish(int at)
        {
            var next = stream.Of(device);
            var (frame, topic) = (next.Bytes, _topics[(int)next.HeaderType]);
            var length = 2 + topic.Length + 2 + frame.Length;
            Room(at + length + 5);

            _packet = (ushort)((_packet % (PacketIds - 1)) + 1);
            _out[at++] = PublishQos1;
            at = WriteLength(at, length);
            at = WriteText(at, topic);
            BinaryPrimitives.WriteUInt16BigEndian(_out.AsSpan(at), _packet);
            frame.CopyTo(_out.AsSpan(at + 2));
            _sentAt[_packet] = time.GetTimestamp();
            Bytes += frame.Length;
            return at + 2 + frame.Length;
        }

        private int WriteConnect(DeviceCredentials credentials)
        {
            const byte cleanSession = 0x02, password = 0x40, userName = 0x80;
            byte[][] texts =
            [
                Encoding.UTF8.GetBytes(credentials.DeviceId), Encoding.UTF8.GetBytes(credentials.UserName),
                Encoding.UTF8.GetBytes(credentials.Token(time.GetUtcNow().AddHours(24))),
            ];
            var length = 10 + texts.Sum(t => 2 + t.Length);
            Room(length + 5);
            _out[0] = Connect;
            var at = WriteLength(1, length);
            at = WriteText(at, "MQTT"u8);
            _out[at++] = 4;
            _out[at++] = cleanSession | password | userName;
            BinaryPrimitives.WriteUInt16BigEndian(_out.AsSpan(at), 1000);
            at += 2;
            foreach (var text in texts)
                at = WriteText(at, text);
            return at;
        }

        private void Room(int size)
        {
            if (_out.Length < size)
                Array.Resize(ref _out, Math.Max(size, _out.Length * 2));
        }

        private int WriteLength(int at, int length)
        {
            for (; length >= 0x80; length >>= 7)
                _out[at++] = (byte)(length | 0x80);
            _out[at++] = (byte)length;
            return at;
        }

        private int WriteText(int at, ReadOnlySpan<byte> text)
        {
            BinaryPrimitives.WriteUInt16BigEndian(_out.AsSpan(at), (ushort)text.Length);
            text.CopyTo(_out.AsSpan(at + 2));
            return at + 2 + text.Length;
        }
    }
}
