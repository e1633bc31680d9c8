using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Pumps.Handlers.Portal;

/// <summary>A value in time; with buckets <paramref name="At"/> is the bucket's start.</summary>
public sealed record HistoryValue(DateTimeOffset At, JsonText Value);

/// <summary>The past of one datapoint. <paramref name="From"/> and <paramref name="To"/> are those that were answered: with buckets, whole ones.</summary>
/// <param name="Unit">UCUM, of the datapoint; a <c>count</c> has none.</param>
/// <param name="Next">Without bucket: <c>from</c> of the rest; null when that is all.</param>
public sealed record HistoryView(
    string Device, string Point, string? Unit, DateTimeOffset From, DateTimeOffset To, string? Bucket, string? Aggregate,
    IReadOnlyList<HistoryValue> Points, DateTimeOffset? Next);

internal static class HistoryRoutes
{
    private static readonly QueryParameter From = new("from", "Beginning of the range, part of it: " + ReadHistory.InstantForm + ".", "-24h", LengthMax: 40);
    private static readonly QueryParameter To = new("to", "End of the range, no part of it.", "now", LengthMax: 40);
    private static readonly QueryParameter Bucket = new("bucket", "Absent: single observations. Otherwise " + ReadHistory.BucketForm + ".", LengthMax: 40);
    private static readonly QueryParameter Aggregate = new(
        "aggregate", "How the values of a bucket become one; mean when absent. `increase` is the growth of a counter, safe over its wrap.",
        Values: [.. ReadHistory.Names.Keys]);
    private static readonly QueryParameter Limit = new("limit", "Points in the answer.", "10000", 1, ReadHistory.PointsMax);

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapGet("/api/devices/{id}/history/{point}", ReadAsync).For(PortalRole.Viewer).WithTags("History").WithName("readHistory")
            .WithSummary("The past of one datapoint")
            .WithDescription("The point is a name with its path, such as `flow` or `pumps[1].flow`. At most 10,000 points in one answer. " +
                "What a device observed for an owner before is for ops only: for others the range begins when it began to work for its present one.")
            .WithMetadata(From, To, Bucket, Aggregate, Limit).Produces<HistoryView>().ProducesProblem(400).ProducesProblem(404).ProducesProblem(503);

    private static async Task<IResult> ReadAsync(string id, string point, HttpRequest request, ReadHistory handler, PointUnits units, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var asked = new HistoryRequest(
            id, point, query.Text(From), query.Text(To), query.Text(Bucket), query.Text(Aggregate), query.Number(Limit));
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var answer = await handler.HandleAsync(asked, await PortalAccess.IsOpsAsync(request.HttpContext), cancel);
        return answer is Answer<History>.Found { Value: var history } ? TypedResults.Ok(View(asked, history, units)) : answer.ToHttp();
    }

    private static HistoryView View(HistoryRequest asked, History history, PointUnits units) => new(
        asked.DeviceId, asked.Point,
        history.Aggregate is Datapoints.Aggregate.Count ? null : units.Find(history.Product, asked.Point),
        history.From, history.To, asked.Bucket, history.Aggregate is { } aggregate ? ReadHistory.Name(aggregate) : null,
        [.. history.Points.Select(p => new HistoryValue(p.At, new(p.Value)))], history.Next);
}
