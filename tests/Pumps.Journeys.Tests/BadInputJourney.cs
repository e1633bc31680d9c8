using System.Globalization;
using System.Net.Http.Json;
using System.Text.Json;
using MQTTnet;
using Pumps.Fleet.Mqtt;
using Pumps.Handlers.Devices;

namespace Pumps.Journeys.Tests;

/// <summary>What a region does with what it should never get: it says so, keeps it where there is something to keep, and goes on.</summary>
[NonParallelizable]
public sealed class BadInputJourney
{
    private static int _devices;
    private HostedRegion _region = null!;

    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    [OneTimeSetUp]
    public async Task StartRegion() => _region = await HostedRegion.StartAsync();

    [OneTimeTearDown]
    public async Task StopRegion() => await _region.DisposeAsync();

    [TearDown]
    public async Task The_region_works_after_whatever_it_got()
    {
        var id = NewId();
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, await _region.RegisterAsync(id, "irrigation-pump-v2"));
        await device.SendAsync("telemetry", TestFrames.Flowing(id, 1, 100, Now));
        await _region.SettleAsync();
        Assert.That(await FlowAsync(id), Is.EqualTo("1.00"));
        Assert.That((await _region.ReadyAsync()).Health.Status, Is.EqualTo("healthy"));
    }

    [Test]
    public async Task A_broken_frame_is_a_dead_letter_with_its_bytes_in_the_API_and_the_frame_after_it_arrives()
    {
        var id = NewId();
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, await _region.RegisterAsync(id, "irrigation-pump-v2"));
        var broken = TestFrames.Flowing(id, 1, 1234, Now);
        broken[^1] ^= 0x01;
        await device.SendAsync("telemetry", broken);
        await device.SendAsync("telemetry", TestFrames.Flowing(id, 2, 2430, Now));

        var letter = await LetterOfAsync(id);
        var detail = await _region.GetAsync($"api/dead-letters/{letter.GetProperty("id").GetInt64()}");
        Assert.Multiple(() =>
        {
            Assert.That(letter.GetProperty("code").GetString(), Is.EqualTo("E_CRC"));
            Assert.That(letter.GetProperty("hub").GetString(), Is.EqualTo("raw-telemetry-dp2"));
            Assert.That(detail.GetProperty("body").GetString(), Is.EqualTo(Convert.ToHexStringLower(broken)));
            Assert.That(detail.GetProperty("properties").GetProperty("offering").GetString(), Is.EqualTo("irrigation"));
        });
        Assert.That(await FlowAsync(id), Is.EqualTo("24.30"));
    }

    [Test]
    public async Task A_frame_longer_than_its_protocol_allows_is_a_dead_letter_with_all_of_its_bytes()
    {
        var id = NewId();
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, await _region.RegisterAsync(id, "irrigation-pump-v2"));
        byte[] oversize = [.. TestFrames.Flowing(id, 1, 1234, Now), .. new byte[200_000]];
        await device.SendAsync("telemetry", oversize);

        var letter = await LetterOfAsync(id);
        Assert.That(letter.GetProperty("code").GetString(), Is.EqualTo("E_OVERSIZE"));
        Assert.That(letter.GetProperty("bodyBytes").GetInt32(), Is.EqualTo(oversize.Length));
    }

    [Test]
    public async Task A_message_larger_than_IoT_Hub_takes_is_not_acknowledged_and_its_connection_ends()
    {
        var id = NewId();
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, await _region.RegisterAsync(id, "irrigation-pump-v2"));
        Assert.That(async () => await device.SendAsync("telemetry", new byte[(256 * 1024) + 1]), Throws.InstanceOf<Exception>());
        await device.Disconnected.WaitAsync(Patience.Usual);
        await _region.SettleAsync();
        Assert.That((await _region.DeadLettersAsync()).Where(l => l.Device == id), Is.Empty);
    }

    [TestCase("headerType=telemetry&headerType=event")]
    [TestCase("headerType=%zz")]
    public async Task A_property_bag_that_cannot_be_read_is_not_acknowledged_and_its_connection_ends(string bag)
    {
        var id = NewId();
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, await _region.RegisterAsync(id, "irrigation-pump-v2"));
        Assert.That(async () => await device.PublishAsync(bag, TestFrames.Flowing(id, 1, 100, Now)), Throws.InstanceOf<Exception>());
        await device.Disconnected.WaitAsync(Patience.Usual);
    }

    [TestCase("")]
    [TestCase("headerType")]
    [TestCase("headerType=Telemetry")]
    [TestCase("headerType=weather&x=1")]
    public async Task A_message_that_no_route_takes_is_a_dead_letter(string bag)
    {
        var id = NewId();
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, await _region.RegisterAsync(id, "irrigation-pump-v2"));
        var frame = TestFrames.Flowing(id, 1, 100, Now);
        await device.PublishAsync(bag, frame);

        var letter = await LetterOfAsync(id);
        var detail = await _region.GetAsync($"api/dead-letters/{letter.GetProperty("id").GetInt64()}");
        Assert.That(letter.GetProperty("code").GetString(), Is.EqualTo("no_route"));
        Assert.That(detail.GetProperty("body").GetString(), Is.EqualTo(Convert.ToHexStringLower(frame)));
    }

    [Test]
    public async Task A_frame_of_a_device_without_tags_waits_as_a_dead_letter_and_arrives_once_when_the_tags_are_repaired()
    {
        // As IoT Hub has it when a device was created by hand: an identity without tags, so that enrichment gives the literal $twin.tags.offering.
        var id = NewId();
        var devices = _region.Region.Services.GetService(typeof(IDeviceRegistry)) as IDeviceRegistry;
        var identity = await devices!.RegisterAsync(new DeviceRegistration(id, "dp2", "", "", "", "", null), CancellationToken.None);
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, new DeviceCredentials("localhost", id, identity.PrimaryKey));
        var at = Now.AddMinutes(-3);
        await device.SendAsync("telemetry", TestFrames.Flowing(id, 1, 2430, at));

        var letter = await LetterOfAsync(id);
        var number = letter.GetProperty("id").GetInt64();
        var detail = await _region.GetAsync($"api/dead-letters/{number}");
        Assert.That(letter.GetProperty("code").GetString(), Is.EqualTo("untagged_device"));
        Assert.That(detail.GetProperty("properties").GetProperty("offering").GetString(), Is.EqualTo("$twin.tags.offering"));

        await _region.RegisterAsync(id, "irrigation-pump-v2");
        Assert.That((await ReplayAsync(number)).IsSuccessStatusCode);
        var history = await Patience.UntilAsync(
            async () => (await _region.HistoryAsync()).Where(h => h.Key.Device == id).ToList(), h => h.Count > 0, "the replayed frame in history");
        await _region.SettleAsync();

        Assert.That(history.Single().Key, Is.EqualTo(new ObservationKey(id, DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds()), 1)));
        Assert.That(await FlowAsync(id), Is.EqualTo("24.30"));
        Assert.That((await ReplayAsync(number)).StatusCode, Is.EqualTo(System.Net.HttpStatusCode.Conflict), "a letter is replayed once");
        Assert.That((await _region.HistoryAsync()).Count(h => h.Key.Device == id), Is.EqualTo(1));
    }

    [Test]
    public async Task A_device_that_nobody_has_registered_is_refused()
    {
        var stranger = new DeviceCredentials("localhost", "dp2-ffffffffffffffff", Convert.ToBase64String(new byte[32]));
        Assert.That(await FieldDevice.TryConnectAsync(_region.Mqtt, stranger), Is.EqualTo(MqttClientConnectResultCode.NotAuthorized));
    }

    private static string NewId() =>
        "dp2-00a1b2c3d4e6" + Interlocked.Increment(ref _devices).ToString("x4", CultureInfo.InvariantCulture);

    private Task<HttpResponseMessage> ReplayAsync(long letter) =>
        _region.Http.PostAsync(new Uri($"api/dead-letters/{letter}/replay", UriKind.Relative), JsonContent.Create(new { }));

    /// <summary>The dead letter of a device, from the API's list.</summary>
    private async Task<JsonElement> LetterOfAsync(string device)
    {
        await _region.SettleAsync();
        var page = await _region.GetAsync("api/dead-letters?limit=1000");
        return page.GetProperty("items").EnumerateArray().Single(l => l.GetProperty("device").GetString() == device);
    }

    private async Task<string> FlowAsync(string device) =>
        (await _region.GetAsync($"api/devices/{device}")).GetProperty("latest").GetProperty("flow").GetProperty("value").GetRawText();
}
