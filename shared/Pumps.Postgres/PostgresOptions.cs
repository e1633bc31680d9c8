using System.ComponentModel.DataAnnotations;

namespace Pumps.Postgres;

/// <summary>Section <c>Postgres</c>. A wrong value stops the host at start.</summary>
public sealed record PostgresOptions
{
    public const string Section = "Postgres";

    /// <summary>How long single observations are kept, of all offerings: they share the partitions of a day. Roll-ups of hours stay twice as long as a season, those of days for a pump's life.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "3650.00:00:00")]
    public TimeSpan HistoryKept { get; init; } = TimeSpan.FromDays(90);

    [Range(typeof(TimeSpan), "31.00:00:00", "3650.00:00:00")]
    public TimeSpan HoursKept { get; init; } = TimeSpan.FromDays(800);

    [Range(typeof(TimeSpan), "365.00:00:00", "36500.00:00:00")]
    public TimeSpan DaysKept { get; init; } = TimeSpan.FromDays(7300);

    /// <summary>How far ahead partitions are made: that long may the timer that makes them fail before rows go to the default partition.</summary>
    [Range(typeof(TimeSpan), "1.00:00:00", "60.00:00:00")]
    public TimeSpan PartitionsAhead { get; init; } = TimeSpan.FromDays(7);
}
