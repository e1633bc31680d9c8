using System.Collections.Concurrent;
using System.Text.Json;
using Pumps.Fleet;

namespace Pumps.Journeys.Tests;

/// <summary>A simulated fleet of every product, from its MQTT connections to the HTTP API.</summary>
[NonParallelizable]
public sealed class FleetJourney
{
    private const int Devices = 30;

    // Enough for every device to have sent several times, incidents and counters among it.
    private const int Frames = Devices * 12;

    private static readonly FleetOptions Options = new()
    {
        Devices = Devices, TelemetryInterval = TimeSpan.FromSeconds(1), SpeedUp = 300, IncidentsPerSiteDay = 20, ConnectsPerSecond = 1000,
    };

    [Test]
    public async Task Every_acknowledged_frame_of_a_fleet_is_in_history_once_and_the_newest_of_it_is_latest()
    {
        await using var region = await HostedRegion.StartAsync();
        var (devices, seen) = await RunFleetAsync(region, Options with { Seed = 21 }, Frames);
        var status = await region.SettleAsync();

        var history = await region.HistoryAsync();
        CompareSoundFrames(devices, seen, history);
        Assert.That(status.DeadLetters, Is.Empty);
        await CompareLatestAsync(region, devices, history);

        foreach (var offering in RunningRegion.Catalog.Offerings.Keys)
        {
            var page = await region.GetAsync($"api/devices?offering={offering}&latest=true&limit=1000");
            Assert.That(
                page.GetProperty("items").EnumerateArray().Select(d => d.GetProperty("latest").EnumerateObject().Count()),
                Is.Not.Empty.And.All.GreaterThan(0), $"devices of {offering} with their newest values");
        }
    }

    [Test]
    public async Task With_duplicates_disorder_damage_and_wrong_clocks_nothing_sound_is_missing_and_what_is_broken_is_kept_with_its_code()
    {
        await using var region = await HostedRegion.StartAsync();
        var faults = new FleetFaults
        {
            Duplicate = 0.1, Disorder = 0.1, BitFlip = 0.1, Truncate = 0.1, Garbage = 0.1, Oversize = 0.1, Disconnect = 0.02,
            ClocksUnset = 2, ClocksAhead = 2, ClocksBehind = 2,
        };
        var (devices, seen) = await RunFleetAsync(region, Options with { Seed = 22, Faults = faults }, 2 * Frames);
        await region.SettleAsync();

        Assert.That(
            Enum.GetValues<FrameFault>().Except(seen.Select(f => f.Fault)), Is.Empty, "the journey has seen every kind of fault");
        var history = await region.HistoryAsync();
        CompareSoundFrames(devices, seen, history);
        await CompareLatestAsync(region, devices, history);

        var letters = await region.DeadLettersAsync();
        var damaged = seen.Where(f => !f.IsSound).Select(f => (f.DeviceId, Body: Convert.ToHexString(f.Bytes))).ToHashSet();
        Assert.Multiple(() =>
        {
            Assert.That(damaged.Except(letters.Select(l => (l.Device, l.Body))), Is.Empty, "damaged frames without a dead letter that has their bytes");
            OnlyLastOfItsDevice(letters.Where(l => !damaged.Contains((l.Device, l.Body))).Select(l => (l.Device, l.Id)), "dead letters of sound frames");
            Assert.That(letters.Select(l => l.Code), Is.All.Match("^E_[A-Z0-9_]+$"), "each with the code of its protocol's specification");
        });
    }

    private static async Task<(IReadOnlyList<DeviceSpec> Devices, List<DeviceFrame> Seen)> RunFleetAsync(RunningRegion region, FleetOptions options, int frames)
    {
        using var http = new HttpClient { BaseAddress = region.Url };
        var observer = new Acknowledgements();
        var fleet = new Fleet.Fleet(
            options, new FleetConnection(region.Mqtt.Address.ToString(), region.Mqtt.Port, Plain: true), new HttpProvisioner(http),
            RunningRegion.Catalog.Dictionaries, TimeProvider.System, observer);
        using var enough = new CancellationTokenSource();
        var running = fleet.RunAsync(enough.Token);
        await Patience.UntilAsync(
            () => running.IsCompleted || (observer.Frames.Count >= frames && observer.Frames.Select(f => f.DeviceId).Distinct().Count() == options.Devices),
            $"{frames} frames of {options.Devices} devices acknowledged ({fleet.Statistics.LastConnectFailure})");
        await enough.CancelAsync();
        await running;
        return (fleet.Devices, [.. observer.Frames]);
    }

    private static void CompareSoundFrames(IReadOnlyList<DeviceSpec> devices, List<DeviceFrame> seen, List<HistoryRow> history)
    {
        var specs = devices.ToDictionary(d => d.Id);
        var expected = seen.Where(f => f.IsSound).DistinctBy(f => (f.DeviceId, Convert.ToHexString(f.Bytes)))
            .SelectMany(f => ExpectedObservations.Of(specs[f.DeviceId], f.Bytes)).ToList();
        var (timed, untimed) = (expected.Where(e => e.Clock == "ok").ToList(), expected.Where(e => e.Clock != "ok").ToList());
        var stored = history.Where(h => h.Clock == "ok").ToDictionary(h => h.Key);

        Assert.Multiple(() =>
        {
            Assert.That(timed.Where(e => !stored.ContainsKey(e.Key)).Select(e => e.Key), Is.Empty, "missing");
            OnlyLastOfItsDevice(stored.Keys.Except(timed.Select(e => e.Key)).Select(k => (k.Device, k.Sequence)), "never sent");
            Assert.That(
                timed.Where(e => stored.TryGetValue(e.Key, out var row) && !Same(e.Points, row.Points)).Select(e => e.Key), Is.Empty, "with other values");
            var (wanted, found) = (
                untimed.Select(e => (e.Key.Device, e.Key.Sequence, e.Clock)).Order().ToList(),
                history.Where(h => h.Clock != "ok").Select(h => (h.Key.Device, h.Key.Sequence, h.Clock)).Order().ToList());
            Assert.That(wanted.Except(found), Is.Empty, "missing, of devices whose clocks are wrong");
            OnlyLastOfItsDevice(found.Except(wanted).Select(f => (f.Device, f.Sequence)), "never sent, of devices whose clocks are wrong");
            Assert.That(found, Is.Unique, "doubled, of devices whose clocks are wrong");
        });
    }

    /// <summary>A fleet that ends may leave one frame of a device on its way: taken by the region, its acknowledgement not seen.</summary>
    private static void OnlyLastOfItsDevice(IEnumerable<(string Device, long Frame)> unknown, string what) =>
        Assert.That(unknown.Distinct().GroupBy(u => u.Device).Where(g => g.Count() > 1).SelectMany(g => g), Is.Empty, what);

    /// <summary>Every datapoint of every device: the API shows a value of the newest observation that has it.</summary>
    private static async Task CompareLatestAsync(RunningRegion region, IReadOnlyList<DeviceSpec> devices, List<HistoryRow> history)
    {
        var page = await region.GetAsync("api/devices?latest=true&limit=1000");
        var shown = page.GetProperty("items").EnumerateArray().ToDictionary(d => d.GetProperty("id").GetString()!, d => d.GetProperty("latest"));
        var wrong = new List<string>();
        foreach (var device in devices)
        {
            var newest = history.Where(h => h.Key.Device == device.Id).SelectMany(ValuesOf).GroupBy(v => v.Name)
                .ToDictionary(g => g.Key, g => g.Where(v => v.At == g.Max(x => x.At)).ToList());
            var latest = shown[device.Id];
            wrong.AddRange(latest.EnumerateObject().Select(p => p.Name).Except(newest.Keys).Select(name => $"{device.Id} {name}: in no observation"));
            foreach (var (name, values) in newest)
                if (!latest.TryGetProperty(name, out var point))
                    wrong.Add($"{device.Id} {name}: not shown");
                else if (point.GetProperty("observedAt").GetDateTimeOffset() != values[0].At)
                    wrong.Add($"{device.Id} {name}: of {point.GetProperty("observedAt")}, not of {values[0].At:O}");
                else if (!values.Any(v => v.Good is null ? point.GetProperty("quality").GetString() != "good" : Same(v.Good, point.GetProperty("value").GetRawText())))
                    wrong.Add($"{device.Id} {name}: {point}, not {string.Join(" or ", values)}");
        }

        Assert.That(wrong, Is.Empty);
    }

    private static IEnumerable<(string Name, DateTimeOffset At, string? Good)> ValuesOf(HistoryRow row)
    {
        using var points = JsonDocument.Parse(row.Points);
        using var quality = JsonDocument.Parse(row.Quality);
        return
        [
            .. points.RootElement.EnumerateObject().Select(p => (p.Name, row.Key.ObservedAt, (string?)p.Value.GetRawText())),
            .. quality.RootElement.EnumerateObject().Select(p => (p.Name, row.Key.ObservedAt, default(string))),
        ];
    }

    private static bool Same(string one, string other)
    {
        using var a = JsonDocument.Parse(one);
        using var b = JsonDocument.Parse(other);
        return JsonElement.DeepEquals(a.RootElement, b.RootElement);
    }

    private sealed class Acknowledgements : IFleetObserver
    {
        public ConcurrentQueue<DeviceFrame> Frames { get; } = new();

        public void Acknowledged(DeviceFrame frame) => Frames.Enqueue(frame);

        public void Received(string deviceId, ReadOnlySpan<byte> frame)
        {
            // This journey is about the way up.
        }
    }
}
