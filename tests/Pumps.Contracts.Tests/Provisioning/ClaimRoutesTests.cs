using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Pumps.Contracts.Tests.Portal;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Provisioning;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Provisioning;

/// <summary>Claims over the API, as somebody meets them who guesses.</summary>
public sealed class ClaimRoutesTests : OrderFixture
{
    private PortalHost _host = null!;

    [SetUp]
    public async Task StartAsync()
    {
        await ExecuteAsync("delete from claim_throttle");
        _host = await PortalHost.StartAsync(change: services => services
            .AddSingleton<TimeProvider>(Time).AddSingleton<IDeviceRegistry>(Registry).AddSingleton<IDeviceRows>(Rows).AddSingleton<IOrderStore>(Store)
            .AddSingleton<IClaimStore>(new ClaimTable(Database))
            .Configure<ProvisioningOptions>(options => options.ClaimPepper = Options.ClaimPepper));
    }

    [TearDown]
    public async Task StopAsync() => await _host.DisposeAsync();

    [Test]
    public async Task Who_guesses_hears_429_and_when_to_come_back_and_until_then_not_even_the_right_code_is_looked_at()
    {
        var device = await ActiveAsync("stock");
        var code = (await _host.SendAsync(HttpMethod.Post, $"/api/devices/{device}/claim-code", 200)).GetProperty("code").GetString()!;
        for (var i = 0; i < ClaimThrottle.FreeFailures; i++)
            Assert.That(await ClaimAsync(device, "0000-0000-0000", $"guesser-{i}"), Is.EqualTo((409, "urn:pumps:claim_not_accepted", (TimeSpan?)null)));

        var locked = TimeSpan.FromMinutes(15);
        Assert.That(await ClaimAsync(device, "0000-0000-0000", "guesser-6"), Is.EqualTo((429, "urn:pumps:too_many_attempts", (TimeSpan?)locked)));
        Assert.That(await ClaimAsync(device, code, "owner"), Is.EqualTo((429, "urn:pumps:too_many_attempts", (TimeSpan?)locked)), "within the window");
        Time.Advance(locked - TimeSpan.FromSeconds(1));
        Assert.That(await ClaimAsync(device, code, "owner"), Is.EqualTo((429, "urn:pumps:too_many_attempts", (TimeSpan?)TimeSpan.FromSeconds(1))));
        Time.Advance(TimeSpan.FromSeconds(1));
        Assert.That((await ClaimAsync(device, code, "owner")).Status, Is.EqualTo(200));
        Assert.That((await ClaimAsync(device, code, "thief")).Status, Is.EqualTo(409), "one code, one owner");
    }

    [Test]
    public async Task Every_further_guess_locks_for_twice_as_long()
    {
        var device = await ActiveAsync("stock");
        await _host.SendAsync(HttpMethod.Post, $"/api/devices/{device}/claim-code", 200);
        for (var i = 0; i < ClaimThrottle.FreeFailures; i++)
            await ClaimAsync(device, "0000-0000-0000", $"guesser-{i}");

        foreach (var minutes in new[] { 15, 30, 60 })
        {
            var (status, _, wait) = await ClaimAsync(device, "0000-0000-0000", "guesser");
            Assert.That((status, wait), Is.EqualTo((429, (TimeSpan?)TimeSpan.FromMinutes(minutes))));
            Time.Advance(wait!.Value);
            Assert.That((await ClaimAsync(device, "0000-0000-0000", $"guesser-after-{minutes}")).Status, Is.EqualTo(409));
        }
    }

    private async Task<(int Status, string? Type, TimeSpan? RetryAfter)> ClaimAsync(string device, string code, string customer)
    {
        using var answer = await _host.Http.PostAsJsonAsync("/api/claims", new { device, code, customer });
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>();
        Assert.That(body.ToString(), Does.Not.Contain(code), "the code is repeated nowhere");
        return ((int)answer.StatusCode, body.TryGetProperty("type", out var type) ? type.GetString() : null, answer.Headers.RetryAfter?.Delta);
    }
}
