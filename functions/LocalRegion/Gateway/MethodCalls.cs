using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Pumps.Handlers.Devices;

namespace Pumps.LocalRegion.Gateway;

/// <summary>Direct methods: a request to a connected device and its answer, both QoS 0; nothing is stored.</summary>
internal sealed class MethodCalls(Func<string, DeviceConnection?> find, TimeProvider time)
{
    private const int NameCharactersMax = 128;

    private readonly ConcurrentDictionary<string, Call> _calls = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _awaited = new(StringComparer.Ordinal);
    private long _lastRequest;

    public async Task<DeviceAnswer<MethodResponse>> InvokeAsync(
        string deviceId, string method, string payload, TimeSpan responseTimeout, TimeSpan connectTimeout, CancellationToken cancel)
    {
        if (Check(method, payload, responseTimeout, connectTimeout) is { } refusal) return refusal;
        if (await FindAsync(deviceId, connectTimeout, cancel) is not { } connection) return Offline(connectTimeout);

        var requestId = Interlocked.Increment(ref _lastRequest).ToString("x", CultureInfo.InvariantCulture);
        var call = new Call(deviceId);
        _calls[requestId] = call;
        try
        {
            if (!connection.Send($"$iothub/methods/POST/{Uri.EscapeDataString(method)}/?$rid={requestId}", Encoding.UTF8.GetBytes(payload)))
                return Offline(connectTimeout);
            return await call.Response.Task.WaitAsync(responseTimeout, time, cancel);
        }
        catch (TimeoutException)
        {
            return new DeviceRefusal(DeviceRefusals.DeviceTimeout, $"The device did not answer '{method}' within {responseTimeout.TotalSeconds} s.");
        }
        finally
        {
            _calls.TryRemove(requestId, out _);
        }
    }

    /// <summary>A device has subscribed to methods: whoever waits for it may go on.</summary>
    public void Available(string deviceId)
    {
        if (_awaited.TryRemove(deviceId, out var waiting)) waiting.TrySetResult();
    }

    /// <summary>A device's answer. One that nobody waits for any more, or that is for another device's request, is dropped.</summary>
    /// <returns>False when the payload is not JSON.</returns>
    public bool Answer(string deviceId, string requestId, int status, ReadOnlySpan<byte> payload)
    {
        if (!_calls.TryGetValue(requestId, out var call) || call.DeviceId != deviceId) return true;
        if (!IsJson(payload)) return false;
        call.Response.TrySetResult(new MethodResponse(status, payload.IsEmpty ? "null" : Encoding.UTF8.GetString(payload)));
        return true;
    }

    private async Task<DeviceConnection?> FindAsync(string deviceId, TimeSpan connectTimeout, CancellationToken cancel)
    {
        if (Callable(deviceId) is { } now) return now;
        if (connectTimeout == TimeSpan.Zero) return null;

        var waiting = _awaited.GetOrAdd(deviceId, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        if (Callable(deviceId) is { } since) return since;
        try
        {
            await waiting.Task.WaitAsync(connectTimeout, time, cancel);
        }
        catch (TimeoutException)
        {
            return null;
        }

        return Callable(deviceId);
    }

    private DeviceConnection? Callable(string deviceId) => find(deviceId) is { } connection && connection.Has(Subscriptions.Methods) ? connection : null;

    private static DeviceRefusal Offline(TimeSpan waited) => new(
        DeviceRefusals.DeviceOffline, $"The device is not connected, or has not subscribed to methods; waited {waited.TotalSeconds} s.");

    private static DeviceRefusal? Check(string method, string payload, TimeSpan responseTimeout, TimeSpan connectTimeout)
    {
        if (method.Length is 0 or > NameCharactersMax) return new(DeviceRefusals.Invalid, $"The method's name has not 1 to {NameCharactersMax} characters.");
        if (Encoding.UTF8.GetByteCount(payload) > GatewayLimits.MethodPayloadBytes)
            return new(DeviceRefusals.TooLarge, $"The payload has more than {GatewayLimits.MethodPayloadBytes} bytes.");
        if (!IsJson(Encoding.UTF8.GetBytes(payload))) return new(DeviceRefusals.Invalid, "The payload is not JSON.");
        if (responseTimeout < GatewayLimits.MethodTimeoutMin || responseTimeout > GatewayLimits.MethodTimeoutMax)
            return new(DeviceRefusals.Invalid, $"The response timeout is {responseTimeout}; it must be from {GatewayLimits.MethodTimeoutMin} to {GatewayLimits.MethodTimeoutMax}.");
        if (connectTimeout < TimeSpan.Zero || connectTimeout > GatewayLimits.MethodTimeoutMax)
            return new(DeviceRefusals.Invalid, $"The connect timeout is {connectTimeout}; it must be from 0 to {GatewayLimits.MethodTimeoutMax}.");
        return null;
    }

    private static bool IsJson(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty) return true;
        var reader = new Utf8JsonReader(text);
        try
        {
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private sealed record Call(string DeviceId)
    {
        public TaskCompletionSource<MethodResponse> Response { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
