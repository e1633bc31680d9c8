using System.Globalization;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Hubs;

/// <summary>How many letters went back to their hubs, and whether the limit left some.</summary>
public sealed record ReplayReport(int Replayed, bool More);

/// <summary>Sends dead letters back to the hub they were read from, after what was wrong has been fixed.</summary>
/// <remarks>
/// Safe to repeat: a letter is marked after its hub has it, so a crash between sends it twice, and <see cref="PropertyNames.ReplayOf"/>
/// gives both the identity of the original: what comes of them has the same id. The order of one device's letters is kept within a call.
/// A letter that fails again becomes a new letter. If a port fails, the exception goes up and the rest stays unsent.
/// </remarks>
public sealed class ReplayDeadLetters(IDeadLetterQueries letters, IHubPublisher hubs)
{
    /// <summary>Letters in one call: at most 10,000 bodies of 4 kB are in memory, and the call ends within a request's time.</summary>
    public const int LettersMax = 10_000;

    private const int PageSize = 500;

    public async Task<Answer<ReplayReport>> HandleAsync(long id, CancellationToken cancel)
    {
        if (await letters.FindAsync(id, cancel) is not { } stored)
            return new Answer<ReplayReport>.Absent($"There is no dead letter {id}.");
        if (stored.ReplayedAt is { } at)
            return new Answer<ReplayReport>.Refused("letter_replayed", $"Dead letter {id} was replayed at {at:O}. If it failed again, there is a newer letter.");

        await SendAsync([stored], cancel);
        return new Answer<ReplayReport>.Found(new(1, false));
    }

    /// <summary>Replays the letters of one code that have not been replayed.</summary>
    public async Task<ReplayReport> HandleAsync(string code, CancellationToken cancel)
    {
        var waiting = new List<StoredDeadLetter>();
        string? cursor = null;
        do
        {
            var page = await letters.ListAsync(code, cursor, PageSize, cancel);
            waiting.AddRange(page.Items.Where(l => l.ReplayedAt is null));
            cursor = page.Next;
        }
        while (cursor is not null && waiting.Count < LettersMax);

        var more = cursor is not null || waiting.Count > LettersMax;
        var sent = waiting.Take(LettersMax).ToList();
        await SendAsync(sent, cancel);
        return new(sent.Count, more);
    }

    private async Task SendAsync(IReadOnlyList<StoredDeadLetter> stored, CancellationToken cancel)
    {
        foreach (var hub in stored.GroupBy(l => l.Letter.Hub))
            // Lists are newest first; a hub wants the oldest first.
            foreach (var chunk in hub.OrderBy(l => l.Letter.EnqueuedAt).ThenBy(l => l.Letter.Sequence).Chunk(PageSize))
            {
                await hubs.PublishAsync(hub.Key, [.. chunk.Select(l => Outgoing(l.Letter))], cancel);
                foreach (var letter in chunk)
                    await letters.MarkReplayedAsync(letter.Id, cancel);
            }
    }

    private static OutgoingEvent Outgoing(DeadLetter letter)
    {
        var properties = new List<KeyValuePair<string, string>>(letter.Properties.Items.Length + 2);
        properties.AddRange(letter.Properties.Items);
        // The form of an event's id on the feeds, which therefore stays the same. A letter that was a replay already keeps the identity of the first original.
        if (letter.Properties[PropertyNames.ReplayOf] is null)
        {
            properties.Add(new(PropertyNames.ReplayOf, string.Create(CultureInfo.InvariantCulture, $"{letter.Hub}:{letter.Partition}:{letter.Sequence}")));
            properties.Add(new(PropertyNames.ReplayEnqueuedTime, letter.EnqueuedAt.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)));
        }
        return new(letter.DeviceId, new([.. properties]), letter.Body);
    }
}
