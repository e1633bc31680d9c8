namespace Pumps.Handlers.Devices;

/// <summary>A clock that is to be looked at.</summary>
/// <param name="SetTo">Minutes ahead of UTC to which it was last set; null: nobody knows.</param>
/// <param name="CommandId">Of the command that sets it, if one is under way.</param>
/// <param name="TimeZone">Of the device's site, IANA; null when the device stands nowhere, or does not work.</param>
public sealed record DueClock(string DeviceId, int? SetTo, string? CommandId, string? TimeZone, bool IsOnline);

/// <summary>What is known of a clock after it was looked at.</summary>
/// <param name="DueAt">When to look at it again; null: when something changes.</param>
public sealed record KnownClock(string DeviceId, int? SetTo, string? CommandId, DateTimeOffset? DueAt);

/// <summary>Clocks of DP1 devices that stand at a site. PostgreSQL in both worlds.</summary>
/// <remarks>A clock becomes due by itself when its device gets a site, another one, is ordered anew or becomes active; then nobody knows how it is set.</remarks>
public interface IClockStore
{
    /// <summary>Time zones in which there are sites.</summary>
    Task<IReadOnlyList<string>> ListZonesAsync(CancellationToken cancel);

    /// <summary>Makes the clocks due of sites whose zone has another offset than when that was done last, at most of so many sites. Safe to repeat.</summary>
    /// <param name="offsets">Minutes ahead of UTC that each zone has now.</param>
    /// <returns>Of how many sites.</returns>
    Task<int> MarkSitesAsync(IReadOnlyDictionary<string, int> offsets, DateTimeOffset now, int limit, CancellationToken cancel);

    /// <summary>Takes clocks that are due, at most so many; nobody else gets them before <paramref name="until"/>, when they are due again.</summary>
    Task<IReadOnlyList<DueClock>> ClaimAsync(DateTimeOffset now, DateTimeOffset until, int limit, CancellationToken cancel);

    /// <summary>Keeps what was found. A clock that became due anew since it was claimed stays so.</summary>
    /// <param name="claimedUntil">As it was claimed.</param>
    Task KeepAsync(IReadOnlyList<KnownClock> clocks, DateTimeOffset claimedUntil, CancellationToken cancel);

    /// <returns>As <see cref="DueClock"/>, of one device.</returns>
    Task<(string? TimeZone, int? SetTo)> FindAsync(string deviceId, CancellationToken cancel);
}
