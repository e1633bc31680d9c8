namespace Pumps.Handlers.Hubs;

/// <summary>A message that could not be handled, kept with its body so that it can be replayed after a fix.</summary>
/// <param name="Hub">Hub, partition and sequence: where it was read. Unique: storing it twice keeps one.</param>
/// <param name="Code">Stable error code: a decoder's E_ code, or <c>untagged_device</c>, <c>unknown_offering</c>, ...</param>
public sealed record DeadLetter(
    string Hub, string Partition, long Sequence, DateTimeOffset EnqueuedAt, string DeviceId, string Code, string Detail,
    EventProperties Properties, ReadOnlyMemory<byte> Body);

/// <summary>Keeps dead letters. PostgreSQL in both worlds.</summary>
public interface IDeadLetters
{
    /// <summary>Safe to repeat: a letter with the same hub, partition and sequence is kept once.</summary>
    Task StoreAsync(IReadOnlyList<DeadLetter> letters, CancellationToken cancel);
}

/// <summary>A dead letter as it is listed, newest first.</summary>
/// <param name="Id">Its key in lists and on replay.</param>
public sealed record StoredDeadLetter(long Id, DeadLetter Letter, DateTimeOffset StoredAt, DateTimeOffset? ReplayedAt);

/// <summary>Lists dead letters and marks the replayed ones.</summary>
public interface IDeadLetterQueries
{
    Task<Datapoints.Page<StoredDeadLetter>> ListAsync(string? code, string? cursor, int limit, CancellationToken cancel);

    Task<StoredDeadLetter?> FindAsync(long id, CancellationToken cancel);

    Task MarkReplayedAsync(long id, CancellationToken cancel);

    /// <summary>How many letters there are by code, those not replayed.</summary>
    Task<IReadOnlyDictionary<string, long>> CountByCodeAsync(CancellationToken cancel);
}
