using System.Diagnostics;
using Pumps.Handlers.Hubs;

namespace Pumps.Handlers.Observability;

/// <summary>
/// The handling of one batch as it is seen from outside: its spans, its time, its line of the ledger. A handler opens it first and says when it
/// is done, after everything the batch caused is durable; a handling that ends before that has failed, and the host brings the batch again.
/// </summary>
public sealed class Handling : IDisposable
{
    private readonly string _service;
    private readonly HubBatch _batch;
    private readonly Ledger _ledger;
    private readonly CancellationToken _cancel;
    private readonly long _started = Stopwatch.GetTimestamp();
    private readonly BatchTrace _trace;
    private bool _done;

    internal Handling(string service, HubBatch batch, Ledger ledger, CancellationToken cancel)
    {
        (_service, _batch, _ledger, _cancel) = (service, batch, ledger, cancel);
        _trace = BatchTrace.Begin(service, batch);
    }

    /// <summary>Keeps what cannot be handled, and counts it by its reason once it is kept.</summary>
    public async Task SetAsideAsync(IDeadLetters store, IReadOnlyList<DeadLetter> letters, CancellationToken cancel)
    {
        if (letters.Count == 0)
            return;
        await store.StoreAsync(letters, cancel);
        foreach (var reason in letters.CountBy(l => l.Code))
            Metrics.DeadLetters.Add(reason.Value, new TagList { { "service", _service }, { "code", reason.Key } });
    }

    public void Done(LedgerEntry entry)
    {
        _done = true;
        var tags = new TagList { { "service", _service }, { "hub", _batch.Hub } };
        _ledger.Record(_service, _batch.Hub, entry);
        Metrics.HandleDuration.Record(Stopwatch.GetElapsedTime(_started).TotalSeconds, tags);
        if (_batch.Events is [var oldest, ..])
            Metrics.EventsAge.Record(_ledger.AgeOf(oldest).TotalSeconds, tags);
    }

    public void Dispose()
    {
        // A host that stops cancels what it has begun: no failure of the batch.
        if (!_done && !_cancel.IsCancellationRequested)
        {
            _trace.Fail();
            Metrics.HandleFailures.Add(1, new TagList { { "service", _service }, { "hub", _batch.Hub } });
        }

        _trace.Dispose();
    }
}
