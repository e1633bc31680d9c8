using System.Globalization;
using System.Text.RegularExpressions;
using Pumps.Handlers.Datapoints;

namespace Pumps.Handlers.Portal;

/// <summary>A question about the past as it was asked, before anything is checked.</summary>
public sealed record HistoryRequest(string DeviceId, string Point, string? From, string? To, string? Bucket, string? Aggregate, int? Limit);

/// <summary>What was kept of one datapoint. Without bucket <paramref name="Next"/> is the <c>from</c> of the rest, null when that is all.</summary>
public sealed record History(
    string Product, DateTimeOffset From, DateTimeOffset To, TimeSpan? Bucket, Aggregate? Aggregate, IReadOnlyList<HistoryPoint> Points, DateTimeOffset? Next);

/// <summary>Answers questions about the past of one datapoint.</summary>
/// <remarks>
/// The range is <c>from &lt;= t &lt; to</c>. With buckets both ends move outwards to whole buckets (UTC), so that the first and the last are
/// as full as the others. Every limit refuses; nothing is cut silently. For all but ops the range begins when the device began to work for its
/// present owner, and with buckets with the first whole one after that; the answer says so.
/// </remarks>
public sealed partial class ReadHistory(IDatapointQueries queries, TimeProvider time)
{
    /// <summary>Points in one answer: what a chart can show, and about 500 kB.</summary>
    public const int PointsMax = 10_000;

    public const string InstantForm = "an instant like 2025-06-01T12:00:00Z (\"+\" in an offset is written %2B), or relative to now like -24h, -30m, -7d, or now";
    public const string BucketForm = "a bucket that divides the hour (1s, 15s, 1m, 5m, 15m, 30m), whole hours that divide the day (1h, 2h, 3h, 4h, 6h, 8h, 12h), or days from 1d to 366d";

    // Observations older than the platform are broken clocks; a decade in one answer is a mistake in the question.
    private static readonly DateTimeOffset Earliest = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan RangeMax = TimeSpan.FromDays(3660);

    // Where buckets of several days are counted from, in the database's queries too: a Monday, so that weeks begin on Monday.
    private static readonly DateTimeOffset Origin = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public async Task<Answer<History>> HandleAsync(HistoryRequest request, bool toOps, CancellationToken cancel)
    {
        var faults = new List<Fault>();
        var now = time.GetUtcNow();
        var from = Instant("from", request.From ?? "-24h", now, faults);
        var to = Instant("to", request.To ?? "now", now, faults);
        var bucket = request.Bucket is null ? null : BucketOf(request.Bucket, faults);
        var aggregate = AggregateOf(request, faults);
        var limit = request.Limit ?? PointsMax;

        if (request.Point.Length > 200 || !PointName().IsMatch(request.Point))
            faults.Add(new("invalid_point", "point", request.Point, "the name of a datapoint, with its path where it has one: flow, pumps[1].flow, #900"));
        if (faults.Count == 0 && to <= from)
            faults.Add(new("empty_range", "to", request.To ?? "now", $"later than from, which is {InstantConverter.Text(from)}"));
        if (faults.Count == 0 && to - from > RangeMax)
            faults.Add(new("range_too_long", "from", request.From, $"at most {RangeMax.TotalDays} days before to"));
        if (faults.Count == 0 && bucket is { } width)
        {
            (from, to) = (Down(from, width), Down(to + width - TimeSpan.FromTicks(1), width));
            if ((to - from) / width is var buckets && buckets > limit)
                faults.Add(new("too_many_points", "bucket", request.Bucket, $"wide enough that there are at most {limit} buckets; this makes {buckets}"));
        }
        if (faults.Count > 0)
            return new Answer<History>.Invalid(faults);

        if (await queries.FindDeviceAsync(request.DeviceId, cancel) is not { } device)
            return new Answer<History>.Absent(DeviceRoutes.NoDevice(request.DeviceId));

        var since = device.VisibleFrom(toOps);
        if (since > from)
            from = since >= to ? to : bucket is { } wide ? Down(since + wide - TimeSpan.FromTicks(1), wide) : since;
        if (from >= to)
            return new Answer<History>.Found(new(device.Product, to, to, bucket, bucket is null ? null : aggregate, [], null));

        // One more than asked for tells whether that was all.
        var asked = bucket is null ? limit + 1 : limit;
        var points = await queries.QueryHistoryAsync(
            new HistoryQuery(request.DeviceId, request.Point, from, to, bucket, aggregate ?? Aggregate.Last, asked), cancel);
        var (page, next) = bucket is null ? Cut(points, limit) : (points, null);
        return new Answer<History>.Found(new(device.Product, from, to, bucket, bucket is null ? null : aggregate, page, next));
    }

    /// <summary>Cuts between two instants, so that following <c>next</c> gives every point once. A page of one single instant is cut within it.</summary>
    public static (IReadOnlyList<HistoryPoint> Page, DateTimeOffset? Next) Cut(IReadOnlyList<HistoryPoint> points, int limit)
    {
        if (points.Count <= limit)
            return (points, null);

        var next = points[limit].At;
        var kept = limit;
        while (kept > 0 && points[kept - 1].At == next)
            kept--;
        return kept == 0 ? ([.. points.Take(limit)], next + TimeSpan.FromMicroseconds(1)) : ([.. points.Take(kept)], next);
    }

    private static DateTimeOffset Instant(string name, string text, DateTimeOffset now, List<Fault> faults)
    {
        if (text == "now")
            return now;
        if (Relative().Match(text) is { Success: true } back
            && Span(back.Groups[1].ValueSpan, back.Groups[2].ValueSpan[0]) is { } span && span < now - Earliest)
            return now - span;
        if (Absolute().IsMatch(text)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at)
            && at >= Earliest && at <= now + RangeMax)
            return at;

        faults.Add(new("invalid_" + name, name, text, InstantForm));
        return now;
    }

    private static TimeSpan? BucketOf(string text, List<Fault> faults)
    {
        if (Width().Match(text) is { Success: true } match && Span(match.Groups[1].ValueSpan, match.Groups[2].ValueSpan[0]) is { } width && IsWhole(width))
            return width;

        faults.Add(new("invalid_bucket", "bucket", text, BucketForm));
        return null;
    }

    private static bool IsWhole(TimeSpan width) =>
        width <= TimeSpan.Zero ? false
        : width < TimeSpan.FromHours(1) ? TimeSpan.TicksPerHour % width.Ticks == 0
        : width < TimeSpan.FromDays(1) ? width.Ticks % TimeSpan.TicksPerHour == 0 && TimeSpan.TicksPerDay % width.Ticks == 0
        : width.Ticks % TimeSpan.TicksPerDay == 0 && width <= TimeSpan.FromDays(366);

    private static Aggregate? AggregateOf(HistoryRequest request, List<Fault> faults)
    {
        if (request.Aggregate is null)
            return request.Bucket is null ? null : Aggregate.Mean;

        if (request.Bucket is null)
            faults.Add(new("aggregate_without_bucket", "aggregate", request.Aggregate, "together with bucket; without one the answer is single observations"));
        else if (Names.TryGetValue(request.Aggregate, out var aggregate))
            return aggregate;
        else
            faults.Add(new("invalid_aggregate", "aggregate", request.Aggregate, string.Join(", ", Names.Keys)));
        return null;
    }

    internal static readonly IReadOnlyDictionary<string, Aggregate> Names = Enum.GetValues<Aggregate>().ToDictionary(a => Name(a));

    internal static string Name(Aggregate aggregate) => aggregate switch
    {
        Aggregate.Mean => "mean",
        Aggregate.Min => "min",
        Aggregate.Max => "max",
        Aggregate.Last => "last",
        Aggregate.Count => "count",
        Aggregate.Increase => "increase",
        _ => throw new System.Diagnostics.UnreachableException(),
    };

    private static DateTimeOffset Down(DateTimeOffset at, TimeSpan width)
    {
        var rest = (at - Origin).Ticks % width.Ticks;
        return at.AddTicks(rest < 0 ? -rest - width.Ticks : -rest);
    }

    private static TimeSpan? Span(ReadOnlySpan<char> number, char unit) =>
        int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
            ? unit switch
            {
                's' => TimeSpan.FromSeconds(n),
                'm' => TimeSpan.FromMinutes(n),
                'h' => TimeSpan.FromHours(n),
                _ => n <= 100_000 ? TimeSpan.FromDays(n) : null,
            }
            : null;

    [GeneratedRegex("^-([0-9]{1,9})([smhd])\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Relative();

    [GeneratedRegex("^([0-9]{1,9})([smhd])\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Width();

    // A time without offset is UTC; a date alone is its midnight.
    [GeneratedRegex("^\\d{4}-\\d\\d-\\d\\d(T\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,7})?)?(Z|[+-]\\d\\d:\\d\\d)?)?\\z", RegexOptions.CultureInvariant)]
    private static partial Regex Absolute();

    // Names as decoders give them (DP2 section 4): an element is a dictionary's name or #id, with an instance in brackets where it is a group.
    [GeneratedRegex("^(#[0-9]{1,10}|[A-Za-z_][A-Za-z0-9_]*)(\\[[0-9]{1,10}\\])?(\\.(#[0-9]{1,10}|[A-Za-z_][A-Za-z0-9_]*)(\\[[0-9]{1,10}\\])?)*\\z", RegexOptions.CultureInvariant)]
    private static partial Regex PointName();
}
