using System.Collections.Concurrent;
using Pumps.Handlers.Hubs;

namespace Pumps.Handlers.Observability;

/// <summary>What became of the events of one batch. The sum on the right must equal <see cref="In"/>.</summary>
public readonly record struct LedgerEntry(long In, long Out, long DeadLettered, long Duplicate, long Filtered)
{
    /// <summary>Events unaccounted for; anything but zero is a bug.</summary>
    public long Difference => In - (Out + DeadLettered + Duplicate + Filtered);

    public static LedgerEntry operator +(LedgerEntry a, LedgerEntry b) =>
        new(a.In + b.In, a.Out + b.Out, a.DeadLettered + b.DeadLettered, a.Duplicate + b.Duplicate, a.Filtered + b.Filtered);
}

/// <summary>One line of the ledger: a service, the hub it reads, a minute (UTC).</summary>
public readonly record struct LedgerKey(string Service, string Hub, DateTimeOffset Minute);

/// <summary>
/// The conservation ledger: per service, hub and minute, <c>in = out + dead-lettered + duplicate + filtered</c>.
/// Handlers record a batch once, by the end of its <see cref="Handling"/>.
/// </summary>
public sealed class Ledger(TimeProvider time)
{
    // A day of minutes per service and hub is kept; older lines fold into the totals.
    private static readonly TimeSpan Kept = TimeSpan.FromHours(24);

    private readonly ConcurrentDictionary<LedgerKey, LedgerEntry> _lines = new();
    private readonly ConcurrentDictionary<(string Service, string Hub), LedgerEntry> _totals = new();
    private long _swept;

    /// <summary>Begins the handling of a batch; see <see cref="Handling"/>.</summary>
    public Handling Begin(string service, HubBatch batch, CancellationToken cancel) => new(service, batch, this, cancel);

    internal TimeSpan AgeOf(HubEvent e)
    {
        // The hub's clock may be ahead of this one.
        var age = time.GetUtcNow() - e.EnqueuedAt;
        return age > TimeSpan.Zero ? age : TimeSpan.Zero;
    }

    public void Record(string service, string hub, LedgerEntry entry)
    {
        var now = time.GetUtcNow();
        var minute = new DateTimeOffset(now.Ticks - now.Ticks % TimeSpan.TicksPerMinute, TimeSpan.Zero);
        _lines.AddOrUpdate(new(service, hub, minute), entry, (_, old) => old + entry);
        _totals.AddOrUpdate((service, hub), entry, (_, old) => old + entry);
        Metrics.Record(service, hub, entry);

        if (Interlocked.Exchange(ref _swept, minute.Ticks) != minute.Ticks)
            foreach (var key in _lines.Keys)
                if (key.Minute < minute - Kept)
                    _lines.TryRemove(key, out _);
    }

    public IReadOnlyList<KeyValuePair<LedgerKey, LedgerEntry>> Lines => [.. _lines.OrderBy(l => l.Key.Minute).ThenBy(l => l.Key.Service)];

    /// <summary>Sums since the process started.</summary>
    public IReadOnlyDictionary<(string Service, string Hub), LedgerEntry> Totals => _totals;
}
