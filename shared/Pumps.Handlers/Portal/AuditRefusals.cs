using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pumps.Handlers.Observability;

namespace Pumps.Handlers.Portal;

/// <summary>Keeps that a request was refused before it came to a device: who, when, from where, what, and why.</summary>
/// <remarks>
/// Only of callers whose name a host has proven: a stranger could fill the table. Each call is a line of its own, up to <see cref="KeptPerMinute"/>: a
/// program in a loop must not fill it either; how many there were beyond that stands in the caller's next line. All are counted
/// (<c>pumps.portal.refused</c>). An audit that cannot be written is an exception: the request is not answered as if it had been.
/// </remarks>
public sealed class AuditRefusals(IRequestAudit audit, TimeProvider time)
{
    // Enough to recognise what was asked; names of this platform are shorter.
    private const int TextMax = 200;

    /// <summary>Lines of one caller, in each process that answers: as many as a person can cause, and 200,000 a week at worst.</summary>
    public const int KeptPerMinute = 20;

    // Callers of whom the last minute is known; beyond that those are forgotten whose minute is over.
    private const int CallersMax = 10_000;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (DateTimeOffset Since, int Kept, int Beyond)> _callers = [];

    public async Task HandleAsync(
        HttpContext http, string rule, string detail, CancellationToken cancel, string? target = null, string command = "", string customer = "")
    {
        var known = http.User.Identity is { IsAuthenticated: true, Name.Length: > 0 };
        var (who, now) = (CommandRoutes.Who(http), time.GetUtcNow());
        var beyond = 0;
        var kept = known && MayKeep(who, now, out beyond);
        Metrics.PortalRefused.Add(1, new("rule", rule), new("caller", kept ? "known" : known ? "limited" : "anonymous"));
        if (!kept)
            return;

        var before = beyond == 0 ? "" : $" ({beyond} requests of this caller before this one were refused and not kept.)";
        await audit.AddAsync(
            new(now, who, CommandRoutes.From(http), $"{http.Request.Method} {Pattern(http)}", Printable(target ?? Named(http)),
                Printable(command), Printable(customer), rule, Printable(detail) + before), cancel);
    }

    /// <param name="beyond">Requests that were not kept in the caller's minute before.</param>
    private bool MayKeep(string who, DateTimeOffset now, out int beyond)
    {
        beyond = 0;
        lock (_lock)
        {
            if (_callers.TryGetValue(who, out var caller) && now - caller.Since < Minute)
            {
                var may = caller.Kept < KeptPerMinute;
                _callers[who] = may ? caller with { Kept = caller.Kept + 1 } : caller with { Beyond = caller.Beyond + 1 };
                return may;
            }

            if (_callers.Count >= CallersMax)
                foreach (var over in _callers.Where(c => now - c.Value.Since >= Minute).Select(c => c.Key).ToList())
                    _callers.Remove(over);
            beyond = caller.Beyond;
            _callers[who] = (now, 1, 0);
            return true;
        }
    }

    private static string Pattern(HttpContext http) => (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText?.TrimEnd('/') ?? "";

    /// <summary>What stands in the path in place of the pattern's parameters: ids.</summary>
    private static string Named(HttpContext http) => string.Join(
        ' ', (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.Parameters.Select(p => http.Request.RouteValues[p.Name]).OfType<string>() ?? []);

    /// <summary>Anybody may have written anything; the database's text takes no character 0.</summary>
    private static string Printable(string given) => string.Concat(given.Take(TextMax).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
}
