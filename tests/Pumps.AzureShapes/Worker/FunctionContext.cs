namespace Microsoft.Azure.Functions.Worker;

public abstract class BindingContext
{
    public abstract IReadOnlyDictionary<string, object?> BindingData { get; }
}

public abstract class FunctionContext
{
    public abstract BindingContext BindingContext { get; }

    public virtual IServiceProvider InstanceServices
    {
        get => throw Pumps.AzureShapes.Shape.Only;
        set => throw Pumps.AzureShapes.Shape.Only;
    }

    public virtual CancellationToken CancellationToken => throw Pumps.AzureShapes.Shape.Only;
}
