using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Pumps.Core.Protocols.Dp1;
using Pumps.Fleet;
using Pumps.Fleet.Mqtt;
using Pumps.LocalRegion;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Journeys.Tests;

/// <summary>A device from its order to its first datapoint, and what becomes of it later.</summary>
public sealed class ProvisioningJourney
{
    private const string Dp2 = "dp2-70b3d57ed00a0001";
    private const string Dp1 = "dp1-4720001";

    private HostedRegion _region = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _region = await HostedRegion.StartAsync();

    [OneTimeTearDown]
    public async Task StopAsync() => await _region.DisposeAsync();

    [Test]
    public async Task A_DP2_device_is_ordered_connects_says_hello_is_active_and_shows_its_first_datapoint()
    {
        await _region.OrderAsync("first-dp2", new { device = Dp2, product = "irrigation-pump-v2", customer = "green-valley" });
        await _region.OrderedAsync("first-dp2", "waiting");
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, await CredentialsAsync(Dp2));
        await device.SendAsync("event", TestFrames.Describe(Dp2, 1, "IP-200", TimeProvider.System.GetUtcNow()));
        await _region.OrderedAsync("first-dp2", "done");
        await device.SendAsync("telemetry", TestFrames.Flowing(Dp2, 2, 2430, TimeProvider.System.GetUtcNow()));

        var shown = await Patience.UntilAsync(
            () => _region.GetAsync($"api/devices/{Dp2}"), d => d.GetProperty("latest").TryGetProperty("flow", out _), "the first datapoint");
        Assert.That(shown.GetProperty("latest").GetProperty("flow").GetProperty("value").GetRawText(), Is.EqualTo("24.30"));
        Assert.That((await _region.GetAsync($"api/devices?customer=green-valley&status=active")).ToString(), Does.Contain(Dp2));
    }

    [Test]
    public async Task A_DP1_device_is_active_with_its_IDENT()
    {
        await _region.OrderAsync("first-dp1", new { device = Dp1, product = "irrigation-pump-v1", customer = "green-valley", utcOffsetMinutes = 120 });
        await _region.OrderedAsync("first-dp1", "waiting");
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, await CredentialsAsync(Dp1));
        var frame = new byte[Dp1Encoder.SizeMax];
        var size = Dp1Encoder.Ident(frame, new Dp1Header(4_720_001, 1, uint.MaxValue), new Dp1Ident(3, new(2, 15, 0), 0, 7, 0, "IP-100", 300, 1));
        await device.SendAsync("event", frame[..size]);

        await _region.OrderedAsync("first-dp1", "done");
    }

    [Test]
    public async Task A_device_of_another_product_is_thrown_off_and_cannot_come_back()
    {
        const string id = "dp2-70b3d57ed00a0002";
        await _region.OrderAsync("mistaken", new { device = id, product = "irrigation-pump-v2", customer = "green-valley" });
        await _region.OrderedAsync("mistaken", "waiting");
        var credentials = await CredentialsAsync(id);
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, credentials);
        await device.SendAsync("event", TestFrames.Describe(id, 1, "FP-10", TimeProvider.System.GetUtcNow()));

        var order = await _region.OrderedAsync("mistaken", "refused");
        await device.Disconnected.WaitAsync(Patience.Usual);
        Assert.That(order.GetProperty("reason").GetString(), Is.EqualTo("product_mismatch"));
        Assert.That(await FieldDevice.TryConnectAsync(_region.Mqtt, credentials), Is.Not.EqualTo(MQTTnet.MqttClientConnectResultCode.Success));
    }

    [Test]
    public async Task Keys_are_rotated_while_the_device_stays_connected_and_a_retired_one_is_locked_out()
    {
        const string id = "dp2-70b3d57ed00a0003";
        await _region.OrderAsync("rotated", new { device = id, product = "irrigation-pump-v2", customer = "green-valley" });
        await _region.OrderedAsync("rotated", "waiting");
        var old = await CredentialsAsync(id);
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, old);
        await device.SendAsync("event", TestFrames.Describe(id, 1, "IP-200", TimeProvider.System.GetUtcNow()));
        await _region.OrderedAsync("rotated", "done");

        await _region.OrderAsync("rotation", new { device = id, kind = "rotate_keys" });
        await _region.OrderedAsync("rotation", "waiting");
        var secondary = await CredentialsAsync(id, "secondary");
        Assert.That(await FieldDevice.TryConnectAsync(_region.Mqtt, old), Is.EqualTo(MQTTnet.MqttClientConnectResultCode.Success), "the primary still works");
        Assert.That(await FieldDevice.TryConnectAsync(_region.Mqtt, secondary), Is.EqualTo(MQTTnet.MqttClientConnectResultCode.Success));

        (await _region.Http.PostAsync(new Uri("api/orders/rotation/confirm", UriKind.Relative), null)).EnsureSuccessStatusCode();
        await _region.OrderedAsync("rotation", "done");
        Assert.That(await FieldDevice.TryConnectAsync(_region.Mqtt, old), Is.Not.EqualTo(MQTTnet.MqttClientConnectResultCode.Success));
        Assert.That(await FieldDevice.TryConnectAsync(_region.Mqtt, secondary), Is.EqualTo(MQTTnet.MqttClientConnectResultCode.Success));

        await _region.OrderAsync("retired", new { device = id, kind = "retire" });
        await _region.OrderedAsync("retired", "done");
        Assert.That(await FieldDevice.TryConnectAsync(_region.Mqtt, secondary), Is.Not.EqualTo(MQTTnet.MqttClientConnectResultCode.Success));
    }

    [Test]
    public async Task An_owner_claims_a_device_of_the_stock_with_the_code_of_its_label()
    {
        const string id = "dp2-70b3d57ed00a0004";
        await _region.OrderAsync("stocked", new { device = id, product = "irrigation-pump-v2", customer = "stock" });
        await _region.OrderedAsync("stocked", "waiting");
        await using var device = await FieldDevice.ConnectAsync(_region.Mqtt, await CredentialsAsync(id));
        await device.SendAsync("event", TestFrames.Describe(id, 1, "IP-200", TimeProvider.System.GetUtcNow()));
        await _region.OrderedAsync("stocked", "done");

        using var issued = await _region.Http.PostAsync(new Uri($"api/devices/{id}/claim-code", UriKind.Relative), null);
        var code = (await issued.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString();
        using var wrong = await _region.Http.PostAsJsonAsync("api/claims", new { device = id, code = "0000-0000-0000", customer = "new-owner" });
        using var right = await _region.Http.PostAsJsonAsync("api/claims", new { device = id, code, customer = "new-owner" });
        var order = (await right.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString()!;

        Assert.That((wrong.StatusCode, right.StatusCode), Is.EqualTo((HttpStatusCode.Conflict, HttpStatusCode.OK)));
        await _region.OrderedAsync(order, "done");
        Assert.That((await _region.GetAsync($"api/devices/{id}")).GetProperty("customer").GetString(), Is.EqualTo("new-owner"));
    }

    [Test]
    public async Task A_simulated_fleet_is_ordered_registers_with_the_provisioning_service_and_is_active_with_its_hello()
    {
        var options = new FleetOptions { Devices = 10, Seed = 61, TelemetryInterval = TimeSpan.FromSeconds(1), ConnectsPerSecond = 1000 };
        var connection = new FleetConnection(_region.Mqtt.Address.ToString(), _region.Mqtt.Port, Plain: true);
        var group = EnrollmentGroup.Read(EnrollmentGroup.FileIn(Region.GatewayFolder(_region.DataFolder)));
        var provisioner = new OrderProvisioner(_region.Http, connection, GatewayOptions.DefaultIdScope, group.PrimaryKeyOf, "fleet-61", TimeProvider.System);
        var fleet = new Fleet.Fleet(options, connection, provisioner, RunningRegion.Catalog.Dictionaries, TimeProvider.System);
        using var stop = new CancellationTokenSource();
        var running = fleet.RunAsync(stop.Token);

        await Patience.UntilAsync(
            () => _region.GetAsync("api/devices?status=active&latest=true&limit=1000"),
            page => running.IsFaulted || fleet.Devices.All(d => page.GetProperty("items").EnumerateArray().Any(
                shown => shown.GetProperty("id").GetString() == d.Id && shown.GetProperty("latest").EnumerateObject().Any())), "an active fleet with datapoints");
        var again = await provisioner.RegisterAsync(fleet.Devices, CancellationToken.None);
        await stop.CancelAsync();
        await running;

        Assert.That((await _region.GetAsync("api/bulk-orders/fleet-61")).GetProperty("phases").ToString(), Is.EqualTo("""{"done":10}"""));
        Assert.That(again.ToDictionary(c => c.Key, c => c.Value.SharedAccessKey), Is.EquivalentTo(fleet.Devices.ToDictionary(d => d.Id, d => group.PrimaryKeyOf(d.Id))));
    }

    private async Task<DeviceCredentials> CredentialsAsync(string device, string key = "primary") =>
        DeviceCredentials.Parse((await _region.GetAsync($"api/devices/{device}/credentials?key={key}")).GetProperty("connectionString").GetString()!);
}
