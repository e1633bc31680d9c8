using Microsoft.Azure.Functions.Worker;
using Pumps.Handlers.Observability;

namespace Pumps.Devices;

/// <summary>Azure's door to <see cref="Handlers.Observability.TakeCensus"/>. The local region's is in its Upkeep.cs.</summary>
public sealed class CensusFunctions(TakeCensus handler)
{
    // It reads whole tables; nobody needs to know by the minute how many devices there are.
    [Function(nameof(TakeCensus))]
    public Task TakeCensus([TimerTrigger("30 */5 * * * *")] TimerInfo timer, FunctionContext context) => handler.HandleAsync(context.CancellationToken);
}
