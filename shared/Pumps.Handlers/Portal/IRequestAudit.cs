using Pumps.Handlers.Datapoints;

namespace Pumps.Handlers.Portal;

/// <summary>A request that was refused before it came to a device: nobody may ask it, there is no such device, or a group was refused as a whole.</summary>
/// <param name="Origin">From where.</param>
/// <param name="Action">Method and pattern of the route: <c>POST /api/devices/{id}/commands</c>. Never a query, a header or a body, in which keys may be.</param>
/// <param name="Target">What the path names, or what the group was for.</param>
/// <param name="Command">Empty where none was asked for.</param>
/// <param name="Customer">Of a target that names one; else empty.</param>
/// <param name="Rule">Why it was refused.</param>
/// <param name="Detail">What would have been right, for people.</param>
public sealed record RefusedRequest(
    DateTimeOffset At, string RequestedBy, string Origin, string Action, string Target, string Command, string Customer, string Rule, string Detail);

/// <summary>Keeps requests that were refused and have no device to be kept with. PostgreSQL in both worlds.</summary>
public interface IRequestAudit
{
    Task AddAsync(RefusedRequest request, CancellationToken cancel);

    /// <summary>Newest first.</summary>
    Task<Page<RefusedRequest>> ListAsync(string? cursor, int limit, CancellationToken cancel);

    /// <summary>Removes what is older, at most so much.</summary>
    /// <returns>How much; less than the limit when nothing is left.</returns>
    Task<int> RemoveAsync(DateTimeOffset before, int limit, CancellationToken cancel);
}
