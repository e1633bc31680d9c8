using Pumps.AzureShapes;

namespace Microsoft.DurableTask.Client;

public enum OrchestrationRuntimeStatus
{
    Running,
    Completed,
    ContinuedAsNew,
    Failed,
    Canceled,
    Terminated,
    Pending,
    Suspended,
}

public sealed class OrchestrationMetadata
{
    public OrchestrationMetadata(string name, string instanceId) => throw Shape.Only;

    public string InstanceId => throw Shape.Only;

    public OrchestrationRuntimeStatus RuntimeStatus => throw Shape.Only;

    public bool IsRunning => throw Shape.Only;

    public bool IsCompleted => throw Shape.Only;
}

public abstract class DurableTaskClient : IAsyncDisposable
{
    public abstract ValueTask DisposeAsync();

    public virtual Task<OrchestrationMetadata?> GetInstanceAsync(
        string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) => throw Shape.Only;

    public abstract Task RaiseEventAsync(
        string instanceId, string eventName, object? eventPayload = null, CancellationToken cancellation = default);

    public abstract Task<string> ScheduleNewOrchestrationInstanceAsync(
        TaskName orchestratorName, object? input = null, StartOrchestrationOptions? options = null, CancellationToken cancellation = default);
}
