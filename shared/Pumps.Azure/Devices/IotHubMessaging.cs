using System.Text.Json.Nodes;
using Microsoft.Azure.Devices;
using Microsoft.Azure.Devices.Common.Exceptions;
using Microsoft.Azure.Devices.Shared;
using Pumps.Handlers.Devices;

namespace Pumps.Azure.Devices;

/// <summary>From the cloud to a device through the region's IoT Hub. The local region's is the gateway.</summary>
public sealed class IotHubMessaging(ServiceClient service, RegistryManager hub, TimeProvider time) : IDeviceMessaging
{
    // A twin's etag changes with its tags as well: somebody who has changed those is no reason to refuse.
    private const int AttemptsMax = 10;

    public async Task<DeviceAnswer<CloudMessage>> SendAsync(string deviceId, CloudMessage message, CancellationToken cancel)
    {
        if (message.MessageId.Length == 0)
            return new DeviceRefusal(DeviceRefusals.Invalid, "The message has no message id.");

        using var outgoing = new Message(message.Body.ToArray())
        {
            MessageId = message.MessageId, CorrelationId = message.CorrelationId, UserId = message.UserId, ContentType = message.ContentType,
            ContentEncoding = message.ContentEncoding, Ack = Acknowledgement(message.Ack),
        };
        if (message.TimeToLive is { } life)
            outgoing.ExpiryTimeUtc = time.GetUtcNow().Add(life).UtcDateTime;
        foreach (var (name, value) in message.Properties)
            outgoing.Properties[name] = value;

        cancel.ThrowIfCancellationRequested();
        try
        {
            // It takes no cancellation: once it is on its way, nobody could say whether it was queued.
            await service.SendAsync(deviceId, outgoing);
            return message;
        }
        catch (Exception e) when (IotHubErrors.RefusalOf(e, deviceId) is { } refusal)
        {
            return refusal;
        }
    }

    public async Task<DeviceAnswer<MethodResponse>> InvokeAsync(
        string deviceId, string method, string payload, TimeSpan responseTimeout, TimeSpan connectTimeout, CancellationToken cancel)
    {
        try
        {
            var call = new CloudToDeviceMethod(method, responseTimeout, connectTimeout).SetPayloadJson(payload);
            var answer = await service.InvokeDeviceMethodAsync(deviceId, call, cancel);
            return new MethodResponse(answer.Status, answer.GetPayloadAsJson() ?? "null");
        }
        catch (Exception e) when (IotHubErrors.RefusalOf(e, deviceId) is { } refusal)
        {
            return refusal;
        }
        catch (Newtonsoft.Json.JsonException e)
        {
            return new DeviceRefusal(DeviceRefusals.Invalid, e.Message);
        }
    }

    public async Task<DeviceTwin?> FindTwinAsync(string deviceId, CancellationToken cancel) =>
        await hub.GetTwinAsync(deviceId, cancel) is { } twin ? View(deviceId, twin) : null;

    public async Task<DeviceAnswer<DeviceTwin>> UpdateDesiredAsync(string deviceId, string patch, long? ifVersion, CancellationToken cancel)
    {
        if (ReadPatch(patch) is not { } desired)
            return new DeviceRefusal(DeviceRefusals.Invalid, "The patch is not a JSON object.");
        var change = new JsonObject { ["properties"] = new JsonObject { ["desired"] = desired } }.ToJsonString();

        for (var attempt = 1; ; attempt++)
        {
            var etag = "*";
            if (ifVersion is { } version)
            {
                if (await hub.GetTwinAsync(deviceId, cancel) is not { } twin)
                    return new DeviceRefusal(DeviceRefusals.UnknownDevice, $"There is no device '{deviceId}'.");
                if (twin.Properties.Desired.Version != version)
                    return new DeviceRefusal(DeviceRefusals.VersionConflict, $"The desired properties are not at version {version}.");
                etag = twin.ETag!;
            }

            try
            {
                return View(deviceId, await hub.UpdateTwinAsync(deviceId, change, etag, cancel));
            }
            catch (PreconditionFailedException) when (attempt < AttemptsMax)
            {
                // The next reading tells whether it was the desired properties that have changed.
            }
            catch (Exception e) when (IotHubErrors.RefusalOf(e, deviceId) is { } refusal)
            {
                return refusal;
            }
        }
    }

    private static DeviceTwin View(string deviceId, Twin twin) => new(
        deviceId, Document(twin.Properties.Desired), twin.Properties.Desired.Version, Document(twin.Properties.Reported), twin.Properties.Reported.Version);

    // The port's documents are the properties alone.
    private static string Document(TwinCollection properties)
    {
        var document = JsonNode.Parse(properties.ToJson())!.AsObject();
        document.Remove("$version");
        document.Remove("$metadata");
        return document.ToJsonString();
    }

    private static JsonObject? ReadPatch(string patch)
    {
        try
        {
            var parsed = JsonNode.Parse(patch) as JsonObject;
            parsed?.Remove("$version");
            return parsed;
        }
        catch (System.Text.Json.JsonException)
        {
            return null;
        }
    }

    private static DeliveryAcknowledgement Acknowledgement(DeliveryAck ack) => ack switch
    {
        DeliveryAck.Positive => DeliveryAcknowledgement.PositiveOnly,
        DeliveryAck.Negative => DeliveryAcknowledgement.NegativeOnly,
        DeliveryAck.Full => DeliveryAcknowledgement.Full,
        _ => DeliveryAcknowledgement.None,
    };
}
