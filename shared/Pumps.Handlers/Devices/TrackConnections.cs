using System.Globalization;
using System.Text.Json;
using Pumps.Core.Devices;
using Pumps.Core.Offerings;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;

namespace Pumps.Handlers.Devices;

/// <summary>Follows who is connected, from the connection events of IoT Hub or of the local gateway.</summary>
/// <remarks>
/// Safe to run twice on the same batch, and indifferent to late events: each carries a number that grows. What is no connection event, and events
/// of devices that the directory does not know, are filtered. If the store fails, the exception goes up, and the host must bring the batch again.
/// </remarks>
public sealed class TrackConnections(IConnectionStore store, WakeTransfers transfers, Catalog catalog, Ledger ledger, TimeProvider time)
{
    public const string Service = "connections";

    // One transaction: short enough not to hold up the events of its devices.
    private const int DevicesAtOnce = 1000;

    // For a device whose product nobody has told: the slowest product's interval would do no harm either.
    private static readonly TimeSpan IntervalOfUnknown = TimeSpan.FromMinutes(5);

    // Null where the hub tells of its own restarts, or has none: Azure.
    private ConnectionSignal? _restart;

    public async Task HandleAsync(HubBatch batch, CancellationToken cancel)
    {
        using var handling = ledger.Begin(Service, batch, cancel);
        var signals = batch.Events.Select(Read).OfType<(string Device, ConnectionSignal Signal)>().ToLookup(s => s.Device, s => s.Signal, StringComparer.Ordinal);
        var changes = new Changes();
        var taken = 0;
        if (signals.Count > 0)
            await store.ChangeAsync([.. signals.Select(s => s.Key)], known =>
            {
                taken += signals[known.DeviceId].Count();
                var line = signals[known.DeviceId].Aggregate(known.Line, (line, signal) => Step(known, line, signal, changes));
                return _restart is { } restart ? Step(known, line, restart, changes) : line;
            }, cancel);

        // What is to be sent to a device need not wait until somebody tries again.
        string[] come = [.. signals.Where(s => s.Any(signal => signal.Kind is ConnectionSignalKind.Connected)).Select(s => s.Key)];
        if (come.Length > 0)
            await transfers.HandleAsync(come, cancel);
        changes.Count();
        handling.Done(new(batch.Events.Count, taken, 0, 0, batch.Events.Count - taken));
    }

    /// <summary>Ends the grace of those whose time has come. Safe to run at any time, by several processes.</summary>
    public async Task SettleAsync(CancellationToken cancel)
    {
        int settled;
        do
        {
            var changes = new Changes();
            var tick = new ConnectionSignal(ConnectionSignalKind.Tick, time.GetUtcNow());
            settled = await store.ChangeDueAsync(tick.At, DevicesAtOnce, known => Step(known, known.Line, tick, changes), cancel);
            changes.Count();
        }
        while (settled == DevicesAtOnce);
    }

    /// <summary>The hub has started anew and knows of no connection: everybody who was online has the grace to come back.</summary>
    /// <remarks>
    /// Call it before anything is handled. Events of before the restart that nobody has handled yet come to <see cref="HandleAsync"/> after it; whom
    /// they call connected is not any more, so the restart is told to their devices once again.
    /// </remarks>
    /// <param name="sequence">Above that of every event before the restart, below that of every event after it.</param>
    public async Task RestartAsync(string sequence, CancellationToken cancel)
    {
        var changes = new Changes();
        var restart = new ConnectionSignal(ConnectionSignalKind.HubRestarted, time.GetUtcNow(), sequence);
        _restart = restart;
        for (var last = ""; last is not null;)
            last = await store.ChangePresentAsync(last, DevicesAtOnce, known => Step(known, known.Line, restart, changes), cancel);
    }

    private DeviceLine? Step(KnownLine known, DeviceLine? line, ConnectionSignal signal, Changes changes)
    {
        var interval = catalog.Products.TryGetValue(known.Product, out var product) ? TimeSpan.FromSeconds(product.ReportIntervalSeconds) : IntervalOfUnknown;
        var (next, effects) = ConnectionMachine.Step(line, signal, ConnectionMachine.GraceOf(interval));
        foreach (var effect in effects)
            changes.Add(effect);
        return next;
    }

    // IoT Hub's form: who and what in the properties, the growing number in the body.
    private static (string, ConnectionSignal)? Read(HubEvent e)
    {
        ConnectionSignalKind? kind = e.Properties[ConnectionEvent.Operation] switch
        {
            ConnectionEvent.Connected => ConnectionSignalKind.Connected,
            ConnectionEvent.Disconnected => ConnectionSignalKind.Disconnected,
            _ => null,
        };
        return kind is { } known
            && (e.Properties[ConnectionEvent.DeviceId] ?? e.Properties[PropertyNames.DeviceId]) is { Length: > 0 } device
            && ReadSequence(e.Body.Span) is { } sequence
            ? (device, new(known, TimeOf(e), sequence))
            : null;
    }

    private static DateTimeOffset TimeOf(HubEvent e) => DateTimeOffset.TryParse(
        e.Properties[ConnectionEvent.Timestamp], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at)
        ? at
        : e.EnqueuedAt;

    private static string? ReadSequence(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            return JsonElement.TryParseValue(ref reader, out var json) && json is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty(ConnectionEvent.Sequence, out var sequence)
                ? sequence.GetString()
                : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>What a transaction changes: counted once it is written.</summary>
    private sealed class Changes
    {
        private int _online;
        private int _offline;

        public void Add(ConnectionEffect effect)
        {
            if (effect is ConnectionEffect.WentOnline) _online++;
            else _offline++;
        }

        public void Count()
        {
            if (_online > 0) Metrics.ConnectionChanges.Add(_online, new KeyValuePair<string, object?>("to", "online"));
            if (_offline > 0) Metrics.ConnectionChanges.Add(_offline, new KeyValuePair<string, object?>("to", "offline"));
        }
    }
}
