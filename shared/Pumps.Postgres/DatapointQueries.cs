using System.Text.Json;
using Dapper;
using Npgsql;
using Pumps.Core.Devices;
using Pumps.Handlers.Datapoints;

namespace Pumps.Postgres;

/// <summary>Reads devices, newest values and the past.</summary>
public sealed class DatapointQueries(NpgsqlDataSource database, Counters counters) : IDatapointQueries
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    // Buckets start where date_bin's origin says, a Monday: weeks begin on Monday.
    private static readonly DateTimeOffset Origin = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public async Task<Page<DeviceSummary>> ListDevicesAsync(DeviceFilter filter, string? cursor, int limit, bool withLatest, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = (await session.QueryAsync<DeviceRow>(new CommandDefinition(
            Sql.ListDevices,
            new
            {
                filter.Offering,
                filter.Customer,
                filter.Site,
                filter.Tag,
                Status = filter.Status?.Name(),
                after = cursor ?? "",
                limit = limit + 1,
                with_latest = withLatest,
            },
            cancellationToken: cancel))).AsList();
        DeviceSummary[] items = [.. rows.Take(limit).Select(r => r.ToSummary())];
        return new(items, rows.Count > limit ? items[^1].Id : null);
    }

    public async Task<DeviceSummary?> FindDeviceAsync(string deviceId, CancellationToken cancel)
    {
        await using var session = await database.OpenConnectionAsync(cancel);
        return (await session.QuerySingleOrDefaultAsync<DeviceRow>(
            new CommandDefinition(Sql.FindDevice, new { id = deviceId }, cancellationToken: cancel)))?.ToSummary();
    }

    public async Task<IReadOnlyList<HistoryPoint>> QueryHistoryAsync(HistoryQuery query, CancellationToken cancel)
    {
        var (statement, from, readFrom) = query.Bucket switch
        {
            null => (Sql.QueryRaw, query.From, query.From),
            { } width when width <= TimeSpan.Zero => throw new ArgumentException("A bucket must be longer than nothing.", nameof(query)),
            { } width when width < Hour => (Sql.QueryBuckets, query.From, query.Aggregate is Aggregate.Increase ? Floor(query.From, Hour) : query.From),
            { } width when width.Ticks % Hour.Ticks == 0 => (Sql.QueryRolledUp, Floor(query.From, width), query.From),
            _ => throw new ArgumentException($"A bucket of {query.Bucket} is not possible: from an hour on it must be whole hours.", nameof(query)),
        };

        var parameters = new
        {
            device = query.DeviceId,
            point = query.Point,
            from = from.UtcDateTime,
            read_from = readFrom.UtcDateTime,
            to = query.To.UtcDateTime,
            width = query.Bucket ?? Hour,
            whole_days = query.Bucket is { } bucket && bucket.Ticks % TimeSpan.TicksPerDay == 0,
            aggregate = query.Aggregate switch
            {
                Aggregate.Mean => "mean",
                Aggregate.Min => "min",
                Aggregate.Max => "max",
                Aggregate.Last => "last",
                Aggregate.Count => "count",
                Aggregate.Increase => "increase",
                _ => throw new ArgumentException($"There is no aggregate {query.Aggregate}.", nameof(query)),
            },
            limit = query.Limit,
            protocols = counters.Protocols,
            points = counters.Points,
            moduli = counters.Moduli,
        };
        await using var session = await database.OpenConnectionAsync(cancel);
        var rows = await session.QueryAsync<(DateTime At, string Value)>(new CommandDefinition(statement, parameters, cancellationToken: cancel));
        return [.. rows.Select(r => new HistoryPoint(r.At, r.Value))];
    }

    private static DateTimeOffset Floor(DateTimeOffset time, TimeSpan width)
    {
        var rest = (time - Origin).Ticks % width.Ticks;
        return time.AddTicks(rest < 0 ? -rest - width.Ticks : -rest);
    }

    private sealed class DeviceRow
    {
        public string Device_Id { get; init; } = "";
        public string Protocol { get; init; } = "";
        public string Offering { get; init; } = "";
        public string Product { get; init; } = "";
        public string Customer { get; init; } = "";
        public string? Site_Id { get; init; }
        public string[] Tags { get; init; } = [];
        public string Status { get; init; } = "";
        public string? Model { get; init; }
        public string? Firmware { get; init; }
        public DateTime? Retired_At { get; init; }
        public string? Phase { get; init; }
        public DateTime? Since { get; init; }
        public DateTime? Owned_Since { get; init; }
        public DateTime? Seen_At { get; init; }
        public string? Observations { get; init; }

        public DeviceSummary ToSummary() => new(Device_Id, Protocol, Offering, Product, Customer, Seen_At, Observations is null ? null : ReadLatest(Observations))
        {
            Site = Site_Id,
            OwnedSince = Owned_Since,
            Tags = Tags,
            Status = DeviceStatuses.Parse(Status) ?? throw new InvalidDataException($"The device {Device_Id} has the unknown status \"{Status}\"."),
            Model = Model,
            Firmware = Firmware,
            RetiredAt = Retired_At,
            Connection = Since is { } since ? new(Phase is not "offline", since) : null,
        };
    }

    // LatestDocuments: [[observed at, sequence, {name: value}, {name: quality, or an object with the raw value beside it}?], ...].
    private static Dictionary<string, LatestPoint> ReadLatest(string json)
    {
        using var document = JsonDocument.Parse(json);
        var latest = new Dictionary<string, LatestPoint>(StringComparer.Ordinal);
        foreach (var observation in document.RootElement.EnumerateArray())
        {
            var at = DateTimeOffset.FromUnixTimeMilliseconds(observation[0].GetInt64());
            foreach (var point in observation[2].EnumerateObject())
                latest[point.Name] = new(point.Value.GetRawText(), "good", at);
            if (observation.GetArrayLength() > 3)
                foreach (var point in observation[3].EnumerateObject())
                    latest[point.Name] = point.Value.ValueKind is JsonValueKind.Object
                        ? new(point.Value.TryGetProperty("value", out var value) ? value.GetRawText() : null, point.Value.GetProperty("quality").GetString()!, at)
                        : new(null, point.Value.GetString()!, at);
        }

        return latest;
    }
}
