using Pumps.Core.Schedules;
using Pumps.Handlers.Datapoints;

namespace Pumps.Handlers.Schedules;

/// <summary>What a schedule is for.</summary>
/// <param name="TimeZone">IANA name, of the site or of the device's site; null when the device belongs to none.</param>
/// <param name="Products">Products of its devices, each once.</param>
public sealed record ScheduleTarget(string? DeviceId, string? SiteId, string Customer, string? TimeZone, IReadOnlyList<string> Products);

/// <summary>A schedule as it is kept.</summary>
/// <param name="TimeZone">As in <see cref="ScheduleTarget"/>, at this moment.</param>
/// <param name="Revision">Counts changes of the plan.</param>
public sealed record StoredSchedule(
    string Id, string Customer, string? DeviceId, string? SiteId, string? TimeZone, SchedulePlan Plan, ScheduleProgress Progress, int Revision,
    DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset ChangedAt, string ChangedBy);

/// <summary>What a schedule has become, written together with the runs that were decided under its plan before.</summary>
/// <param name="LookAt">When it must be looked at again; null: never.</param>
/// <param name="Removed">It ends here; its runs stay.</param>
public sealed record ScheduleChange(StoredSchedule After, IReadOnlyList<SettledRun> Runs, DateTimeOffset? LookAt, bool Removed = false);

/// <summary>A run as it was decided, and what became of it on its devices.</summary>
public sealed record RunSummary(
    DateTimeOffset PlannedAt, DateTime PlannedTime, RunVerdict Verdict, DateTimeOffset SettledAt, int Due, int Submitted, int Skipped, int Refused, int Missed);

/// <summary>One command of a run.</summary>
/// <param name="Ending">It is the command that ends the run.</param>
/// <param name="CommandId">The command, once it is in the queue.</param>
public sealed record RunOrder(
    string DeviceId, bool Ending, DateTimeOffset DueAt, OrderState State, string? Reason, string? CommandId, DateTimeOffset ChangedAt);

public enum OrderState
{
    /// <summary>Its time will come.</summary>
    Due,

    /// <summary>It is in the commands' queue; what became of it stands there.</summary>
    Submitted,

    /// <summary>A condition of the plan left it out, or the device is not in service.</summary>
    Skipped,

    /// <summary>The commands' queue refused it.</summary>
    Refused,

    /// <summary>Its time had passed before it could be handed over.</summary>
    Missed,
}

/// <summary>A command of a run whose time has come.</summary>
/// <param name="Plan">The plan as it was when the run was decided.</param>
/// <param name="Attempt">How often it has been in the queue and has expired there.</param>
public sealed record DueOrder(string ScheduleId, DateTimeOffset PlannedAt, string DeviceId, bool Ending, SchedulePlan Plan, int Attempt);

/// <param name="EndAt">When the run that began here ends; null when nothing ends it.</param>
public readonly record struct OrderOutcome(OrderState State, string? Reason, string? CommandId, DateTimeOffset? EndAt);

/// <summary>Keeps schedules, their runs and what came of them. PostgreSQL in both worlds.</summary>
public interface IScheduleStore
{
    Task<ScheduleTarget?> FindTargetAsync(string? deviceId, string? siteId, CancellationToken cancel);

    Task AddAsync(StoredSchedule schedule, DateTimeOffset? lookAt, CancellationToken cancel);

    Task<StoredSchedule?> FindAsync(string id, CancellationToken cancel);

    /// <param name="former">Those of owners before, too: for devices that work for somebody else now.</param>
    Task<Page<StoredSchedule>> ListAsync(
        string? deviceId, string? siteId, string? customer, bool former, string? cursor, int limit, CancellationToken cancel);

    /// <returns>Whether there is such a schedule, or was, and its device works for somebody else now.</returns>
    Task<bool> IsFormerAsync(string id, CancellationToken cancel);

    /// <summary>The customer's schedules that have a device in common with a target, at most <paramref name="limit"/>.</summary>
    Task<IReadOnlyList<StoredSchedule>> ListSharingAsync(ScheduleTarget target, int limit, CancellationToken cancel);

    /// <summary>Changes one schedule: reads it, lets the caller decide, and writes what was decided, with nobody else in between.</summary>
    /// <returns>What the caller decided; null when there is no such schedule, or the caller decided on nothing.</returns>
    Task<ScheduleChange?> ChangeAsync(string id, DateTimeOffset now, Func<StoredSchedule, ScheduleChange?> decide, CancellationToken cancel);

    /// <summary>Has schedules decided whose time has come. Several may do so at once: each schedule is in one hand.</summary>
    /// <returns>How many there were; less than <paramref name="limit"/>: no more.</returns>
    Task<int> SettleAsync(DateTimeOffset now, int limit, Func<StoredSchedule, ScheduleChange> decide, CancellationToken cancel);

    /// <summary>Has the orders delivered whose time has come, of each device the first. Several may do so at once: each order is in one hand.</summary>
    /// <remarks>When <paramref name="deliver"/> or the process ends before the outcome is written, the orders come again.</remarks>
    /// <returns>How many there were; zero: no more.</returns>
    Task<int> DeliverAsync(
        DateTimeOffset now, int limit, Func<IReadOnlyList<DueOrder>, Task<IReadOnlyList<OrderOutcome>>> deliver, CancellationToken cancel);

    /// <summary>Makes endings due again that their device never got: a run must not go on for ever. Not where the device was commanded anew since.</summary>
    Task<int> ReviveEndingsAsync(DateTimeOffset now, CancellationToken cancel);

    /// <summary>Runs newest first, before <paramref name="before"/>.</summary>
    Task<IReadOnlyList<RunSummary>> ListRunsAsync(string id, DateTimeOffset before, int limit, CancellationToken cancel);

    /// <summary>The orders of a run, in the order of their devices, after <paramref name="afterDevice"/>.</summary>
    Task<IReadOnlyList<RunOrder>> ListOrdersAsync(string id, DateTimeOffset plannedAt, string afterDevice, int limit, CancellationToken cancel);
}
