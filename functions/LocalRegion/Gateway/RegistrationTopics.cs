namespace Pumps.LocalRegion.Gateway;

/// <summary>What a client that registers may ask for.</summary>
internal enum RegistrationRequest
{
    Unknown,
    Register,
    GetStatus,
}

/// <summary>The topics of the Device Provisioning Service's MQTT dialect.</summary>
/// <remarks>Source: "Communicate with DPS using the MQTT protocol".</remarks>
internal static class RegistrationTopics
{
    public const string Responses = "$dps/registrations/res/#";

    private const string Register = "$dps/registrations/PUT/iotdps-register/?";
    private const string GetStatus = "$dps/registrations/GET/iotdps-get-operationstatus/?";

    /// <param name="requestId">The value of <c>$rid</c>, as the device has written it.</param>
    /// <param name="operationId">Which operation the device asks for; empty when it registers.</param>
    public static RegistrationRequest Read(string topic, out string requestId, out string operationId)
    {
        (requestId, operationId) = ("", "");
        if (topic.StartsWith(Register, StringComparison.Ordinal))
            return ReadQuery(topic.AsSpan(Register.Length), out requestId, out operationId) ? RegistrationRequest.Register : RegistrationRequest.Unknown;
        if (topic.StartsWith(GetStatus, StringComparison.Ordinal))
            return ReadQuery(topic.AsSpan(GetStatus.Length), out requestId, out operationId) ? RegistrationRequest.GetStatus : RegistrationRequest.Unknown;
        return RegistrationRequest.Unknown;
    }

    private static bool ReadQuery(ReadOnlySpan<char> query, out string requestId, out string operationId)
    {
        (requestId, operationId) = ("", "");
        foreach (var range in query.Split('&'))
        {
            var field = query[range];
            if (field.StartsWith("$rid=")) requestId = field[5..].ToString();
            else if (field.StartsWith("operationId=")) operationId = field[12..].ToString();
        }

        return requestId.Length > 0;
    }
}
