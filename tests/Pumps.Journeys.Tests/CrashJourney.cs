using System.Diagnostics;

namespace Pumps.Journeys.Tests;

/// <summary>The region is killed again and again while devices send at full speed.</summary>
[NonParallelizable]
public sealed class CrashJourney
{
    private const int Rounds = 10;
    private const int Devices = 50;
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(2);

    [Test]
    public async Task Ten_times_killed_at_full_speed_a_region_has_every_acknowledged_message_exactly_once()
    {
        await using var region = RegionProcess.Prepare();
        await region.StartAsync();
        await using var publishers = await Publishers.StartAsync(region, Devices, seed: 17);

        for (var round = 1; round <= Rounds; round++)
        {
            // Ingest goes on: a round is over when enough time of it has passed with messages being acknowledged.
            var began = Stopwatch.GetTimestamp();
            await publishers.MoreAsync(Devices);
            await Patience.UntilAsync(() => Stopwatch.GetElapsedTime(began) > Round, "a round of ingest");
            var acknowledged = publishers.Acknowledged;
            await region.KillAsync();
            await region.StartAsync();
            await TestContext.Progress.WriteLineAsync($"round {round}: {acknowledged} acknowledged, up again in {region.StartTook.TotalSeconds:0.0} s");
        }

        var sent = await publishers.FinishAsync();
        var status = await region.SettleAsync();

        var expected = sent.AsParallel().SelectMany(f => ExpectedObservations.Of(f.Device, f.Bytes)).ToList();
        var history = await region.HistoryAsync();
        Assert.Multiple(() =>
        {
            Assert.That(sent, Has.Count.GreaterThan(Rounds * Devices));
            Assert.That(expected.Select(e => e.Clock), Is.All.EqualTo("ok"), "the journey's frames have times that a region believes");
            Assert.That(expected.Select(e => e.Key).Except(history.Select(h => h.Key)), Is.Empty, "missing");
            Assert.That(history.Select(h => h.Key).Except(expected.Select(e => e.Key)), Is.Empty, "never sent");
            Assert.That(history, Has.Count.EqualTo(expected.Count), "doubled");
            Assert.That(status.DeadLetters, Is.Empty);
        });
        await TestContext.Progress.WriteLineAsync($"{sent.Count} frames acknowledged, {history.Count} observations in history");
    }
}
