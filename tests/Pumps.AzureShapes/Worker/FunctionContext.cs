namespace Microsoft.Azure.Functions.Worker;

public abstract class BindingContext
{
    public abstract IReadOnlyDictionary<string, object?> BindingData { get; }
}

public abstract class FunctionContext
{
    public abstract BindingContext BindingContext { get; }

    public virtual CancellationToken CancellationToken => throw Pumps.AzureShapes.Shape.Only;
}
