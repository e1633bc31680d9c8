using System.Diagnostics.Metrics;
using System.Text.Json;
using Pumps.Handlers.Observability;

namespace Pumps.LocalRegion.Gateway;

/// <summary>Why a connection was refused or closed by the gateway. In snake case the <c>reason</c> of metrics, logs and presence.</summary>
public enum RefusalReason
{
    TlsHandshake,
    TooManyConnections,
    UnsupportedProtocol,
    BadUserName,
    UnknownHost,
    UnknownIdScope,
    ClientIdMismatch,
    MalformedToken,
    PolicyToken,
    WrongResource,
    UnknownDevice,
    DeviceDisabled,
    WrongSignature,
    TokenExpired,
    MalformedPacket,
    UnknownTopic,
    OtherDevicesTopic,
    BadProperties,
    MessageTooLarge,
    QualityOfService2,
    BadMethodResponse,
    SinkRefused,
    StorageRefused,
    Replaced,
    RegistrationClosed,
    RegistrationRefused,
    AllocationOutage,
}

/// <summary>Counts what the gateway does, and logs refusals without letting a broken device fill the log.</summary>
internal sealed class GatewayMetrics(TimeProvider time, ILogger log) : IDisposable
{
    // A thousand devices with a wrong key say the same thing every few seconds; one line a minute and reason is enough.
    private static readonly TimeSpan LogInterval = TimeSpan.FromMinutes(1);

    private static readonly string[] Names = [.. Enum.GetNames<RefusalReason>().Select(JsonNamingPolicy.SnakeCaseLower.ConvertName)];

    // Of the platform's name, so that exporters find it, but the gateway's own: its counters end with it.
    private readonly Meter _meter = new(Metrics.Name);
    private readonly Throttle[] _throttles = [.. Names.Select(_ => new Throttle())];
    private Counter<long>? _messages;
    private Counter<long>? _registered;
    private Counter<long>? _refused;
    private int _open;
    private int _devices;

    public static string NameOf(RefusalReason reason) => Names[(int)reason];

    /// <summary>Devices connected and authenticated.</summary>
    public int Devices => Volatile.Read(ref _devices);

    public void Start()
    {
        _messages = Counter(Metrics.GatewayMessages);
        _registered = Counter(Metrics.GatewayRegistrations);
        _refused = Counter(Metrics.GatewayRefused);
    }

    public bool TryOpen(int connectionsMax)
    {
        if (Interlocked.Increment(ref _open) <= connectionsMax) return true;
        Interlocked.Decrement(ref _open);
        Refuse(RefusalReason.TooManyConnections, null, $"{connectionsMax} are open");
        return false;
    }

    public void Closed() => Interlocked.Decrement(ref _open);

    public void DeviceConnected() => Interlocked.Increment(ref _devices);

    public void DeviceDisconnected() => Interlocked.Decrement(ref _devices);

    public void Message() => _messages?.Add(1);

    public void Registered() => _registered?.Add(1);

    /// <param name="deviceId">As the client named itself; null when it did not come so far.</param>
    public void Refuse(RefusalReason reason, string? deviceId, string? detail = null)
    {
        _refused?.Add(1, new KeyValuePair<string, object?>("reason", NameOf(reason)));
        if (_throttles[(int)reason].Pass(time.GetUtcNow(), out var silenced)) log.Refused(NameOf(reason), deviceId ?? "", detail ?? "", silenced);
    }

    public void Dispose() => _meter.Dispose();

    private Counter<long> Counter(Metric metric) => _meter.CreateCounter<long>(metric.Name, metric.Unit, metric.Description);

    private sealed class Throttle
    {
        private readonly Lock _lock = new();
        private DateTimeOffset _next;
        private int _silenced;

        public bool Pass(DateTimeOffset now, out int silenced)
        {
            lock (_lock)
            {
                silenced = _silenced;
                if (now < _next)
                {
                    _silenced++;
                    return false;
                }

                _next = now + LogInterval;
                _silenced = 0;
                return true;
            }
        }
    }
}
