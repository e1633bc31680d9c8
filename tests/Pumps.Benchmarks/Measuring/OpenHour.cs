using System.Diagnostics;

namespace Pumps.Benchmarks.Measuring;

/// <summary>
/// A clock that begins at forty past an hour. Device time of the half hour before and what is measured after lie in one hour then, which no
/// roll-up takes before it has ended: a run at five past measures the same as one at half past.
/// </summary>
internal sealed class OpenHour : TimeProvider
{
    private readonly DateTimeOffset _began = new(DateTime.UtcNow.Date.AddHours(12).AddMinutes(40), TimeSpan.Zero);
    private readonly long _at = Stopwatch.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => _began + Stopwatch.GetElapsedTime(_at);
}
