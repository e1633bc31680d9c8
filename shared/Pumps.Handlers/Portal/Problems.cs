using System.Data.Common;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Pumps.Handlers.Portal;

/// <summary>
/// Everything that is not a success leaves as problem details (RFC 9457). <c>type</c> is <c>urn:pumps:</c> and a rule; rules are API.
/// This is the one table from answers and exceptions to status codes.
/// </summary>
internal static class Problems
{
    public const string TypePrefix = "urn:pumps:";

    // A database that restarts or fails over is back within seconds; clients that wait a little do not pile up.
    private const int RetryAfterSeconds = 5;

    public static IResult ToHttp<T>(this Answer<T> answer) => answer switch
    {
        Answer<T>.Found found => TypedResults.Ok(found.Value),
        Answer<T>.Absent absent => Problem(StatusCodes.Status404NotFound, "not_found", "Not found", absent.What),
        Answer<T>.Invalid invalid => Invalid(invalid.Faults),
        Answer<T>.Throttled throttled => new WaitResult(
            Problem(StatusCodes.Status429TooManyRequests, throttled.Rule, "Too many requests", throttled.Detail), throttled.Wait),
        Answer<T>.Refused refused => Problem(StatusCodes.Status409Conflict, refused.Rule, "A rule forbids this", refused.Detail),
        _ => throw new UnreachableException(),
    };

    public static IResult Invalid(IReadOnlyList<Fault> faults) =>
        TypedResults.Problem(new ProblemDetails
        {
            Status = StatusCodes.Status400BadRequest,
            Type = TypePrefix + faults[0].Rule,
            Title = "The request is not valid",
            Detail = faults[0].Describe(),
            Extensions = { ["errors"] = faults },
        });

    public static IResult Problem(int status, string rule, string title, string detail) =>
        TypedResults.Problem(new ProblemDetails { Status = status, Type = TypePrefix + rule, Title = title, Detail = detail });

    /// <summary>Answers without a body (no route, wrong method, wrong media type) become problems too.</summary>
    public static Task FillEmptyAsync(StatusCodeContext empty)
    {
        var http = empty.HttpContext;
        var (rule, title, detail) = http.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => ("unknown_route", "Not found", $"There is nothing at {http.Request.Path}; {PortalApi.DescriptionPath} lists what there is."),
            StatusCodes.Status405MethodNotAllowed =>
                ("method_not_allowed", "Method not allowed", $"{http.Request.Path} takes {http.Response.Headers.Allow}, not {http.Request.Method}."),
            StatusCodes.Status415UnsupportedMediaType => ("media_type", "Unsupported media type", "Send the body as application/json."),
            StatusCodes.Status413PayloadTooLarge => ("body_too_large", "Body too large", TooLarge(http)),
            var other => ("http_" + other, "The request was not served", "The request was not served."),
        };
        return Problem(http.Response.StatusCode, rule, title, detail).ExecuteAsync(http);
    }

    /// <summary>Exceptions: the asker's fault, a dependency that is away, or a bug. Internals are logged and never sent.</summary>
    public static Task HandleExceptionAsync(HttpContext http)
    {
        var error = http.Features.GetRequiredFeature<IExceptionHandlerFeature>().Error;
        return ForException(http, error).ExecuteAsync(http);
    }

    private static IResult ForException(HttpContext http, Exception error)
    {
        var log = http.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(PortalApi));
        switch (error)
        {
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return Problem(StatusCodes.Status413PayloadTooLarge, "body_too_large", "Body too large", TooLarge(http));

            case BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType }:
                return Problem(StatusCodes.Status415UnsupportedMediaType, "media_type", "Unsupported media type", "Send the body as application/json.");

            case BadHttpRequestException { InnerException: JsonException json }:
                return Invalid([new("malformed_body", json.Path is { Length: > 1 } path ? path : "body", null,
                    $"JSON as in {PortalApi.DescriptionPath}; the fault is on line {json.LineNumber + 1 ?? 1}, byte {json.BytePositionInLine + 1 ?? 1}")]);

            case BadHttpRequestException bad:
                return Problem(bad.StatusCode, "malformed_request", "The request is not valid", $"The body is missing or cannot be read; {PortalApi.DescriptionPath} shows it.");

            case var away when IsDependencyAway(http, away):
                log.DependencyAway(http.Request.Method, http.Request.Path, away);
                http.Response.Headers.RetryAfter = RetryAfterSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
                return Problem(StatusCodes.Status503ServiceUnavailable, "dependency_unavailable", "Not available now",
                    "The database or a hub does not answer. Nothing was lost; try again.");

            default:
                log.RequestBroke(http.Request.Method, http.Request.Path, error);
                return Problem(StatusCodes.Status500InternalServerError, "internal_error", "Our fault",
                    $"The request met an error that we did not expect. Its trace is {Activity.Current?.Id ?? http.TraceIdentifier}.");
        }
    }

    private static string TooLarge(HttpContext http) =>
        // Whoever handles an exception finds the route in a feature.
        (http.GetEndpoint() ?? http.Features.Get<IExceptionHandlerFeature>()?.Endpoint)?.Metadata.GetMetadata<IRequestSizeLimitMetadata>()?.MaxRequestBodySize is { } largest
            ? $"The body is larger than the {largest} bytes that this route takes."
            : "The body is larger than this route takes.";

    private static bool IsDependencyAway(HttpContext http, Exception error) =>
        error is DbException { IsTransient: true } or SocketException or TimeoutException or IOException ||
        // A client's time-out looks like a cancellation, which the asker has not asked for.
        error is OperationCanceledException && !http.RequestAborted.IsCancellationRequested ||
        http.RequestServices.GetServices<DependencyFault>().Any(isAway => isAway(error)) ||
        error.InnerException is { } inner && IsDependencyAway(http, inner);

    /// <summary>A problem with the time after which another try makes sense.</summary>
    private sealed class WaitResult(IResult problem, TimeSpan wait) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(System.Globalization.CultureInfo.InvariantCulture);
            return problem.ExecuteAsync(httpContext);
        }
    }
}

/// <summary>
/// Whether an exception says that something the host depends on is away or throttles for a while, beyond what .NET's own types say. A host registers
/// one for each kind of client that it brings.
/// </summary>
public delegate bool DependencyFault(Exception error);

/// <summary>Event ids 3000-3099. An id or a field name, once shipped, keeps its meaning: alerts hang on it.</summary>
internal static partial class PortalLog
{
    [LoggerMessage(3000, LogLevel.Error, "{Method} {Path} met an unexpected error")]
    public static partial void RequestBroke(this ILogger log, string method, string path, Exception error);

    [LoggerMessage(3001, LogLevel.Warning, "{Method} {Path}: a dependency does not answer")]
    public static partial void DependencyAway(this ILogger log, string method, string path, Exception error);
}
