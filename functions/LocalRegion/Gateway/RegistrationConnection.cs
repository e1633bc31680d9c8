using System.Buffers;
using MQTTnet;
using MQTTnet.Server;

namespace Pumps.LocalRegion.Gateway;

/// <summary>One connection of a device that registers. It can do nothing else.</summary>
internal sealed class RegistrationConnection(string registrationId, MqttChannel channel, DateTimeOffset expiresAt)
{
    private RequestBudget _requests;
    private bool _listens;

    public string RegistrationId { get; } = registrationId;

    public MqttChannel Channel { get; } = channel;

    public DateTimeOffset ExpiresAt { get; } = expiresAt;

    /// <summary>MQTTnet's side of it; null until the CONNACK is sent.</summary>
    public MqttSessionStatus? Session { get; set; }

    /// <summary>The registration that goes on or has ended; null before the device has asked for one.</summary>
    public RegistrationOperation? Operation { get; set; }

    public bool MayAsk(DateTimeOffset now, int perSecond) => _requests.TrySpend(now, perSecond);

    /// <returns>False for a filter that is not that of the answers: there is nothing else to listen to.</returns>
    public bool Listen(string filter) => filter == RegistrationTopics.Responses && (_listens = true);

    public void Unlisten(string filter) => _listens &= filter != RegistrationTopics.Responses;

    /// <summary>Answers a request, unless the device has not subscribed to answers.</summary>
    public void Answer(string topic, byte[] body)
    {
        if (_listens) Session?.TryEnqueueApplicationMessage(new MqttApplicationMessage { Topic = topic, Payload = new ReadOnlySequence<byte>(body) }, out _);
    }
}

/// <param name="Result">The answer's body when the registration has ended; a failed task when the region could not decide.</param>
internal sealed record RegistrationOperation(string Id, Task<byte[]> Result);
