using System.Security.Cryptography;
using Npgsql;
using Pumps.Contracts.Tests.Postgres;
using Pumps.Core.Firmware;
using Pumps.Core.Protocols;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Firmware;
using Pumps.Postgres;

namespace Pumps.Contracts.Tests.Firmware;

/// <summary>Images, rollouts and transfers in a real database; two pools on it, as two hosts have.</summary>
[NonParallelizable]
public abstract class RolloutFixture : PostgresFixture
{
    private protected const string Product = "irrigation-pump-v2";
    private protected static readonly TimeSpan Lease = TimeSpan.FromMinutes(2);
    private protected static readonly TimeSpan Queued = TimeSpan.FromMinutes(10);

    private protected NpgsqlDataSource Elsewhere { get; private set; } = null!;

    private protected FirmwareImages Images => new(Database);

    private protected RolloutStore Store => new(Database);

    [SetUp]
    public async Task BeginAsync()
    {
        Elsewhere = PostgresSetUp.Again(Database);
        await ExecuteAsync("delete from firmware_transfer; delete from firmware_rollout; delete from firmware_image; delete from device; delete from command_device");
        await Images.AddAsync(Image("image"), Content, Cancel);
    }

    [TearDown]
    public async Task EndAsync() => await Elsewhere.DisposeAsync();

    private protected static byte[] Content { get; } = [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * 7))];

    private protected static StoredImage Image(string id, string product = Product, byte signature = 1) => new(
        id, product, new(Protocol.Dp2, "2.5.0", 1, 65_535, Content.Length, SHA256.HashData(Content), [signature], [2, 3], 1024, 0, [4, 5, 6]), Noon);

    private protected static NewRollout Rollout(string id, GroupTarget? target = null, int[]? waves = null, MaintenanceWindow? window = null) =>
        new(id, "image", target ?? new(), new([.. waves ?? [100]], 95, 5, TimeSpan.FromMinutes(30)), window, "anna");

    private protected static string Device(int number) => $"dp2-{number:x16}";

    private protected Task DevicesAsync(int count, string status = "active", string product = Product, int first = 0) => ExecuteAsync(
        "insert into device (device_id, protocol, offering, product, customer, status, firmware) "
        + $"select 'dp2-' || lpad(to_hex(n), 16, '0'), 'dp2', 'irrigation', '{product}', 'green-valley', '{status}', '2.4.0' "
        + $"from generate_series({first}, {first + count - 1}) as n");

    private protected async Task<StoredRollout> PlaceAsync(NewRollout rollout)
    {
        var (placing, stored) = await Store.PlaceAsync(rollout, Noon, Cancel);
        Assert.That(placing, Is.EqualTo(RolloutPlacing.Placed));
        return stored!;
    }

    /// <summary>A rollout whose first wave has begun.</summary>
    private protected async Task<StoredRollout> StartedAsync(NewRollout rollout)
    {
        var placed = await PlaceAsync(rollout);
        return await StepAsync(placed, placed.State with { Wave = 0 }, RolloutEffect.StartWave);
    }

    private protected async Task<StoredRollout> StepAsync(StoredRollout rollout, RolloutState next, RolloutEffect effect = RolloutEffect.None)
    {
        Assert.That(await Store.KeepAsync(rollout, next, effect, Noon, Cancel), Is.True);
        return (await Store.FindAsync(rollout.Order.Id, Cancel))!;
    }

    private protected Task<StoredRollout> PhaseAsync(StoredRollout rollout, RolloutPhase phase) =>
        StepAsync(rollout, rollout.State with { Phase = phase });

    private protected async Task<StoredTransfer> TakeAsync(string device, DateTimeOffset? now = null) =>
        (await Store.TakeAsync(device, now ?? Noon, Lease, Cancel) ?? throw new AssertionException($"{device} cannot be taken")).Transfer;

    /// <summary>A device whose transfer has come to a phase and is due at a time.</summary>
    private protected async Task ComeToAsync(string device, TransferPhase phase, DateTimeOffset? due)
    {
        var taken = await TakeAsync(device);
        await Store.KeepAsync(taken, taken.State with { Phase = phase, DueAt = due, EndedAt = phase.IsOver() ? Noon : null }, Noon, TimeSpan.Zero, Cancel);
    }
}
