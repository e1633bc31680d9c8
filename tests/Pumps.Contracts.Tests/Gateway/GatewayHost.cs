using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Contracts.Tests.Gateway;

/// <summary>A gateway with a registry in a folder of its own, free ports, a clock that stands still, and a sink that the test can hold back.</summary>
internal sealed class GatewayHost : IAsyncDisposable
{
    public const string Host = "localhost";
    public const string Id = "dp2-70b3d57ed0000001";

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly List<IMqttClient> _clients = [];

    public static DeviceRegistration Device { get; } = new(Id, "dp2", "irrigation", "irrigation-pump-v2", "green-valley", "local", null);

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2025, 6, 1, 12, 0, 0, TimeSpan.Zero));

    public string Folder { get; } = Directory.CreateTempSubdirectory("pumps-gateway-").FullName;

    public DeviceRegistry Registry { get; private set; } = null!;

    public IotGateway Gateway { get; private set; } = null!;

    public RegisteredDevice Registered { get; private set; } = null!;

    public RecordedLog Log { get; } = new();

    public Channel<ReceivedMessage> Messages { get; } = Channel.CreateUnbounded<ReceivedMessage>();

    public Channel<ConnectionChange> Changes { get; } = Channel.CreateUnbounded<ConnectionChange>();

    public Channel<DeliveryFeedback> Feedback { get; } = Channel.CreateUnbounded<DeliveryFeedback>();

    /// <summary>What the sink does before it takes a message.</summary>
    public Func<Task> BeforeTaking { get; set; } = () => Task.CompletedTask;

    public static async Task<GatewayHost> StartAsync()
    {
        var host = new GatewayHost();
        await host.OpenAsync();
        host.Registered = await host.Registry.RegisterAsync(Device, default);
        return host;
    }

    /// <summary>Stops gateway and registry and starts both again from the folder.</summary>
    public async Task RestartAsync()
    {
        await CloseAsync();
        await OpenAsync();
    }

    public string Token(TimeSpan? life = null, string? key = null) =>
        SasToken.Create(Host, Id, key ?? Registered.PrimaryKey, Time.GetUtcNow() + (life ?? TimeSpan.FromHours(1)));

    public MqttClientOptionsBuilder Options(string? token = null, bool cleanSession = true) => new MqttClientOptionsBuilder()
        .WithTcpServer("127.0.0.1", Gateway.PlainEndPoint!.Port)
        .WithProtocolVersion(MqttProtocolVersion.V311)
        .WithClientId(Id)
        .WithCredentials($"{Host}/{Id}/?api-version=2021-04-12&DeviceClientType=test", token ?? Token())
        .WithCleanSession(cleanSession)
        .WithTimeout(Patience);

    public async Task<TestDevice> ConnectAsync(MqttClientOptionsBuilder? options = null)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        _clients.Add(client);
        var device = new TestDevice(client);
        var result = await client.ConnectAsync((options ?? Options()).Build());
        Assert.That(result.ResultCode, Is.EqualTo(MqttClientConnectResultCode.Success));
        var change = await Changes.Reader.ReadAsync().AsTask().WaitAsync(Patience);
        while (!change.Connected)
            change = await Changes.Reader.ReadAsync().AsTask().WaitAsync(Patience);
        return device;
    }

    /// <summary>A connection of a device that registers: no device has come, and no change is announced.</summary>
    public async Task<TestDevice> ConnectRegistrationAsync(MqttClientOptionsBuilder options)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        _clients.Add(client);
        var device = new TestDevice(client);
        Assert.That((await client.ConnectAsync(options.Build())).ResultCode, Is.EqualTo(MqttClientConnectResultCode.Success));
        return device;
    }

    public async Task<MqttClientConnectResultCode> TryConnectAsync(MqttClientOptionsBuilder options)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        _clients.Add(client);
        return (await client.ConnectAsync(options.Build())).ResultCode;
    }

    /// <summary>Awaits that a device leaves, and says why.</summary>
    public async Task<string?> DisconnectReasonAsync()
    {
        while (true)
            if (await Changes.Reader.ReadAsync().AsTask().WaitAsync(Patience) is { Connected: false } change)
                return change.Reason;
    }

    /// <summary>Lets the gateway's clock go on, second by second, until the condition holds.</summary>
    public async Task LetTimePassAsync(TimeSpan span, Task until)
    {
        Time.Advance(span);
        using var patience = new CancellationTokenSource(Patience);
        while (!until.IsCompleted)
        {
            patience.Token.ThrowIfCancellationRequested();
            Time.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(until, Task.Delay(20, patience.Token));
        }

        await until;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            client.Dispose();
        await CloseAsync();
        Directory.Delete(Folder, true);
    }

    private async Task OpenAsync()
    {
        Registry = await DeviceRegistry.OpenAsync(Path.Combine(Folder, "registry.db"), default);
        Gateway = new(
            new GatewayOptions { DataFolder = Folder, TlsPort = null, PlainPort = 0, TwinRequestsPerSecond = 20 }, Registry, TakeAsync, Time, Log);
        Gateway.ConnectionChanged += change => Changes.Writer.TryWrite(change);
        Gateway.Feedback = (feedback, _) => Feedback.Writer.WriteAsync(feedback, CancellationToken.None);
        await Gateway.StartAsync();
    }

    private async Task CloseAsync()
    {
        await Gateway.DisposeAsync();
        await Registry.DisposeAsync();
    }

    private async ValueTask TakeAsync(IngressMessage message, CancellationToken cancel)
    {
        await BeforeTaking();
        Messages.Writer.TryWrite(new(message.DeviceId, message.Properties, Encoding.UTF8.GetString(message.Body.Span), message.EnqueuedAt));
    }
}

internal sealed record ReceivedMessage(string DeviceId, EventProperties Properties, string Body, DateTimeOffset EnqueuedAt);

/// <summary>A plain MQTT client with what it has received.</summary>
internal sealed class TestDevice
{
    public TestDevice(IMqttClient client)
    {
        Client = client;
        client.ApplicationMessageReceivedAsync += received =>
        {
            received.AutoAcknowledge = Acknowledges;
            Received.Writer.TryWrite(received.ApplicationMessage);
            return Task.CompletedTask;
        };
        client.DisconnectedAsync += _ =>
        {
            Disconnected.TrySetResult();
            return Task.CompletedTask;
        };
    }

    public IMqttClient Client { get; }

    public bool Acknowledges { get; set; } = true;

    public Channel<MqttApplicationMessage> Received { get; } = Channel.CreateUnbounded<MqttApplicationMessage>();

    public TaskCompletionSource Disconnected { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Events { get; } = $"devices/{GatewayHost.Id}/messages/events/";

    public Task<MqttClientPublishResult> PublishAsync(
        string topic, string body = "", MqttQualityOfServiceLevel qos = MqttQualityOfServiceLevel.AtLeastOnce, bool retain = false) =>
        Client.PublishAsync(new MqttApplicationMessageBuilder().WithTopic(topic).WithPayload(body).WithQualityOfServiceLevel(qos).WithRetainFlag(retain).Build());

    public async Task<MqttClientSubscribeResultCode> SubscribeAsync(string filter, MqttQualityOfServiceLevel qos = MqttQualityOfServiceLevel.AtLeastOnce) =>
        (await Client.SubscribeAsync(filter, qos)).Items.Single().ResultCode;

    public Task SubscribeToMessagesAsync() => SubscribeAsync($"devices/{GatewayHost.Id}/messages/devicebound/#");

    public async Task<(string Topic, string Body)> ReceiveAsync()
    {
        var message = await Received.Reader.ReadAsync().AsTask().WaitAsync(GatewayHost.Patience);
        return (message.Topic, Encoding.UTF8.GetString(message.Payload.ToArray()));
    }
}

internal sealed class RecordedLog : ILogger<IotGateway>
{
    public ConcurrentQueue<(EventId Id, string Text)> Lines { get; } = new();

    public int Count(int id) => Lines.Count(l => l.Id.Id == id);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        Lines.Enqueue((eventId, formatter(state, exception) + exception));
}
