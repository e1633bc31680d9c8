using Pumps.Handlers.Hubs;
using Pumps.Handlers.Observability;

namespace Pumps.Handlers.Datapoints;

/// <summary>Keeps the newest value of every datapoint of one feed.</summary>
/// <remarks>
/// Safe to run twice on the same batch, and with batches in any order: the newest by <c>observedAt</c> wins. Events without datapoints are
/// filtered. What is not an observation goes to the dead letters. If a port fails, the exception goes up, and the host must bring the batch again.
/// </remarks>
public sealed class KeepLatest(IDatapointStore store, IDeadLetters deadLetters, Ledger ledger)
{
    public const string Service = "latest";

    public Task HandleAsync(HubBatch batch, CancellationToken cancel) =>
        ObservationBatch.HandleAsync(Service, batch, deadLetters, ledger, async observations =>
        {
            await store.KeepLatestAsync(ObservationBatch.OfferingOf(batch), observations, cancel);
            return observations.Count;
        }, cancel);
}

/// <summary>Appends every observation of one feed to the history.</summary>
/// <remarks>Safe to run twice on the same batch: an observation that is there already is ignored and counted as duplicate. Otherwise as <see cref="KeepLatest"/>.</remarks>
public sealed class KeepHistory(IDatapointStore store, IDeadLetters deadLetters, Ledger ledger)
{
    public const string Service = "history";

    public Task HandleAsync(HubBatch batch, CancellationToken cancel) =>
        ObservationBatch.HandleAsync(Service, batch, deadLetters, ledger,
            observations => store.AppendHistoryAsync(ObservationBatch.OfferingOf(batch), observations, cancel), cancel);
}

/// <summary>What both keepers do with a batch: read it, set aside what is no observation, store, account for every event.</summary>
internal static class ObservationBatch
{
    public static async Task HandleAsync(
        string service, HubBatch batch, IDeadLetters deadLetters, Ledger ledger, Func<IReadOnlyList<Observation>, Task<int>> store, CancellationToken cancel)
    {
        using var handling = ledger.Begin(service, batch, cancel);
        var observations = new List<Observation>(batch.Events.Count);
        var bad = new List<DeadLetter>();
        var filtered = 0;

        foreach (var e in batch.Events)
        {
            try
            {
                if (ObservationReader.TryRead(e, out var observation))
                    observations.Add(observation);
                else
                    filtered++;
            }
            catch (FormatException fault)
            {
                bad.Add(new(batch.Hub, batch.Partition, e.Sequence, e.EnqueuedAt, e.Key, "invalid_observation", fault.Message, e.Properties, e.Body));
            }
        }

        var stored = observations.Count == 0 ? 0 : await store(observations);
        await handling.SetAsideAsync(deadLetters, bad, cancel);
        handling.Done(new(batch.Events.Count, stored, bad.Count, observations.Count - stored, filtered));
    }

    /// <summary>The offering whose feed this is: the hub's name before its last dash.</summary>
    public static string OfferingOf(HubBatch batch) => batch.Hub[..batch.Hub.LastIndexOf('-')];
}
