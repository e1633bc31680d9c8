using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Azure.Devices;
using Microsoft.Azure.Devices.Common.Exceptions;
using Microsoft.Azure.Devices.Shared;
using Pumps.Handlers.Devices;

namespace Pumps.Azure.Devices;

/// <summary>
/// Identities, keys and tags in the region's IoT Hub, and what its Device Provisioning Service remembers of them. The local region's registry is the
/// gateway's.
/// </summary>
/// <remarks>
/// Every write names the version that it has read (etag); when somebody was faster, it reads again. Throttling and outages go up as they are.
/// </remarks>
public sealed class IotHubRegistry(RegistryManager hub, ProvisioningRegistrations registrations) : IDeviceRegistry
{
    // Tags and keys of one device are changed by hand and by its orchestration; more writers at once than this is a bug.
    private const int WritersMax = 10;

    // IoT Hub gives at most so many rows at once.
    private const int PageMax = 1000;

    private const string AnyVersion = "*";

    public async Task<RegisteredDevice> RegisterAsync(DeviceRegistration device, string? desired, CancellationToken cancel)
    {
        var wanted = desired is null ? null : ReadObject(desired);
        var keys = new SymmetricKey { PrimaryKey = DeviceKey.Create(), SecondaryKey = DeviceKey.Create() };
        var identity = new Device(device.Id)
        {
            Status = DeviceStatus.Enabled, Authentication = new() { Type = AuthenticationType.Sas, SymmetricKey = keys },
        };
        var twin = new Twin(device.Id) { Tags = new(WithoutNulls(TwinTags.Of(device)).ToJsonString()) };
        if (wanted is not null)
            twin.Properties.Desired = new(WithoutNulls(wanted).ToJsonString());

        var added = await hub.AddDeviceWithTwinAsync(identity, twin, cancel);
        if (added.IsSuccessful)
            return new(device, keys.PrimaryKey!, keys.SecondaryKey!, true);
        if (added.Errors is not [{ ErrorCode: ErrorCode.DeviceAlreadyExists }, ..])
            throw new IotHubException(
                added.Errors is [var error, ..] ? error.ErrorCode : ErrorCode.InvalidErrorCode,
                $"IoT Hub did not take the device '{device.Id}': {added.Errors?.FirstOrDefault()?.ErrorStatus}");

        return await ChangeTwinAsync(
            device.Id,
            new()
            {
                ["tags"] = TwinTags.Of(device),
                ["properties"] = wanted is null ? null : new JsonObject { ["desired"] = wanted },
            },
            cancel) && await FindAsync(device.Id, cancel) is { } registered
            ? registered
            // Removed since it was there: it can be added now.
            : await RegisterAsync(device, desired, cancel);
    }

    public async Task<RegisteredDevice?> FindAsync(string deviceId, CancellationToken cancel)
    {
        if (await hub.GetDeviceAsync(deviceId, cancel) is not { } device || await hub.GetTwinAsync(deviceId, cancel) is not { } twin)
            return null;
        var keys = device.Authentication?.SymmetricKey;
        return new(
            TwinTags.Read(deviceId, twin.Tags.ToJson()), keys?.PrimaryKey ?? "", keys?.SecondaryKey ?? "", device.Status is DeviceStatus.Enabled);
    }

    public async Task<DeviceRegistration?> FindTagsAsync(string deviceId, CancellationToken cancel) =>
        await hub.GetTwinAsync(deviceId, cancel) is { } twin ? TwinTags.Read(deviceId, twin.Tags.ToJson()) : null;

    public Task<bool> UpdateTagsAsync(string deviceId, TagChange change, CancellationToken cancel) =>
        ChangeTwinAsync(deviceId, new() { ["tags"] = TwinTags.ToPatch(change) }, cancel);

    public Task<bool> SetEnabledAsync(string deviceId, bool enabled, CancellationToken cancel)
    {
        var wanted = enabled ? DeviceStatus.Enabled : DeviceStatus.Disabled;
        return ChangeDeviceAsync(
            deviceId,
            device =>
            {
                if (device.Status == wanted) return false;
                device.Status = wanted;
                return true;
            },
            cancel);
    }

    public Task<bool> SetKeyAsync(string deviceId, DeviceKeySlot slot, string key, CancellationToken cancel)
    {
        DeviceKey.Read(key);
        return ChangeDeviceAsync(
            deviceId,
            device =>
            {
                var keys = (device.Authentication ??= new() { Type = AuthenticationType.Sas }).SymmetricKey ??= new();
                if ((slot is DeviceKeySlot.Primary ? keys.PrimaryKey : keys.SecondaryKey) == key) return false;
                if (slot is DeviceKeySlot.Primary) keys.PrimaryKey = key;
                else keys.SecondaryKey = key;
                return true;
            },
            cancel);
    }

    public async Task<IReadOnlyList<string>> ListUntaggedAsync(int limit, CancellationToken cancel)
    {
        var query = hub.CreateQuery(
            "SELECT deviceId FROM devices WHERE NOT is_defined(tags.protocol) OR NOT is_defined(tags.offering)", Math.Min(limit, PageMax));
        var ids = new List<string>();
        while (ids.Count < limit && query.HasMoreResults)
        {
            cancel.ThrowIfCancellationRequested();
            foreach (var row in await query.GetNextAsJsonAsync())
                ids.Add(JsonSerializer.Deserialize<JsonElement>(row).GetProperty("deviceId").GetString()!);
        }

        return ids.Count > limit ? ids[..limit] : ids;
    }

    public async Task<bool> RemoveAsync(string deviceId, CancellationToken cancel)
    {
        var removed = true;
        try
        {
            await hub.RemoveDeviceAsync(deviceId, cancel);
        }
        catch (IotHubException e) when (IotHubErrors.IsUnknownDevice(e))
        {
            removed = false;
        }

        // Afterwards: a device that registers in between is refused, since it is not in the hub any more. Also when it was not there: the time before
        // may have come no further.
        return await registrations.RemoveAsync(deviceId, cancel) || removed;
    }

    private async Task<bool> ChangeTwinAsync(string deviceId, JsonObject patch, CancellationToken cancel)
    {
        if (await hub.GetTwinAsync(deviceId, cancel) is not { } twin)
            return false;
        var present = new JsonObject
        {
            ["tags"] = JsonNode.Parse(twin.Tags.ToJson()),
            ["properties"] = new JsonObject { ["desired"] = JsonNode.Parse(twin.Properties.Desired.ToJson()) },
        };
        if (patch["properties"] is null)
            patch.Remove("properties");
        if (TwinChange.Of(present, patch) is not { } change)
            return true;

        try
        {
            // A patch of single members: it is right whoever else has changed others meanwhile.
            await hub.UpdateTwinAsync(deviceId, change.ToJsonString(), AnyVersion, cancel);
            return true;
        }
        catch (IotHubException e) when (IotHubErrors.IsUnknownDevice(e))
        {
            return false;
        }
    }

    private async Task<bool> ChangeDeviceAsync(string deviceId, Func<Device, bool> change, CancellationToken cancel)
    {
        for (var writer = 1; ; writer++)
        {
            if (await hub.GetDeviceAsync(deviceId, cancel) is not { } device)
                return false;
            if (!change(device))
                return true;

            try
            {
                await hub.UpdateDeviceAsync(device, cancel);
                return true;
            }
            catch (PreconditionFailedException) when (writer < WritersMax)
            {
                // The device as it was read is not the one that is there: the keys must not be put back to what they were.
            }
            catch (IotHubException e) when (IotHubErrors.IsUnknownDevice(e))
            {
                return false;
            }
        }
    }

    private static JsonObject ReadObject(string json)
    {
        try
        {
            return JsonNode.Parse(json) as JsonObject ?? throw new ArgumentException("The desired properties are not a JSON object.", nameof(json));
        }
        catch (JsonException e)
        {
            throw new ArgumentException("The desired properties are not JSON: " + e.Message, nameof(json));
        }
    }

    // In a twin that is new there is nothing to delete.
    private static JsonObject WithoutNulls(JsonObject patch)
    {
        var document = new JsonObject();
        foreach (var (name, value) in patch)
            if (value is not null)
                document[name] = value is JsonObject inner ? WithoutNulls(inner) : value.DeepClone();
        return document;
    }
}
