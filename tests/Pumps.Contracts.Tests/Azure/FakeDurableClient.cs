using Microsoft.DurableTask;
using Microsoft.DurableTask.Client;

namespace Pumps.Contracts.Tests.Azure;

/// <summary>Knows the instances that it is told, and remembers what was started.</summary>
/// <param name="present">Instances with their status; null: there is none of this id.</param>
internal sealed class FakeDurableClient(params (string Instance, OrchestrationRuntimeStatus? Status)[] present) : DurableTaskClient("test")
{
    public List<(string Name, object? Input, string? Instance)> Started { get; } = [];

    public override Task<OrchestrationMetadata?> GetInstancesAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) =>
        Task.FromResult(present.SingleOrDefault(p => p.Instance == instanceId).Status is { } status ? new OrchestrationMetadata("test", instanceId) { RuntimeStatus = status } : null);

    public override Task<string> ScheduleNewOrchestrationInstanceAsync(
        TaskName orchestratorName, object? input = null, StartOrchestrationOptions? options = null, CancellationToken cancellation = default)
    {
        Started.Add((orchestratorName.Name, input, options?.InstanceId));
        return Task.FromResult(options!.InstanceId!);
    }

    public override AsyncPageable<OrchestrationMetadata> GetAllInstancesAsync(OrchestrationQuery? filter = null) => throw new NotSupportedException();

    public override Task RaiseEventAsync(string instanceId, string eventName, object? eventPayload = null, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public override Task<OrchestrationMetadata> WaitForInstanceStartAsync(string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) =>
        throw new NotSupportedException();

    public override Task<OrchestrationMetadata> WaitForInstanceCompletionAsync(
        string instanceId, bool getInputsAndOutputs = false, CancellationToken cancellation = default) => throw new NotSupportedException();

    public override Task SuspendInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) => throw new NotSupportedException();

    public override Task ResumeInstanceAsync(string instanceId, string? reason = null, CancellationToken cancellation = default) => throw new NotSupportedException();

    public override ValueTask DisposeAsync() => default;
}
