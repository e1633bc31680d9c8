using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using MQTTnet.Adapter;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Packets;

namespace Pumps.LocalRegion.Gateway;

/// <summary>One client's byte stream, read and written as MQTT packets for MQTTnet's server.</summary>
/// <remarks>
/// In place of MQTTnet's own channel, for four reasons: a packet's length is checked before memory is taken for it; an idle connection holds
/// no read buffer; a connection can be cut without going by a client id that may be another connection's by now; and MQTTnet keeps no sessions
/// (<see cref="KeepsSession"/>), because what outlives a connection is in the registry's file.
/// </remarks>
internal sealed class MqttChannel : IMqttChannelAdapter
{
    // PUBACKs are 4 bytes and most downlinks are small. Larger ones grow the buffer for their own time.
    private const int WriteBufferBytes = 64;
    private const int WriteBufferKept = 1024;

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly PipeReader _reader;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private byte[]? _body;

    public MqttChannel(Socket socket, Stream stream)
    {
        _socket = socket;
        _stream = stream;
        _reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: 4096, minimumReadSize: 512, leaveOpen: true, useZeroByteReads: true));
        RemoteEndPoint = socket.RemoteEndPoint!;
        LocalEndPoint = socket.LocalEndPoint!;
    }

    /// <summary>The rule of MQTT that the client broke, after which nothing more is read.</summary>
    public string? Violation { get; private set; }

    /// <summary>The client has sent its CONNECT.</summary>
    public bool IsConnected { get; private set; }

    /// <summary>The client's CONNECT came without the clean session flag: its subscriptions outlive the connection.</summary>
    public bool KeepsSession { get; private set; }

    /// <summary>Whether the CONNACK says that a session was there.</summary>
    public bool SessionPresent { get; set; }

    public MqttPacketFormatterAdapter PacketFormatterAdapter { get; } = new(new MqttBufferWriter(WriteBufferBytes, WriteBufferKept));

    public EndPoint RemoteEndPoint { get; }

    public EndPoint LocalEndPoint { get; }

    public bool IsSecureConnection => _stream is SslStream;

    public X509Certificate2? ClientCertificate => null;

    public long BytesReceived { get; private set; }

    public long BytesSent { get; private set; }

    public void ResetStatistics() => (BytesReceived, BytesSent) = (0, 0);

    public Task ConnectAsync(CancellationToken cancellationToken) => throw new NotSupportedException("A gateway's channel is connected from the start.");

    /// <summary>Closes the connection at once; the pending read ends.</summary>
    public void Cut() => _socket.Dispose();

    public Task DisconnectAsync(CancellationToken cancellationToken)
    {
        Cut();
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        Release();
        _reader.Complete();
        _stream.Dispose();
        _socket.Dispose();
        _writing.Dispose();
    }

    /// <returns>The next packet; null when the connection has ended.</returns>
    public async Task<MqttPacket?> ReceivePacketAsync(CancellationToken cancellationToken)
    {
        Release(); // MQTTnet is done with the packet before.
        try
        {
            while (true)
            {
                if (!_reader.TryRead(out var read)) read = await _reader.ReadAsync(cancellationToken);
                var buffer = read.Buffer;
                if (TryTake(ref buffer, out var packet))
                {
                    _reader.AdvanceTo(buffer.Start);
                    return Decode(packet);
                }

                _reader.AdvanceTo(buffer.Start, buffer.End);
                if (read.IsCompleted || read.IsCanceled) return null;
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            return null;
        }
        catch (MqttProtocolViolationException e)
        {
            Violation = e.Message;
            throw;
        }
    }

    public async Task SendPacketAsync(MqttPacket packet, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            if (packet is MqttConnAckPacket connack) connack.IsSessionPresent = SessionPresent;
            var encoded = PacketFormatterAdapter.Encode(packet);
            BytesSent += encoded.Length;
            if (encoded.Payload.IsEmpty)
            {
                await _stream.WriteAsync(encoded.Packet, cancellationToken);
            }
            else
            {
                // One write, one TLS record, one segment.
                var joined = ArrayPool<byte>.Shared.Rent(encoded.Length);
                encoded.Packet.CopyTo(joined);
                encoded.Payload.CopyTo(joined.AsSpan(encoded.Packet.Count));
                await _stream.WriteAsync(joined.AsMemory(0, encoded.Length), cancellationToken);
                ArrayPool<byte>.Shared.Return(joined);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            throw new MqttCommunicationException(e);
        }
        finally
        {
            PacketFormatterAdapter.Cleanup();
            _writing.Release();
        }
    }

    // The fixed header: one byte of type and flags, then the length of the rest in 1 to 4 bytes of 7 bits, low bits first.
    private bool TryTake(ref ReadOnlySequence<byte> buffer, out ReceivedMqttPacket packet)
    {
        packet = default;
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryRead(out var flags)) return false;

        var length = 0;
        for (var shift = 0; ; shift += 7)
        {
            if (shift > 21) throw new MqttProtocolViolationException("The remaining length has more than four bytes.");
            if (!reader.TryRead(out var digit)) return false;
            length |= (digit & 0x7F) << shift;
            if ((digit & 0x80) == 0) break;
        }

        var allowed = IsConnected ? GatewayLimits.PacketBytes : GatewayLimits.ConnectBytes;
        if (length > allowed) throw new MqttProtocolViolationException($"A packet of {length} bytes; at most {allowed} are allowed here.");

        if (reader.Remaining < length) return false;

        _body = ArrayPool<byte>.Shared.Rent(Math.Max(length, 1));
        buffer.Slice(reader.Position, length).CopyTo(_body);
        packet = new(flags, new ArraySegment<byte>(_body, 0, length), (int)reader.Consumed + length);
        buffer = buffer.Slice(reader.Consumed + length);
        BytesReceived += packet.TotalLength;
        return true;
    }

    private MqttPacket Decode(ReceivedMqttPacket received)
    {
        if (PacketFormatterAdapter.ProtocolVersion == MqttProtocolVersion.Unknown) PacketFormatterAdapter.DetectProtocolVersion(received);
        var packet = PacketFormatterAdapter.Decode(received) ?? throw new MqttProtocolViolationException("A packet of a type that clients do not send.");
        if (packet is MqttConnectPacket connect)
        {
            IsConnected = true;
            KeepsSession = !connect.CleanSession;
            connect.CleanSession = true;
            if (RegistrationPolicy.IsRegistration(connect.Username)) connect.ClientId = RegistrationPolicy.ClientIdOf(connect.ClientId);
        }

        return packet;
    }

    private void Release()
    {
        if (_body is null) return;
        ArrayPool<byte>.Shared.Return(_body);
        _body = null;
    }
}
