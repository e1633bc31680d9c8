using System.Globalization;
using System.Text;
using Pumps.Handlers.Hubs;

namespace Pumps.Handlers.Devices;

/// <summary>A connection event in IoT Hub's form, as its route for device connection state events delivers it.</summary>
/// <remarks>Source: "IoT Hub message routing, non-telemetry events". Sequence numbers of one device are compared as text.</remarks>
public static class ConnectionEvent
{
    public const string Operation = "opType";
    public const string Connected = "deviceConnected";
    public const string Disconnected = "deviceDisconnected";
    public const string DeviceId = "deviceId";
    public const string Timestamp = "operationTimestamp";
    public const string Sequence = "sequenceNumber";

    private const string Schema = "iothub-message-schema";

    /// <summary>The local gateway's events.</summary>
    public static OutgoingEvent Of(string deviceId, bool connected, DateTimeOffset at, string sequence) => new(
        deviceId,
        new(
            new(Operation, connected ? Connected : Disconnected), new(DeviceId, deviceId), new(Schema, "deviceConnectionStateNotification"),
            new(Timestamp, at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'", CultureInfo.InvariantCulture))),
        Encoding.UTF8.GetBytes($$"""{"{{Sequence}}":"{{sequence}}"}"""));

    /// <summary>A number that grows from start to start of a gateway, and within one with the count.</summary>
    public static string SequenceAt(long start, uint count) => string.Create(CultureInfo.InvariantCulture, $"{start:X16}{count:X8}");
}
