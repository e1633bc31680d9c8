using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pumps.Core.Schedules;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Schedules;

namespace Pumps.Postgres;

/// <summary>Schedules, their runs and their orders. Rows in hand are locked: several schedulers share the work, and none waits for another.</summary>
public sealed class ScheduleStore(NpgsqlDataSource database) : IScheduleStore
{
    // A pump that did not hear "stop" gets it within this time after it is back; a device that is away all day makes 288 commands.
    private static readonly TimeSpan BetweenEndings = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan EndingsFor = TimeSpan.FromDays(1);

    public async Task<ScheduleTarget?> FindTargetAsync(string? deviceId, string? siteId, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var row = await session.QuerySingleOrDefaultAsync<TargetRow>(
            new CommandDefinition(Sql.FindScheduleTarget, new { device = deviceId, site = siteId }, cancellationToken: cancel));
        return row is null ? null : new(deviceId, siteId, row.Customer, row.Time_Zone, row.Products);
    }

    public async Task AddAsync(StoredSchedule schedule, DateTimeOffset? lookAt, CancellationToken cancel)
    {
        await using var add = database.CreateCommand(Sql.AddSchedule);
        add.Parameters.Add(new("id", schedule.Id));
        add.Parameters.Add(new("customer", schedule.Customer));
        add.Parameters.Add(new("device", NpgsqlDbType.Text) { Value = (object?)schedule.DeviceId ?? DBNull.Value });
        add.Parameters.Add(new("site", NpgsqlDbType.Text) { Value = (object?)schedule.SiteId ?? DBNull.Value });
        add.Parameters.Add(new("plan", NpgsqlDbType.Jsonb) { Value = schedule.Plan.ToJson() });
        add.Parameters.Add(new("settled_to", schedule.Progress.SettledTo.UtcDateTime));
        add.Parameters.Add(new("look_at", NpgsqlDbType.TimestampTz) { Value = (object?)lookAt?.UtcDateTime ?? DBNull.Value });
        add.Parameters.Add(new("now", schedule.CreatedAt.UtcDateTime));
        add.Parameters.Add(new("by", schedule.CreatedBy));
        await add.ExecuteNonQueryAsync(cancel);
    }

    public async Task<StoredSchedule?> FindAsync(string id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(Sql.FindSchedule, new { id }, cancellationToken: cancel)))?.ToSchedule();
    }

    public async Task<Page<StoredSchedule>> ListAsync(
        string? deviceId, string? siteId, string? customer, bool former, string? cursor, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<Row>(new CommandDefinition(
            Sql.ListSchedules, new { device = deviceId, site = siteId, customer, former, after = cursor ?? "", limit = limit + 1 }, cancellationToken: cancel))).AsList();
        StoredSchedule[] items = [.. rows.Take(limit).Select(r => r.ToSchedule())];
        return new(items, rows.Count > limit ? items[^1].Id : null);
    }

    public async Task<bool> IsFormerAsync(string id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteScalarAsync<bool>(new CommandDefinition(Sql.IsFormerSchedule, new { id }, cancellationToken: cancel));
    }

    public async Task<IReadOnlyList<StoredSchedule>> ListSharingAsync(ScheduleTarget target, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = await session.QueryAsync<Row>(new CommandDefinition(
            Sql.ListSharingSchedules, new { device = target.DeviceId, site = target.SiteId, customer = target.Customer, limit }, cancellationToken: cancel));
        return [.. rows.Select(r => r.ToSchedule())];
    }

    public async Task<ScheduleChange?> ChangeAsync(string id, DateTimeOffset now, Func<StoredSchedule, ScheduleChange?> decide, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        var row = await session.QuerySingleOrDefaultAsync<Row>(new CommandDefinition(Sql.LockSchedule, new { id }, transaction, cancellationToken: cancel));
        if (row?.ToSchedule() is not { } before || decide(before) is not { } change)
            return null;

        await WriteAsync(session, transaction, now, [(before, change)], cancel);
        await transaction.CommitAsync(cancel);
        return change;
    }

    public async Task<int> SettleAsync(DateTimeOffset now, int limit, Func<StoredSchedule, ScheduleChange> decide, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        var rows = (await session.QueryAsync<Row>(
            new CommandDefinition(Sql.ClaimSchedules, new { now = now.UtcDateTime, limit }, transaction, cancellationToken: cancel))).AsList();
        if (rows.Count == 0)
            return 0;

        await WriteAsync(session, transaction, now, [.. rows.Select(r => r.ToSchedule()).Select(s => (s, decide(s)))], cancel);
        await transaction.CommitAsync(cancel);
        return rows.Count;
    }

    public async Task<int> DeliverAsync(
        DateTimeOffset now, int limit, Func<IReadOnlyList<DueOrder>, Task<IReadOnlyList<OrderOutcome>>> deliver, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        DueOrder[] orders =
        [
            .. (await session.QueryAsync<OrderRow>(new CommandDefinition(
                Sql.ClaimRunOrders, new { now = now.UtcDateTime, limit }, transaction, cancellationToken: cancel))).Select(r => r.ToOrder()),
        ];
        if (orders.Length == 0)
            return 0;

        var outcomes = await deliver(orders);
        await using var write = new NpgsqlCommand(Sql.WriteOutcomes, session, transaction);
        write.Parameters.Add(new("devices", Array(orders, o => o.DeviceId)));
        write.Parameters.Add(new("ids", Array(orders, o => o.ScheduleId)));
        write.Parameters.Add(new("planned", Array(orders, o => o.PlannedAt.UtcDateTime)));
        write.Parameters.Add(new("endings", Array(orders, o => o.Ending)));
        write.Parameters.Add(new("states", Array(outcomes, o => Name(o.State))));
        write.Parameters.Add(new("reasons", NpgsqlDbType.Array | NpgsqlDbType.Text) { Value = Array(outcomes, o => o.Reason) });
        write.Parameters.Add(new("commands", NpgsqlDbType.Array | NpgsqlDbType.Text) { Value = Array(outcomes, o => o.CommandId) });
        write.Parameters.Add(new("ends", NpgsqlDbType.Array | NpgsqlDbType.TimestampTz) { Value = Array(outcomes, o => o.EndAt?.UtcDateTime) });
        write.Parameters.Add(new("now", now.UtcDateTime));
        await write.ExecuteNonQueryAsync(cancel);
        await transaction.CommitAsync(cancel);
        return orders.Length;
    }

    public async Task<int> ReviveEndingsAsync(DateTimeOffset now, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteAsync(new CommandDefinition(
            Sql.ReviveEndings, new { now = now.UtcDateTime, pause = BetweenEndings, longest = EndingsFor }, cancellationToken: cancel));
    }

    public async Task<IReadOnlyList<RunSummary>> ListRunsAsync(string id, DateTimeOffset before, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = await session.QueryAsync<RunRow>(
            new CommandDefinition(Sql.ListRuns, new { id, before = before.UtcDateTime, limit }, cancellationToken: cancel));
        return [.. rows.Select(r => r.ToRun())];
    }

    public async Task<IReadOnlyList<RunOrder>> ListOrdersAsync(
        string id, DateTimeOffset plannedAt, string afterDevice, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = await session.QueryAsync<RunOrderRow>(new CommandDefinition(
            Sql.ListRunOrders, new { id, planned = plannedAt.UtcDateTime, after = afterDevice, limit }, cancellationToken: cancel));
        return [.. rows.Select(r => r.ToOrder())];
    }

    /// <summary>Runs carry the plan under which they were decided: the one before the change.</summary>
    private static async Task WriteAsync(
        NpgsqlConnection session, NpgsqlTransaction transaction, DateTimeOffset now, IReadOnlyList<(StoredSchedule Before, ScheduleChange Change)> changes,
        CancellationToken cancel)
    {
        (StoredSchedule Schedule, string Plan, SettledRun Run)[] runs =
        [
            .. changes.Where(c => c.Change.Runs.Count > 0).SelectMany(c =>
            {
                var plan = c.Before.Plan.ToJson();
                return c.Change.Runs.Select(run => (c.Before, plan, run));
            }),
        ];
        await using var batch = new NpgsqlBatch(session, transaction)
        {
            BatchCommands =
            {
                new(Sql.WriteSchedules)
                {
                    Parameters =
                    {
                        new("ids", Array(changes, c => c.Change.After.Id)),
                        new("plans", NpgsqlDbType.Array | NpgsqlDbType.Jsonb) { Value = Array(changes, c => c.Change.After.Plan.ToJson()) },
                        new("settled", Array(changes, c => c.Change.After.Progress.SettledTo.UtcDateTime)),
                        new("paused", NpgsqlDbType.Array | NpgsqlDbType.TimestampTz) { Value = Array(changes, c => c.Change.After.Progress.PausedUntil?.UtcDateTime) },
                        new("looks", NpgsqlDbType.Array | NpgsqlDbType.TimestampTz) { Value = Array(changes, c => c.Change.LookAt?.UtcDateTime) },
                        new("revisions", Array(changes, c => c.Change.After.Revision)),
                        new("changed", Array(changes, c => c.Change.After.ChangedAt.UtcDateTime)),
                        new("changers", Array(changes, c => c.Change.After.ChangedBy)),
                        new("removed", Array(changes, c => c.Change.Removed)),
                    },
                },
            },
        };
        if (runs.Length > 0)
            batch.BatchCommands.Add(new(Sql.WriteRuns)
            {
                Parameters =
                {
                    new("ids", Array(runs, r => r.Schedule.Id)),
                    new("customers", Array(runs, r => r.Schedule.Customer)),
                    new("devices", NpgsqlDbType.Array | NpgsqlDbType.Text) { Value = Array(runs, r => r.Schedule.DeviceId) },
                    new("sites", NpgsqlDbType.Array | NpgsqlDbType.Text) { Value = Array(runs, r => r.Schedule.SiteId) },
                    new("plans", NpgsqlDbType.Array | NpgsqlDbType.Jsonb) { Value = Array(runs, r => r.Plan) },
                    new("planned", Array(runs, r => r.Run.Planned.At.UtcDateTime)),
                    new("times", NpgsqlDbType.Array | NpgsqlDbType.Timestamp) { Value = Array(runs, r => r.Run.Planned.Local) },
                    new("verdicts", Array(runs, r => Name(r.Run.Verdict))),
                    new("now", now.UtcDateTime),
                },
            });
        await batch.ExecuteNonQueryAsync(cancel);
    }

    private static TValue[] Array<TItem, TValue>(IReadOnlyList<TItem> items, Func<TItem, TValue> value)
    {
        var array = new TValue[items.Count];
        for (var i = 0; i < array.Length; i++)
            array[i] = value(items[i]);
        return array;
    }

    private static string Name(RunVerdict verdict) => verdict switch
    {
        RunVerdict.OnTime => "on_time",
        RunVerdict.Late => "late",
        _ => "missed",
    };

    private static RunVerdict Verdict(string name) => name switch
    {
        "on_time" => RunVerdict.OnTime,
        "late" => RunVerdict.Late,
        _ => RunVerdict.Missed,
    };

    private static string Name(OrderState state) => state switch
    {
        OrderState.Due => "due",
        OrderState.Submitted => "submitted",
        OrderState.Skipped => "skipped",
        OrderState.Refused => "refused",
        _ => "missed",
    };

    // PostgreSQL's infinity comes as the largest date, without a zone.
    private static DateTimeOffset Instant(DateTime at) => new(DateTime.SpecifyKind(at, DateTimeKind.Utc));

    private sealed class TargetRow
    {
        public string Customer { get; init; } = "";
        public string? Time_Zone { get; init; }
        public string[] Products { get; init; } = [];
    }

    private sealed class Row
    {
        public string Schedule_Id { get; init; } = "";
        public string Customer { get; init; } = "";
        public string? Device_Id { get; init; }
        public string? Site_Id { get; init; }
        public string? Time_Zone { get; init; }
        public string Plan { get; init; } = "";
        public DateTime Settled_To { get; init; }
        public DateTime? Paused_Until { get; init; }
        public int Revision { get; init; }
        public DateTime Created_At { get; init; }
        public string Created_By { get; init; } = "";
        public DateTime Changed_At { get; init; }
        public string Changed_By { get; init; } = "";

        public StoredSchedule ToSchedule() => new(
            Schedule_Id, Customer, Device_Id, Site_Id, Time_Zone, SchedulePlan.FromJson(Plan),
            new(Instant(Settled_To), Paused_Until is { } until ? Instant(until) : null), Revision, Created_At, Created_By, Changed_At, Changed_By);
    }

    private sealed class OrderRow
    {
        public string Schedule_Id { get; init; } = "";
        public DateTime Planned_At { get; init; }
        public string Device_Id { get; init; } = "";
        public bool Ending { get; init; }
        public string Plan { get; init; } = "";
        public int Attempt { get; init; }

        public DueOrder ToOrder() => new(Schedule_Id, Planned_At, Device_Id, Ending, SchedulePlan.FromJson(Plan), Attempt);
    }

    private sealed class RunRow
    {
        public DateTime Planned_At { get; init; }
        public DateTime Planned_Time { get; init; }
        public string Verdict { get; init; } = "";
        public DateTime Settled_At { get; init; }
        public int Due { get; init; }
        public int Submitted { get; init; }
        public int Skipped { get; init; }
        public int Refused { get; init; }
        public int Missed { get; init; }

        public RunSummary ToRun() => new(Planned_At, Planned_Time, ScheduleStore.Verdict(Verdict), Settled_At, Due, Submitted, Skipped, Refused, Missed);
    }

    private sealed class RunOrderRow
    {
        public string Device_Id { get; init; } = "";
        public bool Ending { get; init; }
        public DateTime Due_At { get; init; }
        public string State { get; init; } = "";
        public string? Reason { get; init; }
        public string? Command_Id { get; init; }
        public DateTime Changed_At { get; init; }

        public RunOrder ToOrder() => new(
            Device_Id, Ending, Due_At, Enum.GetValues<OrderState>().First(s => Name(s) == State), Reason, Command_Id, Changed_At);
    }
}
