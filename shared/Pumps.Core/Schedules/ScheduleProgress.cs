using System.Collections.Immutable;

namespace Pumps.Core.Schedules;

/// <summary>What became of a planned run when its time had come.</summary>
public enum RunVerdict
{
    OnTime,

    /// <summary>Its time had passed, and the schedule's policy makes up for it.</summary>
    Late,

    /// <summary>Its time had passed, and nothing is done.</summary>
    Missed,
}

/// <summary>What is done about runs whose time passed while nothing could start them. With several, only the newest is made up for.</summary>
/// <param name="MakeUpWithin">How late a run may still start; zero: it is left out.</param>
public readonly record struct MissedRuns(TimeSpan MakeUpWithin)
{
    /// <summary>Up to here a run counts as on time. Covers a restart of the scheduler.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(5);

    /// <summary>How long after its planned instant a run may reach the device.</summary>
    public TimeSpan Latest => MakeUpWithin > Grace ? MakeUpWithin : Grace;
}

/// <summary>A run that is decided: once, and for good.</summary>
public readonly record struct SettledRun(PlannedRun Planned, RunVerdict Verdict);

/// <summary>What a schedule has come to.</summary>
/// <param name="Next">The next planned run; null when there is none, or none is foreseeable while it is paused without end.</param>
/// <param name="More">Whether runs are due beyond the limit of one step.</param>
public sealed record Settlement(ScheduleProgress Progress, ImmutableArray<SettledRun> Runs, PlannedRun? Next, bool More);

/// <summary>How far a schedule has got. All that is stored of time; everything else follows from the calendar.</summary>
/// <param name="SettledTo">Every run up to this instant, itself included, is decided.</param>
/// <param name="PausedUntil">Runs before this instant are not planned; null: not paused; <see cref="DateTimeOffset.MaxValue"/>: until resumed.</param>
public readonly record struct ScheduleProgress(DateTimeOffset SettledTo, DateTimeOffset? PausedUntil)
{
    /// <summary>Runs decided in one step: after a long outage a transaction stays short.</summary>
    public const int RunsAtOnce = 200;

    public bool IsPaused(DateTimeOffset now) => PausedUntil > now;

    /// <summary>Decides every run that has become due. A step at an instant that is settled already decides nothing: safe to repeat.</summary>
    public Settlement Settle(ScheduleCalendar calendar, TimeZoneInfo zone, MissedRuns missed, DateTimeOffset now)
    {
        var after = PausedUntil is { } until && until > SettledTo ? until - TimeSpan.FromTicks(1) : SettledTo;
        if (PausedUntil == DateTimeOffset.MaxValue)
            return new(this with { SettledTo = Later(SettledTo, now) }, [], null, false);

        var due = ImmutableArray.CreateBuilder<SettledRun>();
        PlannedRun? next = null;
        var more = false;
        foreach (var run in calendar.RunsAfter(after, zone))
        {
            if (run.At > now)
            {
                next = run;
                break;
            }

            if (due.Count == RunsAtOnce)
            {
                more = true;
                next = run;
                break;
            }

            due.Add(new(run, now - run.At <= MissedRuns.Grace ? RunVerdict.OnTime : RunVerdict.Missed));
        }

        if (!more && due.Count > 0 && due[^1] is { Verdict: RunVerdict.Missed } newest && now - newest.Planned.At <= missed.MakeUpWithin)
            due[^1] = newest with { Verdict = RunVerdict.Late };

        return new(this with { SettledTo = more ? due[^1].Planned.At : Later(SettledTo, now) }, due.DrainToImmutable(), next, more);
    }

    /// <summary>From now on no run, until then. Settle first: what was due before still counts.</summary>
    public ScheduleProgress Pause(DateTimeOffset? until) => this with { PausedUntil = until ?? DateTimeOffset.MaxValue };

    /// <summary>Runs again from now on; what was paused over is not made up for.</summary>
    public ScheduleProgress Resume(DateTimeOffset now) => new(Later(SettledTo, now), null);

    // Clocks of two hosts differ a little: what one has settled, the other does not open again.
    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;
}
