using System.Data.Common;
using System.Text.Json;
using Dapper;
using Npgsql;
using NpgsqlTypes;
using Pumps.Core.Commands;
using Pumps.Handlers.Commands;

namespace Pumps.Postgres;

/// <content>Steps: take the devices' turns, read, decide, write, in one transaction.</content>
public sealed partial class CommandStore
{
    public async Task<CommandSteps> StepDueAsync(int limit, Pace methods, DateTimeOffset now, CommandStepper step, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        var devices = (await session.QueryAsync<string>(
            new CommandDefinition(Sql.ClaimDue, new { now = now.UtcDateTime, limit }, transaction, cancellationToken: cancel))).Distinct().ToArray();
        if (devices.Length == 0)
            return new([], false);

        var rows = await session.QueryAsync<CommandRow>(
            new CommandDefinition(Sql.ReadDue, new { devices, now = now.UtcDateTime }, transaction, cancellationToken: cancel));
        CommandSignal due = new CommandSignal.Due();
        StoredCommand[] commands = [.. rows.Select(r => r.ToCommand()).OrderBy(c => c.State.DueAt)];
        bool[] isCall = [.. commands.Select(c => step(c, due).Effect is { Route: CommandRoute.Method })];
        var calls = isCall.Count(c => c);
        // What is not committed takes nothing from the pace, and nobody else waits for it longer than it takes to write.
        var room = calls == 0 ? 0 : await TakePaceAsync(session, transaction, CommandRoute.Method, calls, methods, now, cancel);
        var left = room;
        var steps = await ChangeAsync(
            session, transaction, [.. commands.Where((_, i) => !isCall[i] || left-- > 0).Select(c => (c, due, (string?)null))], now, step, cancel);
        return steps with { Throttled = room < calls };
    }

    public async Task<bool> TryTakeMessageAsync(Pace messages, DateTimeOffset now, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await TakePaceAsync(session, null, CommandRoute.Queue, 1, messages, now, cancel) == 1;
    }

    public async Task<CommandSteps> StepAsync(IReadOnlyList<CommandEvent> events, DateTimeOffset now, CommandStepper step, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        var devices = events.Select(e => e.DeviceId).ToArray();
        await using var batch = new NpgsqlBatch(session, transaction)
        {
            BatchCommands =
            {
                new(Sql.TakeTurns) { Parameters = { new("devices", devices) } },
                new(Sql.ReadNamed)
                {
                    Parameters =
                    {
                        new("devices", devices), Texts("ids", events.Select(e => e.CommandId)), Texts("correlations", events.Select(e => e.Correlation)),
                    },
                },
            },
        };
        List<CommandRow> rows;
        await using (var reader = await batch.ExecuteReaderAsync(cancel))
        {
            await reader.NextResultAsync(cancel);
            rows = await ReadAsync(reader, cancel);
        }

        return await ChangeAsync(
            session, transaction, [.. rows.Select(r => (r.ToCommand(), events[(int)r.Number - 1].Signal, events[(int)r.Number - 1].By))], now, step, cancel);
    }

    /// <returns>How many of the wanted transmissions may go now.</returns>
    private static Task<int> TakePaceAsync(
        NpgsqlConnection session, NpgsqlTransaction? transaction, CommandRoute route, int wanted, Pace pace, DateTimeOffset now, CancellationToken cancel) =>
        session.QuerySingleAsync<int>(new CommandDefinition(
            Sql.TakePace, new { route = route.Name(), wanted, step = 1, per_second = pace.PerSecond, burst = pace.Burst, reserve = 0.0, now = now.UtcDateTime },
            transaction, cancellationToken: cancel));

    private static async Task<CommandSteps> ChangeAsync(
        NpgsqlConnection session, NpgsqlTransaction transaction, IReadOnlyList<(StoredCommand Command, CommandSignal Signal, string? By)> events, DateTimeOffset now,
        CommandStepper step, CancellationToken cancel)
    {
        var steps = new List<CommandStep>(events.Count);
        var changed = new Dictionary<(string, long), StoredCommand>();
        foreach (var (read, signal, by) in events)
        {
            var key = (read.Target.DeviceId, read.Ordinal);
            // Two things may have happened to one command: the second meets what the first has made of it.
            var command = changed.GetValueOrDefault(key, read);
            var (next, effect) = step(command, signal);
            if (next != command.State)
                changed[key] = command = command with { State = next, CancelledBy = next.Phase is CommandPhase.Cancelled ? by : command.CancelledBy };
            steps.Add(new(command, effect, 0));
        }

        var woken = changed.Count > 0 && await WriteAsync(session, transaction, changed.Values, steps, now, cancel);
        await transaction.CommitAsync(cancel);
        return new(steps, woken);
    }

    /// <summary>Writes the changes, wakes what stood behind those that ended, and numbers what is to be sent: in one go, since devices wait for it.</summary>
    /// <returns>Whether anything was woken.</returns>
    private static async Task<bool> WriteAsync(
        NpgsqlConnection session, NpgsqlTransaction transaction, IReadOnlyCollection<StoredCommand> changed, List<CommandStep> steps, DateTimeOffset now,
        CancellationToken cancel)
    {
        var ended = changed.Where(c => c.State.EndedAt is not null).Select(c => c.Target.DeviceId).Distinct().ToArray();
        var sending = steps.Where(s => s.Effect is not null).Select(s => s.Command.Target.DeviceId).ToArray();
        await using var batch = new NpgsqlBatch(session, transaction) { BatchCommands = { Update(changed) } };
        var wake = new NpgsqlBatchCommand(Sql.WakeNext) { Parameters = { new("devices", ended), new("now", now.UtcDateTime) } };
        if (ended.Length > 0)
            batch.BatchCommands.Add(wake);
        if (sending.Length > 0)
            batch.BatchCommands.Add(new(Sql.CountDownlink) { Parameters = { new("devices", sending) } });

        var numbers = new Dictionary<string, long>();
        await using (var reader = await batch.ExecuteReaderAsync(cancel))
            while (await reader.ReadAsync(cancel))
                numbers[reader.GetString(0)] = reader.GetInt64(1);

        for (var i = 0; i < steps.Count; i++)
            if (steps[i].Effect is not null)
                steps[i] = steps[i] with { Downlink = numbers[steps[i].Command.Target.DeviceId] };
        return wake.RecordsAffected > 0;
    }

    private static NpgsqlBatchCommand Update(IReadOnlyCollection<StoredCommand> commands)
    {
        var update = new NpgsqlBatchCommand(Sql.UpdateCommands);
        Add("devices", NpgsqlDbType.Text, c => c.Target.DeviceId);
        Add("ordinals", NpgsqlDbType.Bigint, c => c.Ordinal);
        Add("phases", NpgsqlDbType.Text, c => c.State.Phase.Name());
        Add("attempts", NpgsqlDbType.Integer, c => c.State.Attempt);
        Add("doubts", NpgsqlDbType.Integer, c => c.State.Doubts);
        Add("routes", NpgsqlDbType.Text, c => c.State.Route.Name());
        Add("held", NpgsqlDbType.Boolean, c => c.State.MayBeHeld);
        Add("due", NpgsqlDbType.TimestampTz, c => c.State.DueAt?.UtcDateTime);
        Add("sent", NpgsqlDbType.TimestampTz, c => c.State.SentAt?.UtcDateTime);
        Add("acknowledged", NpgsqlDbType.TimestampTz, c => c.State.AcknowledgedAt?.UtcDateTime);
        Add("ended", NpgsqlDbType.TimestampTz, c => c.State.EndedAt?.UtcDateTime);
        Add("cancelled_by", NpgsqlDbType.Text, c => c.CancelledBy);
        Add("reasons", NpgsqlDbType.Text, c => c.State.Reason);
        Add("answers", NpgsqlDbType.Jsonb, c => c.State.Answer is { } answer ? JsonSerializer.Serialize(answer, CommandRow.Json) : null);
        Add("late", NpgsqlDbType.Boolean, c => c.State.Late);
        return update;

        void Add<T>(string name, NpgsqlDbType type, Func<StoredCommand, T> value) =>
            update.Parameters.Add(new(name, NpgsqlDbType.Array | type) { Value = commands.Select(value).ToArray() });
    }

    private static NpgsqlParameter Texts(string name, IEnumerable<string?> values) => new(name, NpgsqlDbType.Array | NpgsqlDbType.Text) { Value = values.ToArray() };

    private static async Task<List<CommandRow>> ReadAsync(DbDataReader reader, CancellationToken cancel)
    {
        var rows = new List<CommandRow>();
        if (!reader.HasRows)
            return rows;
        var row = reader.GetRowParser<CommandRow>();
        while (await reader.ReadAsync(cancel))
            rows.Add(row(reader));
        return rows;
    }
}
