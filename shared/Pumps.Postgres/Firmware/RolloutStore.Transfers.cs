using System.Text.Json;
using Dapper;
using Npgsql;
using Pumps.Core.Commands;
using Pumps.Core.Firmware;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Firmware;

namespace Pumps.Postgres;

/// <content>Transfers: found, taken, kept, woken.</content>
public sealed partial class RolloutStore
{
    // The largest frame: a DP2 chunk of 4 KB, which base64 makes longer.
    private const int FrameUnitsMax = 2;

    private static readonly string[] Open = [.. Enum.GetValues<TransferPhase>().Where(p => !p.IsOver()).Select(p => p.Name())];
    private static readonly string[] Held = [.. Enum.GetValues<TransferPhase>().Where(p => p.CanPause()).Select(p => p.Name())];

    public async Task<Page<StoredTransfer>> ListTransfersAsync(
        long rolloutNumber, TransferPhase? phase, string? cursor, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<TransferRow>(new CommandDefinition(
            Sql.ListTransfers, new { rollout = rolloutNumber, phase = phase?.Name(), after = cursor ?? "", limit = limit + 1 }, cancellationToken: cancel))).AsList();
        return new([.. rows.Take(limit).Select(r => r.ToTransfer())], rows.Count > limit ? rows[limit - 1].Device_Id : null);
    }

    public async Task<IReadOnlyList<StoredTransfer>> ListOfDeviceAsync(string deviceId, int limit, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = await session.QueryAsync<TransferRow>(
            new CommandDefinition(Sql.ListDeviceTransfers, new { device = deviceId, limit }, cancellationToken: cancel));
        return [.. rows.Select(r => r.ToTransfer())];
    }

    public async Task<IReadOnlyList<string>> ClaimAsync(DateTimeOffset now, TimeSpan queuedFor, int activeMax, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(Sql.LockClaim, transaction: transaction, cancellationToken: cancel));
        var devices = await session.QueryAsync<string>(new CommandDefinition(
            Sql.ClaimTransfers,
            new { phases = Open, held = Held, now = now.UtcDateTime, until = (now + queuedFor).UtcDateTime, active = activeMax }, transaction, cancellationToken: cancel));
        await transaction.CommitAsync(cancel);
        return devices.AsList();
    }

    public async Task<int> TakeOverAsync(CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.ExecuteAsync(new CommandDefinition(Sql.TakeOverTransfers, cancellationToken: cancel));
    }

    public async Task<TakenTransfer?> TakeAsync(string deviceId, DateTimeOffset now, TimeSpan lease, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await using var transaction = await session.BeginTransactionAsync(cancel);
        var isTaken = await session.QuerySingleOrDefaultAsync<bool>(new CommandDefinition(
            Sql.TakeTransfer, new { device = deviceId, held = Held, now = now.UtcDateTime, until = (now + lease).UtcDateTime }, transaction, cancellationToken: cancel));
        var row = isTaken
            ? await session.QuerySingleAsync<TransferRow>(new CommandDefinition(Sql.ReadTransfer, new { device = deviceId }, transaction, cancellationToken: cancel))
            : null;
        await transaction.CommitAsync(cancel);
        return row is null ? null : new(row.ToTransfer(), RolloutPhases.Parse(row.Rollout_Phase!) is RolloutPhase.Aborting, row.Is_Foreign);
    }

    public async Task NoteAsync(StoredTransfer transfer, TransferState next, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(
            Sql.NoteTransfer,
            new { device = transfer.DeviceId, rollout = transfer.RolloutNumber, transfer.Version, phase = next.Phase.Name(), state = Write(next) }, cancellationToken: cancel));
    }

    public async Task<bool?> KeepAsync(StoredTransfer transfer, TransferState next, DateTimeOffset now, TimeSpan queuedFor, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return await session.QuerySingleOrDefaultAsync<bool?>(new CommandDefinition(Sql.KeepTransfer, new
        {
            device = transfer.DeviceId,
            rollout = transfer.RolloutNumber,
            transfer.Version,
            phase = next.Phase.Name(),
            held = Held,
            state = Write(next),
            due = next.DueAt?.UtcDateTime,
            ended = next.EndedAt?.UtcDateTime,
            now = now.UtcDateTime,
            until = (now + queuedFor).UtcDateTime,
        }, cancellationToken: cancel));
    }

    public async Task WakeAsync(IReadOnlyList<string> deviceIds, DateTimeOffset at, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(Sql.WakeTransfers, new { devices = deviceIds.ToArray(), at = at.UtcDateTime }, cancellationToken: cancel));
    }

    public async Task<(int Frames, long Downlink)> TakePaceAsync(
        string deviceId, int frames, int units, bool urgent, Pace methods, DateTimeOffset now, CancellationToken cancel)
    {
        // However low the pace is, a full bucket has room for the largest frame: so much is saved up, and the commands' half is smaller then.
        var burst = Math.Max(FrameUnitsMax, methods.Burst);
        var reserve = urgent ? 0 : Math.Min(methods.Burst / 2, burst - FrameUnitsMax);
        var (route, devices) = (CommandRoute.Method.Name(), new[] { deviceId });
        await using var session = await database.OpenConnectionAsync(cancel);
        // One transaction, in one go: the pace is held no longer than it takes to write.
        await using var batch = new NpgsqlBatch(session)
        {
            BatchCommands =
            {
                new(Sql.MakeTurns) { Parameters = { new("devices", devices) } },
                new(Sql.TakeTurns) { Parameters = { new("devices", devices) } },
                new(Sql.TakePace)
                {
                    Parameters =
                    {
                        new("route", route), new("wanted", frames * units), new("step", units), new("per_second", methods.PerSecond), new("burst", burst),
                        new("reserve", reserve), new("now", now.UtcDateTime),
                    },
                },
                new(Sql.NumberFrames) { Parameters = { new("device", deviceId), new("route", route), new("units", units) } },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancel);
        // The turn and the pace come first.
        await reader.NextResultAsync(cancel);
        await reader.NextResultAsync(cancel);
        await reader.ReadAsync(cancel);
        return (reader.GetInt32(0), reader.GetInt64(1));
    }

    /// <summary>Without the time at which it is due: that is a column, which is not only its driver's to write.</summary>
    private static string Write(TransferState state) => JsonSerializer.Serialize(state with { DueAt = null }, Json);

    /// <summary>A row of firmware_transfer with what belongs to it, with the names of their columns.</summary>
    private sealed class TransferRow
    {
        public long Rollout_No { get; init; }
        public string Rollout_Id { get; init; } = "";
        public string Device_Id { get; init; } = "";
        public int Wave { get; init; }
        public string Image_Id { get; init; } = "";
        public string State { get; init; } = "";
        public DateTime? Due_At { get; init; }
        public long Version { get; init; }
        public string? Maintenance { get; init; }
        public string? Running { get; init; }
        public string? Time_Zone { get; init; }
        public DateTime? Resumed_At { get; init; }
        public string? Rollout_Phase { get; init; }
        public bool Is_Foreign { get; init; }

        public StoredTransfer ToTransfer() => new(
            Rollout_No, Rollout_Id, Device_Id, Wave, Image_Id, Read<TransferState>(State) with { DueAt = Due_At }, Version, ReadWindow(Maintenance), Running, Time_Zone,
            Resumed_At);
    }
}
