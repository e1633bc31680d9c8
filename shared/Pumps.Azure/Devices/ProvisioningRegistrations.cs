using Azure;
using Azure.Core;
using Azure.Core.Pipeline;
using Microsoft.Extensions.Options;

namespace Pumps.Azure.Devices;

/// <summary>What the region's Device Provisioning Service remembers of devices that have registered.</summary>
/// <remarks>
/// Source: "Device Registration State - Delete" and "Control access to DPS by using Microsoft Entra ID", Azure IoT Hub Device Provisioning Service
/// documentation. Nothing is repeated here, as the service asks for growing pauses when it throttles (429): orders have those.
/// </remarks>
public sealed class ProvisioningRegistrations(IOptions<ProvisioningServiceOptions> options, TokenCredential credential, HttpPipelineTransport? transport = null)
{
    private const string Scope = "https://azure-devices-provisioning.net/.default";

    // Well within the lease of an order.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly HttpPipeline _pipeline = HttpPipelineBuilder.Build(PipelineOptions.With(transport), new BearerTokenAuthenticationPolicy(credential, Scope));

    /// <summary>Deletes a device's registration, whatever its version: when it registers again, it is a new device to the service. Safe to repeat.</summary>
    /// <returns>False when there was none.</returns>
    /// <exception cref="RequestFailedException">The service refused or failed.</exception>
    public async Task<bool> RemoveAsync(string deviceId, CancellationToken cancel)
    {
        using var message = _pipeline.CreateMessage();
        message.Request.Method = RequestMethod.Delete;
        message.Request.Uri.Reset(new Uri($"https://{options.Value.HostName}/registrations/{Uri.EscapeDataString(deviceId)}?api-version=2021-10-01"));
        await _pipeline.SendAsync(message, cancel);
        return message.Response.Status switch
        {
            204 => true,
            404 => false,
            _ => throw new RequestFailedException(message.Response),
        };
    }

    private sealed class PipelineOptions : ClientOptions
    {
        public static PipelineOptions With(HttpPipelineTransport? transport)
        {
            var options = new PipelineOptions { Retry = { MaxRetries = 0, NetworkTimeout = Patience } };
            if (transport is not null)
                options.Transport = transport;
            return options;
        }
    }
}
