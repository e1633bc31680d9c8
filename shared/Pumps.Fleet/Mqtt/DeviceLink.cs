using System.Buffers;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Protocol;
using Pumps.Fleet.Devices;

namespace Pumps.Fleet.Mqtt;

/// <summary>What a link tells the scheduler, which alone may touch the device.</summary>
internal enum LinkSignal : byte
{
    Up,
    Down,
    Frame,
    Method,
    Desired,
}

internal readonly record struct LinkReport(DeviceLink Link, LinkSignal Signal, string Topic, byte[] Body);

/// <summary>One device's connection in IoT Hub's dialect of MQTT 3.1.1: messages up at QoS 1, cloud-to-device, direct methods, twin.</summary>
/// <remarks>
/// Source: "Communicate with your IoT hub using the MQTT protocol". A frame leaves the outbox when it has been acknowledged, so that a lost
/// connection repeats it and loses nothing.
/// </remarks>
internal sealed class DeviceLink(
    SimulatedDevice device, DeviceCredentials credentials, FleetConnection connection, X509Certificate2Collection authorities, FleetStatistics statistics,
    IFleetObserver? observer, TimeProvider time, Action<LinkReport> report) : IDisposable
{
    private const string MethodPrefix = "$iothub/methods/POST/";
    private const string TwinResponsePrefix = "$iothub/twin/res/200/";
    private const string DesiredPrefix = "$iothub/twin/PATCH/properties/desired/";

    // The hub pings back within one and a half of it; the SDKs use four to five minutes.
    private static readonly TimeSpan KeepAlive = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan TokenLife = TimeSpan.FromHours(24);

    private readonly Queue<(DeviceFrame Frame, bool Cut)> _outbox = new();
    private readonly Lock _gate = new();
    private IMqttClient? _client;
    private bool _sending;
    private long _messages;
    private string? _reportedFirmware;

    public SimulatedDevice Device => device;

    /// <summary>Failed attempts since the last good connection; the scheduler's.</summary>
    public int Attempts { get; set; }

    public bool IsUp { get; set; }

    public int Waiting
    {
        get
        {
            lock (_gate)
                return _outbox.Count;
        }
    }

    /// <summary>Connects once. The outcome comes as a report, <see cref="LinkSignal.Up"/> or <see cref="LinkSignal.Down"/>.</summary>
    public async Task ConnectAsync(CancellationToken cancel)
    {
        Dispose();
        var client = new MqttClientFactory().CreateMqttClient();
        client.ApplicationMessageReceivedAsync += e =>
        {
            Take(e.ApplicationMessage);
            return Task.CompletedTask;
        };
        var wasUp = false;
        client.DisconnectedAsync += _ =>
        {
            if (wasUp)
                report(new(this, LinkSignal.Down, "", []));
            return Task.CompletedTask;
        };

        try
        {
            _client = client;
            await client.ConnectAsync(Options(), cancel);
            await client.SubscribeAsync(
                new MqttClientSubscribeOptionsBuilder()
                    .WithTopicFilter($"devices/{credentials.DeviceId}/messages/devicebound/#", MqttQualityOfServiceLevel.AtLeastOnce)
                    .WithTopicFilter(MethodPrefix + "#")
                    .WithTopicFilter("$iothub/twin/res/#")
                    .WithTopicFilter(DesiredPrefix + "#")
                    .Build(), cancel);
            await client.PublishStringAsync("$iothub/twin/GET/?$rid=get", cancellationToken: cancel);
            wasUp = true;
            report(new(this, LinkSignal.Up, "", []));
        }
        catch (Exception e) when (e is MqttCommunicationException or IOException or System.Security.Authentication.AuthenticationException)
        {
            statistics.CountConnectFailure(e.InnerException?.Message ?? e.Message);
            report(new(this, LinkSignal.Down, "", []));
        }
    }

    /// <summary>Puts frames into the outbox and sees that it is being emptied.</summary>
    public void Send(List<DeviceFrame> frames)
    {
        lock (_gate)
        {
            foreach (var frame in frames)
                _outbox.Enqueue((frame, device.CutsConnection()));
            if (_sending || _outbox.Count == 0 || !IsUp)
                return;
            _sending = true;
        }

        _ = EmptyAsync();
    }

    public Task AnswerMethodAsync(string topic, int status, string json)
    {
        var request = topic[topic.IndexOf("$rid=", StringComparison.Ordinal)..];
        return PublishAsync($"$iothub/methods/res/{status}/?{request}", Encoding.UTF8.GetBytes(json));
    }

    /// <summary>Tells the twin which firmware runs, when it does not know.</summary>
    public Task ReportFirmwareAsync()
    {
        if (_reportedFirmware is null || _reportedFirmware == device.Firmware)
            return Task.CompletedTask;

        _reportedFirmware = device.Firmware;
        var json = JsonSerializer.SerializeToUtf8Bytes(new { firmware = device.Firmware, model = device.Model });
        return PublishAsync("$iothub/twin/PATCH/properties/reported/?$rid=firmware", json);
    }

    public async Task DisconnectAsync()
    {
        try
        {
            if (_client is { IsConnected: true } client)
                await client.DisconnectAsync();
        }
        catch (Exception e) when (e is MqttCommunicationException or MqttClientDisconnectedException or ObjectDisposedException)
        {
            // It was gone already, or is being cut on purpose: the same as a goodbye.
        }
    }

    public void Dispose()
    {
        _client?.Dispose();
        _client = null;
    }

    /// <summary>Application properties and the message id, as they stand in the topic.</summary>
    internal static string Topic(string deviceId, HeaderType type, long message, uint sequence) =>
        $"devices/{deviceId}/messages/events/headerType={type.Name()}&%24.mid={message}-{sequence}&%24.ct=application%2Foctet-stream";

    private MqttClientOptions Options() => connection.Options(authorities)
        .WithClientId(credentials.DeviceId)
        .WithCredentials(credentials.UserName, credentials.Token(time.GetUtcNow() + TokenLife))
        .WithCleanSession(false)
        .WithKeepAlivePeriod(KeepAlive)
        .Build();

    private async Task EmptyAsync()
    {
        try
        {
            while (true)
            {
                DeviceFrame frame;
                bool cut;
                lock (_gate)
                {
                    if (_outbox.Count == 0 || !IsUp)
                    {
                        _sending = false;
                        return;
                    }

                    (frame, cut) = _outbox.Peek();
                }

                var client = _client ?? throw new MqttCommunicationException("not connected");
                var message = new MqttApplicationMessage
                {
                    Topic = Topic(credentials.DeviceId, frame.HeaderType, Interlocked.Increment(ref _messages), frame.Sequence),
                    Payload = new ReadOnlySequence<byte>(frame.Bytes),
                    QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce,
                };
                var sent = client.PublishAsync(message);
                if (cut)
                    Cut(client);
                await sent;
                lock (_gate)
                    _outbox.Dequeue();
                statistics.CountAcknowledged();
                observer?.Acknowledged(frame);
            }
        }
        catch (Exception e) when (e is MqttCommunicationException or MqttClientDisconnectedException or OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The frame is still at the head of the outbox: the next connection sends it again.
            lock (_gate)
                _sending = false;
            report(new(this, LinkSignal.Down, "", []));
        }
    }

    /// <summary>Drops the connection as a dead cell does, once: the frame that was to suffer from it must come through next time.</summary>
    private void Cut(IMqttClient client)
    {
        lock (_gate)
        {
            var rest = _outbox.ToArray();
            rest[0].Cut = false;
            _outbox.Clear();
            foreach (var entry in rest)
                _outbox.Enqueue(entry);
        }

        client.Dispose();
    }

    private void Take(MqttApplicationMessage message)
    {
        var topic = message.Topic;
        var body = message.Payload.ToArray();
        if (topic.StartsWith(MethodPrefix, StringComparison.Ordinal))
        {
            report(new(this, LinkSignal.Method, topic[MethodPrefix.Length..], body));
        }
        else if (topic.StartsWith(DesiredPrefix, StringComparison.Ordinal))
        {
            report(new(this, LinkSignal.Desired, topic, body));
        }
        else if (topic.StartsWith(TwinResponsePrefix, StringComparison.Ordinal))
        {
            using var twin = JsonDocument.Parse(body.Length == 0 ? "{}"u8.ToArray() : body);
            _reportedFirmware = twin.RootElement.TryGetProperty("reported", out var reported) && reported.TryGetProperty("firmware", out var known)
                ? known.ToString()
                : "";
        }
        else if (topic.Contains("/messages/devicebound/", StringComparison.Ordinal))
        {
            statistics.CountReceived();
            observer?.Received(credentials.DeviceId, body);
            report(new(this, LinkSignal.Frame, topic, body));
        }
    }

    private async Task PublishAsync(string topic, byte[] body)
    {
        try
        {
            if (_client is { IsConnected: true } client)
                await client.PublishAsync(new MqttApplicationMessage { Topic = topic, Payload = new ReadOnlySequence<byte>(body) });
        }
        catch (Exception e) when (e is MqttCommunicationException or MqttClientDisconnectedException or ObjectDisposedException)
        {
            report(new(this, LinkSignal.Down, "", []));
        }
    }
}
