using System.Collections.Concurrent;
using Dapper;
using Npgsql;
using Pumps.Handlers.Datapoints;

namespace Pumps.Postgres;

/// <summary>Text ids to internal keys. A key never changes and is never reused, so the memory of it cannot be wrong.</summary>
internal sealed class DeviceKeys(NpgsqlDataSource database)
{
    // About 100 bytes each: 100 MB. Beyond it the memory starts anew, and a batch of unknown ids costs two statements.
    private const int KeptMax = 1_000_000;

    private readonly ConcurrentDictionary<string, long> _known = new(StringComparer.Ordinal);

    /// <summary>Keys in the order of the observations; devices not heard of before get a row.</summary>
    public async ValueTask<long[]> ResolveAsync(string offering, IReadOnlyList<Observation> observations, CancellationToken cancel)
    {
        var keys = new long[observations.Count];
        if (TryFill(observations, keys) is { Count: > 0 } unknown)
        {
            await AddAsync(offering, unknown, cancel);
            if (TryFill(observations, keys) is { Count: > 0 } missing)
                throw new InvalidOperationException($"No row for device {missing.Min} although it was just inserted.");
        }

        return keys;
    }

    private SortedSet<string>? TryFill(IReadOnlyList<Observation> observations, long[] keys)
    {
        SortedSet<string>? unknown = null;
        for (var i = 0; i < keys.Length; i++)
            if (!_known.TryGetValue(observations[i].DeviceId, out keys[i]))
                (unknown ??= new(StringComparer.Ordinal)).Add(observations[i].DeviceId);
        return unknown;
    }

    private async Task AddAsync(string offering, SortedSet<string> unknown, CancellationToken cancel)
    {
        if (_known.Count + unknown.Count > KeptMax)
            _known.Clear();

        string[] ids = [.. unknown];
        await using var session = await database.OpenConnectionAsync(cancel);
        await session.ExecuteAsync(new CommandDefinition(Sql.InsertDevices, new { ids, offering }, cancellationToken: cancel));
        foreach (var (id, key) in await session.QueryAsync<(string, long)>(new CommandDefinition(Sql.SelectDeviceKeys, new { ids }, cancellationToken: cancel)))
            _known[id] = key;
    }
}
