using System.Net;
using System.Net.Sockets;

namespace Pumps.Journeys.Tests;

/// <summary><c>pumps-region up</c> as users meet it: stopped, started again, and in each other's way.</summary>
[NonParallelizable]
public sealed class StopAndStartJourney
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    [Test]
    public async Task A_stopped_region_has_lost_nothing_and_goes_on_where_it_was()
    {
        await using var region = RegionProcess.Prepare();
        await region.StartAsync();
        var first = region.StartTook;
        await using var publishers = await Publishers.StartAsync(region, devices: 20, seed: 31);
        await publishers.MoreAsync(500);

        Assert.That(await region.StopAsync(StopLimit), Is.Zero, region.Output);
        Assert.That(File.Exists(Path.Combine(region.DataFolder, "region.json")), Is.False, "region.json says that a region runs");
        await region.StartAsync();
        Assert.That(region.StartTook, Is.LessThan(StartLimit));
        await TestContext.Progress.WriteLineAsync($"ready in {first.TotalSeconds:0.0} s on an empty folder, in {region.StartTook.TotalSeconds:0.0} s on a used one");

        await publishers.MoreAsync(500);
        var sent = await publishers.FinishAsync();
        var status = await region.SettleAsync();
        var expected = sent.SelectMany(f => ExpectedObservations.Of(f.Device, f.Bytes)).Select(e => e.Key);
        Assert.That((await region.HistoryAsync()).Select(h => h.Key), Is.EquivalentTo(expected));
        Assert.That(status.DeadLetters, Is.Empty);
    }

    [Test]
    public async Task A_second_region_on_the_same_folder_is_refused_and_does_not_disturb_the_first()
    {
        await using var region = RegionProcess.Prepare();
        await region.StartAsync();

        var (exitCode, output) = await RegionProcess.RunAsync(
            "up", "--data", region.DataFolder, "--port", "0", "--mqtt-port", "0", "--mqtt-plain-port", "0");
        Assert.That(exitCode, Is.EqualTo(1), output);
        Assert.That(Joined(output), Does.Contain(region.DataFolder).And.Contain("inusebyanotherprocess"));

        Assert.That((await region.ReadyAsync()).Code, Is.EqualTo(HttpStatusCode.OK), "the first region");
        Assert.That(File.Exists(Path.Combine(region.DataFolder, "region.json")), "the first region's region.json");
    }

    [TestCase("--port")]
    [TestCase("--mqtt-port")]
    [TestCase("--mqtt-plain-port")]
    public async Task A_port_that_is_taken_is_named_and_the_region_ends(string option)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port.ToString(System.Globalization.CultureInfo.InvariantCulture);
        var folder = RunningRegion.NewFolder();
        try
        {
            string[] ports = ["--port", "0", "--mqtt-port", "0", "--mqtt-plain-port", "0"];
            ports[Array.IndexOf(ports, option) + 1] = port;
            var (exitCode, output) = await RegionProcess.RunAsync(["up", "--data", folder, .. ports]);
            Assert.That(exitCode, Is.EqualTo(1), output);
            Assert.That(Joined(output), Does.Contain($"127.0.0.1:{port}").And.Contain("inuse").And.Not.Contain("atPumps."));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // A console that is no terminal is 80 columns wide: long messages are wrapped, even in words.
    private static string Joined(string output) => string.Concat(output.Split(default(char[]), StringSplitOptions.RemoveEmptyEntries));
}
