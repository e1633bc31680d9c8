using System.Net.Http.Json;
using Pumps.Core.Protocols;
using Pumps.Fleet;
using Pumps.LocalRegion.Archive;

namespace Pumps.Journeys.Tests;

/// <summary>The archive of raw frames: replayed where it came from it changes nothing, replayed elsewhere it brings all of the past.</summary>
[NonParallelizable]
public sealed class ReplayJourney
{
    [Test]
    public async Task An_archive_makes_no_duplicates_in_its_own_region_and_the_whole_history_in_an_empty_one()
    {
        await using var region = RegionProcess.Prepare();
        await region.StartAsync();
        IReadOnlyCollection<(DeviceSpec Device, byte[] Bytes)> sent;
        await using (var publishers = await Publishers.StartAsync(region, devices: 20, seed: 41))
        {
            await publishers.MoreAsync(500);
            sent = await publishers.FinishAsync();
        }

        await region.SettleAsync();
        var history = await region.HistoryAsync();
        Assert.That(history, Is.Not.Empty);

        // A clean stop closes the archive's files.
        Assert.That(await region.StopAsync(Patience.Usual), Is.Zero, region.Output);
        await region.StartAsync();
        var archive = Path.Combine(region.DataFolder, "archive");
        Assert.That(Directory.GetFiles(archive, "*.avro", SearchOption.AllDirectories), Is.Not.Empty);

        var (exitCode, output) = await RegionProcess.RunAsync("replay", archive, "--data", region.DataFolder);
        Assert.That(exitCode, Is.Zero, output);
        await region.SettleAsync();
        Assert.That(await region.HistoryAsync(), Is.EqualTo(history), "nothing doubled, nothing changed");

        await using var empty = await HostedRegion.StartAsync();
        foreach (var device in sent.Select(f => f.Device).Distinct())
            await empty.RegisterAsync(device.Id, device.Product.Name(), device.Protocol is Protocol.Dp1 ? device.UtcOffsetMinutes : null);
        using var answer = await empty.Http.PostAsync(new Uri($"local/replay?folder={Uri.EscapeDataString(archive)}", UriKind.Relative), content: null);
        var replayed = (await answer.Content.ReadFromJsonAsync<ReplayProgress>())!;
        Assert.That(replayed.Faults, Is.Empty);
        Assert.That(replayed.Events, Is.EqualTo(sent.Count), "the archive has every frame once");
        var status = await empty.SettleAsync();
        Assert.That(await empty.HistoryAsync(), Is.EqualTo(history), "the same observations with the same times, those of reception too");
        Assert.That(status.DeadLetters, Is.Empty);
    }
}
