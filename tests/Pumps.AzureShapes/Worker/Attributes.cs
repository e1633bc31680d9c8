using Microsoft.Azure.Functions.Worker.Extensions.Abstractions;
using Pumps.AzureShapes;

namespace Microsoft.Azure.Functions.Worker.Extensions.Abstractions
{
    [AttributeUsage(AttributeTargets.Method)]
    public abstract class BindingAttribute : Attribute;

    [AttributeUsage(AttributeTargets.Parameter)]
    public abstract class TriggerBindingAttribute : BindingAttribute;

    [AttributeUsage(AttributeTargets.Parameter)]
    public abstract class InputBindingAttribute : BindingAttribute;
}

namespace Microsoft.Azure.Functions.Worker
{
    [AttributeUsage(AttributeTargets.Method)]
    public class FunctionAttribute : Attribute
    {
        public FunctionAttribute(string name) => throw Shape.Only;

        public string Name => throw Shape.Only;
    }

    [AttributeUsage(AttributeTargets.Method)]
    public abstract class RetryAttribute : Attribute;

    public sealed class ExponentialBackoffRetryAttribute : RetryAttribute
    {
        public ExponentialBackoffRetryAttribute(int maxRetryCount, string minimumInterval, string maximumInterval) => throw Shape.Only;
    }

    public sealed class EventHubTriggerAttribute : TriggerBindingAttribute
    {
        public EventHubTriggerAttribute(string eventHubName) => throw Shape.Only;

        public string? Connection { get => throw Shape.Only; set => throw Shape.Only; }

        public string? ConsumerGroup { get => throw Shape.Only; set => throw Shape.Only; }

        public bool IsBatched { get => throw Shape.Only; set => throw Shape.Only; }
    }

    public sealed class TimerTriggerAttribute : TriggerBindingAttribute
    {
        public TimerTriggerAttribute(string schedule) => throw Shape.Only;

        public bool RunOnStartup { get => throw Shape.Only; set => throw Shape.Only; }

        public bool UseMonitor { get => throw Shape.Only; set => throw Shape.Only; }
    }

    public class TimerInfo
    {
        public bool IsPastDue { get => throw Shape.Only; set => throw Shape.Only; }
    }
}
