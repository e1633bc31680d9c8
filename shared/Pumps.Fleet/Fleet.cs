using System.Text.Json;
using System.Threading.Channels;
using Pumps.Core.Dictionaries;
using Pumps.Core.Protocols;
using Pumps.Fleet.Devices;
using Pumps.Fleet.Machines;
using Pumps.Fleet.Mqtt;
using Pumps.Fleet.Physics;

namespace Pumps.Fleet;

/// <summary>Simulated devices of all offerings, one MQTT connection each, run by one scheduler: no thread and no timer per device.</summary>
/// <param name="dictionaries">Those of the catalog; DP2 devices check commands against them.</param>
/// <param name="firmwareKeys">Keys that DP2 devices trust for firmware; without any they refuse every offer.</param>
public sealed class Fleet(
    FleetOptions options, FleetConnection connection, IFleetProvisioner provisioner, DictionarySet dictionaries, TimeProvider time,
    IFleetObserver? observer = null, IFirmwareSignatures? firmwareKeys = null)
{
    private const long BackoffMs = 1000;
    private const long BackoffMaxMs = 60_000;
    private const string CommandMethod = "command/";
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(10);

    private readonly Channel<Action> _inbox = Channel.CreateUnbounded<Action>(new() { SingleReader = true });
    private readonly PriorityQueue<(DeviceLink Link, bool Connect), long> _due = new();
    private readonly Dictionary<string, DeviceLink> _links = [];
    private readonly HashSet<DeviceLink> _connecting = [];
    private readonly List<DeviceFrame> _way = [];
    private RandomSource _jitter = RandomSource.For(options.Seed, ulong.MaxValue - 1);
    private double _nextConnectMs;

    public FleetStatistics Statistics { get; } = new();

    /// <summary>The devices, in the order of their index.</summary>
    public IReadOnlyList<DeviceSpec> Devices { get; } = DeviceSpec.Of(Checked(options));

    /// <summary>Registers the devices, connects them at the given rate, and runs them until cancelled; then what waits is sent and links are closed.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var credentials = await provisioner.RegisterAsync(Devices, cancel);
        var authorities = connection.Authorities();
        var start = NowMs;
        foreach (var spec in Devices)
        {
            var device = SimulatedDevice.Create(spec, options, dictionaries, Statistics, start, firmwareKeys);
            var link = new DeviceLink(
                device, credentials[spec.Id], connection, authorities, Statistics, observer, time, r => _inbox.Writer.TryWrite(() => Handle(r, cancel)));
            _links[spec.Id] = link;
            _due.Enqueue((link, false), device.NextMs);
            ConnectSoon(link, 0);
        }

        try
        {
            while (!cancel.IsCancellationRequested)
                await TurnAsync(cancel);
        }
        finally
        {
            await CloseAsync();
        }
    }

    /// <summary>Starts an incident at a device's site.</summary>
    /// <exception cref="ArgumentException">The site does not know the incident; or no such device.</exception>
    public async Task BeginAsync(string deviceId, Incident incident, TimeSpan duration)
    {
        if (!_links.TryGetValue(deviceId, out var link))
            throw new ArgumentException($"there is no running device {deviceId} in this fleet", nameof(deviceId));
        if (!link.Device.Machine.Knows(incident))
            throw new ArgumentException($"{deviceId} is a {link.Device.Spec.Product.Name()}; {incident} does not happen there", nameof(incident));

        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await _inbox.Writer.WriteAsync(() =>
        {
            link.Device.Machine.Begin(incident, duration);
            begun.SetResult();
        });
        await begun.Task;
    }

    private long NowMs => time.GetUtcNow().ToUnixTimeMilliseconds();

    private static FleetOptions Checked(FleetOptions options)
    {
        options.Validate();
        return options;
    }

    /// <summary>Does what is due, then waits for a report or for the next time.</summary>
    private async Task TurnAsync(CancellationToken cancel)
    {
        while (_inbox.Reader.TryRead(out var action))
            action();

        var now = NowMs;
        while (_due.TryPeek(out var next, out var at) && at <= now)
        {
            _due.Dequeue();
            if (next.Connect)
                Connect(next.Link, cancel);
            else
                Act(next.Link, now);
        }

        if (!_due.TryPeek(out _, out var soonest))
            return;

        using var wake = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var report = _inbox.Reader.WaitToReadAsync(wake.Token).AsTask();
        var pause = Task.Delay(TimeSpan.FromMilliseconds(Math.Max(1, soonest - NowMs)), time, wake.Token);
        await Task.WhenAny(report, pause);
        await wake.CancelAsync();
    }

    /// <summary>From here on a loss is a new one.</summary>
    private void Connect(DeviceLink link, CancellationToken cancel)
    {
        _connecting.Remove(link);
        _ = link.ConnectAsync(cancel);
    }

    private void Act(DeviceLink link, long now)
    {
        link.Device.Advance(now, _way);
        Forward(link);
        _due.Enqueue((link, false), link.Device.NextMs);
        if (link.IsUp)
            _ = link.ReportFirmwareAsync();
    }

    private void Forward(DeviceLink link)
    {
        link.Send(_way);
        _way.Clear();
    }

    private void Handle(LinkReport report, CancellationToken cancel)
    {
        var (link, now) = (report.Link, NowMs);
        switch (report.Signal)
        {
            case LinkSignal.Up:
                (link.IsUp, link.Attempts) = (true, 0);
                Statistics.CountConnect();
                link.Device.LinkUp(now, _way);
                break;
            case LinkSignal.Down:
                if (link.IsUp)
                {
                    link.IsUp = false;
                    Statistics.CountDisconnect();
                    link.Device.LinkLost(now, _way);
                }

                // The same loss may be reported by the client and by the frame that suffered.
                if (!cancel.IsCancellationRequested && _connecting.Add(link))
                    ConnectSoon(link, Backoff(link.Attempts++));
                break;
            case LinkSignal.Frame:
                link.Device.Receive(report.Body, now, _way);
                break;
            case LinkSignal.Method when report.Topic.StartsWith(CommandMethod, StringComparison.Ordinal):
                _ = ObeyAsync(link, report, now);
                break;
            case LinkSignal.Method:
                _ = AnswerAsync(link, report);
                break;
            case LinkSignal.Desired:
                Desire(link, report.Body);
                break;
        }

        Forward(link);
    }

    private void ConnectSoon(DeviceLink link, long waitMs)
    {
        _nextConnectMs = Math.Max(_nextConnectMs + (1000 / options.ConnectsPerSecond), NowMs);
        _due.Enqueue((link, true), Math.Max((long)_nextConnectMs, NowMs + waitMs));
    }

    /// <summary>1 s, 2 s, 4 s, ... at most a minute, each between half of it and all of it: a fleet must not come back in step.</summary>
    private long Backoff(int attempts) =>
        (long)(Math.Min(BackoffMaxMs, BackoffMs << Math.Min(attempts, 10)) * _jitter.Between(0.5, 1));

    /// <summary>A frame that comes as a method: its answer goes back the same way when the device has one at once, else it comes as a message.</summary>
    private Task ObeyAsync(DeviceLink link, LinkReport report, long now)
    {
        byte[] frame;
        try
        {
            using var request = JsonDocument.Parse(report.Body);
            frame = request.RootElement.GetProperty("frame").GetBytesFromBase64();
        }
        catch (Exception fault) when (fault is JsonException or FormatException or InvalidOperationException or KeyNotFoundException)
        {
            return link.AnswerMethodAsync(report.Topic, 400, """{"error":"the payload is {\"frame\": base64}"}""");
        }

        Statistics.CountReceived();
        observer?.Received(link.Device.Spec.Id, frame);
        return link.Device.Obey(frame, now, _way) is { } answer
            ? link.AnswerMethodAsync(report.Topic, 200, JsonSerializer.Serialize(new { frame = Convert.ToBase64String(answer.Bytes) }))
            : link.AnswerMethodAsync(report.Topic, 202, "{}");
    }

    private static Task AnswerAsync(DeviceLink link, LinkReport report)
    {
        var device = link.Device;
        var method = report.Topic[..report.Topic.IndexOf('/', StringComparison.Ordinal)];
        switch (method)
        {
            case "ping":
                return link.AnswerMethodAsync(report.Topic, 200, JsonSerializer.Serialize(
                    new { device = device.Spec.Id, model = device.Model, firmware = device.Firmware, boots = device.Boots, buffered = device.Buffered }));
            case "reboot":
                device.RebootSoon();
                return link.AnswerMethodAsync(report.Topic, 202, "{}");
            default:
                return link.AnswerMethodAsync(report.Topic, 404, JsonSerializer.Serialize(new { error = $"no method {method}; there are command, ping, reboot" }));
        }
    }

    /// <summary>Takes <c>reportIntervalSeconds</c> from a change of the desired properties.</summary>
    private static void Desire(DeviceLink link, byte[] patch)
    {
        using var desired = JsonDocument.Parse(patch);
        if (desired.RootElement.TryGetProperty("reportIntervalSeconds", out var interval)
            && interval.TryGetInt32(out var seconds) && seconds is >= 10 and <= 32_767)
            link.Device.SetInterval(seconds);
    }

    private async Task CloseAsync()
    {
        foreach (var link in _links.Values)
        {
            link.Device.LinkLost(NowMs, _way);
            Forward(link);
        }

        var until = time.GetTimestamp();
        while (_links.Values.Any(l => l is { IsUp: true, Waiting: > 0 }) && time.GetElapsedTime(until) < DrainTime)
            await Task.Delay(TimeSpan.FromMilliseconds(20), time);

        await Task.WhenAll(_links.Values.Select(l => l.DisconnectAsync()));
        foreach (var link in _links.Values)
            link.Dispose();
    }
}
