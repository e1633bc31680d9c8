using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using Pumps.Fleet;
using Pumps.Fleet.Load;
using Pumps.Fleet.Mqtt;

namespace Pumps.Journeys.Tests;

/// <summary>Devices that send real frames as fast as they are acknowledged, and keep what was not: over lost connections, crashes and outages.</summary>
internal sealed class Publishers : IAsyncDisposable
{
    // Frames of one device on their way at once.
    private const int Window = 8;

    private static readonly TimeSpan ReconnectPause = TimeSpan.FromMilliseconds(200);

    private readonly Func<IPEndPoint> _region;
    private readonly FrameStream _stream;
    private readonly TimeSpan _pause;
    private readonly CancellationTokenSource _last = new();
    private readonly CancellationTokenSource _givenUp = new();
    private readonly Task _running;
    private readonly ConcurrentQueue<(DeviceSpec Device, byte[] Bytes)> _acknowledged = new();
    private long _count;

    private Publishers(Func<IPEndPoint> region, FrameStream stream, IReadOnlyDictionary<string, DeviceCredentials> credentials, TimeSpan pause)
    {
        (_region, _stream, _pause) = (region, stream, pause);
        _running = Task.WhenAll(Enumerable.Range(0, stream.Devices.Count).Select(i => Task.Run(() => RunAsync(i, credentials[stream.Devices[i].Id]))));
    }

    public long Acknowledged => Interlocked.Read(ref _count);

    /// <summary>Registers the devices and lets them send.</summary>
    /// <param name="pause">Between two bursts of a device; zero is full speed.</param>
    public static async Task<Publishers> StartAsync(RunningRegion region, int devices, ulong seed, TimeSpan pause = default)
    {
        // Half a day ago: so many frames, each a second later than the one before, stay in the past.
        var start = TimeProvider.System.GetUtcNow().AddHours(-12).ToUnixTimeMilliseconds();
        var stream = new FrameStream(new FleetOptions { Devices = devices, Seed = seed }, RunningRegion.Catalog.Dictionaries, start);
        using var http = new HttpClient { BaseAddress = region.Url };
        var credentials = await new HttpProvisioner(http).RegisterAsync(stream.Devices, CancellationToken.None);
        return new(() => region.Mqtt, stream, credentials, pause);
    }

    /// <summary>Waits until so many more frames have been acknowledged.</summary>
    public Task MoreAsync(long frames)
    {
        var goal = Acknowledged + frames;
        return Patience.UntilAsync(() => _running.IsCompleted || Acknowledged >= goal, $"{frames} more frames acknowledged");
    }

    /// <summary>Makes no more frames; returns every frame when the region has acknowledged it.</summary>
    public async Task<IReadOnlyCollection<(DeviceSpec Device, byte[] Bytes)>> FinishAsync()
    {
        await _last.CancelAsync();
        await _running.WaitAsync(Patience.Usual);
        return _acknowledged;
    }

    public async ValueTask DisposeAsync()
    {
        await _last.CancelAsync();
        await _givenUp.CancelAsync();
        await _running;
        _last.Dispose();
        _givenUp.Dispose();
    }

    private async Task RunAsync(int device, DeviceCredentials credentials)
    {
        var waiting = new List<StreamFrame>();
        while (!_givenUp.IsCancellationRequested && (waiting.Count > 0 || !_last.IsCancellationRequested))
        {
            using var client = new MqttClientFactory().CreateMqttClient();
            try
            {
                await client.ConnectAsync(Options(credentials), _givenUp.Token);
                while (waiting.Count > 0 || !_last.IsCancellationRequested)
                    await BurstAsync(client, device, waiting);
            }
            catch (Exception e) when (e is MqttCommunicationException or MqttClientDisconnectedException or OperationCanceledException or IOException)
            {
                // What was not acknowledged is still waiting.
                await Task.Delay(ReconnectPause);
            }
        }
    }

    /// <summary>Fills the window and waits until all of it is acknowledged. On a failure the rest stays in <paramref name="waiting"/>, in order.</summary>
    private async Task BurstAsync(IMqttClient client, int device, List<StreamFrame> waiting)
    {
        while (waiting.Count < Window && !_last.IsCancellationRequested)
            waiting.Add(_stream.Of(device));

        var spec = _stream.Devices[device];
        var sent = waiting.ConvertAll(frame => client.PublishAsync(
            new MqttApplicationMessage
            {
                Topic = DeviceTopic(spec.Id, frame.HeaderType),
                Payload = new ReadOnlySequence<byte>(frame.Bytes),
                QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce,
            }, _givenUp.Token));
        try
        {
            await Task.WhenAll(sent);
        }
        finally
        {
            for (var i = sent.Count - 1; i >= 0; i--)
                if (sent[i].IsCompletedSuccessfully)
                {
                    _acknowledged.Enqueue((spec, waiting[i].Bytes));
                    Interlocked.Increment(ref _count);
                    waiting.RemoveAt(i);
                }
        }

        if (_pause > TimeSpan.Zero && !_last.IsCancellationRequested)
            await Task.Delay(_pause);
    }

    private static string DeviceTopic(string id, HeaderType type) => $"devices/{id}/messages/events/headerType={type.Name()}";

    private MqttClientOptions Options(DeviceCredentials credentials) => new MqttClientOptionsBuilder()
        .WithEndPoint(_region())
        .WithProtocolVersion(MqttProtocolVersion.V311)
        .WithClientId(credentials.DeviceId)
        .WithCredentials(credentials.UserName, credentials.Token(TimeProvider.System.GetUtcNow().AddHours(1)))
        .WithCleanSession()
        .WithTimeout(TimeSpan.FromSeconds(20))
        .Build();
}
