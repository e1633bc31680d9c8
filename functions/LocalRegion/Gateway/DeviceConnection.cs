using System.Buffers;
using MQTTnet;
using MQTTnet.Protocol;
using MQTTnet.Server;
using Pumps.Handlers.Hubs;

namespace Pumps.LocalRegion.Gateway;

/// <summary>One connection of one device, from its CONNECT to its end.</summary>
internal sealed class DeviceConnection(DeviceEntry device, MqttChannel channel, DateTimeOffset expiresAt)
{
    /// <summary>Where MQTTnet's session carries it.</summary>
    public static readonly object Key = new();

    private readonly Lock _lock = new();
    private string _lastTopic = "";
    private EventProperties _lastProperties = EventProperties.None;
    private RequestBudget _twinRequests;
    private bool _ended;
    private bool _delivering;
    private bool _lookAgain;

    public DeviceEntry Device { get; } = device;

    public MqttChannel Channel { get; } = channel;

    /// <summary>When its token runs out.</summary>
    public DateTimeOffset ExpiresAt { get; } = expiresAt;

    /// <summary><c>devices/{id}/messages/events/</c></summary>
    public string EventsTopic { get; } = $"devices/{device.Id}/messages/events/";

    public Subscriptions Subscriptions { get; set; }

    /// <summary>MQTTnet's side of it; null until the CONNACK is sent.</summary>
    public MqttSessionStatus? Session { get; set; }

    /// <summary>Why the gateway has closed it; null while it has not.</summary>
    public RefusalReason? ClosedFor { get; private set; }

    /// <summary>The one cloud-to-device message that waits for its PUBACK.</summary>
    public (long Sequence, ushort PacketId)? InFlight { get; private set; }

    /// <summary>A message can be delivered: the device listens and has acknowledged the one before.</summary>
    public bool CanDeliver => Has(Subscriptions.CloudMessages) && InFlight is null && ClosedFor is null;

    public bool IsEvents(string topic) =>
        topic.StartsWith(EventsTopic, StringComparison.Ordinal) || (topic.Length == EventsTopic.Length - 1 && EventsTopic.StartsWith(topic, StringComparison.Ordinal));

    public bool Has(Subscriptions subscription) => (Subscriptions & subscription) != 0;

    /// <summary>Closes it, for this reason unless it is closed already.</summary>
    /// <returns>False when it was closed already.</returns>
    public bool Close(RefusalReason reason)
    {
        lock (_lock)
        {
            if (ClosedFor is not null) return false;
            ClosedFor = reason;
        }

        Channel.Cut();
        return true;
    }

    /// <summary>Nothing can be sent any more.</summary>
    /// <returns>The message that was sent and is not acknowledged.</returns>
    public long? End()
    {
        lock (_lock)
        {
            _ended = true;
            return InFlight?.Sequence;
        }
    }

    /// <summary>The properties in a topic of this device. A device sends the same few topics for life, so the last one is remembered.</summary>
    /// <param name="retain">The retain flag, which IoT Hub does not obey but hands on as a property.</param>
    /// <param name="isWill">The device's will, sent because the connection was lost.</param>
    public bool TryReadProperties(string topic, bool retain, bool isWill, out EventProperties properties)
    {
        properties = _lastProperties;
        var plain = !retain && !isWill;
        if (plain && topic == _lastTopic) return true;
        if (!PropertyBag.TryParse(topic.AsSpan(Math.Min(EventsTopic.Length, topic.Length)), out var items)) return false;
        if (retain) items = [.. items, new("mqtt-retain", "true")];
        if (isWill) items = [.. items, new("iothub-MessageType", "Will")];
        properties = new EventProperties(items);
        if (plain) (_lastTopic, _lastProperties) = (topic, properties);
        return true;
    }

    /// <summary>Counts a twin request; false when the device has had its share of this second.</summary>
    public bool MayAskTwin(DateTimeOffset now, int perSecond) => _twinRequests.TrySpend(now, perSecond);

    /// <summary>Sends to the device, QoS 0.</summary>
    /// <returns>False when the connection cannot take it any more.</returns>
    public bool Send(string topic, ReadOnlyMemory<byte> body) => Session?.TryEnqueueApplicationMessage(Message(topic, body, false), out _) ?? false;

    /// <summary>Sends with QoS 1 and remembers what the PUBACK will settle.</summary>
    public bool SendAcknowledged(string topic, ReadOnlyMemory<byte> body, long sequence)
    {
        lock (_lock)
        {
            // Within the lock, because the PUBACK may be here before the packet's number is known.
            if (_ended || Session is null || !Session.TryEnqueueApplicationMessage(Message(topic, body, true), out var sent)) return false;
            InFlight = (sequence, sent.PacketIdentifier);
            return true;
        }
    }

    /// <returns>The message that this PUBACK settles; null for a repeated or foreign one.</returns>
    public long? Acknowledge(ushort packetId)
    {
        lock (_lock)
        {
            if (InFlight is not { } waiting || waiting.PacketId != packetId) return null;
            InFlight = null;
            return waiting.Sequence;
        }
    }

    /// <summary>Makes the caller the one who delivers; anybody else's wish makes it look again.</summary>
    public bool BeginDelivery()
    {
        lock (_lock)
        {
            _lookAgain = _delivering;
            if (_delivering) return false;
            return _delivering = true;
        }
    }

    /// <returns>False when somebody has asked for delivery meanwhile.</returns>
    public bool EndDelivery()
    {
        lock (_lock)
        {
            if (_lookAgain && CanDeliver)
            {
                _lookAgain = false;
                return false;
            }

            _delivering = false;
            return true;
        }
    }

    private static MqttApplicationMessage Message(string topic, ReadOnlyMemory<byte> body, bool acknowledged) => new()
    {
        Topic = topic,
        Payload = new ReadOnlySequence<byte>(body),
        QualityOfServiceLevel = acknowledged ? MqttQualityOfServiceLevel.AtLeastOnce : MqttQualityOfServiceLevel.AtMostOnce,
    };
}
