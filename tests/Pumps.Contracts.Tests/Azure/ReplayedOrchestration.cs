using System.Text.Json;
using Microsoft.DurableTask;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>One thing that an orchestration has asked for.</summary>
/// <param name="Input">Of a timer: when it fires.</param>
/// <param name="IsSub">A sub-orchestration; otherwise an activity or a timer.</param>
internal sealed record DurableCall(string Name, object? Input, TaskOptions? Options, bool IsSub)
{
    public bool IsTimer => Input is DateTime;
}

/// <summary>
/// Runs an orchestration as Durable Functions does: from its beginning after every answer, with the answers that its history has. An orchestration
/// that does not ask for the same things in the same order every time is caught.
/// </summary>
/// <param name="perform">Does what the orchestration asks for; an exception is the answer, too.</param>
internal sealed class ReplayedOrchestration(Func<DurableCall, Task<object?>> perform)
{
    /// <summary>When every history begins. Timers alone let time go by.</summary>
    public static readonly DateTime Begun = new(2025, 6, 1, 12, 0, 0, DateTimeKind.Utc);

    private readonly List<(DurableCall Call, Task<object?>? Answer)> _history = [];

    /// <summary>Everything that was asked for since the history began, in order.</summary>
    public IEnumerable<DurableCall> Calls => _history.Select(h => h.Call);

    public int Replays { get; private set; }

    /// <summary>Runs it to the end of its history.</summary>
    /// <returns>The input of the next history; null when the orchestration has ended.</returns>
    public async Task<object?> RunAsync(Func<TaskOrchestrationContext, Task> orchestration)
    {
        for (; ; Replays++)
        {
            var context = new Context(this);
            var run = orchestration(context);
            if (run.IsCompleted)
            {
                await run;
                Assert.That(context.Asked, Is.EqualTo(_history.Count), "an answer that was never asked for again");
                return context.Next;
            }

            // The answers come in any order; the last one asked for first is the least comfortable.
            var open = _history.FindLastIndex(h => h.Answer is null);
            Assert.That(open, Is.Not.Negative, "the orchestration waits for something that it has not asked the framework for");
            var answer = perform(_history[open].Call);
            await ((Task)answer).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _history[open] = (_history[open].Call, answer);
        }
    }

    private sealed class Context(ReplayedOrchestration of) : TaskOrchestrationContext
    {
        private DateTime _now = Begun;

        public int Asked { get; private set; }

        public object? Next { get; private set; }

        public override TaskName Name => new("test");

        public override string InstanceId => "test";

        public override ParentOrchestrationInstance? Parent => null;

        public override DateTime CurrentUtcDateTime => _now;

        public override bool IsReplaying => Asked < of._history.Count;

        protected override ILoggerFactory LoggerFactory => NullLoggerFactory.Instance;

        public override T? GetInput<T>() where T : default => throw Unused();

        public override Task CallActivityAsync(TaskName name, object? input = null, TaskOptions? options = null) => AskAsync<object?>(new(name.Name, input, options, false));

        public override Task<TResult> CallActivityAsync<TResult>(TaskName name, object? input = null, TaskOptions? options = null) =>
            AskAsync<TResult>(new(name.Name, input, options, false));

        public override Task CallSubOrchestratorAsync(TaskName orchestratorName, object? input = null, TaskOptions? options = null) =>
            AskAsync<object?>(new(orchestratorName.Name, input, options, true));

        public override Task<TResult> CallSubOrchestratorAsync<TResult>(TaskName orchestratorName, object? input = null, TaskOptions? options = null) =>
            AskAsync<TResult>(new(orchestratorName.Name, input, options, true));

        public override async Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken)
        {
            await AskAsync<object?>(new("timer", fireAt, null, false));
            _now = fireAt;
        }

        public override Task<T> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default) => throw Unused();

        public override void SendEvent(string instanceId, string eventName, object payload) => throw Unused();

        public override Guid NewGuid() => throw Unused();

        public override void SetCustomStatus(object? customStatus) => throw Unused();

        public override void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true) => Next = newInput;

        private async Task<T> AskAsync<T>(DurableCall call)
        {
            var at = Asked++;
            if (at == of._history.Count)
                of._history.Add((call, null));

            var (before, answer) = of._history[at];
            Assert.That(
                (call.Name, call.IsSub, JsonSerializer.Serialize(call.Input)), Is.EqualTo((before.Name, before.IsSub, JsonSerializer.Serialize(before.Input))),
                "a replay must ask for what the history has");
            return answer is null ? await new TaskCompletionSource<T>().Task : (T)(await answer)!;
        }

        private static NotSupportedException Unused() => new("No orchestration uses it yet: add it here.");
    }
}
