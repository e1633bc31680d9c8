using System.Globalization;

namespace Pumps.LocalRegion.Gateway;

/// <summary>What a device may ask for by publishing to a topic under <c>$iothub/</c>.</summary>
internal enum DeviceRequest
{
    Unknown,
    GetTwin,
    PatchReported,
    AnswerMethod,
}

/// <summary>The topics of IoT Hub's MQTT dialect, as far as devices write and read them.</summary>
/// <remarks>Source: "Communicate with your IoT hub using the MQTT protocol".</remarks>
internal static class DeviceTopics
{
    private const string GetTwin = "$iothub/twin/GET/?";
    private const string PatchReported = "$iothub/twin/PATCH/properties/reported/?";
    private const string MethodResponse = "$iothub/methods/res/";

    /// <summary>Reads the topic of a request.</summary>
    /// <param name="requestId">The value of <c>$rid</c>, as the device has written it.</param>
    /// <param name="number">The device's status for a method's answer; the twin's version that a patch expects, or null.</param>
    public static DeviceRequest Read(string topic, out string requestId, out long? number)
    {
        number = null;
        requestId = "";
        if (topic.StartsWith(GetTwin, StringComparison.Ordinal))
            return ReadQuery(topic.AsSpan(GetTwin.Length), out requestId, out _) ? DeviceRequest.GetTwin : DeviceRequest.Unknown;
        if (topic.StartsWith(PatchReported, StringComparison.Ordinal))
            return ReadQuery(topic.AsSpan(PatchReported.Length), out requestId, out number) ? DeviceRequest.PatchReported : DeviceRequest.Unknown;
        if (!topic.StartsWith(MethodResponse, StringComparison.Ordinal)) return DeviceRequest.Unknown;

        var rest = topic.AsSpan(MethodResponse.Length);
        var slash = rest.IndexOf("/?");
        if (slash < 0 || !int.TryParse(rest[..slash], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var status)
            || !ReadQuery(rest[(slash + 2)..], out requestId, out _))
            return DeviceRequest.Unknown;
        number = status;
        return DeviceRequest.AnswerMethod;
    }

    /// <summary>What a topic filter subscribes this device to; null for one that is not a device's.</summary>
    public static Subscriptions? ReadFilter(string filter, string deviceId, bool acknowledged) => filter switch
    {
        "$iothub/methods/POST/#" => Subscriptions.Methods,
        "$iothub/twin/res/#" => Subscriptions.TwinResponses,
        "$iothub/twin/PATCH/properties/desired/#" => Subscriptions.DesiredProperties,
        _ when filter == $"devices/{deviceId}/messages/devicebound/#" =>
            acknowledged ? Subscriptions.CloudMessages | Subscriptions.CloudMessagesAcknowledged : Subscriptions.CloudMessages,
        _ => null,
    };

    private static bool ReadQuery(ReadOnlySpan<char> query, out string requestId, out long? version)
    {
        requestId = "";
        version = null;
        foreach (var range in query.Split('&'))
        {
            var field = query[range];
            if (field.StartsWith("$rid=")) requestId = field[5..].ToString();
            else if (field.StartsWith("$version="))
            {
                if (!long.TryParse(field[9..], NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
                version = number;
            }
        }

        return requestId.Length > 0;
    }
}
