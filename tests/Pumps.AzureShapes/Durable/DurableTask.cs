using Microsoft.Extensions.Logging;
using Pumps.AzureShapes;

namespace Microsoft.DurableTask;

public struct TaskName
{
    public TaskName(string name) => throw Shape.Only;

    public string Name => throw Shape.Only;

    public static implicit operator TaskName(string value) => throw Shape.Only;
}

public class RetryPolicy
{
    public RetryPolicy(
        int maxNumberOfAttempts, TimeSpan firstRetryInterval, double backoffCoefficient = 1, TimeSpan? maxRetryInterval = default,
        TimeSpan? retryTimeout = default) => throw Shape.Only;
}

public sealed class TaskRetryOptions
{
    public TaskRetryOptions(RetryPolicy policy) => throw Shape.Only;
}

public record TaskOptions
{
    public TaskOptions(TaskRetryOptions? retry = null, IDictionary<string, string>? tags = null) => throw Shape.Only;

    public static TaskOptions FromRetryPolicy(RetryPolicy policy) => throw Shape.Only;

    public SubOrchestrationOptions WithInstanceId(string instanceId) => throw Shape.Only;
}

public record SubOrchestrationOptions : TaskOptions
{
    public SubOrchestrationOptions(TaskRetryOptions? retry = null, string? instanceId = null) => throw Shape.Only;

    public SubOrchestrationOptions(TaskOptions options, string? instanceId = null) => throw Shape.Only;
}

public record StartOrchestrationOptions(string? InstanceId = null, DateTimeOffset? StartAt = null);

public class TaskFailureDetails
{
    internal TaskFailureDetails() => throw Shape.Only;

    public string ErrorType => throw Shape.Only;

    public string ErrorMessage => throw Shape.Only;
}

public sealed class TaskFailedException : Exception
{
    internal TaskFailedException() => throw Shape.Only;

    public string TaskName => throw Shape.Only;

    public TaskFailureDetails FailureDetails => throw Shape.Only;
}

public abstract class TaskOrchestrationContext
{
    public abstract string InstanceId { get; }

    public abstract DateTime CurrentUtcDateTime { get; }

    public abstract bool IsReplaying { get; }

    public abstract T? GetInput<T>();

    public virtual Task CallActivityAsync(TaskName name, object? input = null, TaskOptions? options = null) => throw Shape.Only;

    public abstract Task<TResult> CallActivityAsync<TResult>(TaskName name, object? input = null, TaskOptions? options = null);

    public virtual Task CallSubOrchestratorAsync(TaskName orchestratorName, object? input = null, TaskOptions? options = null) => throw Shape.Only;

    public abstract Task<TResult> CallSubOrchestratorAsync<TResult>(TaskName orchestratorName, object? input = null, TaskOptions? options = null);

    public abstract Task CreateTimer(DateTime fireAt, CancellationToken cancellationToken);

    public virtual Task CreateTimer(TimeSpan delay, CancellationToken cancellationToken) => throw Shape.Only;

    public abstract Task<T> WaitForExternalEvent<T>(string eventName, CancellationToken cancellationToken = default);

    public Task<T> WaitForExternalEvent<T>(string eventName, TimeSpan timeout) => throw Shape.Only;

    public abstract void ContinueAsNew(object? newInput = null, bool preserveUnprocessedEvents = true);

    public abstract void SetCustomStatus(object? customStatus);

    public virtual ILogger CreateReplaySafeLogger(string categoryName) => throw Shape.Only;
}
