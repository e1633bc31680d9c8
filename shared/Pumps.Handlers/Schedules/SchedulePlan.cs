using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Pumps.Core.Schedules;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Schedules;

/// <summary>A command with its arguments, as a plan gives it.</summary>
/// <param name="Confirm">Whoever plans it knows that the command is dangerous and means it.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PlannedCommand(string Command, IReadOnlyDictionary<string, JsonElement>? Arguments = null, bool Confirm = false);

/// <summary>What leaves a run out: the newest value of a datapoint.</summary>
/// <param name="Is">above, at_least, below, at_most, equal, not_equal.</param>
/// <param name="Device">Whose datapoint; absent: that of the device that the run is for.</param>
/// <param name="MaxAgeMinutes">An older value counts as unknown; absent: an hour.</param>
/// <param name="Unknown">run or skip: what happens when the value is missing, bad or old; absent: run.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SkipRule(string Point, string Is, JsonElement Value, string? Device = null, int? MaxAgeMinutes = null, string? Unknown = null);

/// <summary>A schedule as people give it, and as it is stored: names of its members never change.</summary>
/// <param name="Times">Civil times of the site, <c>05:30</c>.</param>
/// <param name="Run">What a run does.</param>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record SchedulePlan(string Name, IReadOnlyList<string> Times, PlannedCommand Run)
{
    /// <summary>mon, tue, wed, thu, fri, sat, sun. A plan has weekdays, days of the month, or dates.</summary>
    public IReadOnlyList<string>? Weekdays { get; init; }

    /// <summary>With weekdays: one week in so many, counted from the week of <see cref="From"/>.</summary>
    public int? EveryWeeks { get; init; }

    /// <summary>1 to 31, or -1 for the last day of the month, -2 for the one before.</summary>
    public IReadOnlyList<int>? MonthDays { get; init; }

    /// <summary>1 to 12; absent: every month.</summary>
    public IReadOnlyList<int>? Months { get; init; }

    public IReadOnlyList<DateOnly>? Dates { get; init; }

    /// <summary>First day of the season.</summary>
    public DateOnly? From { get; init; }

    /// <summary>Last day of the season.</summary>
    public DateOnly? Until { get; init; }

    /// <summary>Days without a run.</summary>
    public IReadOnlyList<DateOnly>? Except { get; init; }

    /// <summary>How long a run lasts; after that, <see cref="Then"/> is done. Counted from when the run began.</summary>
    public int? Minutes { get; init; }

    /// <summary>What ends a run.</summary>
    public PlannedCommand? Then { get; init; }

    /// <summary>A run is left out when one of these holds.</summary>
    public IReadOnlyList<SkipRule>? SkipIf { get; init; }

    /// <summary>How late a run that was missed may still begin; absent: it is left out. Of several only the newest is made up for.</summary>
    public int? MakeUpWithinMinutes { get; init; }

    /// <summary>How plans are stored.</summary>
    internal static readonly JsonSerializerOptions Json = new(JsonSerializerOptions.Web)
    {
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        RespectRequiredConstructorParameters = true,
    };

    public string ToJson() => JsonSerializer.Serialize(this, Json);

    public static SchedulePlan FromJson(string json) =>
        JsonSerializer.Deserialize<SchedulePlan>(json, Json) ?? throw new JsonException("A stored plan is null.");
}

/// <summary>What a plan means to the core.</summary>
/// <param name="Lasts">How long a run takes its device.</param>
public sealed record ScheduleTerms(ScheduleCalendar Calendar, TimeSpan Lasts, MissedRuns Missed, IReadOnlyList<SkipCondition> SkipIf);

/// <summary>Reads plans and gathers what is wrong with them.</summary>
internal static class PlanReader
{
    private const int NameMax = 100;
    private const int TimesMax = 48;
    private const int DatesMax = 366;
    private const int SkipRulesMax = 8;
    private const int MinutesMax = 24 * 60;
    private const int MaxAgeMinutesMax = 7 * 24 * 60;
    private const int EveryWeeksMax = 52;

    private static readonly TimeSpan DefaultMaxAge = TimeSpan.FromHours(1);

    private static readonly string[] Days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    private static readonly string[] Comparisons = ["above", "at_least", "below", "at_most", "equal", "not_equal"];

    /// <summary>The terms of a plan that was checked when it was stored.</summary>
    public static ScheduleTerms Read(SchedulePlan plan)
    {
        var faults = new List<Fault>();
        return Read(plan, faults) ?? throw new InvalidDataException($"A stored plan is not valid: {faults[0]}");
    }

    public static ScheduleTerms? Read(SchedulePlan plan, List<Fault> faults)
    {
        var before = faults.Count;
        if (plan.Name.Trim().Length is 0 or > NameMax || plan.Name.Any(char.IsControl))
            Wrong("name", plan.Name, $"1 to {NameMax} printable characters");

        var times = new SortedSet<TimeOnly>();
        foreach (var text in plan.Times)
            if (!TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time))
                Wrong("times", text, "civil times from 00:00 to 23:59");
            else if (!times.Add(time))
                Wrong("times", text, "each time once");
        if (plan.Times.Count is 0 or > TimesMax)
            Wrong("times", $"{plan.Times.Count} times", $"1 to {TimesMax} times");

        var weekdays = new List<DayOfWeek>();
        foreach (var text in plan.Weekdays ?? [])
            if (Array.IndexOf(Days, text) is >= 0 and var day)
                weekdays.Add((DayOfWeek)day);
            else
                Wrong("weekdays", text, string.Join(", ", Days));

        foreach (var day in plan.MonthDays ?? [])
            if (day is 0 or < -31 or > 31)
                Wrong("monthDays", Text(day), "1 to 31, or -1 to -31 counted from the end of the month");
        foreach (var month in plan.Months ?? [])
            if (month is < 1 or > 12)
                Wrong("months", Text(month), "1 to 12");

        if (new[] { plan.Weekdays?.Count > 0, plan.MonthDays?.Count > 0, plan.Dates?.Count > 0 }.Count(given => given) != 1)
            Wrong("weekdays", null, "exactly one of weekdays, monthDays and dates");
        if (plan.Dates?.Count > 0 && plan.Months?.Count > 0)
            Wrong("months", null, "absent beside dates");
        if (plan.Dates?.Count > DatesMax || plan.Except?.Count > DatesMax)
            Wrong(plan.Dates?.Count > DatesMax ? "dates" : "except", null, $"at most {DatesMax} days");
        if (plan.EveryWeeks is { } weeks && (weeks is < 1 or > EveryWeeksMax || weeks > 1 && (plan.From is null || weekdays.Count == 0)))
            Wrong("everyWeeks", Text(weeks), $"1 to {EveryWeeksMax}, with weekdays, and with \"from\" to count from");
        if (plan.Until < plan.From)
            Wrong("until", plan.Until?.ToString("O", CultureInfo.InvariantCulture), "not before \"from\"");

        if (plan.Minutes is { } minutes && minutes is < 1 or > MinutesMax)
            Wrong("minutes", Text(plan.Minutes.Value), $"1 to {MinutesMax}");
        if (plan.Then is not null && plan.Minutes is null)
            Wrong("minutes", null, "how long a run lasts before \"then\" is done");
        if (plan.MakeUpWithinMinutes is < 1 or > MinutesMax)
            Wrong("makeUpWithinMinutes", Text(plan.MakeUpWithinMinutes.Value), $"1 to {MinutesMax}, or absent");

        var rules = plan.SkipIf ?? [];
        if (rules.Count > SkipRulesMax)
            Wrong("skipIf", $"{rules.Count} rules", $"at most {SkipRulesMax} rules");
        var conditions = rules.Select(rule => Condition(rule, Wrong)).ToList();

        return faults.Count > before ? null : new(
            new()
            {
                Times = [.. times],
                Weekdays = weekdays,
                EveryWeeks = plan.EveryWeeks ?? 1,
                MonthDays = plan.MonthDays ?? [],
                Months = plan.Months ?? [],
                Dates = plan.Dates ?? [],
                From = plan.From,
                Until = plan.Until,
                Except = plan.Except ?? [],
            },
            TimeSpan.FromMinutes(plan.Minutes ?? 0), new(TimeSpan.FromMinutes(plan.MakeUpWithinMinutes ?? 0)), conditions);

        void Wrong(string member, string? given, string allowed) => faults.Add(new("invalid_plan", "plan." + member, given, allowed));
    }

    private static SkipCondition Condition(SkipRule rule, Action<string, string?, string> wrong)
    {
        var comparison = Array.IndexOf(Comparisons, rule.Is);
        if (comparison < 0)
            wrong("skipIf.is", rule.Is, string.Join(", ", Comparisons));
        else if (rule.Value.ValueKind is not JsonValueKind.Number
                 && ((Comparison)comparison is not (Comparison.Equal or Comparison.NotEqual)
                     || rule.Value.ValueKind is not (JsonValueKind.String or JsonValueKind.True or JsonValueKind.False)))
            wrong("skipIf.value", rule.Value.ValueKind is JsonValueKind.Undefined ? null : rule.Value.GetRawText(), "a number; for equal and not_equal also a text, true or false");
        if (rule.MaxAgeMinutes is < 1 or > MaxAgeMinutesMax)
            wrong("skipIf.maxAgeMinutes", Text(rule.MaxAgeMinutes.Value), $"1 to {MaxAgeMinutesMax}");
        if (rule.Unknown is not (null or "run" or "skip"))
            wrong("skipIf.unknown", rule.Unknown, "run, skip");

        return new(rule.Device, rule.Point, (Comparison)Math.Max(0, comparison), rule.Value,
            rule.MaxAgeMinutes is { } age ? TimeSpan.FromMinutes(age) : DefaultMaxAge, rule.Unknown is "skip");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
