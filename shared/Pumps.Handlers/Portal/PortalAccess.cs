using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Pumps.Handlers.Portal;

/// <summary>Who a route is for. Every route carries one; a test holds that.</summary>
public enum PortalRole
{
    /// <summary>Anybody: health and the description of the API.</summary>
    Public,

    /// <summary>May see devices of their customer.</summary>
    Viewer,

    /// <summary>May change devices of their customer.</summary>
    Operator,

    /// <summary>The maker's own staff.</summary>
    Ops,
}

/// <summary>
/// The place of authorization in the pipeline: asked of every request, after routing and before anything is read, with the role that the
/// route carries; some routes ask again for a role that only a part of the answer needs. Returns null to let the request pass, or the answer that ends it. Register one as a service; without one everybody may
/// do everything, which is right for a region on a developer's machine only.
/// </summary>
public delegate ValueTask<IResult?> PortalGuard(HttpContext context, PortalRole role);

internal static class PortalAccess
{
    public const string RoleRequired = "role_required";

    /// <summary>What would have been right, for people.</summary>
    public static string ForRole<T>(T role) where T : struct, Enum => $"for the role {role.ToString().ToLowerInvariant()}";

    public static TBuilder For<TBuilder>(this TBuilder route, PortalRole role) where TBuilder : IEndpointConventionBuilder =>
        route.WithMetadata(new RoleMetadata(role));

    /// <summary>Whether whoever asks is of the maker's own staff. No refusal of the request, so nothing is kept of it.</summary>
    public static async ValueTask<bool> IsOpsAsync(HttpContext http) =>
        http.RequestServices.GetService<PortalGuard>() is not { } guard || await guard(http, PortalRole.Ops) is null;

    public static RequestDelegate Guard(RequestDelegate next, PortalGuard guard) => async http =>
    {
        // No endpoint: the answer is 404 whoever asks.
        if (http.GetEndpoint() is { } endpoint)
        {
            // A route that names no role is for the fewest.
            var role = endpoint.Metadata.GetMetadata<RoleMetadata>()?.Role ?? PortalRole.Ops;
            if (await guard(http, role) is { } refusal)
            {
                await http.RequestServices.GetRequiredService<AuditRefusals>().HandleAsync(
                    http, RoleRequired, ForRole(role), http.RequestAborted);
                await refusal.ExecuteAsync(http);
                return;
            }
        }

        await next(http);
    };
}

internal sealed record RoleMetadata(PortalRole Role);
