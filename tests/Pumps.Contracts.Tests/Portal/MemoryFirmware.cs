using System.Collections.Immutable;
using System.Globalization;
using Pumps.Core.Firmware;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Firmware;

namespace Pumps.Contracts.Tests.Portal;

/// <summary>Images, rollouts and transfers of one portal in memory.</summary>
internal sealed class MemoryFirmware(MemoryPorts ports) : IFirmwareImages, IRolloutStore
{
    private readonly List<(StoredImage Image, byte[] Content)> _images = [];
    private readonly List<StoredRollout> _rollouts = [];

    public List<StoredTransfer> Transfers { get; } = [];

    /// <summary>Changes the bytes of an image behind the region's back.</summary>
    public void Change(string imageId, Action<byte[]> change) => change(_images.Single(i => i.Image.Id == imageId).Content);

    /// <summary>Sets where the transfer of a device stands.</summary>
    public void Set(string deviceId, Func<TransferState, TransferState> change)
    {
        var at = Transfers.FindIndex(t => t.DeviceId == deviceId);
        Transfers[at] = Transfers[at] with { State = change(Transfers[at].State) };
    }

    public Task<(StoredImage Image, bool IsNew)> AddAsync(StoredImage image, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        if (_images.Find(i => i.Image.Id == image.Id) is { Image: { } there })
            return Task.FromResult((there, false));
        _images.Add((image, content.ToArray()));
        return Task.FromResult((image, true));
    }

    Task<StoredImage?> IFirmwareImages.FindAsync(string id, CancellationToken cancel) => Task.FromResult<StoredImage?>(_images.Find(i => i.Image.Id == id).Image);

    public Task<byte[]> ReadAsync(string id, CancellationToken cancel) => Task.FromResult(_images.Single(i => i.Image.Id == id).Content);

    public Task<Page<StoredImage>> ListAsync(string? product, string? cursor, int limit, CancellationToken cancel) => Task.FromResult(
        PageOf(_images.Select((i, at) => (At: at + 1, Item: i.Image)).Where(i => (product ?? i.Item.Product) == i.Item.Product), cursor, limit));

    public Task<ImageRemoval> RemoveAsync(string id, CancellationToken cancel) => Task.FromResult(
        _rollouts.Any(r => r.Order.ImageId == id && !r.State.Phase.IsOver()) ? ImageRemoval.InUse
        : _images.RemoveAll(i => i.Image.Id == id) > 0 ? ImageRemoval.Removed
        : ImageRemoval.Absent);

    public Task<(RolloutPlacing Placing, StoredRollout? Rollout)> PlaceAsync(NewRollout rollout, DateTimeOffset now, CancellationToken cancel)
    {
        if (_rollouts.Find(r => r.Order.Id == rollout.Id) is { } there)
            return Task.FromResult<(RolloutPlacing, StoredRollout?)>((there.Order.ImageId == rollout.ImageId ? RolloutPlacing.Repeated : RolloutPlacing.IdTaken, there));
        var image = _images.Single(i => i.Image.Id == rollout.ImageId).Image;
        var target = rollout.Target;
        var devices = ports.Devices.Values.Where(d =>
            d.Product == image.Product && (target.Site ?? d.Site) == d.Site && (target.Customer ?? d.Customer) == d.Customer
            && (target.Tag is null || d.Tags.Contains(target.Tag)) && (target.Devices is null || target.Devices.Contains(d.Id))).OrderBy(d => d.Id, StringComparer.Ordinal).ToList();
        if (devices.Count == 0)
            return Task.FromResult<(RolloutPlacing, StoredRollout?)>((RolloutPlacing.NoDevices, null));

        var stored = new StoredRollout(_rollouts.Count + 1, rollout, image.Product, image.Head.Version, RolloutMachine.Begin, 0, devices.Count, now);
        _rollouts.Add(stored);
        Transfers.AddRange(devices.Select((d, place) => new StoredTransfer(
            stored.Number, rollout.Id, d.Id, rollout.Terms.WaveOf(place, devices.Count), image.Id, TransferMachine.Begin, 0, rollout.Window, d.Firmware, null)));
        return Task.FromResult<(RolloutPlacing, StoredRollout?)>((RolloutPlacing.Placed, stored));
    }

    Task<StoredRollout?> IRolloutStore.FindAsync(string id, CancellationToken cancel) => Task.FromResult(_rollouts.Find(r => r.Order.Id == id));

    public Task<Page<StoredRollout>> ListAsync(RolloutPhase? phase, string? cursor, int limit, CancellationToken cancel) => Task.FromResult(
        PageOf(_rollouts.Where(r => (phase ?? r.State.Phase) == r.State.Phase).Select(r => ((int)r.Number, r)), cursor, limit));

    public Task<IReadOnlyList<string>> ListOpenAsync(CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<string>>([.. _rollouts.Where(r => !r.State.Phase.IsOver()).Select(r => r.Order.Id)]);

    public Task<ImmutableArray<WaveCount>> CountAsync(long rolloutNumber, CancellationToken cancel)
    {
        var transfers = Transfers.Where(t => t.RolloutNumber == rolloutNumber).ToList();
        return Task.FromResult(_rollouts.Single(r => r.Number == rolloutNumber).Order.Terms.Waves.Select((_, wave) => new WaveCount(
            transfers.Count(t => t.Wave == wave), Count(wave, TransferPhase.Done), Count(wave, TransferPhase.Failed), Count(wave, TransferPhase.Cancelled))).ToImmutableArray());

        int Count(int wave, TransferPhase phase) => transfers.Count(t => t.Wave == wave && t.State.Phase == phase);
    }

    public Task<bool> KeepAsync(StoredRollout rollout, RolloutState next, RolloutEffect effect, DateTimeOffset now, CancellationToken cancel)
    {
        var at = _rollouts.FindIndex(r => r.Number == rollout.Number && r.Version == rollout.Version);
        if (at < 0)
            return Task.FromResult(false);
        _rollouts[at] = rollout with { State = next, Version = rollout.Version + 1 };
        if (effect is RolloutEffect.CancelTransfers)
            foreach (var waiting in Transfers.Where(t => t.RolloutNumber == rollout.Number && t.State.Phase is TransferPhase.Waiting).Select(t => t.DeviceId).ToList())
                Set(waiting, t => t with { Phase = TransferPhase.Cancelled, EndedAt = now });
        return Task.FromResult(true);
    }

    public Task<Page<StoredTransfer>> ListTransfersAsync(long rolloutNumber, TransferPhase? phase, string? cursor, int limit, CancellationToken cancel)
    {
        var rest = Transfers.Where(t => t.RolloutNumber == rolloutNumber && (phase ?? t.State.Phase) == t.State.Phase && string.CompareOrdinal(t.DeviceId, cursor) > 0)
            .OrderBy(t => t.DeviceId, StringComparer.Ordinal).ToList();
        return Task.FromResult(new Page<StoredTransfer>([.. rest.Take(limit)], rest.Count > limit ? rest[limit - 1].DeviceId : null));
    }

    public Task<IReadOnlyList<StoredTransfer>> ListOfDeviceAsync(string deviceId, int limit, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<StoredTransfer>>([.. Transfers.Where(t => t.DeviceId == deviceId).OrderByDescending(t => t.RolloutNumber).Take(limit)]);

    Task<int> IRolloutStore.RemoveAsync(DateTimeOffset before, int limit, CancellationToken cancel) => throw new NotSupportedException();

    // Newest first, as they were added.
    private static Page<T> PageOf<T>(IEnumerable<(int At, T Item)> all, string? cursor, int limit)
    {
        var before = cursor is null ? int.MaxValue : int.Parse(cursor, CultureInfo.InvariantCulture);
        var rest = all.Where(i => i.At < before).OrderByDescending(i => i.At).ToList();
        return new([.. rest.Take(limit).Select(i => i.Item)], rest.Count > limit ? rest[limit - 1].At.ToString(CultureInfo.InvariantCulture) : null);
    }
}
