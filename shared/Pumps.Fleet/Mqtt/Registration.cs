using System.Buffers;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using MQTTnet;
using MQTTnet.Protocol;

namespace Pumps.Fleet.Mqtt;

/// <summary>Registers devices with the Device Provisioning Service by their symmetric keys, as its SDKs do: asks, and asks again until it is decided.</summary>
/// <remarks>Source: "Communicate with DPS using the MQTT protocol".</remarks>
internal sealed class Registration(FleetConnection connection, X509Certificate2Collection authorities, string idScope, TimeProvider time)
{
    private const string Responses = "$dps/registrations/res/";
    private const string Register = "$dps/registrations/PUT/iotdps-register/?$rid=";
    private const string GetStatus = "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=";
    private const string KeyName = "registration";

    private static readonly TimeSpan TokenLife = TimeSpan.FromHours(1);

    /// <returns>What the device connects with from now on.</returns>
    /// <exception cref="InvalidDataException">The service has refused the device; the message says why.</exception>
    public async Task<DeviceCredentials> RunAsync(string id, string key, CancellationToken cancel)
    {
        using var client = new MqttClientFactory().CreateMqttClient();
        var answers = Channel.CreateUnbounded<MqttApplicationMessage>();
        client.ApplicationMessageReceivedAsync += received =>
        {
            answers.Writer.TryWrite(received.ApplicationMessage);
            return Task.CompletedTask;
        };
        client.DisconnectedAsync += gone =>
        {
            answers.Writer.TryComplete(new IOException($"The connection on which {id} registers is lost.", gone.Exception));
            return Task.CompletedTask;
        };

        await client.ConnectAsync(
            connection.Options(authorities)
                .WithClientId(id)
                .WithCredentials(
                    $"{idScope}/registrations/{id}/api-version=2019-03-31",
                    DeviceCredentials.Sign($"{idScope}/registrations/{id}", key, time.GetUtcNow() + TokenLife, KeyName))
                .WithCleanSession()
                .Build(),
            cancel);
        await client.SubscribeAsync(Responses + "#", cancellationToken: cancel);

        var body = JsonSerializer.Serialize(new { registrationId = id });
        string? operation = null;
        for (var request = 1; ; request++)
        {
            var number = request.ToString(CultureInfo.InvariantCulture);
            await client.PublishStringAsync(
                operation is null ? Register + number : $"{GetStatus}{number}&operationId={operation}", operation is null ? body : "",
                MqttQualityOfServiceLevel.AtLeastOnce, cancellationToken: cancel);

            var answer = await answers.Reader.ReadAsync(cancel);
            var text = Encoding.UTF8.GetString(answer.Payload.ToArray());
            var (status, wait) = Read(answer.Topic);
            if (status is 200 && JsonElement.Parse(text).GetProperty("registrationState") is var state && state.TryGetProperty("assignedHub", out var hub))
                return new(hub.GetString()!, state.GetProperty("deviceId").GetString()!, key);
            if (status is not (202 or 429 or >= 500))
                throw new InvalidDataException($"device {id} could not register: {text}");
            if (status is 202)
                operation = JsonElement.Parse(text).GetProperty("operationId").GetString();
            await Task.Delay(wait, time, cancel);
        }
    }

    // $dps/registrations/res/{status}/?$rid={request id}&retry-after={seconds}
    private static (int Status, TimeSpan Wait) Read(string topic)
    {
        const string retryAfter = "&retry-after=";
        var rest = topic.AsSpan(Responses.Length);
        var seconds = rest.IndexOf(retryAfter) is >= 0 and var at && int.TryParse(rest[(at + retryAfter.Length)..], NumberStyles.None, CultureInfo.InvariantCulture, out var given)
            ? given
            : 1;
        return (int.Parse(rest[..rest.IndexOf('/')], NumberStyles.None, CultureInfo.InvariantCulture), TimeSpan.FromSeconds(seconds));
    }
}
