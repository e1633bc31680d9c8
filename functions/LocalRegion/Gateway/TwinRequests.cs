using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Pumps.LocalRegion.Gateway;

/// <summary>A device's requests to its own twin, answered on <c>$iothub/twin/res/{status}/?$rid=...</c>.</summary>
internal sealed class TwinRequests(Twins twins, TimeProvider time, int perSecond)
{
    public async Task GetAsync(DeviceConnection connection, string requestId, CancellationToken cancel)
    {
        if (IsThrottled(connection, requestId)) return;
        if (await twins.FindAsync(connection.Device.Id, cancel) is not { } twin) return; // Removed just now; its connection is being closed.
        Answer(
            connection, 200, requestId, null,
            $$"""{"desired":{{TwinDocument.WithVersion(twin.Desired, twin.DesiredVersion)}},"reported":{{TwinDocument.WithVersion(twin.Reported, twin.ReportedVersion)}}}""");
    }

    public async Task PatchAsync(DeviceConnection connection, string requestId, long? ifVersion, ReadOnlyMemory<byte> body, CancellationToken cancel)
    {
        if (IsThrottled(connection, requestId)) return;
        if (body.Length > GatewayLimits.TwinSectionBytes)
        {
            Fault(connection, TwinFault.TooLarge, requestId, $"The patch has {body.Length} bytes; at most {GatewayLimits.TwinSectionBytes} are allowed.");
            return;
        }

        if (TwinDocument.TryParse(body.Span, out var fault) is not { } patch)
        {
            Fault(connection, TwinFault.Invalid, requestId, fault);
            return;
        }

        var (twin, refused) = await twins.PatchReportedAsync(connection.Device.Id, patch, ifVersion, cancel);
        if (refused is TwinFault.TooLarge)
            Fault(connection, refused, requestId, $"The reported properties would have more than {GatewayLimits.TwinSectionBytes} bytes.");
        else if (refused is TwinFault.VersionConflict)
            Fault(connection, refused, requestId, $"The reported properties are not at version {ifVersion}.");
        else if (twin is not null)
            Answer(connection, 204, requestId, twin.ReportedVersion, "");
    }

    private bool IsThrottled(DeviceConnection connection, string requestId)
    {
        if (connection.MayAskTwin(time.GetUtcNow(), perSecond)) return false;
        Fault(connection, 429, requestId, $"At most {perSecond} twin requests per second.");
        return true;
    }

    private static void Fault(DeviceConnection connection, TwinFault fault, string requestId, string message) =>
        Fault(connection, (int)fault, requestId, message);

    // IoT Hub's error codes begin with the status. Microsoft's SDKs read errorCode and message.
    private static void Fault(DeviceConnection connection, int status, string requestId, string message) =>
        Answer(connection, status, requestId, null, JsonSerializer.Serialize(new { errorCode = status * 1000, message }));

    // A device that has not subscribed to the answers has not asked for them.
    private static void Answer(DeviceConnection connection, int status, string requestId, long? version, string body)
    {
        if (!connection.Has(Subscriptions.TwinResponses)) return;
        var topic = $"$iothub/twin/res/{status.ToString(CultureInfo.InvariantCulture)}/?$rid={requestId}";
        if (version is { } number) topic += "&$version=" + number.ToString(CultureInfo.InvariantCulture);
        connection.Send(topic, Encoding.UTF8.GetBytes(body));
    }
}
