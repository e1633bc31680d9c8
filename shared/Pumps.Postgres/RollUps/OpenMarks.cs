namespace Pumps.Postgres;

/// <summary>An hour of a device whose roll-up is due.</summary>
internal readonly record struct HourMark(long Device, DateTimeOffset Hour);

/// <summary>
/// Marks already in the database that the worker cannot have taken yet: those of hours that are still open. They need not be
/// written again with every batch. Marks of closed hours always are: the worker may take them at any moment.
/// </summary>
/// <remarks>
/// The worker leaves an hour alone until <see cref="RollUps.Grace"/> after its end. A transaction that was told "marked already" before
/// the end and commits after the grace would lose its mark; ingest's commands time out long before.
/// </remarks>
internal sealed class OpenMarks(TimeProvider time)
{
    // The open hour of a million devices: about 40 MB. Beyond it marks are repeated, which costs work and nothing else.
    private const int KeptMax = 1_000_000;

    private readonly Lock _lock = new();
    private readonly HashSet<HourMark> _written = [];
    private DateTimeOffset _openHour;

    /// <summary>The marks that a transaction with these rows must write.</summary>
    public IReadOnlyList<HourMark> Due(List<(HistoryKey Key, int Index)> sortedRows)
    {
        var due = new List<HourMark>();
        lock (_lock)
        {
            ForgetClosedHours();
            HourMark last = default;
            foreach (var (key, _) in sortedRows)
            {
                var mark = new HourMark(key.Device, new(key.ObservedTicks - key.ObservedTicks % TimeSpan.TicksPerHour, TimeSpan.Zero));
                if (mark == last)
                    continue;
                last = mark;
                if (!_written.Contains(mark))
                    due.Add(mark);
            }
        }

        return due;
    }

    /// <summary>Remembers marks after their transaction has committed.</summary>
    public void Written(IReadOnlyList<HourMark> marks)
    {
        lock (_lock)
        {
            ForgetClosedHours();
            foreach (var mark in marks)
                if (mark.Hour >= _openHour && _written.Count < KeptMax)
                    _written.Add(mark);
        }
    }

    private void ForgetClosedHours()
    {
        var now = time.GetUtcNow().Ticks;
        var hour = new DateTimeOffset(now - now % TimeSpan.TicksPerHour, TimeSpan.Zero);
        if (hour == _openHour)
            return;
        _openHour = hour;
        _written.RemoveWhere(m => m.Hour < hour);
    }
}
