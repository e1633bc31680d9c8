using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Pumps.Handlers.Hubs;

namespace Pumps.Handlers.Portal;

/// <summary>A dead letter as lists show it: where it was read, and what was wrong with it.</summary>
public sealed record DeadLetterView(
    long Id, string Code, string Detail, string Device, string Hub, string Partition, long Sequence, DateTimeOffset EnqueuedAt, DateTimeOffset StoredAt,
    DateTimeOffset? ReplayedAt, int BodyBytes);

/// <summary>A dead letter with everything that was kept.</summary>
/// <param name="Properties">The message's properties, enrichments included. A name that was given twice has its first value.</param>
/// <param name="Body">The bytes as hexadecimal digits.</param>
public sealed record DeadLetterDetail(DeadLetterView Letter, IReadOnlyDictionary<string, string> Properties, string Body);

internal static class DeadLetterRoutes
{
    private static readonly QueryParameter Code = new("code", "Only letters with this error code.", LengthMax: 64);
    private static readonly QueryParameter CodeToReplay = Code with { Description = "The error code whose letters are replayed.", Required = true };
    private static readonly QueryParameter Cursor = new("cursor", "`next` of the page before.");
    private static readonly QueryParameter Limit = new("limit", "Letters on a page.", "100", 1, 1000);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var letters = routes.MapGroup("/api/dead-letters").WithTags("Dead letters");

        letters.MapGet("/", ListAsync).For(PortalRole.Ops).WithName("listDeadLetters").WithSummary("Messages that could not be handled, newest first")
            .WithMetadata(Code, Cursor, Limit).Produces<PageView<DeadLetterView>>().ProducesProblem(400).ProducesProblem(503);

        letters.MapGet("/{id:long}", FindAsync).For(PortalRole.Ops).WithName("findDeadLetter").WithSummary("One dead letter with its properties and body")
            .Produces<DeadLetterDetail>().ProducesProblem(404).ProducesProblem(503);

        letters.MapPost("/{id:long}/replay", ReplayAsync).For(PortalRole.Ops).WithName("replayDeadLetter")
            .WithSummary("Sends one dead letter back to its hub")
            .WithDescription("A letter is replayed once; one that fails again is a new letter.")
            .Produces<ReplayReport>().ProducesProblem(404).ProducesProblem(409).ProducesProblem(503);

        letters.MapPost("/replay", ReplayCodeAsync).For(PortalRole.Ops).WithName("replayDeadLetters")
            .WithSummary("Sends all dead letters of a code back to their hubs")
            .WithDescription("At most 10,000 in one call; `more` tells whether another call would find further ones.")
            .WithMetadata(CodeToReplay).Produces<ReplayReport>().ProducesProblem(400).ProducesProblem(503);
    }

    private static async Task<IResult> ListAsync(HttpRequest request, IDeadLetterQueries letters, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var (code, cursor, limit) = (query.Text(Code), query.Text(Cursor), query.Number(Limit));
        query.CheckCursor(Cursor, cursor);
        if (query.Faults.Count > 0)
            return Problems.Invalid(query.Faults);

        var page = await letters.ListAsync(code, cursor, limit, cancel);
        return TypedResults.Ok(new PageView<DeadLetterView>([.. page.Items.Select(View)], page.Next));
    }

    private static async Task<IResult> FindAsync(long id, IDeadLetterQueries letters, CancellationToken cancel)
    {
        Answer<DeadLetterDetail> answer = await letters.FindAsync(id, cancel) is { } stored
            ? new Answer<DeadLetterDetail>.Found(Detail(stored))
            : new Answer<DeadLetterDetail>.Absent($"There is no dead letter {id}.");
        return answer.ToHttp();
    }

    private static async Task<IResult> ReplayAsync(long id, ReplayDeadLetters handler, CancellationToken cancel) =>
        (await handler.HandleAsync(id, cancel)).ToHttp();

    private static async Task<IResult> ReplayCodeAsync(HttpRequest request, ReplayDeadLetters handler, CancellationToken cancel)
    {
        var query = new QueryReader(request);
        var code = query.Text(CodeToReplay);
        return query.Faults.Count > 0 ? Problems.Invalid(query.Faults) : TypedResults.Ok(await handler.HandleAsync(code!, cancel));
    }

    private static DeadLetterDetail Detail(StoredDeadLetter stored)
    {
        var properties = new Dictionary<string, string>();
        foreach (var (name, value) in stored.Letter.Properties.Items)
            properties.TryAdd(name, value);
        return new(View(stored), properties, Convert.ToHexStringLower(stored.Letter.Body.Span));
    }

    private static DeadLetterView View(StoredDeadLetter stored)
    {
        var letter = stored.Letter;
        return new(stored.Id, letter.Code, letter.Detail, letter.DeviceId, letter.Hub, letter.Partition, letter.Sequence, letter.EnqueuedAt,
            stored.StoredAt, stored.ReplayedAt, letter.Body.Length);
    }
}
