using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Data.Sqlite;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using MQTTnet.Server;
using Pumps.Handlers.Devices;

namespace Pumps.LocalRegion.Gateway;

/// <summary>
/// The local region's IoT Hub: an MQTT endpoint that speaks IoT Hub's dialect, so that Microsoft's device SDKs connect to it unchanged.
/// README.md in this folder says what it does as IoT Hub does, and what not.
/// </summary>
public sealed partial class IotGateway : IDeviceMessaging, IAsyncDisposable
{
    private static readonly TimeSpan UpkeepInterval = TimeSpan.FromSeconds(1);

    private readonly DeviceRegistry _registry;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly GatewayMetrics _metrics;
    private readonly ConnectPolicy _policy;
    private readonly Ingress _ingress;
    private readonly CloudToDeviceQueue _queue;
    private readonly Twins _twins;
    private readonly TwinRequests _twinRequests;
    private readonly MethodCalls _methods;
    private readonly MqttServer _server;
    private readonly MqttListener? _tls;
    private readonly MqttListener? _plain;
    private readonly RegionCertificates? _certificates;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<string, DeviceConnection> _connections = new(StringComparer.Ordinal);
    private ITimer? _upkeepTimer;
    private Task _upkeep = Task.CompletedTask;

    /// <param name="sink">
    /// Takes a device's message and returns when it is durable; only then the device gets its acknowledgement. When it throws, the connection
    /// is closed and the device repeats the message.
    /// </param>
    public IotGateway(
        GatewayOptions options, DeviceRegistry registry, Func<IngressMessage, CancellationToken, ValueTask> sink, TimeProvider time, ILogger<IotGateway> log)
    {
        Validator.ValidateObject(options, new ValidationContext(options), validateAllProperties: true);
        (_registry, _time, _log) = (registry, time, log);
        Directory.CreateDirectory(options.DataFolder);

        string[] hosts = ["localhost", Dns.GetHostName(), "127.0.0.1", "::1", options.Address.ToString(), .. options.HostNames];
        _metrics = new(time, log);
        _policy = new(registry, hosts, time);
        _ingress = new(sink, _metrics, time, log, _stopping.Token);
        _queue = new(registry, time);
        _twins = new(registry);
        registry.DesiredChanged = Notify;
        _twinRequests = new(_twins, time, options.TwinRequestsPerSecond);
        _methods = new(id => _connections.GetValueOrDefault(id), time);

        var group = EnrollmentGroup.Open(options.DataFolder);
        IdScope = options.IdScope;
        _registrationPolicy = new(options.IdScope, group, registry, time);
        _registrations = new(registry, group, AllocateAsync, _metrics, time, _stopping.Token);

        var listeners = new List<MqttListener>();
        if (options.TlsPort is { } tlsPort)
        {
            _certificates = RegionCertificates.Open(options.DataFolder, hosts, time);
            listeners.Add(_tls = new(options, tlsPort, _metrics, _certificates, log));
        }

        if (options.PlainPort is { } plainPort) listeners.Add(_plain = new(options, plainPort, _metrics, null, log));

        _server = new MqttServer(
            new MqttServerOptionsBuilder().WithDefaultCommunicationTimeout(options.ConnectTimeout).Build(), listeners, new MqttNetNullLogger());
        _server.ValidatingConnectionAsync += ValidateAsync;
        _server.ClientConnectedAsync += ConnectedAsync;
        _server.ClientDisconnectedAsync += DisconnectedAsync;
        _server.InterceptingPublishAsync += PublishedAsync;
        _server.InterceptingSubscriptionAsync += SubscribedAsync;
        _server.InterceptingUnsubscriptionAsync += UnsubscribedAsync;
        _server.ClientAcknowledgedPublishPacketAsync += AcknowledgedAsync;
    }

    /// <summary>A device has come or gone. Handlers must return soon: the device's connection waits for them.</summary>
    public event Action<ConnectionChange>? ConnectionChanged;

    /// <summary>
    /// Takes the outcomes of cloud-to-device messages whose sender has asked for them, at least once each. Without it they are kept in the file.
    /// </summary>
    public Func<DeliveryFeedback, CancellationToken, ValueTask>? Feedback { get; set; }

    /// <summary>Where the endpoint with TLS listens; null when it is off.</summary>
    public IPEndPoint? TlsEndPoint => _tls?.EndPoint;

    /// <summary>Where the endpoint without TLS listens; null when it is off.</summary>
    public IPEndPoint? PlainEndPoint => _plain?.EndPoint;

    /// <summary>The authority that devices must trust, a PEM file; null without TLS.</summary>
    public string? AuthorityFile => _certificates?.AuthorityFile;

    /// <summary>What devices that register call the region.</summary>
    public string IdScope { get; }

    public int ConnectedDevices => _metrics.Devices;

    public async Task StartAsync()
    {
        await _server.StartAsync();
        _metrics.Start();
        _upkeepTimer = _time.CreateTimer(
            _ =>
            {
                if (_upkeep.IsCompleted) _upkeep = UpkeepAsync();
            },
            null, UpkeepInterval, UpkeepInterval);
        if (_tls is not null) _log.Listening(_tls.EndPoint, ", TLS");
        if (_plain is not null) _log.Listening(_plain.EndPoint, ", without TLS");
    }

    public async ValueTask DisposeAsync()
    {
        if (_upkeepTimer is not null) await _upkeepTimer.DisposeAsync();
        await _stopping.CancelAsync();
        await _upkeep;
        await _server.StopAsync(new MqttServerStopOptions());
        foreach (var connection in _connections.Values)
            connection.Channel.Cut();
        foreach (var registering in _registering.Keys)
            registering.Channel.Cut();
        _server.Dispose();
        _metrics.Dispose();
    }

    private async Task ValidateAsync(ValidatingConnectionEventArgs connect)
    {
        if (connect.ProtocolVersion is not MqttProtocolVersion.V311)
        {
            _metrics.Refuse(RefusalReason.UnsupportedProtocol, connect.ClientId, "MQTT 3.1.1 is spoken here");
            connect.ReasonCode = MqttConnectReasonCode.UnsupportedProtocolVersion;
            return;
        }

        if (RegistrationPolicy.IsRegistration(connect.UserName))
        {
            ValidateRegistration(connect);
            return;
        }

        if (_policy.Check(connect.ClientId, connect.UserName, connect.RawPassword, out var device, out var expiresAt) is { } reason)
        {
            // IoT Hub tells a stranger nothing but return code 5; the reason is for the region's own log and metrics.
            _metrics.Refuse(reason, connect.ClientId);
            connect.ReasonCode = MqttConnectReasonCode.NotAuthorized;
            return;
        }

        var connection = new DeviceConnection(device!, (MqttChannel)connect.ChannelAdapter, expiresAt);
        if (connection.Channel.KeepsSession)
        {
            connection.Subscriptions = device!.Subscriptions;
            connection.Channel.SessionPresent = device.Subscriptions != Subscriptions.None;
        }
        else
        {
            await _registry.KeepSubscriptionsAsync(device!, Subscriptions.None, connect.CancellationToken);
        }

        connect.SessionItems[DeviceConnection.Key] = connection;
    }

    private async Task ConnectedAsync(ClientConnectedEventArgs connected)
    {
        if (Registering(connected.SessionItems) is { } registering)
        {
            registering.Session = await _server.GetSessionAsync(connected.ClientId);
            return;
        }

        var connection = Of(connected.SessionItems);
        connection.Session = await _server.GetSessionAsync(connected.ClientId);
        _connections[connection.Device.Id] = connection;
        _metrics.DeviceConnected();
        ConnectionChanged?.Invoke(new(connection.Device.Id, true, null, _time.GetUtcNow()));
        Resume(connection);
    }

    private Task DisconnectedAsync(ClientDisconnectedEventArgs gone)
    {
        if (Registering(gone.SessionItems) is { } registering)
        {
            _registering.TryRemove(registering, out _);
            return Task.CompletedTask;
        }

        var connection = Of(gone.SessionItems);
        if (connection.End() is { } waiting) _queue.Release(waiting);

        // A connection that ended before its ConnectedAsync was never announced.
        if (connection.Session is null) return Task.CompletedTask;
        _connections.TryRemove(new(connection.Device.Id, connection));
        _metrics.DeviceDisconnected();

        if (gone.DisconnectType is MqttClientDisconnectType.Takeover) connection.Close(RefusalReason.Replaced);
        if (connection.ClosedFor is null && connection.Channel.Violation is { } violation)
        {
            connection.Close(RefusalReason.MalformedPacket);
            _metrics.Refuse(RefusalReason.MalformedPacket, connection.Device.Id, violation);
        }

        var reason = connection.ClosedFor is { } closed ? GatewayMetrics.NameOf(closed)
            : _stopping.IsCancellationRequested ? "shutdown"
            : gone.DisconnectType is MqttClientDisconnectType.Clean ? "client"
            : "connection_lost";
        ConnectionChanged?.Invoke(new(connection.Device.Id, false, reason, _time.GetUtcNow()));
        return Task.CompletedTask;
    }

    private async Task PublishedAsync(InterceptingPublishEventArgs publish)
    {
        publish.ProcessPublish = false; // Devices do not hear each other.
        publish.CloseConnection = Registering(publish.SessionItems) is { } registering
            ? !Handle(registering, publish)
            : !await HandleAsync(Of(publish.SessionItems), publish);
    }

    /// <returns>False when the connection is to be closed, and nothing acknowledged.</returns>
    private async Task<bool> HandleAsync(DeviceConnection connection, InterceptingPublishEventArgs publish)
    {
        var message = publish.ApplicationMessage;
        if (message.QualityOfServiceLevel is MqttQualityOfServiceLevel.ExactlyOnce) return Close(connection, RefusalReason.QualityOfService2);
        if (!connection.Device.Enabled) return Close(connection, RefusalReason.DeviceDisabled);
        if (connection.IsEvents(message.Topic)) return await _ingress.TakeAsync(connection, publish);

        var body = message.Payload.First;
        switch (DeviceTopics.Read(message.Topic, out var requestId, out var number))
        {
            case DeviceRequest.GetTwin:
                await _twinRequests.GetAsync(connection, requestId, publish.CancellationToken);
                return true;
            case DeviceRequest.PatchReported:
                await _twinRequests.PatchAsync(connection, requestId, number, body, publish.CancellationToken);
                return true;
            case DeviceRequest.AnswerMethod:
                return _methods.Answer(connection.Device.Id, requestId, (int)number!, body.Span) || Close(connection, RefusalReason.BadMethodResponse);
            default:
                return Close(connection, message.Topic.StartsWith("devices/", StringComparison.Ordinal) ? RefusalReason.OtherDevicesTopic : RefusalReason.UnknownTopic);
        }
    }

    private async Task SubscribedAsync(InterceptingSubscriptionEventArgs subscribe)
    {
        subscribe.ProcessSubscription = false; // The gateway sends to a device itself; nothing goes by topic.
        if (Registering(subscribe.SessionItems) is { } registering)
        {
            subscribe.Response.ReasonCode = registering.Listen(subscribe.TopicFilter.Topic)
                ? MqttSubscribeReasonCode.GrantedQoS0
                : MqttSubscribeReasonCode.UnspecifiedError;
            return;
        }

        var connection = Of(subscribe.SessionItems);
        var acknowledged = subscribe.TopicFilter.QualityOfServiceLevel > MqttQualityOfServiceLevel.AtMostOnce;
        if (DeviceTopics.ReadFilter(subscribe.TopicFilter.Topic, connection.Device.Id, acknowledged) is not { } subscription)
        {
            subscribe.Response.ReasonCode = MqttSubscribeReasonCode.UnspecifiedError;
            return;
        }

        // Only cloud-to-device messages are ever sent with QoS 1.
        subscribe.Response.ReasonCode = (subscription & Subscriptions.CloudMessagesAcknowledged) != 0
            ? MqttSubscribeReasonCode.GrantedQoS1
            : MqttSubscribeReasonCode.GrantedQoS0;
        var others = connection.Subscriptions;
        if ((subscription & Subscriptions.CloudMessages) != 0) others &= ~Subscriptions.CloudMessagesAcknowledged;
        connection.Subscriptions = others | subscription;
        await KeepAsync(connection, subscribe.CancellationToken);
        Resume(connection);
    }

    private async Task UnsubscribedAsync(InterceptingUnsubscriptionEventArgs unsubscribe)
    {
        unsubscribe.ProcessUnsubscription = false;
        if (Registering(unsubscribe.SessionItems) is { } registering)
        {
            registering.Unlisten(unsubscribe.Topic);
            return;
        }

        var connection = Of(unsubscribe.SessionItems);
        if (DeviceTopics.ReadFilter(unsubscribe.Topic, connection.Device.Id, true) is not { } subscription) return;
        connection.Subscriptions &= ~subscription;
        await KeepAsync(connection, unsubscribe.CancellationToken);
    }

    private async Task AcknowledgedAsync(ClientAcknowledgedPublishPacketEventArgs acknowledged)
    {
        // To a device that registers, nothing goes out that it could acknowledge.
        var connection = Of(acknowledged.SessionItems);
        if (connection.Acknowledge(acknowledged.PublishPacket.PacketIdentifier) is not { } sequence) return;
        try
        {
            await _queue.SettleAsync(sequence, DeliveryOutcome.Completed, _stopping.Token);
        }
        catch (SqliteException e)
        {
            // Not settled: the message stays the first of its queue and comes again with the next connection.
            StorageFailed(connection, e);
            return;
        }

        Resume(connection);
    }

    private Task KeepAsync(DeviceConnection connection, CancellationToken cancel) =>
        connection.Channel.KeepsSession ? _registry.KeepSubscriptionsAsync(connection.Device, connection.Subscriptions, cancel) : Task.CompletedTask;

    // What waits for a device that can now take it.
    private void Resume(DeviceConnection connection)
    {
        if (connection.Has(Subscriptions.Methods)) _methods.Available(connection.Device.Id);
        if (connection.Has(Subscriptions.CloudMessages)) _ = DeliverAsync(connection);
    }

    private bool Close(DeviceConnection connection, RefusalReason reason)
    {
        if (connection.Close(reason)) _metrics.Refuse(reason, connection.Device.Id);
        return false;
    }

    private void StorageFailed(DeviceConnection connection, SqliteException error)
    {
        if (connection.Close(RefusalReason.StorageRefused)) _metrics.Refuse(RefusalReason.StorageRefused, connection.Device.Id, error.Message);
    }

    private static DeviceConnection Of(System.Collections.IDictionary sessionItems) => (DeviceConnection)sessionItems[DeviceConnection.Key]!;
}
