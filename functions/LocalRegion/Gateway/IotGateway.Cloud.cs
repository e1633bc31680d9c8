using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;
using Pumps.Handlers.Devices;

namespace Pumps.LocalRegion.Gateway;

/// <summary>The side of the cloud: what handlers ask of devices, and the upkeep.</summary>
public sealed partial class IotGateway
{
    public async Task<DeviceAnswer<CloudMessage>> SendAsync(string deviceId, CloudMessage message, CancellationToken cancel)
    {
        if (await _queue.AddAsync(deviceId, message, cancel) is { } refusal) return refusal;
        if (_connections.TryGetValue(deviceId, out var connection)) Resume(connection);
        return message;
    }

    public async Task<DeviceAnswer<MethodResponse>> InvokeAsync(
        string deviceId, string method, string payload, TimeSpan responseTimeout, TimeSpan connectTimeout, CancellationToken cancel) =>
        _registry.TryGet(deviceId, out _)
            ? await _methods.InvokeAsync(deviceId, method, payload, responseTimeout, connectTimeout, cancel)
            : UnknownDevice(deviceId);

    public Task<DeviceTwin?> FindTwinAsync(string deviceId, CancellationToken cancel) => _twins.FindAsync(deviceId, cancel);

    public async Task<DeviceAnswer<DeviceTwin>> UpdateDesiredAsync(string deviceId, string patch, long? ifVersion, CancellationToken cancel)
    {
        if (TwinDocument.TryParse(Encoding.UTF8.GetBytes(patch), out var fault) is not { } parsed) return new DeviceRefusal(DeviceRefusals.Invalid, fault);

        var text = parsed.ToJsonString();
        var (twin, refused) = await _twins.PatchDesiredAsync(deviceId, parsed, ifVersion, changed => Notify(changed, text), cancel);
        return refused switch
        {
            TwinFault.TooLarge => new DeviceRefusal(
                DeviceRefusals.TooLarge, $"The desired properties would have more than {GatewayLimits.TwinSectionBytes} bytes."),
            TwinFault.VersionConflict => new DeviceRefusal(DeviceRefusals.VersionConflict, $"The desired properties are not at version {ifVersion}."),
            _ when twin is null => UnknownDevice(deviceId),
            _ => twin,
        };
    }

    /// <summary>Deletes everything that waits for a device.</summary>
    /// <returns>How many messages there were.</returns>
    public Task<int> PurgeAsync(string deviceId, CancellationToken cancel) => _queue.PurgeAsync(deviceId, cancel);

    private static DeviceRefusal UnknownDevice(string deviceId) => new(DeviceRefusals.UnknownDevice, $"There is no device '{deviceId}'.");

    private void Notify(DeviceTwin twin, string patch)
    {
        if (_connections.TryGetValue(twin.DeviceId, out var connection) && connection.Has(Subscriptions.DesiredProperties))
            connection.Send(
                "$iothub/twin/PATCH/properties/desired/?$version=" + twin.DesiredVersion.ToString(CultureInfo.InvariantCulture),
                Encoding.UTF8.GetBytes(TwinDocument.WithVersion(patch, twin.DesiredVersion)));
    }

    /// <summary>Hands the queue to a device, one message at a time: the next one when the one before is acknowledged.</summary>
    private async Task DeliverAsync(DeviceConnection connection)
    {
        if (!connection.BeginDelivery()) return;
        try
        {
            do
            {
                while (connection.CanDeliver && await _queue.TakeAsync(connection.Device.Id, _stopping.Token) is { } queued)
                    if (!await TrySendAsync(connection, queued))
                    {
                        // The connection has ended since: the message waits for the next one.
                        _queue.Release(queued.Sequence);
                        return;
                    }
            }
            while (!connection.EndDelivery());
        }
        catch (SqliteException e)
        {
            StorageFailed(connection, e);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The queue is on disk.
        }
    }

    private async Task<bool> TrySendAsync(DeviceConnection connection, QueuedMessage queued)
    {
        var topic = CloudToDeviceQueue.TopicOf(connection.Device.Id, queued.Message);
        if (connection.Has(Subscriptions.CloudMessagesAcknowledged)) return connection.SendAcknowledged(topic, queued.Message.Body, queued.Sequence);
        if (!connection.Send(topic, queued.Message.Body)) return false;
        await _queue.SettleAsync(queued.Sequence, DeliveryOutcome.Completed, _stopping.Token);
        return true;
    }

    private async Task UpkeepAsync()
    {
        try
        {
            var now = _time.GetUtcNow();
            foreach (var connection in _connections.Values)
                if (connection.ExpiresAt <= now) Close(connection, RefusalReason.TokenExpired);
                else if (!connection.Device.Enabled) Close(connection, RefusalReason.DeviceDisabled);

            foreach (var registering in _registering.Keys)
                if (registering.ExpiresAt <= now) registering.Channel.Cut();

            await _queue.ExpireAsync(_stopping.Token);
            if (Feedback is { } report) await _queue.ReportAsync(report, _stopping.Token);
            if (Interlocked.Exchange(ref _upkeepFailing, 0) == 1) _log.UpkeepRecovered();
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // Nothing is lost: what was to be done is in the file.
        }
        catch (Exception e)
        {
            // The timer has no caller who could be told. Everything here is repeated in a second, and the first failure of a row is logged.
            if (Interlocked.Exchange(ref _upkeepFailing, 1) == 0) _log.UpkeepFailed(e);
        }
    }

    private int _upkeepFailing;
}
