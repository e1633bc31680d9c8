using Microsoft.AspNetCore.Http;
using Microsoft.Azure.Functions.Worker;
using Microsoft.Extensions.Options;
using Pumps.Azure.Devices;
using Pumps.Handlers.Provisioning;

namespace Pumps.Devices;

/// <summary>
/// Azure's door to <see cref="AllocateDevice"/>: the webhook of the enrollment group's custom allocation. The local region's door is the gateway,
/// which is its own provisioning service (IotGateway.Registrations.cs).
/// </summary>
public sealed class AllocationFunctions(AllocateDevice handler, IOptions<IotHubOptions> hub)
{
    [Function(nameof(Allocate))]
    public async Task Allocate([HttpTrigger(AuthorizationLevel.Function, "post", Route = "dps/allocation")] HttpRequest request)
    {
        var cancel = request.HttpContext.RequestAborted;
        var (status, body) = CustomAllocation.Write(await CustomAllocation.ReadAsync(request.Body, cancel) is { } asked
            ? await handler.HandleAsync(asked.RegistrationId, hub.Value.HostName, asked.LinkedHubs, cancel)
            : null);
        request.HttpContext.Response.StatusCode = status;
        await request.HttpContext.Response.WriteAsJsonAsync(body, cancel);
    }
}
