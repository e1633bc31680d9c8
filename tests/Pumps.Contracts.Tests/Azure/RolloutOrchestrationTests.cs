using System.Collections.Immutable;
using Microsoft.DurableTask.Client;
using Microsoft.Extensions.Logging.Abstractions;
using Pumps.Core.Firmware;
using Pumps.Devices;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Provisioning;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>The orchestration that leads a rollout, replayed after every answer, and the timer that starts it.</summary>
public sealed class RolloutOrchestrationTests
{
    private static readonly RolloutRun Run = new("spring", SecondsBetweenLooks: 20, LooksPerHistory: 5);

    [Test]
    public async Task A_rollout_is_looked_at_with_pauses_until_nothing_is_left_to_do()
    {
        var left = new Queue<object?>([true, true, false]);
        var run = new ReplayedOrchestration(call => Task.FromResult(call.IsTimer ? null : left.Dequeue()));

        Assert.That(await run.RunAsync(context => RolloutFunctions.LeadRollout(context, Run)), Is.Null);
        Assert.That(
            run.Calls.Select(c => (c.Name, c.Input)),
            Is.EqualTo(new (string, object?)[]
            {
                (nameof(RolloutFunctions.AdvanceRollout), "spring"), ("timer", ReplayedOrchestration.Begun.AddSeconds(20)),
                (nameof(RolloutFunctions.AdvanceRollout), "spring"), ("timer", ReplayedOrchestration.Begun.AddSeconds(40)),
                (nameof(RolloutFunctions.AdvanceRollout), "spring"),
            }));
        Assert.That(run.Calls.Where(c => !c.IsTimer).Select(c => c.Options?.Retry?.Policy?.MaxNumberOfAttempts), Is.All.EqualTo(3));
    }

    [Test]
    public async Task A_rollout_of_days_cuts_its_history_and_goes_on_with_the_same_limits()
    {
        var looks = 0;
        var inputs = new List<object?>();
        object? next = Run;
        while (next is RolloutRun input)
        {
            var history = new ReplayedOrchestration(call => Task.FromResult<object?>(call.IsTimer ? null : ++looks < 12));
            next = await history.RunAsync(context => RolloutFunctions.LeadRollout(context, input));
            inputs.Add(next);
            Assert.That(history.Calls.Count(c => !c.IsTimer), Is.LessThanOrEqualTo(Run.LooksPerHistory), "replay reads all of it");
        }

        Assert.That(looks, Is.EqualTo(12));
        Assert.That(inputs, Is.EqualTo(new object?[] { Run, Run, null }));
    }

    [Test]
    public void A_look_that_fails_for_good_ends_the_run()
    {
        var run = new ReplayedOrchestration(_ => Task.FromException<object?>(new TimeoutException("the database is away")));

        Assert.That(async () => await run.RunAsync(context => RolloutFunctions.LeadRollout(context, Run)), Throws.TypeOf<TimeoutException>());
        Assert.That(run.Calls.Count(), Is.EqualTo(1));
    }

    [TestCase(null, true)]
    [TestCase(OrchestrationRuntimeStatus.Completed, true)]
    [TestCase(OrchestrationRuntimeStatus.Failed, true)]
    [TestCase(OrchestrationRuntimeStatus.Terminated, true)]
    [TestCase(OrchestrationRuntimeStatus.Running, false)]
    [TestCase(OrchestrationRuntimeStatus.Pending, false)]
    [TestCase(OrchestrationRuntimeStatus.Suspended, false)]
    public async Task The_timer_starts_a_run_for_each_open_rollout_unless_it_has_one_that_has_not_ended(OrchestrationRuntimeStatus? present, bool starts)
    {
        var client = new FakeDurableClient(("rollout-1-spring", present), ("rollout-1-summer", OrchestrationRuntimeStatus.Running));
        await Functions("spring", "summer", "autumn").StartAsync(client, CancellationToken.None);

        Assert.That(
            client.Started,
            Is.EqualTo((starts ? ["spring", "autumn"] : new[] { "autumn" }).Select(r => (nameof(RolloutFunctions.LeadRollout), (object?)new RolloutRun(r), $"rollout-1-{r}"))));
    }

    [Test]
    public async Task The_id_of_a_run_is_not_longer_than_Durable_Functions_takes()
    {
        var client = new FakeDurableClient();
        await Functions(new string('r', PlaceOrder.IdMax)).StartAsync(client, CancellationToken.None);

        Assert.That(client.Started.Single().Instance, Has.Length.LessThanOrEqualTo(100));
    }

    private static RolloutFunctions Functions(params string[] open) => new(new(new OpenRollouts(open), TimeProvider.System, NullLogger<AdvanceRollouts>.Instance));

    /// <summary>Knows which rollouts are open, and nothing else.</summary>
    private sealed class OpenRollouts(string[] open) : IRolloutStore
    {
        public Task<IReadOnlyList<string>> ListOpenAsync(CancellationToken cancel) => Task.FromResult<IReadOnlyList<string>>(open);

        public Task<(RolloutPlacing Placing, StoredRollout? Rollout)> PlaceAsync(NewRollout rollout, DateTimeOffset now, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<StoredRollout?> FindAsync(string id, CancellationToken cancel) => throw new NotSupportedException();

        public Task<Page<StoredRollout>> ListAsync(RolloutPhase? phase, string? cursor, int limit, CancellationToken cancel) => throw new NotSupportedException();

        public Task<ImmutableArray<WaveCount>> CountAsync(long rolloutNumber, CancellationToken cancel) => throw new NotSupportedException();

        public Task<bool> KeepAsync(StoredRollout rollout, RolloutState next, RolloutEffect effect, DateTimeOffset now, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<Page<StoredTransfer>> ListTransfersAsync(long rolloutNumber, TransferPhase? phase, string? cursor, int limit, CancellationToken cancel) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<StoredTransfer>> ListOfDeviceAsync(string deviceId, int limit, CancellationToken cancel) => throw new NotSupportedException();

        public Task<int> RemoveAsync(DateTimeOffset before, int limit, CancellationToken cancel) => throw new NotSupportedException();
    }
}
