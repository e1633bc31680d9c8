using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Core.Firmware;
using Pumps.Core.Offerings;
using Pumps.Core.Protocols.Dp2;
using Pumps.Handlers;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Offerings;
using Pumps.Handlers.Portal;
using Pumps.LocalRegion.Firmware;

namespace Pumps.Contracts.Tests.Portal;

/// <summary>Firmware over HTTP, with real keys.</summary>
public sealed class FirmwareRoutesTests
{
    private const int ImageBytesMax = 2_000_000;
    private const string Dp1 = "irrigation-pump-v1";
    private const string Dp2 = "irrigation-pump-v2";

    private static readonly Product Dp2Product = CatalogLoader.Load(CatalogLoader.DefaultFolder).Products[Dp2];

    private readonly byte[] _content = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("firmware", 40)));

    private DirectoryInfo _folder = null!;
    private FirmwareKey _key = null!;
    private FirmwareKey _stranger = null!;
    private PortalHost _host = null!;

    [OneTimeSetUp]
    public void MakeKeys()
    {
        _folder = Directory.CreateTempSubdirectory("pumps-firmware-");
        _key = FirmwareKey.ReadOrCreate(Path.Combine(_folder.FullName, "region"));
        _stranger = FirmwareKey.ReadOrCreate(Path.Combine(_folder.FullName, "stranger"));
    }

    [OneTimeTearDown]
    public void RemoveKeys() => _folder.Delete(recursive: true);

    [SetUp]
    public async Task Start() => _host = await StartAsync(null);

    [TearDown]
    public async Task Stop() => await _host.DisposeAsync();

    [Test]
    public async Task A_DP1_image_is_imported_shown_and_removed_and_its_bytes_stay_inside()
    {
        var image = await ImportAsync("pump-1", Dp1Image());

        Assert.That(image.ToString(), Is.EqualTo(
            $$"""{"id":"pump-1","product":"irrigation-pump-v1","protocol":"dp1","version":"2.15.0","hardwareMin":1,"hardwareMax":4,"sizeBytes":320,"chunkBytes":128,"chunks":3,"sha256":"{{Convert.ToHexStringLower(SHA256.HashData(_content))}}","keyId":"{{_key.KeyId}}","importedAt":"2025-06-01T12:00:00.000Z"}"""));
        Assert.That((await ImportAsync("pump-1", Dp1Image())).ToString(), Is.EqualTo(image.ToString()), "the same image again");
        Assert.That((await _host.GetAsync("/api/firmware/images/pump-1")).ToString(), Is.EqualTo(image.ToString()));
        await _host.SendAsync(HttpMethod.Delete, "/api/firmware/images/pump-1", 204);
        await _host.GetAsync("/api/firmware/images/pump-1", 404);
        await _host.SendAsync(HttpMethod.Delete, "/api/firmware/images/pump-1", 404);
    }

    [Test]
    public async Task A_DP2_image_is_what_its_manifest_says()
    {
        var image = await ImportAsync("pump-2", Dp2Image(Manifest()));

        Assert.Multiple(() =>
        {
            Assert.That(image.GetProperty("version").GetString(), Is.EqualTo("3.2.0"));
            Assert.That((image.GetProperty("hardwareMin").GetInt32(), image.GetProperty("hardwareMax").GetInt32()), Is.EqualTo((2, 5)));
            Assert.That((image.GetProperty("chunkBytes").GetInt32(), image.GetProperty("chunks").GetInt32()), Is.EqualTo((256, 2)));
        });
    }

    [Test]
    public async Task Images_come_in_pages_newest_first_and_by_product()
    {
        await ImportAsync("a", Dp1Image());
        await ImportAsync("b", Dp2Image(Manifest()));
        await ImportAsync("c", Dp1Image("2.16.0"));

        var first = await _host.GetAsync("/api/firmware/images?limit=2");
        var rest = await _host.GetAsync($"/api/firmware/images?limit=2&cursor={first.GetProperty("next").GetString()}");

        Assert.That(Ids(first).Concat(Ids(rest)), Is.EqualTo(new[] { "c", "b", "a" }));
        Assert.That(Ids(await _host.GetAsync($"/api/firmware/images?product={Dp2}")), Is.EqualTo(new[] { "b" }));
        ProblemAssert.Names(await _host.GetAsync("/api/firmware/images?cursor=first", 400), "invalid_cursor", "cursor", "first");
    }

    [TestCase("unknown_key", "keyId")]
    [TestCase("bad_signature", "signature")]
    [TestCase("invalid_version", "version")]
    [TestCase("invalid_hardware", "hardwareMin")]
    [TestCase("unexpected_manifest", "manifest")]
    [TestCase("image_size", "content")]
    [TestCase("unknown_product", "product")]
    public async Task A_DP1_image_with_a_fault_is_refused_and_the_fault_is_named(string rule, string parameter)
    {
        var good = Dp1Image();
        var bad = rule switch
        {
            "unknown_key" => good with { KeyId = _stranger.KeyId },
            "bad_signature" => good with { Content = [.. _content[1..], 0] },
            "invalid_version" => good with { Version = "2.15" },
            "invalid_hardware" => good with { HardwareMin = 5 },
            "unexpected_manifest" => good with { Manifest = [1] },
            "image_size" => good with { Content = new byte[262_145] },
            _ => good with { Product = "toaster" },
        };

        var problem = await _host.SendAsync(HttpMethod.Put, "/api/firmware/images/pump-1", 400, bad);

        Assert.That(Faults(problem), Is.EqualTo(new[] { (rule, parameter) }));
        await _host.GetAsync("/api/firmware/images/pump-1", 404);
    }

    [TestCase("unknown_key", "keyId")]
    [TestCase("bad_signature", "signature")]
    [TestCase("bad_signature", "signature", "another manifest")]
    [TestCase("bad_manifest", "manifest")]
    [TestCase("image_digest", "content")]
    [TestCase("wrong_product", "manifest")]
    [TestCase("missing_manifest", "manifest")]
    [TestCase("unexpected_version", "version")]
    public async Task A_DP2_image_with_a_fault_is_refused_and_the_fault_is_named(string rule, string parameter, string? how = null)
    {
        var good = Dp2Image(Manifest());
        var bad = (rule, how) switch
        {
            ("unknown_key", _) => good with { KeyId = _stranger.KeyId },
            ("bad_signature", null) => Dp2Image(Manifest(), _stranger) with { KeyId = _key.KeyId },
            ("bad_signature", _) => good with { Manifest = (Manifest() with { SecurityCounter = 9 }).ToBytes() },
            ("bad_manifest", _) => Signed([0x7f]),
            ("image_digest", _) => good with { Content = [.. _content, 0] },
            ("wrong_product", _) => Dp2Image(Manifest() with { Class = new byte[16] }),
            ("missing_manifest", _) => good with { Manifest = null },
            _ => good with { Version = "3.2.0" },
        };

        var problem = await _host.SendAsync(HttpMethod.Put, "/api/firmware/images/pump-2", 400, bad);

        Assert.That(Faults(problem), Is.EqualTo(new[] { (rule, parameter) }));
        await _host.GetAsync("/api/firmware/images/pump-2", 404);
    }

    [Test]
    public async Task An_id_of_an_image_stands_for_one_image_with_one_version()
    {
        await ImportAsync("pump-1", Dp1Image());

        foreach (var other in new[] { Dp1Image("2.16.0"), Dp1Image() with { HardwareMax = 9 } })
            ProblemAssert.HasRule(await _host.SendAsync(HttpMethod.Put, "/api/firmware/images/pump-1", 409, other), "image_id_taken");
        ProblemAssert.Names(
            await _host.SendAsync(HttpMethod.Put, "/api/firmware/images/pump%201", 400, Dp1Image()), "invalid_image_id", "image", "pump 1");
    }

    [Test]
    public async Task An_image_as_large_as_allowed_comes_in_and_a_larger_body_is_refused_before_it_is_read()
    {
        var content = new byte[ImageBytesMax];
        var manifest = Manifest() with { ImageSize = ImageBytesMax, Sha256 = SHA256.HashData(content) };

        await ImportAsync("largest", Dp2Image(manifest) with { Content = content });

        var problem = await _host.SendAsync(HttpMethod.Put, "/api/firmware/images/larger", 413, Dp2Image(manifest) with { Content = new byte[ImageBytesMax + 100_000] });
        ProblemAssert.HasRule(problem, "body_too_large");
        Assert.That(problem.GetProperty("detail").GetString(), Does.Contain($"{((ImageBytesMax + 2) / 3 * 4) + 65536} bytes"));
        await _host.SendAsync(HttpMethod.Put, "/api/firmware/rollouts/larger", 413, "[" + new string(' ', 1 << 16) + "]");
    }

    [Test]
    public async Task A_body_without_base64_is_told_where()
    {
        var problem = await _host.SendAsync(
            HttpMethod.Put, "/api/firmware/images/pump-1", 400, """{"product": "irrigation-pump-v1", "content": "?", "signature": "", "keyId": ""}""");

        ProblemAssert.Names(problem, "malformed_body", "$.content", null);
    }

    [Test]
    public async Task A_rollout_is_placed_for_the_devices_of_its_target_and_shown_with_its_waves()
    {
        AddDevices(20);
        await ImportAsync("pump-1", Dp1Image());

        var placed = await _host.SendAsync(
            HttpMethod.Put, "/api/firmware/rollouts/spring", 200, new { image = "pump-1", site = "north", waves = new[] { 20, 100 }, window = new { begins = "22:00", ends = "04:00" } });

        Assert.Multiple(() =>
        {
            Assert.That(Text(placed, "phase"), Is.EqualTo("running"));
            Assert.That(Text(placed, "version"), Is.EqualTo("2.15.0"));
            Assert.That(Text(placed, "site"), Is.EqualTo("north"));
            Assert.That(placed.GetProperty("window").ToString(), Is.EqualTo("""{"begins":"22:00","ends":"04:00"}"""));
            Assert.That(placed.GetProperty("devices").GetInt32(), Is.EqualTo(10));
            Assert.That((placed.GetProperty("successPercent").GetInt32(), placed.GetProperty("errorPercent").GetInt32(), placed.GetProperty("soakMinutes").GetInt32()), Is.EqualTo((90, 5, 60)));
            Assert.That(Text(placed, "by"), Is.EqualTo("anonymous"));
            Assert.That(placed.GetProperty("waves").EnumerateArray().Select(w => w.ToString()), Is.EqualTo(new[]
            {
                """{"wave":1,"percent":20,"begun":false,"devices":2,"done":0,"failed":0,"cancelled":0,"open":2}""",
                """{"wave":2,"percent":100,"begun":false,"devices":8,"done":0,"failed":0,"cancelled":0,"open":8}""",
            }));
        });
        Assert.That((await _host.GetAsync("/api/firmware/rollouts/spring")).ToString(), Is.EqualTo(placed.ToString()));
        Assert.That((await _host.GetAsync("/api/firmware/rollouts?phase=running")).GetProperty("items")[0].TryGetProperty("waves", out _), Is.False);
        Assert.That(Ids(await _host.GetAsync("/api/firmware/rollouts?phase=done")), Is.Empty);
        ProblemAssert.HasRule(await _host.SendAsync(HttpMethod.Delete, "/api/firmware/images/pump-1", 409), "image_in_use");
    }

    [TestCase("""{"image": "pump-1", "waves": []}""", "invalid_waves", "waves")]
    [TestCase("""{"image": "pump-1", "waves": [10, 10, 100]}""", "invalid_waves", "waves")]
    [TestCase("""{"image": "pump-1", "waves": [10, 90]}""", "invalid_waves", "waves")]
    [TestCase("""{"image": "pump-1", "successPercent": 0}""", "out_of_range", "successPercent")]
    [TestCase("""{"image": "pump-1", "errorPercent": 101}""", "out_of_range", "errorPercent")]
    [TestCase("""{"image": "pump-1", "soakMinutes": 43201}""", "out_of_range", "soakMinutes")]
    [TestCase("""{"image": "pump-1", "window": {"begins": "22:00", "ends": "22:00"}}""", "invalid_window", "window")]
    [TestCase("""{"image": "pump-1", "window": {"begins": "22:00", "ends": "24:00"}}""", "invalid_window", "window.ends")]
    [TestCase("""{"image": "pump-1", "devices": []}""", "invalid_list", "devices")]
    [TestCase("""{"image": "pump-1", "devices": [null]}""", "invalid_device", "devices")]
    [TestCase("""{"image": "pump-1", "devices": ["dp1-1"], "site": "north"}""", "ambiguous_target", "devices")]
    [TestCase("""{"image": "pump-1", "site": "North!"}""", "invalid_site", "site")]
    [TestCase("""{"image": "pump-1", "tag": "A b"}""", "invalid_tag", "tag")]
    [TestCase("""{"image": "pump-1", "customer": "\u0000"}""", "invalid_customer", "customer")]
    [TestCase("""{"image": "pump 1"}""", "invalid_image_id", "image")]
    public async Task A_rollout_with_a_fault_is_refused_and_the_fault_is_named(string body, string rule, string parameter)
    {
        AddDevices(1);
        await ImportAsync("pump-1", Dp1Image());

        Assert.That(Faults(await _host.SendAsync(HttpMethod.Put, "/api/firmware/rollouts/spring", 400, body)), Is.EqualTo(new[] { (rule, parameter) }));
        await _host.GetAsync("/api/firmware/rollouts/spring", 404);
    }

    [Test]
    public async Task A_rollout_needs_an_image_that_still_is_what_was_signed_and_a_device()
    {
        await _host.SendAsync(HttpMethod.Put, "/api/firmware/rollouts/spring", 404, new { image = "pump-1" });
        await ImportAsync("pump-1", Dp1Image());
        ProblemAssert.HasRule(await _host.SendAsync(HttpMethod.Put, "/api/firmware/rollouts/spring", 409, new { image = "pump-1" }), "no_devices");

        AddDevices(1);
        _host.Firmware.Change("pump-1", content => content[7] ^= 1);
        ProblemAssert.HasRule(await _host.SendAsync(HttpMethod.Put, "/api/firmware/rollouts/spring", 409, new { image = "pump-1" }), "image_not_genuine");
        _host.Firmware.Change("pump-1", content => content[7] ^= 1);
        await _host.SendAsync(HttpMethod.Put, "/api/firmware/rollouts/spring", 200, new { image = "pump-1" });

        await ImportAsync("pump-2", Dp1Image("2.16.0"));
        ProblemAssert.HasRule(await _host.SendAsync(HttpMethod.Put, "/api/firmware/rollouts/spring", 409, new { image = "pump-2" }), "rollout_id_taken");
    }

    [Test]
    public async Task A_rollout_is_paused_resumed_and_aborted_each_safe_to_repeat()
    {
        AddDevices(4);
        await ImportAsync("pump-1", Dp1Image());
        await _host.SendAsync(HttpMethod.Put, "/api/firmware/rollouts/spring", 200, new { image = "pump-1" });

        foreach (var (step, phase) in new[] { ("pause", "paused"), ("pause", "paused"), ("resume", "running"), ("resume", "running"), ("abort", "aborting"), ("abort", "aborting") })
            Assert.That(Text(await _host.SendAsync(HttpMethod.Post, $"/api/firmware/rollouts/spring/{step}", 200, new { }), "phase"), Is.EqualTo(phase));

        var refused = await _host.SendAsync(HttpMethod.Post, "/api/firmware/rollouts/spring/resume", 409);
        ProblemAssert.HasRule(refused, "rollout_phase");
        Assert.That(Text(refused, "detail"), Does.Contain("aborting"));

        var leader = new AdvanceRollouts(_host.Firmware, TimeProvider.System, NullLogger<AdvanceRollouts>.Instance);
        Assert.That(await leader.HandleAsync("spring", CancellationToken.None), Is.True);
        var waves = (await _host.GetAsync("/api/firmware/rollouts/spring")).GetProperty("waves").EnumerateArray();
        Assert.That(waves.Sum(w => w.GetProperty("cancelled").GetInt32()), Is.EqualTo(4));
        Assert.That(await leader.HandleAsync("spring", CancellationToken.None), Is.False, "It is over.");
        Assert.That(Text(await _host.GetAsync("/api/firmware/rollouts/spring"), "phase"), Is.EqualTo("aborted"));
        foreach (var step in new[] { "pause", "resume", "abort" })
            await _host.SendAsync(HttpMethod.Post, $"/api/firmware/rollouts/autumn/{step}", 404);
    }

    [Test]
    public async Task Transfers_come_in_pages_with_how_far_they_are()
    {
        AddDevices(4);
        await ImportAsync("pump-1", Dp1Image());
        await _host.SendAsync(HttpMethod.Put, "/api/firmware/rollouts/spring", 200, new { image = "pump-1", devices = new[] { "dp1-3", "dp1-1", "dp1-2", "dp1-1" } });
        _host.Firmware.Set("dp1-2", t => t with { Phase = TransferPhase.Sending, Stored = 2, Restarts = 1, StartedAt = PortalHost.Now, DueAt = PortalHost.Now.AddMinutes(1) });
        _host.Firmware.Set("dp1-3", t => t with { Phase = TransferPhase.Failed, Reason = "wrong_hardware", EndedAt = PortalHost.Now });

        var first = await _host.GetAsync("/api/firmware/rollouts/spring/transfers?limit=2");
        var rest = await _host.GetAsync($"/api/firmware/rollouts/spring/transfers?limit=2&cursor={Text(first, "next")}");

        Assert.That(first.GetProperty("items").EnumerateArray().Concat(rest.GetProperty("items").EnumerateArray()).Select(t => t.ToString()), Is.EqualTo(new[]
        {
            """{"rollout":"spring","image":"pump-1","version":"2.15.0","device":"dp1-1","wave":1,"phase":"waiting","stored":0,"chunks":3,"percent":0,"restarts":0,"reason":null,"startedAt":null,"endedAt":null,"dueAt":null}""",
            """{"rollout":"spring","image":"pump-1","version":"2.15.0","device":"dp1-2","wave":2,"phase":"sending","stored":2,"chunks":3,"percent":66,"restarts":1,"reason":null,"startedAt":"2025-06-01T12:00:00.000Z","endedAt":null,"dueAt":"2025-06-01T12:01:00.000Z"}""",
            """{"rollout":"spring","image":"pump-1","version":"2.15.0","device":"dp1-3","wave":3,"phase":"failed","stored":0,"chunks":3,"percent":0,"restarts":0,"reason":"wrong_hardware","startedAt":null,"endedAt":"2025-06-01T12:00:00.000Z","dueAt":null}""",
        }));
        Assert.That((await _host.GetAsync("/api/firmware/rollouts/spring/transfers?phase=failed")).GetProperty("items").GetArrayLength(), Is.EqualTo(1));
        await _host.GetAsync("/api/firmware/rollouts/spring/transfers?phase=lost", 400);
        await _host.GetAsync("/api/firmware/rollouts/autumn/transfers", 404);
    }

    [Test]
    public async Task What_ended_for_an_owner_before_is_for_ops_only_and_only_the_firmware_of_a_device_is_a_viewer_s()
    {
        await _host.DisposeAsync();
        _host = await StartAsync((_, role) => ValueTask.FromResult(role is PortalRole.Ops ? TypedResults.Problem(statusCode: 403) : (IResult?)null));
        AddDevices(1);
        var key = new FirmwareHead(Core.Protocols.Protocol.Dp1, "2.15.0", 1, 4, 320, new byte[32], new byte[64], new byte[8], 128, 0, []);
        await _host.Firmware.AddAsync(new("pump-1", Dp1, key, PortalHost.Now), _content, default);
        var terms = new RolloutTerms([100], 90, 5, TimeSpan.Zero);
        await _host.Firmware.PlaceAsync(new("spring", "pump-1", new(), terms, null, "somebody"), PortalHost.Now, default);
        _host.Firmware.Set("dp1-1", t => t with { Phase = TransferPhase.Done, EndedAt = PortalHost.Now.AddDays(-2) });

        foreach (var (owned, shown) in new[] { (PortalHost.Now.AddDays(-1), 0), (PortalHost.Now.AddDays(-3), 1), ((DateTimeOffset?)null, 0) })
        {
            _host.Ports.Devices["dp1-1"] = _host.Ports.Devices["dp1-1"] with { Firmware = "2.14.0", OwnedSince = owned };
            var firmware = await _host.GetAsync("/api/devices/dp1-1/firmware");
            Assert.That(Text(firmware, "version"), Is.EqualTo("2.14.0"));
            Assert.That(firmware.GetProperty("transfers").GetArrayLength(), Is.EqualTo(shown), $"owned since {owned}");
        }

        await _host.GetAsync("/api/devices/dp1-9/firmware", 404);
        foreach (var path in new[] { "images", "images/pump-1", "rollouts", "rollouts/spring", "rollouts/spring/transfers" })
            await _host.GetAsync($"/api/firmware/{path}", 403);
        foreach (var step in new[] { "pause", "resume", "abort" })
            await _host.SendAsync(HttpMethod.Post, $"/api/firmware/rollouts/spring/{step}", 403);
        await _host.SendAsync(HttpMethod.Put, "/api/firmware/images/other", 403, Dp1Image());
        await _host.SendAsync(HttpMethod.Put, "/api/firmware/rollouts/other", 403, new { image = "pump-1" });
        await _host.SendAsync(HttpMethod.Delete, "/api/firmware/images/pump-1", 403);
    }

    private Task<PortalHost> StartAsync(PortalGuard? guard) => PortalHost.StartAsync(guard, services => services
        .AddDeviceHandlers()
        .Configure<FirmwareOptions>(o => (o.TrustedKeys, o.ImageBytesMax) = ([Convert.ToBase64String(_key.PublicKey)], ImageBytesMax)));

    // Odd ones stand in the north.
    private void AddDevices(int count)
    {
        for (var n = 1; n <= count; n++)
            _host.Ports.Devices[$"dp1-{n}"] = new($"dp1-{n}", "dp1", "irrigation", Dp1, "green-valley", null, null) { Site = n % 2 == 1 ? "north" : "south" };
    }

    private Task<JsonElement> ImportAsync(string id, ImageBody image) => _host.SendAsync(HttpMethod.Put, $"/api/firmware/images/{id}", 200, image);

    private ImageBody Dp1Image(string version = "2.15.0") =>
        new(Dp1, _content, _key.Sign(SHA256.HashData(_content)), _key.KeyId, Version: version, HardwareMin: 1, HardwareMax: 4);

    private Dp2Manifest Manifest() => new(
        new byte[16], Dp2Product.FirmwareClass!.Value.ToByteArray(bigEndian: true), 2, 5, "3.2.0", 2, (uint)_content.Length, SHA256.HashData(_content), 256);

    private ImageBody Dp2Image(Dp2Manifest manifest, FirmwareKey? key = null) => Signed(manifest.ToBytes(), key);

    private ImageBody Signed(byte[] manifest, FirmwareKey? key = null) =>
        new(Dp2, _content, (key ?? _key).Sign(Dp2Manifest.SignedBytes(manifest)), (key ?? _key).KeyId, manifest);

    private static IEnumerable<string?> Ids(JsonElement page) => page.GetProperty("items").EnumerateArray().Select(i => Text(i, "id"));

    private static IEnumerable<(string?, string?)> Faults(JsonElement problem) =>
        problem.GetProperty("errors").EnumerateArray().Select(e => (Text(e, "rule"), Text(e, "parameter")));

    private static string? Text(JsonElement of, string member) => of.GetProperty(member).GetString();
}
