using System.Globalization;
using System.Text.Json;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Provisioning;

namespace Pumps.LocalRegion.Gateway;

/// <summary>
/// A device's registration, as the Device Provisioning Service answers it: accepted at once with the number of an operation, decided meanwhile, told
/// when the device asks. Answers go to <c>$dps/registrations/res/{status}/?$rid=...</c>.
/// </summary>
internal sealed class Registrations(
    DeviceRegistry registry, EnrollmentGroup group, Func<string, CancellationToken, Task<Answer<Allocation>>> allocate, GatewayMetrics metrics, TimeProvider time,
    CancellationToken stopping)
{
    // Of one device. A registration takes two or three requests.
    private const int RequestsPerSecond = 5;

    // Whole seconds are all that the protocol knows, and a decision takes milliseconds.
    private const int RetryAfterSeconds = 1;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull };

    /// <summary>Answers <c>PUT iotdps-register</c>: begins a registration, or goes on with the one that is under way.</summary>
    public void Register(RegistrationConnection connection, string requestId, ReadOnlySpan<byte> body)
    {
        if (IsRefused(connection, requestId)) return;
        if (NameIn(body) is not { } name)
            Fault(connection, 400, requestId, "The body is no JSON object with a registrationId.");
        else if (name != connection.RegistrationId)
            Fault(connection, 401, requestId, $"This connection registers '{connection.RegistrationId}' and nothing else.");
        else
            Pending(connection, requestId, (connection.Operation is { Result.IsCompleted: false } ? connection.Operation : Begin(connection)).Id);
    }

    /// <summary>Answers <c>GET iotdps-get-operationstatus</c>.</summary>
    public void Status(RegistrationConnection connection, string requestId, string operationId)
    {
        if (IsRefused(connection, requestId)) return;
        if (connection.Operation is not { } operation || operation.Id != operationId)
            Fault(connection, 404, requestId, "There is no such operation on this connection. Register again.");
        else if (!operation.Result.IsCompleted)
            Pending(connection, requestId, operationId);
        else if (operation.Result.IsCompletedSuccessfully)
            connection.Answer(Topic(200, requestId), operation.Result.Result);
        else
        {
            // The region's own trouble, already logged. Devices ask again after a 5xx, and each question is a new attempt.
            Begin(connection, operationId);
            Fault(connection, 503, requestId, "The registration could not be decided. Ask again.", retry: true);
        }
    }

    private RegistrationOperation Begin(RegistrationConnection connection, string? operationId = null)
    {
        var id = operationId ?? Guid.NewGuid().ToString("N");
        return connection.Operation = new(id, RunAsync(connection.RegistrationId, id));
    }

    private async Task<byte[]> RunAsync(string registrationId, string operationId)
    {
        try
        {
            var answer = await allocate(registrationId, stopping);
            if (answer is Answer<Allocation>.Found { Value: var allocation } && await registry.AdoptKeysAsync(registrationId, group.KeysOf(registrationId), stopping))
            {
                metrics.Registered();
                return Ended(operationId, "assigned", new State(registrationId, "assigned", time.GetUtcNow())
                {
                    AssignedHub = allocation.Hub, DeviceId = registrationId, Substatus = "initialAssignment",
                });
            }

            // Without an answer, the device was removed between the decision and the writing of its keys.
            var (rule, detail) = answer is Answer<Allocation>.Refused refused ? (refused.Rule, refused.Detail) : ("unknown_device", "The device has just been removed.");
            metrics.Refuse(RefusalReason.RegistrationRefused, registrationId, rule);
            return Ended(operationId, "failed", new State(registrationId, "failed", time.GetUtcNow())
            {
                ErrorCode = RefusedCode, ErrorMessage = $"{rule}: {detail}",
            });
        }
        catch (Exception e) when (e is not OperationCanceledException || !stopping.IsCancellationRequested)
        {
            metrics.Refuse(RefusalReason.AllocationOutage, registrationId, e.Message);
            throw;
        }
    }

    private bool IsRefused(RegistrationConnection connection, string requestId)
    {
        if (!connection.MayAsk(time.GetUtcNow(), RequestsPerSecond))
            Fault(connection, 429, requestId, $"At most {RequestsPerSecond} requests per second.", retry: true);
        else if (!connection.Authorized)
            Fault(connection, 401, requestId, "Unauthorized");
        else
            return false;
        return true;
    }

    private static string? NameIn(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize<Request>(body, Json)?.RegistrationId;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static void Pending(RegistrationConnection connection, string requestId, string operationId) => connection.Answer(
        Topic(202, requestId, retry: true), JsonSerializer.SerializeToUtf8Bytes(new { operationId, status = "assigning" }, Json));

    private static byte[] Ended(string operationId, string status, State registrationState) =>
        JsonSerializer.SerializeToUtf8Bytes(new { operationId, status, registrationState }, Json);

    // Error codes begin with the status. The tracking id is for the service's own log; here the registration id serves.
    private void Fault(RegistrationConnection connection, int status, string requestId, string message, bool retry = false) => connection.Answer(
        Topic(status, requestId, retry),
        JsonSerializer.SerializeToUtf8Bytes(
            new { errorCode = status * 1000, trackingId = connection.RegistrationId, message, timestampUtc = time.GetUtcNow().UtcDateTime }, Json));

    private static string Topic(int status, string requestId, bool retry = false) =>
        $"$dps/registrations/res/{status.ToString(CultureInfo.InvariantCulture)}/?$rid={requestId}" + (retry ? $"&retry-after={RetryAfterSeconds}" : "");

    /// <summary>The code with which a registration ends that the custom allocation has refused.</summary>
    private const int RefusedCode = 400207;

    private sealed record Request(string? RegistrationId);

    private sealed record State(string RegistrationId, string Status, DateTimeOffset LastUpdatedDateTimeUtc)
    {
        public string? AssignedHub { get; init; }

        public string? DeviceId { get; init; }

        public string? Substatus { get; init; }

        public int? ErrorCode { get; init; }

        public string? ErrorMessage { get; init; }
    }
}
