using System.Net;
using System.Security.Cryptography;
using System.Text;
using Azure.Core;
using Azure.Core.Pipeline;
using Microsoft.Extensions.Options;
using Pumps.Azure.Devices;

namespace Pumps.Contracts.Tests.Devices;

/// <summary>
/// A Device Provisioning Service in memory, behind HTTP. It does what its documentation says of an enrollment group with reprovision policy
/// <c>never</c>, and of its REST API.
/// </summary>
internal sealed class FakeProvisioningService(FakeIotHub? hub = null) : HttpMessageHandler
{
    private const string Host = "pumps-test.azure-devices-provisioning.net";

    private readonly HashSet<string> _registrations = [];

    /// <summary>Every request, in order.</summary>
    public List<HttpRequestMessage> Requests { get; } = [];

    /// <summary>Answers in the place of the service.</summary>
    public Func<CancellationToken, Task<HttpResponseMessage>>? Answer { get; set; }

    public ProvisioningRegistrations Registrations() => new(
        Options.Create(new ProvisioningServiceOptions { HostName = Host }), new Token(), new HttpClientTransport(this));

    /// <summary>A device registers: the first time its keys are put into the hub, later it is only told its hub.</summary>
    public async Task RegisterAsync(string id)
    {
        if (!_registrations.Add(id) || hub is null)
            return;
        var device = (await hub.Registry.GetDeviceAsync(id, default))!;
        device.Authentication!.SymmetricKey = new() { PrimaryKey = KeyOf(id, 1), SecondaryKey = KeyOf(id, 2) };
        await hub.Registry.UpdateDeviceAsync(device, default);
    }

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Requests.Add(request);
        if (Answer is not null)
            return await Answer(cancellationToken);
        if (request.Headers.Authorization is not { Scheme: "Bearer", Parameter: "https://azure-devices-provisioning.net/.default" })
            return new(HttpStatusCode.Unauthorized);
        return request is { Method.Method: "DELETE", RequestUri: { Host: Host, Query: "?api-version=2021-10-01", Segments: ["/", "registrations/", var id] } }
            ? new(_registrations.Remove(Uri.UnescapeDataString(id)) ? HttpStatusCode.NoContent : HttpStatusCode.NotFound)
            : new(HttpStatusCode.BadRequest);
    }

    private static string KeyOf(string id, byte slot) => Convert.ToBase64String(HMACSHA256.HashData(new[] { slot }, Encoding.UTF8.GetBytes(id)));

    /// <summary>The token is the scope that it was asked for.</summary>
    private sealed class Token : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new(requestContext.Scopes.Single(), DateTimeOffset.MaxValue);

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new(GetToken(requestContext, cancellationToken));
    }
}
