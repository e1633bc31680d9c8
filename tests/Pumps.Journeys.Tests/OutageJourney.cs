using System.Diagnostics;
using System.Globalization;
using System.Net;

namespace Pumps.Journeys.Tests;

/// <summary>What a region needs goes away and comes back: its database, room on its disk. No restart, nothing lost, and health says why.</summary>
[NonParallelizable]
public sealed class OutageJourney
{
    private const int Devices = 20;

    private static readonly TimeSpan Outage = TimeSpan.FromMinutes(1);

    // A few hundred frames a second: what gathers in the outage is then handled in seconds.
    private static readonly TimeSpan BurstPause = TimeSpan.FromMilliseconds(250);

    // Between what the disk has free and what the region asks for; others may write this much to it while the test runs.
    private const long Margin = 4L << 30;

    [Test]
    public async Task While_the_database_hangs_devices_are_acknowledged_and_afterwards_everything_is_there_once()
    {
        await using var region = await HostedRegion.StartAsync();
        await using var publishers = await Publishers.StartAsync(region, Devices, seed: 51, BurstPause);
        await publishers.MoreAsync(100);

        var began = Stopwatch.GetTimestamp();
        var server = region.Region.Postgres!.ProcessId;
        int[] processes = [server, .. await ChildrenAsync(server)];
        await RegionProcess.SignalAsync("STOP", processes);
        try
        {
            await publishers.MoreAsync(500);
            var (code, health) = await region.ReadyAsync();
            Assert.That(code, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(health.Checks.Single(c => c.Name == "database").Status, Is.EqualTo("unhealthy"));
            await Patience.UntilAsync(() => Stopwatch.GetElapsedTime(began) > Outage, "the outage's end");
            await publishers.MoreAsync(100);
        }
        finally
        {
            await RegionProcess.SignalAsync("CONT", processes);
        }

        await RecoverAsync(region, publishers);
    }

    [Test]
    public async Task When_the_database_dies_the_region_starts_it_again_and_everything_is_there_once()
    {
        await using var region = await HostedRegion.StartAsync();
        await using var publishers = await Publishers.StartAsync(region, Devices, seed: 52, BurstPause);
        await publishers.MoreAsync(100);

        var server = region.Region.Postgres!.ProcessId;
        await RegionProcess.SignalAsync("KILL", server);
        await publishers.MoreAsync(200);
        await Patience.UntilAsync(() => region.Region.Postgres.ProcessId != server, "another database server");
        await publishers.MoreAsync(200);

        await RecoverAsync(region, publishers);
    }

    [Test]
    public async Task On_a_full_disk_nothing_is_acknowledged_and_it_goes_on_by_itself_when_there_is_room()
    {
        // The disk of the test, full but for a margin: the region wants more free than is left once a file has taken its part.
        var free = new DriveInfo(Path.GetTempPath()).AvailableFreeSpace;
        await using var region = await HostedRegion.StartAsync(options => options with { MinFreeBytes = free - Margin });
        await using var publishers = await Publishers.StartAsync(region, Devices, seed: 53, BurstPause);
        await publishers.MoreAsync(100);

        var ballast = Path.Combine(region.DataFolder, "ballast");
        using (var allocate = Process.Start("fallocate", ["--length", (2 * Margin).ToString(CultureInfo.InvariantCulture), ballast]))
        {
            await allocate.WaitForExitAsync();
            Assert.That(allocate.ExitCode, Is.Zero, "the file system cannot reserve room for a file");
        }

        var (_, health) = await Patience.UntilAsync(
            region.ReadyAsync, r => r.Code is HttpStatusCode.ServiceUnavailable, "health says that hubs cannot be written");
        Assert.That(health.Checks.Single(c => c.Name == "hubs").Detail, Does.StartWith("not writable: ").And.Contain("raw-"));

        // Every device has tried by now or is about to; none gets an acknowledgement.
        var acknowledged = await Patience.UntilAsync(
            async () =>
            {
                var before = publishers.Acknowledged;
                await region.ReadyAsync();
                return (Before: before, After: publishers.Acknowledged, Connections: (await region.StatusAsync()).GatewayConnections);
            },
            a => a.Before == a.After && a.Connections < Devices, "no more acknowledgements");

        File.Delete(ballast);
        await Patience.UntilAsync(() => publishers.Acknowledged > acknowledged.After, "acknowledgements again");
        await RecoverAsync(region, publishers);
    }

    /// <summary>All is well again, and every frame that was acknowledged, before, in and after the outage, is in history exactly once.</summary>
    private static async Task RecoverAsync(HostedRegion region, Publishers publishers)
    {
        await publishers.MoreAsync(100);
        var sent = await publishers.FinishAsync();
        await Patience.UntilAsync(
            async () => string.Join("; ", (await region.ReadyAsync()).Health.Checks.Where(c => c.Name != "lag" && c.Status != "healthy")), ill => ill is "", "healthy again");
        var status = await region.SettleAsync();

        var expected = sent.SelectMany(f => ExpectedObservations.Of(f.Device, f.Bytes)).Select(e => e.Key).ToList();
        var history = (await region.HistoryAsync()).ConvertAll(h => h.Key);
        Assert.That(expected.Except(history), Is.Empty, "missing");
        Assert.That(history, Has.Count.EqualTo(expected.Count), "doubled or never sent");
        Assert.That(status.DeadLetters, Is.Empty);
        Assert.That(region.Region.Broken.IsCompleted, Is.False, "a service of the region has ended");
    }

    private static async Task<IEnumerable<int>> ChildrenAsync(int process) =>
        (await File.ReadAllTextAsync($"/proc/{process}/task/{process}/children")).Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(id => int.Parse(id, CultureInfo.InvariantCulture));
}
