using System.Security.Claims;
using Microsoft.AspNetCore.Http;

namespace Pumps.Handlers.Portal;

/// <summary>The <see cref="PortalGuard"/> behind a static web app: lets the maker's own staff in, and nobody else.</summary>
/// <remarks>
/// It believes <see cref="SitePrincipal.Header"/>, which anybody can write. That is right only where nobody but the site can speak to the app
/// (<c>bicep/modules/site.bicep</c>; <c>bicep/region smoke</c> tries it after each deployment).
/// <para>Customers are no users yet: a role between public and ops is for ops too, so nothing of one customer is shown to another.</para>
/// </remarks>
public static class SiteGuard
{
    /// <summary>The role of the site that the maker's own staff is invited to.</summary>
    public const string OpsRole = "ops";

    public static ValueTask<IResult?> AskAsync(HttpContext context, PortalRole role)
    {
        if (role is PortalRole.Public)
            return ValueTask.FromResult<IResult?>(null);

        var principal = IsOfAnotherSite(context.Request) ? null : SitePrincipal.Read(context.Request.Headers[SitePrincipal.Header]);
        // The audit's who. From where it does not know: the connection is the Functions host's, and a forwarded address is not proven.
        context.User = new(principal is null ? new ClaimsIdentity() : new ClaimsIdentity([new(ClaimTypes.Name, principal.Name)], SitePrincipal.Header));
        context.Connection.RemoteIpAddress = null;

        return ValueTask.FromResult(principal switch
        {
            null => Problems.Problem(
                StatusCodes.Status401Unauthorized, "sign_in_required", "Nobody is signed in", "Sign in at the site: /login. What a page of another site asks for is done for nobody."),
            _ when principal.Has(OpsRole) => null,
            _ => Problems.Problem(
                StatusCodes.Status403Forbidden, PortalAccess.RoleRequired, "Not for this account", $"{principal.Name} lacks the role \"{OpsRole}\", to which an operator invites."),
        });
    }

    // A browser sends the site's cookie along whoever's page makes the request, and says so. Links from elsewhere may still show something.
    private static bool IsOfAnotherSite(HttpRequest request) =>
        !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && request.Headers["Sec-Fetch-Site"] is not ([] or ["same-origin"] or ["none"]);
}
