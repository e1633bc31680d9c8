using System.Diagnostics;

namespace Pumps.Journeys.Tests;

/// <summary>Waits for conditions, never for a time.</summary>
internal static class Patience
{
    /// <summary>For whatever a region should do at once: two busy cores, and a database that recovers, are in it.</summary>
    public static readonly TimeSpan Usual = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Reads until what was read is as it should be.</summary>
    /// <param name="what">Says what is awaited; stands in the failure with what was read last.</param>
    public static async Task<T> UntilAsync<T>(Func<Task<T>> read, Func<T, bool> isThere, string what, TimeSpan? limit = null)
    {
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            var value = await read();
            if (isThere(value))
                return value;
            if (Stopwatch.GetElapsedTime(began) > (limit ?? Usual))
                throw new TimeoutException($"{what}: not so after {limit ?? Usual}. Last: {value}");
            await Task.Delay(Pause);
        }
    }

    public static Task UntilAsync(Func<bool> condition, string what, TimeSpan? limit = null) =>
        UntilAsync(() => Task.FromResult(condition()), met => met, what, limit);
}
