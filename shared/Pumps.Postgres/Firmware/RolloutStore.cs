using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Dapper;
using Npgsql;
using Pumps.Core.Firmware;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Firmware;

namespace Pumps.Postgres;

/// <summary>Rollouts in PostgreSQL: one row each, and one for each device of it.</summary>
public sealed partial class RolloutStore(NpgsqlDataSource database) : IRolloutStore, ITransferStore
{
    // A statement that goes over all devices of a rollout, or waits for one that does: a million take half a minute.
    private const int LongStatementSeconds = 600;

    /// <summary>How states are stored, and what was asked. A test pins it: a running rollout must survive a new version.</summary>
    private static readonly JsonSerializerOptions Json = OrderTable.Json;

    public async Task<(RolloutPlacing Placing, StoredRollout? Rollout)> PlaceAsync(NewRollout rollout, DateTimeOffset now, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        await session.ExecuteAsync(Long(Sql.LockPlacing, null, transaction, cancel));
        if (await FindAsync(session, transaction, rollout.Id, cancel) is { } stored)
            return (Asked(stored.Order) == Asked(rollout) ? RolloutPlacing.Repeated : RolloutPlacing.IdTaken, stored);

        var target = new { rollout.Target.Site, rollout.Target.Tag, rollout.Target.Customer, devices = rollout.Target.Devices?.ToArray(), image = rollout.ImageId };
        if (await session.QuerySingleOrDefaultAsync<(string Product, string Version, int Devices)?>(
            Long(Sql.CountRolloutTargets, target, transaction, cancel)) is not var (product, firmware, devices))
            return (RolloutPlacing.NoImage, null);

        var placed = await session.ExecuteAsync(Long(Sql.PlaceRollout, new
        {
            rollout.Id,
            target.image,
            product,
            firmware,
            target = JsonSerializer.Serialize(rollout.Target, Json),
            terms = JsonSerializer.Serialize(rollout.Terms, Json),
            maintenance = rollout.Window is { } window ? JsonSerializer.Serialize(window, Json) : null,
            rollout.By,
            phase = RolloutMachine.Begin.Phase.Name(),
            state = JsonSerializer.Serialize(RolloutMachine.Begin, Json),
            transfer_phase = TransferMachine.Begin.Phase.Name(),
            transfer_state = Write(TransferMachine.Begin),
            reached = rollout.Terms.Reached(devices).ToArray(),
            now = now.UtcDateTime,
            target.Site,
            target.Tag,
            target.Customer,
            target.devices,
        }, transaction, cancel));
        if (placed == 0)
            return (RolloutPlacing.NoDevices, null);
        var created = await FindAsync(session, transaction, rollout.Id, cancel);
        await transaction.CommitAsync(cancel);
        return (RolloutPlacing.Placed, created);
    }

    public async Task<StoredRollout?> FindAsync(string id, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await FindAsync(session, null, id, cancel);
    }

    public async Task<Page<StoredRollout>> ListAsync(RolloutPhase? phase, string? cursor, int limit, CancellationToken cancel)
    {
        var before = ReadCursor(cursor);
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<RolloutRow>(
            new CommandDefinition(Sql.ListRollouts, new { phase = phase?.Name(), before, limit = limit + 1 }, cancellationToken: cancel))).AsList();
        return new([.. rows.Take(limit).Select(r => r.ToRollout())],
            rows.Count > limit ? rows[limit - 1].Rollout_No.ToString(CultureInfo.InvariantCulture) : null);
    }

    public async Task<IReadOnlyList<string>> ListOpenAsync(CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return [.. await session.QueryAsync<string>(new CommandDefinition(Sql.ListOpenRollouts, cancellationToken: cancel))];
    }

    public async Task<ImmutableArray<WaveCount>> CountAsync(long rolloutNumber, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = await session.QueryAsync<(int Devices, int Done, int Failed, int Cancelled)>(
            Long(Sql.CountTransfers, new { rollout = rolloutNumber }, null, cancel));
        return [.. rows.Select(r => new WaveCount(r.Devices, r.Done, r.Failed, r.Cancelled))];
    }

    public async Task<bool> KeepAsync(StoredRollout rollout, RolloutState next, RolloutEffect effect, DateTimeOffset now, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        var kept = await session.ExecuteAsync(Long(Sql.KeepRollout, new
        {
            rollout = rollout.Number,
            rollout.Version,
            phase = next.Phase.Name(),
            state = JsonSerializer.Serialize(next, Json),
            ended = next.EndedAt?.UtcDateTime,
        }, transaction, cancel));
        if (kept == 0)
            return false;

        switch (effect)
        {
            case RolloutEffect.StartWave:
                await session.ExecuteAsync(Long(Sql.StartWave, new { rollout = rollout.Number, next.Wave, now = now.UtcDateTime }, transaction, cancel));
                break;
            case RolloutEffect.CancelTransfers:
                var cancelled = Cancelled(now);
                await session.ExecuteAsync(Long(Sql.CancelWaiting,
                    new { rollout = rollout.Number, phase = cancelled.Phase.Name(), state = Write(cancelled), now = now.UtcDateTime }, transaction, cancel));
                await session.ExecuteAsync(Long(Sql.RecallTransfers,
                    new { rollout = rollout.Number, phases = Held, now = now.UtcDateTime }, transaction, cancel));
                break;
            default:
                break;
        }

        await transaction.CommitAsync(cancel);
        return true;
    }

    public async Task<int> RemoveAsync(DateTimeOffset before, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        var removed = await session.ExecuteAsync(
            new CommandDefinition(Sql.RemoveTransfers, new { before = before.UtcDateTime, limit }, transaction, cancellationToken: cancel));
        await session.ExecuteAsync(new CommandDefinition(Sql.RemoveRollouts, new { before = before.UtcDateTime }, transaction, cancellationToken: cancel));
        await transaction.CommitAsync(cancel);
        return removed;
    }

    /// <summary>Where a list that is ordered by numbers, newest first, goes on.</summary>
    internal static long ReadCursor(string? cursor) =>
        cursor is null ? long.MaxValue
        : long.TryParse(cursor, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : throw new ArgumentException($"\"{cursor}\" is not a cursor of this list. Begin without one.", nameof(cursor));

    /// <summary>What a waiting transfer becomes when its rollout is aborted; all of them are the same.</summary>
    private static TransferState Cancelled(DateTimeOffset now) =>
        TransferMachine.Step(TransferMachine.Begin, new TransferSignal.Aborted(), now, default, TransferLimits.Default).Next;

    /// <summary>What makes two rollouts of one id the same; who places it does not.</summary>
    private static string Asked(NewRollout rollout) => JsonSerializer.Serialize(rollout with { By = "" }, Json);

    private static CommandDefinition Long(string statement, object? parameters, NpgsqlTransaction? transaction, CancellationToken cancel) =>
        new(statement, parameters, transaction, LongStatementSeconds, cancellationToken: cancel);

    private static async Task<StoredRollout?> FindAsync(NpgsqlConnection session, NpgsqlTransaction? transaction, string id, CancellationToken cancel) =>
        (await session.QuerySingleOrDefaultAsync<RolloutRow>(new CommandDefinition(Sql.FindRollout, new { id }, transaction, cancellationToken: cancel)))?.ToRollout();

    private static T Read<T>(string document) => JsonSerializer.Deserialize<T>(document, Json)!;

    private static MaintenanceWindow? ReadWindow(string? document) => document is null ? null : Read<MaintenanceWindow>(document);

    /// <summary>A row of firmware_rollout, with the names of its columns.</summary>
    private sealed class RolloutRow
    {
        public long Rollout_No { get; init; }
        public string Rollout_Id { get; init; } = "";
        public string Image_Id { get; init; } = "";
        public string Product { get; init; } = "";
        public string Firmware { get; init; } = "";
        public string Target { get; init; } = "";
        public string Terms { get; init; } = "";
        public string? Maintenance { get; init; }
        public string Placed_By { get; init; } = "";
        public int Devices { get; init; }
        public string State { get; init; } = "";
        public long Version { get; init; }
        public DateTime Created_At { get; init; }

        public StoredRollout ToRollout() => new(
            Rollout_No,
            new(Rollout_Id, Image_Id, Read<GroupTarget>(Target), Read<RolloutTerms>(Terms), ReadWindow(Maintenance), Placed_By),
            Product, Firmware, Read<RolloutState>(State), Version, Devices, Created_At);
    }
}
