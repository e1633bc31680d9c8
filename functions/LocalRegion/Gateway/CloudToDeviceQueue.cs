using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Pumps.Handlers.Devices;

namespace Pumps.LocalRegion.Gateway;

/// <summary>A queued message that has been taken for delivery.</summary>
internal sealed record QueuedMessage(long Sequence, CloudMessage Message, DateTimeOffset ExpiresAt);

/// <summary>The cloud-to-device queues: durable, at most 50 messages per device, oldest first, each until it is settled.</summary>
internal sealed class CloudToDeviceQueue(DeviceRegistry registry, TimeProvider time)
{
    private const int SqliteConstraint = 19;
    private const int SweepBatch = 1_000;

    private static readonly DeviceRefusal UnknownDevice = new(DeviceRefusals.UnknownDevice, "There is no such device.");

    // Delivered and not yet acknowledged: their time cannot run out any more.
    private readonly ConcurrentDictionary<long, byte> _inFlight = new();

    public async Task<DeviceRefusal?> AddAsync(string deviceId, CloudMessage message, CancellationToken cancel)
    {
        if (Check(message) is { } refusal) return refusal;
        if (!registry.TryGet(deviceId, out _)) return UnknownDevice;

        var expiresAt = time.GetUtcNow() + (message.TimeToLive ?? GatewayLimits.CloudMessageTimeToLive);
        try
        {
            return await registry.File.RunAsync(file => Add(file, deviceId, message, expiresAt), null, cancel);
        }
        catch (SqliteException e) when (e.SqliteErrorCode == SqliteConstraint)
        {
            return UnknownDevice; // Removed since it was looked up.
        }
    }

    /// <summary>Takes the oldest message of a device and counts its delivery. Settles on the way what has expired or was delivered too often.</summary>
    public Task<QueuedMessage?> TakeAsync(string deviceId, CancellationToken cancel) => registry.File.RunAsync(
        file =>
        {
            var now = time.GetUtcNow();
            while (file.Query("next_cloud_message", Read, ("@deviceId", deviceId)) is [var (queued, deliveries)])
            {
                if (queued.ExpiresAt <= now) Settle(file, queued.Sequence, DeliveryOutcome.Expired, now);
                else if (deliveries >= GatewayLimits.DeliveriesMax) Settle(file, queued.Sequence, DeliveryOutcome.DeliveryCountExceeded, now);
                else
                {
                    file.Execute("count_delivery", ("@sequence", queued.Sequence));
                    return queued;
                }
            }

            return null;
        },
        queued =>
        {
            if (queued is not null) _inFlight[queued.Sequence] = 0;
        },
        cancel);

    /// <summary>Ends a message. Safe to repeat.</summary>
    public async Task SettleAsync(long sequence, DeliveryOutcome outcome, CancellationToken cancel)
    {
        await registry.File.RunAsync(file => Settle(file, sequence, outcome, time.GetUtcNow()), null, cancel);
        _inFlight.TryRemove(sequence, out _);
    }

    /// <summary>The connection is gone: the message is the first of its queue again.</summary>
    public void Release(long sequence) => _inFlight.TryRemove(sequence, out _);

    /// <summary>Ends everything that waits for a device.</summary>
    public Task<int> PurgeAsync(string deviceId, CancellationToken cancel) => registry.File.RunAsync(
        file =>
        {
            var waiting = file.Query("list_cloud_messages", r => r.GetInt64(0), ("@deviceId", deviceId));
            foreach (var sequence in waiting)
                Settle(file, sequence, DeliveryOutcome.Purged, time.GetUtcNow());
            return waiting.Count;
        },
        null, cancel);

    /// <summary>Settles what waited too long.</summary>
    public Task ExpireAsync(CancellationToken cancel) => registry.File.RunAsync(
        file =>
        {
            var now = time.GetUtcNow();
            var expired = file.Query(
                "list_expired_cloud_messages", r => r.GetInt64(0), ("@now", now.ToUnixTimeMilliseconds()), ("@limit", SweepBatch));
            foreach (var sequence in expired)
                if (!_inFlight.ContainsKey(sequence))
                    Settle(file, sequence, DeliveryOutcome.Expired, now);
            return expired.Count;
        },
        null, cancel);

    /// <summary>Tells the senders what became of their messages, oldest first. What it has told is forgotten; when it throws, it is told again.</summary>
    public async Task ReportAsync(Func<DeliveryFeedback, CancellationToken, ValueTask> report, CancellationToken cancel)
    {
        var waiting = await registry.File.RunAsync(
            file => file.Query(
                "list_feedback",
                r => (Sequence: r.GetInt64(0), Feedback: new DeliveryFeedback(
                    r.GetString(1), r.GetString(2), (DeliveryOutcome)r.GetInt32(3), DateTimeOffset.FromUnixTimeMilliseconds(r.GetInt64(4)))),
                ("@limit", SweepBatch)),
            null, cancel);
        foreach (var (_, feedback) in waiting)
            await report(feedback, cancel);
        if (waiting.Count > 0)
            await registry.File.RunAsync(file => file.Execute("delete_feedback", ("@sequence", waiting[^1].Sequence)), null, cancel);
    }

    /// <summary>The topic that carries a message's properties to the device.</summary>
    public static string TopicOf(string deviceId, CloudMessage message)
    {
        var topic = new StringBuilder($"devices/{deviceId}/messages/devicebound/");
        PropertyBag.Append(topic, "$.mid", message.MessageId);
        PropertyBag.Append(topic, "$.to", $"/devices/{deviceId}/messages/devicebound");
        PropertyBag.Append(topic, "$.cid", message.CorrelationId);
        PropertyBag.Append(topic, "$.uid", message.UserId);
        PropertyBag.Append(topic, "$.ct", message.ContentType);
        PropertyBag.Append(topic, "$.ce", message.ContentEncoding);
        if (message.Ack is not DeliveryAck.None) PropertyBag.Append(topic, "iothub-ack", JsonNamingPolicy.CamelCase.ConvertName(message.Ack.ToString()));
        foreach (var (name, value) in message.Properties)
            PropertyBag.Append(topic, name, value);
        return topic.ToString();
    }

    private static DeviceRefusal? Check(CloudMessage message)
    {
        var bytes = message.Body.Length + message.Properties.Sum(p => p.Key.Length + p.Value.Length);
        if (bytes > GatewayLimits.CloudMessageBytes)
            return new(DeviceRefusals.TooLarge, $"The message has {bytes} bytes with its properties; at most {GatewayLimits.CloudMessageBytes} are allowed.");
        if (message.MessageId.Length == 0) return new(DeviceRefusals.Invalid, "The message has no message id.");
        if (message.Properties.FirstOrDefault(p => p.Key.Length == 0 || p.Key.StartsWith('$')) is { Key: { } name })
            return new(DeviceRefusals.Invalid, $"The property name '{name}' is empty or begins with '$', which is kept for the hub.");
        if (message.TimeToLive is { } life && (life <= TimeSpan.Zero || life > GatewayLimits.CloudMessageTimeToLiveMax))
            return new(DeviceRefusals.Invalid, $"The time to live is {life}; it must be more than zero and at most {GatewayLimits.CloudMessageTimeToLiveMax}.");
        return null;
    }

    private static DeviceRefusal? Add(RegistryFile file, string deviceId, CloudMessage message, DateTimeOffset expiresAt)
    {
        if (file.Query("count_cloud_messages", r => r.GetInt32(0), ("@deviceId", deviceId))[0] >= GatewayLimits.CloudMessagesPerDevice)
            return new(DeviceRefusals.DeviceQueueFull, $"{GatewayLimits.CloudMessagesPerDevice} messages wait for the device already.");

        file.Execute(
            "insert_cloud_message",
            ("@deviceId", deviceId), ("@messageId", message.MessageId), ("@correlationId", message.CorrelationId), ("@userId", message.UserId),
            ("@contentType", message.ContentType), ("@contentEncoding", message.ContentEncoding),
            ("@properties", JsonSerializer.Serialize(message.Properties.Select(p => new[] { p.Key, p.Value }))),
            ("@body", message.Body.ToArray()), ("@ack", (int)message.Ack), ("@expiresAt", expiresAt.ToUnixTimeMilliseconds()));
        return null;
    }

    private static bool Settle(RegistryFile file, long sequence, DeliveryOutcome outcome, DateTimeOffset at)
    {
        var ended = file.Query(
            "delete_cloud_message", r => (DeviceId: r.GetString(0), MessageId: r.GetString(1), Ack: (DeliveryAck)r.GetInt32(2)), ("@sequence", sequence));
        if (ended is not [var message]) return false;

        var wanted = outcome is DeliveryOutcome.Completed
            ? message.Ack is DeliveryAck.Positive or DeliveryAck.Full
            : message.Ack is DeliveryAck.Negative or DeliveryAck.Full;
        if (wanted)
            file.Execute(
                "insert_feedback",
                ("@deviceId", message.DeviceId), ("@messageId", message.MessageId), ("@outcome", (int)outcome), ("@at", at.ToUnixTimeMilliseconds()));
        return true;
    }

    private static (QueuedMessage Queued, int Deliveries) Read(SqliteDataReader row)
    {
        string? Text(int column) => row.IsDBNull(column) ? null : row.GetString(column);

        var message = new CloudMessage(row.GetString(1), (byte[])row[7])
        {
            CorrelationId = Text(2),
            UserId = Text(3),
            ContentType = Text(4),
            ContentEncoding = Text(5),
            Properties = [.. JsonSerializer.Deserialize<string[][]>(row.GetString(6))!.Select(p => KeyValuePair.Create(p[0], p[1]))],
            Ack = (DeliveryAck)row.GetInt32(8),
        };
        return (new(row.GetInt64(0), message, DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(9))), row.GetInt32(10));
    }
}
