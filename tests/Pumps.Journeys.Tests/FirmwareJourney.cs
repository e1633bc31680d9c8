using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Pumps.Core.Protocols.Dp2;
using Pumps.Fleet;
using Pumps.Handlers.Firmware;
using Pumps.LocalRegion.Firmware;

namespace Pumps.Journeys.Tests;

/// <summary>Firmware from its signature to devices of both protocols that run it.</summary>
[NonParallelizable]
public sealed class FirmwareJourney
{
    private const int Devices = 12;

    // The region of a process has a device of its own, which is never connected.
    private const string Customer = "waterworks-1";

    private const int Dp1Bytes = 30_000;
    private const int Dp2Bytes = 400_000;
    private const ushort ChunkBytes = 1024;
    private const int Dp1Blocks = (Dp1Bytes + 127) / 128;
    private const int Dp2Chunks = (Dp2Bytes + ChunkBytes - 1) / ChunkBytes;

    // Of each protocol: a third of six devices.
    private const int FirstWave = 2;

    [Test]
    public async Task A_rollout_goes_on_where_a_killed_region_left_it_and_every_device_runs_the_version()
    {
        await using var region = RegionProcess.Prepare();
        await region.StartAsync();
        await using var fleet = RunFleet(region, out var received);
        await Patience.UntilAsync(() => VersionsAsync(region), versions => versions.Count == Devices, "the fleet has said hello");

        await ImportAsync(region, "pump-1", Dp1Image(region, "2.15.0"));
        await ImportAsync(region, "pump-2", Dp2Image(region, "irrigation-pump-v2", "3.2.0"));
        foreach (var image in new[] { "pump-1", "pump-2" })
            await SendAsync(region, HttpMethod.Put, $"api/firmware/rollouts/{image}", new { image, customer = Customer, waves = new[] { 30, 100 }, soakMinutes = 0 });

        // Killed in the first wave: devices of both protocols have something of their image, and none has all of it.
        await Patience.UntilAsync(() => received() > FirstWave * (Dp1Blocks + Dp2Chunks) / 2, "half of the first wave's frames were received");
        await region.KillAsync();
        await region.StartAsync();

        foreach (var image in new[] { "pump-1", "pump-2" })
        {
            var rollout = await Patience.UntilAsync(
                () => region.GetAsync($"api/firmware/rollouts/{image}"), r => r.GetProperty("phase").GetString() == "done", $"{image} is done", TimeSpan.FromMinutes(4));
            Assert.That(rollout.GetProperty("waves").EnumerateArray().Sum(w => w.GetProperty("done").GetInt32()), Is.EqualTo(rollout.GetProperty("devices").GetInt32()));
            Assert.That((await TransfersAsync(region, image)).Select(t => t.GetProperty("reason").GetString()), Is.All.Null);
        }

        Assert.Multiple(async () =>
        {
            Assert.That((await VersionsAsync(region)).Values, Is.All.AnyOf("2.15.0", "3.2.0"));
            // A device that has half of an image gets the other half, but for what was under way.
            Assert.That(received(), Is.LessThan(Devices / 2 * (Dp1Blocks + Dp2Chunks) * 5 / 4));
        });
    }

    [Test]
    public async Task A_rollout_that_devices_refuse_stops_after_its_first_wave_and_can_be_aborted()
    {
        await using var region = await HostedRegion.StartAsync();
        await using var fleet = RunFleet(region, out _);
        await Patience.UntilAsync(() => VersionsAsync(region), versions => versions.Count == Devices, "the fleet has said hello");
        // Signed, and for another hardware: only the device can know.
        await ImportAsync(region, "other-hardware", Dp2Image(region, "irrigation-pump-v2", "3.3.0", hardware: 9));
        await SendAsync(region, HttpMethod.Put, "api/firmware/rollouts/wrong", new { image = "other-hardware", waves = new[] { 20, 100 }, soakMinutes = 0 });

        var paused = await Patience.UntilAsync(
            () => region.GetAsync("api/firmware/rollouts/wrong"), r => r.GetProperty("phase").GetString() == "paused", "the rollout paused by itself");
        var failed = (await TransfersAsync(region, "wrong")).Where(t => t.GetProperty("phase").GetString() == "failed").ToList();
        Assert.Multiple(() =>
        {
            Assert.That(paused.GetProperty("reason").GetString(), Is.EqualTo("error_threshold"));
            Assert.That(failed.Select(t => t.GetProperty("reason").GetString()), Is.Not.Empty.And.All.EqualTo("wrong_hardware"));
            Assert.That(failed.Select(t => t.GetProperty("wave").GetInt32()), Is.All.EqualTo(failed[0].GetProperty("wave").GetInt32()), "the second wave never began");
        });

        await SendAsync(region, HttpMethod.Post, "api/firmware/rollouts/wrong/abort", new { });
        await Patience.UntilAsync(
            () => region.GetAsync("api/firmware/rollouts/wrong"), r => r.GetProperty("phase").GetString() == "aborted", "the rollout is aborted");
        Assert.That((await VersionsAsync(region)).Values, Has.None.EqualTo("3.3.0"));
    }

    private static RunningFleet RunFleet(RunningRegion region, out Func<long> received)
    {
        var key = FirmwareKey.ReadOrCreate(region.DataFolder);
        var keys = new Ed25519Signatures(new Dictionary<string, byte[]> { [key.KeyId] = key.PublicKey });
        var options = new FleetOptions
        {
            Devices = Devices, Mix = new(1, 1, 0, 0, 0), Seed = 41, Customers = 1, CustomerPrefix = "waterworks", ConnectsPerSecond = 1000, IncidentsPerSiteDay = 0,
        };
        var http = new HttpClient { BaseAddress = region.Url };
        var fleet = new Fleet.Fleet(
            options, new FleetConnection(region.Mqtt.Address.ToString(), region.Mqtt.Port, Plain: true), new HttpProvisioner(http),
            RunningRegion.Catalog.Dictionaries, TimeProvider.System, firmwareKeys: keys);
        received = () => fleet.Statistics.Received;
        return new(fleet, http);
    }

    private static object Dp1Image(RunningRegion region, string version)
    {
        var (key, content) = (FirmwareKey.ReadOrCreate(region.DataFolder), Content(Dp1Bytes));
        return new
        {
            product = "irrigation-pump-v1",
            version,
            hardwareMin = 1,
            hardwareMax = 4,
            content,
            keyId = key.KeyId,
            signature = key.Sign(SHA256.HashData(content)),
        };
    }

    private static object Dp2Image(RunningRegion region, string product, string version, ushort hardware = 3)
    {
        var (key, content) = (FirmwareKey.ReadOrCreate(region.DataFolder), Content(Dp2Bytes));
        var type = RunningRegion.Catalog.Products[product].FirmwareClass!.Value.ToByteArray(bigEndian: true);
        var manifest = new Dp2Manifest(new byte[16], type, hardware, hardware, version, 2, Dp2Bytes, SHA256.HashData(content), ChunkBytes).ToBytes();
        return new { product, content, manifest, keyId = key.KeyId, signature = key.Sign(Dp2Manifest.SignedBytes(manifest)) };
    }

    private static byte[] Content(int bytes)
    {
        var content = new byte[bytes];
        new Random(7).NextBytes(content);
        return content;
    }

    private static Task<JsonElement> ImportAsync(RunningRegion region, string id, object image) =>
        SendAsync(region, HttpMethod.Put, $"api/firmware/images/{id}", image);

    private static async Task<Dictionary<string, string>> VersionsAsync(RunningRegion region) =>
        (await region.GetAsync("api/devices?limit=1000")).GetProperty("items").EnumerateArray()
            .Where(d => d.TryGetProperty("firmware", out var firmware) && firmware.ValueKind is JsonValueKind.String)
            .ToDictionary(d => d.GetProperty("id").GetString()!, d => d.GetProperty("firmware").GetString()!);

    private static async Task<List<JsonElement>> TransfersAsync(RunningRegion region, string rollout) =>
        [.. (await region.GetAsync($"api/firmware/rollouts/{rollout}/transfers?limit=200")).GetProperty("items").EnumerateArray()];

    private static async Task<JsonElement> SendAsync(RunningRegion region, HttpMethod method, string path, object body)
    {
        using var request = new HttpRequestMessage(method, path) { Content = JsonContent.Create(body) };
        using var answer = await region.Http.SendAsync(request);
        var content = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That(answer.IsSuccessStatusCode, $"{method} {path} was answered {answer.StatusCode}: {content}");
        return content;
    }

    /// <summary>A fleet that runs until the end of the test, over the loss of its region.</summary>
    private sealed class RunningFleet : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly Task _running;
        private readonly HttpClient _http;

        public RunningFleet(Fleet.Fleet fleet, HttpClient http) => (_running, _http) = (fleet.RunAsync(_end.Token), http);

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await _running.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
            _end.Dispose();
            _http.Dispose();
        }
    }
}
