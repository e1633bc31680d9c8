using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Pumps.Fleet.Mqtt;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Hubs;

namespace Pumps.Journeys.Tests;

/// <summary>Whether a device is shown as connected is right in the end, whatever happens to it and to the region. The region's clock is the test's.</summary>
public sealed class ConnectionJourney
{
    private const string Product = "irrigation-pump-v2";
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(150);   // two reports of the product and half a minute

    [Test]
    public async Task Who_says_goodbye_is_offline_after_the_grace_and_a_restart_of_the_region_takes_nobody_offline()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var region = await HostedRegion.StartAsync(time: time);
        try
        {
            string[] ids = [.. Enumerable.Range(1, 10).Select(i => $"dp2-70b3d57ed00c{i:x4}")];
            var credentials = new List<DeviceCredentials>();
            foreach (var id in ids)
                credentials.Add(await region.RegisterAsync(id, Product));
            var devices = await ConnectAsync(region, credentials);
            var since = new List<DateTimeOffset>();
            foreach (var id in ids)
                since.Add((await UntilAsync(region, id, "online")).Since);

            var leftAt = time.GetUtcNow();
            await devices[0].DisposeAsync();
            await Patience.UntilAsync(() => region.Region.Gateway.ConnectedDevices == ids.Length - 1, "one has left");
            time.Advance(Grace - TimeSpan.FromSeconds(1));
            Assert.That((await ShownAsync(region, ids[0]))!.Value.State, Is.EqualTo("online"), "within the grace");
            Assert.That((await UntilAsync(region, ids[0], "offline", time)).Since, Is.EqualTo(leftAt).Within(TimeSpan.FromSeconds(1)));

            var folder = region.DataFolder;
            await region.StopAsync();
            foreach (var device in devices)
                await device.DisposeAsync();
            region = await HostedRegion.StartAsync(options => options with { DataFolder = folder }, time);
            devices = await ConnectAsync(region, credentials[1..]);
            time.Advance(Grace * 2);
            await region.SettleAsync();
            await UntilAsync(region, ids[0], "offline", time);
            for (var i = 1; i < ids.Length; i++)
                Assert.That(await ShownAsync(region, ids[i]), Is.EqualTo(("online", since[i])), "it was never away");
            foreach (var device in devices)
                await device.DisposeAsync();
        }
        finally
        {
            await region.DisposeAsync();
        }
    }

    [Test]
    public async Task Who_was_connected_when_the_region_was_killed_and_does_not_come_back_is_offline_in_the_end()
    {
        await using var killed = RegionProcess.Prepare();
        await killed.StartAsync();
        string[] ids = ["dp2-70b3d57ed00c0101", "dp2-70b3d57ed00c0102", "dp2-70b3d57ed00c0103"];
        var credentials = new List<DeviceCredentials>();
        foreach (var id in ids)
            credentials.Add(await killed.RegisterAsync(id, Product));
        var devices = await ConnectAsync(killed, credentials[..2]);
        await UntilAsync(killed, ids[0], "online");
        await UntilAsync(killed, ids[1], "online");
        await killed.KillAsync();
        foreach (var device in devices)
            await device.DisposeAsync();

        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var region = await HostedRegion.StartAsync(options => options with { DataFolder = killed.DataFolder }, time);

        // The third one came just before the kill: in the hub stands that it is there, and nobody had read it.
        var (before, hub) = (ConnectionEvent.SequenceAt(1, 1), RunningRegion.Catalog.Routes.Connections);
        await region.Region.Services.GetRequiredService<IHubPublisher>().PublishAsync(
            hub, [ConnectionEvent.Of(ids[2], true, time.GetUtcNow().AddSeconds(-5), before)], CancellationToken.None);
        await UntilAsync(region, ids[2], "online");
        var back = await ConnectAsync(region, credentials[..1]);
        await region.SettleAsync();

        await UntilAsync(region, ids[1], "offline", time);
        await UntilAsync(region, ids[2], "offline", time);
        Assert.That((await ShownAsync(region, ids[0]))!.Value.State, Is.EqualTo("online"));
        await back[0].DisposeAsync();
    }

    private static async Task<List<FieldDevice>> ConnectAsync(RunningRegion region, List<DeviceCredentials> credentials)
    {
        var devices = new List<FieldDevice>();
        foreach (var device in credentials)
            devices.Add(await FieldDevice.ConnectAsync(region.Mqtt, device));
        return devices;
    }

    private static async Task<(string State, DateTimeOffset Since)?> ShownAsync(RunningRegion region, string id)
    {
        var connection = (await region.GetAsync($"api/devices/{id}")).GetProperty("connection");
        return connection.ValueKind is JsonValueKind.Null
            ? null
            : (connection.GetProperty("state").GetString()!, connection.GetProperty("since").GetDateTimeOffset());
    }

    /// <param name="time">Moved on with every look; null: it is so by itself.</param>
    private static async Task<(string State, DateTimeOffset Since)> UntilAsync(RunningRegion region, string id, string state, FakeTimeProvider? time = null) =>
        (await Patience.UntilAsync(
            () =>
            {
                time?.Advance(TimeSpan.FromSeconds(5));
                return ShownAsync(region, id);
            },
            shown => shown?.State == state, $"{id} {state}"))!.Value;
}
