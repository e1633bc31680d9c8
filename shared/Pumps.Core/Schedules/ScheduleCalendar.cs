namespace Pumps.Core.Schedules;

/// <summary>A run as it is planned.</summary>
/// <param name="At">The instant. One instant has one run: civil times that a change of the clocks brings together are merged.</param>
/// <param name="Local">The civil time that was planned. Where the clocks skip it, it is not what they show at <paramref name="At"/>.</param>
public readonly record struct PlannedRun(DateTimeOffset At, DateTime Local, ClockChange Change);

/// <summary>The days and civil times of a schedule. A day must pass every filter that is not empty.</summary>
public sealed record ScheduleCalendar
{
    /// <summary>How far ahead a next run is looked for: the 29th of February comes at most eight years after the last.</summary>
    public const int HorizonYears = 9;

    private static readonly DayOfWeek FirstOfWeek = DayOfWeek.Monday;

    /// <summary>In ascending order, each once.</summary>
    public required IReadOnlyList<TimeOnly> Times { get; init; }

    public IReadOnlyList<DayOfWeek> Weekdays { get; init; } = [];

    /// <summary>Runs in one week of so many; counted from the week of <see cref="From"/>, weeks begin on Monday.</summary>
    public int EveryWeeks { get; init; } = 1;

    /// <summary>1 to 31, or -1 for the month's last day, -2 for the one before. A month without such a day has no run.</summary>
    public IReadOnlyList<int> MonthDays { get; init; } = [];

    /// <summary>1 to 12.</summary>
    public IReadOnlyList<int> Months { get; init; } = [];

    public IReadOnlyList<DateOnly> Dates { get; init; } = [];

    /// <summary>The first day, part of the season.</summary>
    public DateOnly? From { get; init; }

    /// <summary>The last day, part of the season.</summary>
    public DateOnly? Until { get; init; }

    /// <summary>Days without runs.</summary>
    public IReadOnlyList<DateOnly> Except { get; init; } = [];

    public bool Includes(DateOnly day) =>
        !(day < From) && !(day > Until)
        && (Weekdays.Count == 0 || Weekdays.Contains(day.DayOfWeek))
        && (EveryWeeks == 1 || (Monday(day).DayNumber - Monday(From ?? day).DayNumber) / 7 % EveryWeeks == 0)
        && (MonthDays.Count == 0 || MonthDays.Contains(day.Day) || MonthDays.Contains(day.Day - DateTime.DaysInMonth(day.Year, day.Month) - 1))
        && (Months.Count == 0 || Months.Contains(day.Month))
        && (Dates.Count == 0 || Dates.Contains(day))
        && !Except.Contains(day);

    /// <summary>Runs after an instant, in order, as far as <see cref="HorizonYears"/>.</summary>
    public IEnumerable<PlannedRun> RunsAfter(DateTimeOffset after, TimeZoneInfo zone)
    {
        // A day earlier: a civil time of yesterday that the clocks skip can be an instant of today.
        var today = DateOnly.FromDateTime(CivilTime.Local(zone, after));
        var first = today.AddDays(-1);
        var last = today.AddYears(HorizonYears);
        var newest = after;

        for (var day = first < From ? From.Value : first; day <= last && !(day > Until); day = day.AddDays(1))
        {
            if (!Includes(day))
                continue;

            foreach (var time in Times)
            {
                var local = day.ToDateTime(time);
                var (at, change) = CivilTime.Resolve(zone, local);
                if (at <= newest)
                    continue;

                newest = at;
                yield return new(at, local, change);
            }
        }
    }

    private static DateOnly Monday(DateOnly day) => day.AddDays(-((day.DayOfWeek - FirstOfWeek + 7) % 7));
}
