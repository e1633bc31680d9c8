using System.Collections;
using System.Collections.Concurrent;
using MQTTnet.Protocol;
using MQTTnet.Server;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;

namespace Pumps.LocalRegion.Gateway;

/// <summary>The side of the Device Provisioning Service: devices that register, on the same port and told from the others by their user name.</summary>
public sealed partial class IotGateway
{
    private readonly RegistrationPolicy _registrationPolicy;
    private readonly Registrations _registrations;
    private readonly ConcurrentDictionary<RegistrationConnection, byte> _registering = [];

    /// <summary>Decides on a device that registers, by its registration id. Without it nobody can register.</summary>
    public Func<string, CancellationToken, Task<Answer<Allocation>>>? Allocate { get; set; }

    private void ValidateRegistration(ValidatingConnectionEventArgs connect)
    {
        var reason = _registrationPolicy.Check(connect.ClientId, connect.UserName, connect.RawPassword, out var registrationId, out var expiresAt);
        if (reason is null && Allocate is null) reason = RefusalReason.RegistrationClosed;
        if (reason is { } refused)
        {
            _metrics.Refuse(refused, registrationId, "registers");
            connect.ReasonCode = MqttConnectReasonCode.NotAuthorized;
            return;
        }

        var latest = _time.GetUtcNow() + GatewayLimits.RegistrationLife;
        var connection = new RegistrationConnection(registrationId, (MqttChannel)connect.ChannelAdapter, expiresAt < latest ? expiresAt : latest);
        connect.SessionItems[DeviceConnection.Key] = connection;
        _registering.TryAdd(connection, 0);
    }

    /// <returns>False when the connection is to be closed, and nothing acknowledged.</returns>
    private bool Handle(RegistrationConnection connection, InterceptingPublishEventArgs publish)
    {
        var message = publish.ApplicationMessage;
        if (message.QualityOfServiceLevel is MqttQualityOfServiceLevel.ExactlyOnce) return Close(connection, RefusalReason.QualityOfService2);
        if (message.Payload.Length > GatewayLimits.RegistrationBytes) return Close(connection, RefusalReason.MessageTooLarge);

        switch (RegistrationTopics.Read(message.Topic, out var requestId, out var operationId))
        {
            case RegistrationRequest.Register:
                _registrations.Register(connection, requestId, message.Payload.FirstSpan);
                return true;
            case RegistrationRequest.GetStatus:
                _registrations.Status(connection, requestId, operationId);
                return true;
            default:
                return Close(connection, RefusalReason.UnknownTopic);
        }
    }

    private bool Close(RegistrationConnection connection, RefusalReason reason)
    {
        _metrics.Refuse(reason, connection.RegistrationId, "registers");
        return false;
    }

    private Task<Answer<Allocation>> AllocateAsync(string registrationId, CancellationToken cancel) => Allocate!(registrationId, cancel);

    private static RegistrationConnection? Registering(IDictionary sessionItems) => sessionItems[DeviceConnection.Key] as RegistrationConnection;
}
