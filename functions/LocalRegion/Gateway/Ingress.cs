using MQTTnet.Server;

namespace Pumps.LocalRegion.Gateway;

/// <summary>Device-to-cloud messages: checked by IoT Hub's rules, handed to the sink, acknowledged when the sink has made them durable.</summary>
internal sealed class Ingress(Func<IngressMessage, CancellationToken, ValueTask> sink, GatewayMetrics metrics, TimeProvider time, ILogger log, CancellationToken stopping)
{
    // 1 while the sink refuses; written with Interlocked so that the change is logged once.
    private int _failing;

    /// <summary>Takes one message. When it returns and the connection is still open, MQTTnet sends the PUBACK.</summary>
    /// <returns>False: the connection is to be closed without PUBACK, and the device will repeat the message.</returns>
    public async Task<bool> TakeAsync(DeviceConnection connection, InterceptingPublishEventArgs publish)
    {
        var message = publish.ApplicationMessage;
        if (message.Payload.Length + message.Topic.Length - connection.EventsTopic.Length > GatewayLimits.MessageBytes)
            return Refuse(connection, RefusalReason.MessageTooLarge, $"{message.Payload.Length} bytes and properties; at most {GatewayLimits.MessageBytes} together");
        // MQTTnet sends the will of a connection that was lost when that is over and can be cancelled no more.
        var isWill = !publish.CancellationToken.CanBeCanceled;
        if (!connection.TryReadProperties(message.Topic, message.Retain, isWill, out var properties))
            return Refuse(connection, RefusalReason.BadProperties, "a property bag is name=value pairs joined by '&', URL-encoded, each name once");

        try
        {
            await sink(new(connection.Device.Registration, properties, message.Payload.First, time.GetUtcNow()), stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception e)
        {
            // Whatever the sink's trouble is, the message is not durable. The device keeps it and repeats it.
            if (Interlocked.Exchange(ref _failing, 1) == 0) log.SinkFailed(e);
            return Refuse(connection, RefusalReason.SinkRefused, null);
        }

        if (Volatile.Read(ref _failing) == 1 && Interlocked.Exchange(ref _failing, 0) == 1) log.SinkRecovered();
        metrics.Message();
        return true;
    }

    private bool Refuse(DeviceConnection connection, RefusalReason reason, string? detail)
    {
        if (connection.Close(reason)) metrics.Refuse(reason, connection.Device.Id, detail);
        return false;
    }
}
