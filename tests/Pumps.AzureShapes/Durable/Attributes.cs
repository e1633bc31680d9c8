using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Pumps.AzureShapes;

namespace Microsoft.Azure.Functions.Worker;

public sealed class OrchestrationTriggerAttribute : TriggerBindingAttribute
{
    public string? Orchestration { get => throw Shape.Only; set => throw Shape.Only; }
}

public sealed class ActivityTriggerAttribute : TriggerBindingAttribute
{
    public string? Activity { get => throw Shape.Only; set => throw Shape.Only; }
}

public sealed class DurableClientAttribute : InputBindingAttribute
{
    public string? TaskHub { get => throw Shape.Only; set => throw Shape.Only; }

    public string? ConnectionName { get => throw Shape.Only; set => throw Shape.Only; }
}
