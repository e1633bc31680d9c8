using System.Diagnostics;
using Pumps.Benchmarks.Measuring;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols;
using Pumps.Fleet;
using Pumps.Fleet.Load;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;
using Pumps.LocalRegion.Gateway;
using Pumps.LocalRegion.Hubs;

namespace Pumps.Benchmarks.Pipeline;

/// <summary>Fills the raw hubs with real frames from one thread, as fast as the slowest consumer of the region takes what follows from them.</summary>
/// <remarks>What it publishes is what the gateway would: the same router makes hub, system properties and enrichments of every message.</remarks>
internal sealed class RawLoad
{
    private const int BatchFrames = 5_000;

    // Enough for full batches everywhere, and little enough that the hubs' logs stay in the system's cache.
    private const long DecodeLagMax = 20_000;
    private const long StorageLagMax = 80_000;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private readonly EmbeddedHubs _hubs;
    private readonly IngressRouter _router;
    private readonly FrameStream _stream;
    private readonly double _perSecond;
    private readonly TimeProvider _time;
    private readonly DeviceRegistration[] _devices;
    private Dictionary<string, List<OutgoingEvent>> _making = [];
    private Dictionary<string, List<OutgoingEvent>> _publishing = [];
    private Task _publication = Task.CompletedTask;
    private double _processorSeconds;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string? _threadFile;
    private long _published;
    private volatile bool _stop;

    /// <param name="perSecond">Frames per second; 0 for as many as the region takes.</param>
    public RawLoad(EmbeddedHubs hubs, Catalog catalog, FrameStream stream, double perSecond, TimeProvider time)
    {
        (_hubs, _stream, _perSecond, _time) = (hubs, stream, perSecond, time);
        _router = new(catalog.Routes);
        _devices = [.. stream.Devices.Select(d => Registration(d, catalog))];
    }

    public IReadOnlyList<DeviceRegistration> Devices => _devices;

    /// <summary>Frames that the raw hubs have, durably.</summary>
    public long Published => Interlocked.Read(ref _published);

    /// <summary>Processor time of making and publishing them.</summary>
    public double ProcessorSeconds => _ended.Task.IsCompleted ? _processorSeconds : Processors.SecondsOfThread(Volatile.Read(ref _threadFile));

    /// <summary>The next frames as they would go to the raw hubs, without publishing them. Only before the start or after the stop.</summary>
    public IEnumerable<(string Hub, OutgoingEvent Event)> Take(int frames)
    {
        for (var i = 0; i < frames; i++)
            yield return Next(i);
    }

    public void Start() => new Thread(Run) { IsBackground = true, Name = "raw load" }.Start();

    public Task StopAsync()
    {
        _stop = true;
        return _ended.Task;
    }

    private void Run()
    {
        try
        {
            Volatile.Write(ref _threadFile, Processors.FileOfThisThread());
            var began = Stopwatch.GetTimestamp();
            while (!_stop)
            {
                var early = _perSecond > 0 && _published > _perSecond * Stopwatch.GetElapsedTime(began).TotalSeconds;
                if (early || IsBehind())
                    Thread.Sleep(Pause);
                else
                    MakeBatch();
            }

            _publication.GetAwaiter().GetResult();
            _processorSeconds = ProcessorSeconds;
            _ended.SetResult();
        }
        catch (Exception fault)
        {
            _ended.SetException(fault); // Goes up where the load is stopped.
        }
    }

    private bool IsBehind()
    {
        var lags = Lags.Of(_hubs);
        return lags.Decode > DecodeLagMax || lags.Latest > StorageLagMax || lags.History > StorageLagMax;
    }

    private void MakeBatch()
    {
        for (var i = 0; i < BatchFrames; i++)
        {
            var (hub, made) = Next(i);
            if (!_making.TryGetValue(hub, out var batch))
                _making.Add(hub, batch = []);
            batch.Add(made);
        }

        // One batch is made while the one before becomes durable: order per device is kept, and the disk's time is not lost.
        _publication.GetAwaiter().GetResult();
        foreach (var batch in _publishing.Values)
            batch.Clear();
        (_making, _publishing) = (_publishing, _making);
        _publication = PublishAsync(_publishing);
    }

    private (string Hub, OutgoingEvent Event) Next(int number)
    {
        var frame = _stream.Next();
        var message = new IngressMessage(_devices[frame.Device], PropertiesOf(frame, Published + number), frame.Bytes, _time.GetUtcNow());
        var routed = _router.Route(in message);
        return (routed.Hub, routed.Event);
    }

    private async Task PublishAsync(Dictionary<string, List<OutgoingEvent>> batches)
    {
        await Task.WhenAll(batches.Where(b => b.Value.Count > 0).Select(b => _hubs.PublishAsync(b.Key, b.Value, CancellationToken.None)));
        Interlocked.Add(ref _published, BatchFrames);
    }

    // What the fleet's devices set.
    private static EventProperties PropertiesOf(StreamFrame frame, long number) => new(
        new(PropertyNames.HeaderType, frame.HeaderType.Name()),
        new(PropertyNames.MessageId, number.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        new("content-type", "application/octet-stream"));

    private static DeviceRegistration Registration(DeviceSpec spec, Catalog catalog)
    {
        var product = catalog.Products[spec.Product.Name()];
        return new(
            spec.Id, spec.Protocol.Name(), product.Offering, product.Id, spec.Customer, "local",
            spec.Protocol is Protocol.Dp1 ? spec.UtcOffsetMinutes : null);
    }
}
