using System.Net;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using Pumps.Fleet.Mqtt;

namespace Pumps.Journeys.Tests;

/// <summary>One device with a plain MQTT client: sends what the test says, and knows when it was acknowledged.</summary>
internal sealed class FieldDevice : IAsyncDisposable
{
    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private readonly TaskCompletionSource _disconnected = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _id;

    private FieldDevice(string id)
    {
        _id = id;
        _client.DisconnectedAsync += _ =>
        {
            _disconnected.TrySetResult();
            return Task.CompletedTask;
        };
    }

    /// <summary>Completes when the connection is lost.</summary>
    public Task Disconnected => _disconnected.Task;

    public static async Task<FieldDevice> ConnectAsync(IPEndPoint region, DeviceCredentials credentials)
    {
        var device = new FieldDevice(credentials.DeviceId);
        var result = await TryConnectAsync(device._client, region, credentials);
        Assert.That(result, Is.EqualTo(MqttClientConnectResultCode.Success));
        return device;
    }

    /// <summary>What the region answers to a device that wants to connect.</summary>
    public static async Task<MqttClientConnectResultCode> TryConnectAsync(IPEndPoint region, DeviceCredentials credentials)
    {
        using var client = new MqttClientFactory().CreateMqttClient();
        return await TryConnectAsync(client, region, credentials);
    }

    /// <summary>Returns when the region has acknowledged the frame.</summary>
    public Task SendAsync(string headerType, byte[] frame) => PublishAsync($"headerType={headerType}&%24.ct=application%2Foctet-stream", frame);

    /// <param name="properties">The end of the topic: a property bag, if it is right.</param>
    public Task PublishAsync(string properties, byte[] frame) => _client.PublishAsync(
        new MqttApplicationMessageBuilder().WithTopic($"devices/{_id}/messages/events/{properties}").WithPayload(frame)
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build());

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private static async Task<MqttClientConnectResultCode> TryConnectAsync(IMqttClient client, IPEndPoint region, DeviceCredentials credentials) =>
        (await client.ConnectAsync(new MqttClientOptionsBuilder()
            .WithEndPoint(region)
            .WithProtocolVersion(MqttProtocolVersion.V311)
            .WithClientId(credentials.DeviceId)
            .WithCredentials(credentials.UserName, credentials.Token(TimeProvider.System.GetUtcNow().AddHours(1)))
            .WithCleanSession()
            .WithTimeout(Patience.Usual)
            .Build())).ResultCode;
}
