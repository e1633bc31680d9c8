using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using Npgsql;
using NpgsqlTypes;
using Pumps.Core.Protocols.Dp2;
using Pumps.Fleet;
using Pumps.Fleet.Load;
using Pumps.Fleet.Mqtt;

namespace Pumps.Benchmarks.Mqtt;

/// <summary>One device that publishes a value nobody has published before and looks for it in <c>latest</c> until it is there.</summary>
internal sealed class LatencyProbe(DeviceSpec device, NpgsqlDataSource database) : IAsyncDisposable
{
    private const ushort Dictionary = 257;
    private const ushort Revision = 3;
    private const uint Flow = 16;
    private const int FlowMax = 200_000;

    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private uint _sequence;

    /// <summary>The probe of a fleet of its own.</summary>
    public static DeviceSpec Device { get; } =
        DeviceSpec.Of(new FleetOptions { Devices = 1, Seed = 2_999, Mix = FleetMix.Only(FleetProduct.IrrigationPumpV2) })[0];

    public long Published => _sequence;

    public Task ConnectAsync(FleetConnection to, DeviceCredentials credentials, CancellationToken cancel) => _client.ConnectAsync(
        new MqttClientOptionsBuilder().WithTcpServer(to.Host, to.Port).WithProtocolVersion(MqttProtocolVersion.V311).WithClientId(device.Id)
            .WithCredentials(credentials.UserName, credentials.Token(DateTimeOffset.UtcNow.AddHours(24))).Build(), cancel);

    /// <summary>Probes until <paramref name="over"/> has ended. Looking takes a bit too: up to 2 ms and a query are in each latency.</summary>
    public async Task<LatencyHistogram> RunAsync(Task over, CancellationToken cancel)
    {
        var latencies = new LatencyHistogram();
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var look = new NpgsqlCommand(
            "select value::numeric from latest_point where device_id = @id and point = 'flow'", session);
        look.Parameters.Add(new("id", NpgsqlDbType.Text) { Value = device.Id });
        await look.PrepareAsync(cancel);

        while (!over.IsCompleted)
        {
            var value = (++_sequence * 7919) % FlowMax;
            var began = Stopwatch.GetTimestamp();
            var publication = _client.PublishAsync(Message(value), cancel);
            while (await look.ExecuteScalarAsync(cancel) is not decimal seen || seen != value / 100m)
            {
                if (Stopwatch.GetElapsedTime(began) > Limit)
                    throw new TimeoutException($"A value published {Limit.TotalMinutes:0} minutes ago is not in latest.");
                await Task.Delay(Look, cancel);
            }

            latencies.Add(Stopwatch.GetElapsedTime(began));
            await publication;
            if (Every - Stopwatch.GetElapsedTime(began) is { Ticks: > 0 } rest)
                await Task.Delay(rest, cancel);
        }

        return latencies;
    }

    public async ValueTask DisposeAsync()
    {
        if (_client.IsConnected)
            await _client.DisconnectAsync();
        _client.Dispose();
    }

    private MqttApplicationMessage Message(uint value) => new()
    {
        Topic = string.Create(CultureInfo.InvariantCulture, $"devices/{device.Id}/messages/events/headerType=telemetry&%24.mid={_sequence}"),
        Payload = new ReadOnlySequence<byte>(Dp2Encoder.Telemetry(
            new Dp2Header(device.Number, _sequence, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds()), Dictionary, Revision, t => t.Points(p => p.Signed(Flow, value)))),
        QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce,
    };
}
