using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Pumps.Fleet.Mqtt;
using Pumps.LocalRegion;
using Pumps.LocalRegion.Gateway;

namespace Pumps.Journeys.Tests.Sdk;

/// <summary>Microsoft's provisioning SDK, unchanged: a device that knows only where to register is at work without anybody touching it.</summary>
/// <remarks>The SDK knows no port but 8883, so this region has an address of its own.</remarks>
[NonParallelizable]
public sealed class ZeroTouchJourney
{
    private const string Host = "127.0.0.4";
    private const string Scope = GatewayOptions.DefaultIdScope;

    private HostedRegion _region = null!;

    [OneTimeSetUp]
    public async Task StartRegion() =>
        _region = await HostedRegion.StartAsync(options => options with { Address = IPAddress.Parse(Host), MqttTlsPort = 8883 });

    [OneTimeTearDown]
    public async Task StopRegion() => await _region.DisposeAsync();

    [Test]
    public async Task From_an_order_over_the_provisioning_SDK_to_the_first_datapoint_in_the_API()
    {
        const string id = "dp2-70b3d57ed0000011";
        await _region.OrderAsync("zero-touch", new { device = id, product = "irrigation-pump-v2", customer = "green-valley" });
        Assert.That((await _region.OrderedAsync("zero-touch", "waiting")).GetProperty("step").GetString(), Is.EqualTo("await_hello"));
        Assert.That((await _region.GetAsync($"api/devices/{id}")).GetProperty("status").GetString(), Is.EqualTo("ordered"));

        // The factory has given the device its key, the id scope and the region's address; nobody touches it or the region from here on.
        var now = TimeProvider.System.GetUtcNow();
        var (hello, frame) = (TestFrames.Describe(id, 1, "IP-200", now), TestFrames.Flowing(id, 2, 2430, now));
        await using var device = await StartAsync("zeroTouch", id, Scope, "event", Convert.ToHexStringLower(hello), "telemetry", Convert.ToHexStringLower(frame));
        var registered = await device.ExpectAsync("registered");
        Assert.That(
            (registered.GetProperty("assignedHub").GetString(), registered.GetProperty("deviceId").GetString()), Is.EqualTo((Host, id)),
            "the hub is the region, and the registration id is the device id");
        await device.ExpectAsync("connected");
        await device.ExpectAsync("sent");
        await device.ExpectAsync("sent");
        await device.EndAsync();

        await _region.OrderedAsync("zero-touch", "done");
        await _region.SettleAsync();
        var shown = await _region.GetAsync($"api/devices/{id}");
        Assert.That(
            (shown.GetProperty("status").GetString(), shown.GetProperty("customer").GetString(), shown.GetProperty("model").GetString()),
            Is.EqualTo(("active", "green-valley", "IP-200")));
        Assert.That(shown.GetProperty("latest").GetProperty("flow").GetProperty("value").GetRawText(), Is.EqualTo("24.30"));
    }

    [Test]
    public async Task A_device_whose_keys_were_rotated_registers_again_with_its_new_key_and_works_on()
    {
        const string id = "dp2-70b3d57ed0000018";
        await _region.RegisterAsync(id, "irrigation-pump-v2");
        await RegisterAsync(KeyOf(id));
        await _region.OrderAsync("rotated-touch", new { device = id, kind = "rotate_keys" });
        await _region.OrderedAsync("rotated-touch", "waiting");
        var secondary = DeviceCredentials.Parse((await _region.GetAsync($"api/devices/{id}/credentials?key=secondary")).GetProperty("connectionString").GetString()!);
        await RegisterAsync(secondary.SharedAccessKey);
        (await _region.Http.PostAsync(new Uri("api/orders/rotated-touch/confirm", UriKind.Relative), null)).EnsureSuccessStatusCode();
        await _region.OrderedAsync("rotated-touch", "done");

        await RegisterAsync(secondary.SharedAccessKey);
        await using var old = await NodeDevice.StartAsync("refused", $"HostName={Host};DeviceId={id};SharedAccessKey={KeyOf(id)}", _region.Region.Gateway.AuthorityFile!);
        await old.ExpectAsync("refused");
        await old.EndAsync();

        async Task RegisterAsync(string key)
        {
            await using var device = await NodeDevice.StartAsync(
                "zeroTouch", $"HostName={Host};DeviceId={id};SharedAccessKey={key}", _region.Region.Gateway.AuthorityFile!, Scope);
            await device.ExpectAsync("registered");
            await device.ExpectAsync("connected");
            await device.EndAsync();
        }
    }

    [Test]
    public async Task Registering_again_is_no_different()
    {
        const string id = "dp2-70b3d57ed0000012";
        await _region.RegisterAsync(id, "irrigation-pump-v2");
        for (var time = 0; time < 2; time++)
        {
            await using var device = await StartAsync("zeroTouch", id, Scope);
            await device.ExpectAsync("registered");
            await device.ExpectAsync("connected");
            await device.EndAsync();
        }
    }

    [Test]
    public async Task A_device_that_nobody_has_ordered_is_told_so() =>
        await ExpectRefusedAsync("dp2-70b3d57ed00000ff", "ProvisioningRegistrationFailedError", reason: "device_not_ordered: Nobody has ordered \"dp2-70b3d57ed00000ff\"");

    [Test]
    public async Task A_device_that_is_gone_is_told_so_until_it_is_ordered_again()
    {
        const string id = "dp2-70b3d57ed0000013";
        await _region.RegisterAsync(id, "irrigation-pump-v2");
        using (var removed = await _region.Http.DeleteAsync(new Uri($"api/devices/{id}", UriKind.Relative)))
            Assert.That(removed.StatusCode, Is.EqualTo(HttpStatusCode.NoContent));
        await ExpectRefusedAsync(id, "ProvisioningRegistrationFailedError", reason: "device_not_ordered");

        await _region.RegisterAsync(id, "irrigation-pump-v2");
        await using var device = await StartAsync("zeroTouch", id, Scope);
        await device.ExpectAsync("registered");
        await device.ExpectAsync("connected");
        await device.EndAsync();
    }

    [Test]
    public async Task A_wrong_key_is_not_authorized()
    {
        const string id = "dp2-70b3d57ed0000014";
        await _region.RegisterAsync(id, "irrigation-pump-v2");
        await ExpectRefusedAsync(id, "UnauthorizedError", key: KeyOf("dp2-70b3d57ed0000015"));
    }

    [Test]
    public async Task An_expired_token_is_not_authorized()
    {
        const string id = "dp2-70b3d57ed0000016";
        await _region.RegisterAsync(id, "irrigation-pump-v2");
        var resource = $"{Scope}/registrations/{id}";
        var expiry = TimeProvider.System.GetUtcNow().AddMinutes(-1).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var signature = HMACSHA256.HashData(Convert.FromBase64String(KeyOf(id)), Encoding.UTF8.GetBytes(resource + "\n" + expiry));
        var token = $"SharedAccessSignature sr={resource}&sig={Uri.EscapeDataString(Convert.ToBase64String(signature))}&skn=registration&se={expiry}";
        await ExpectRefusedAsync(id, "UnauthorizedError", more: token);
    }

    [Test]
    public async Task Another_regions_id_scope_is_not_authorized() =>
        await ExpectRefusedAsync("dp2-70b3d57ed0000017", "UnauthorizedError", scope: "0neelsewhere");

    private string KeyOf(string id) => EnrollmentGroup.Read(EnrollmentGroup.FileIn(Region.GatewayFolder(_region.DataFolder))).PrimaryKeyOf(id);

    private Task<NodeDevice> StartAsync(string scenario, string id, params string[] more) => NodeDevice.StartAsync(
        scenario, $"HostName={Host};DeviceId={id};SharedAccessKey={KeyOf(id)}", _region.Region.Gateway.AuthorityFile!, more);

    private async Task ExpectRefusedAsync(string id, string error, string? key = null, string scope = Scope, string? reason = null, params string[] more)
    {
        await using var sdk = await NodeDevice.StartAsync(
            "registerRefused", $"HostName={Host};DeviceId={id};SharedAccessKey={key ?? KeyOf(id)}", _region.Region.Gateway.AuthorityFile!, [scope, .. more]);
        var refused = await sdk.ExpectAsync("refused");
        Assert.That(refused.GetProperty("error").GetString(), Is.EqualTo(error), refused.ToString());
        if (reason is not null) Assert.That(refused.GetProperty("reason").GetString(), Does.StartWith(reason));
        await sdk.EndAsync();
    }
}
