using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pumps.Handlers.Observability;

namespace Pumps.Handlers.Portal;

/// <summary>Keeps that a request was refused before it came to a device: who, when, from where, what, and why.</summary>
/// <remarks>
/// Only of callers whose name a host has proven: a stranger could fill the table. What strangers ask is counted (<c>pumps.portal.refused</c>). Each call is
/// a line of its own. An audit that cannot be written is an exception: the request is not answered as if it had been.
/// </remarks>
public sealed class AuditRefusals(IRequestAudit audit, TimeProvider time)
{
    // Enough to recognise what was asked; names of this platform are shorter.
    private const int TextMax = 200;

    public async Task HandleAsync(
        HttpContext http, string rule, string detail, CancellationToken cancel, string? target = null, string command = "", string customer = "")
    {
        var known = http.User.Identity is { IsAuthenticated: true, Name.Length: > 0 };
        Metrics.PortalRefused.Add(1, new("rule", rule), new("caller", known ? "known" : "anonymous"));
        if (!known)
            return;

        await audit.AddAsync(
            new(time.GetUtcNow(), CommandRoutes.Who(http), CommandRoutes.From(http), $"{http.Request.Method} {Pattern(http)}", Printable(target ?? Named(http)),
                Printable(command), Printable(customer), rule, Printable(detail)), cancel);
    }

    private static string Pattern(HttpContext http) => (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText?.TrimEnd('/') ?? "";

    /// <summary>What stands in the path in place of the pattern's parameters: ids.</summary>
    private static string Named(HttpContext http) => string.Join(
        ' ', (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.Parameters.Select(p => http.Request.RouteValues[p.Name]).OfType<string>() ?? []);

    /// <summary>Anybody may have written anything; the database's text takes no character 0.</summary>
    private static string Printable(string given) => string.Concat(given.Take(TextMax).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
}
