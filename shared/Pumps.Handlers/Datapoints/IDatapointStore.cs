namespace Pumps.Handlers.Datapoints;

/// <summary>Where observations are kept. PostgreSQL in both worlds. All writes are safe to repeat.</summary>
public interface IDatapointStore
{
    /// <summary>Keeps the newest value of every datapoint: newest by <see cref="Observation.ObservedAt"/>, never by arrival.</summary>
    Task KeepLatestAsync(string offering, IReadOnlyList<Observation> observations, CancellationToken cancel);

    /// <summary>Appends one record per observation and marks its hour for the roll-ups, in one transaction. An observation that is there already is ignored.</summary>
    /// <returns>How many were new.</returns>
    Task<int> AppendHistoryAsync(string offering, IReadOnlyList<Observation> observations, CancellationToken cancel);
}
