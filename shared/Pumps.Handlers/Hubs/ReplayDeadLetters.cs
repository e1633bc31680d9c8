using System.Globalization;
using Pumps.Core.Offerings;
using Pumps.Handlers.Devices;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Hubs;

/// <summary>How many letters went back to their hubs, and whether the limit left some.</summary>
public sealed record ReplayReport(int Replayed, bool More);

/// <summary>Sends dead letters back to the hub they were read from, after what was wrong has been fixed.</summary>
/// <remarks>
/// A letter with a tag missing is enriched and routed as it would be now: what was wrong was the tags, and they may have been repaired.
/// Safe to repeat: a letter is marked after its hub has it, so a crash between sends it twice, and <see cref="PropertyNames.ReplayOf"/>
/// gives both the identity of the original: what comes of them has the same id. The order of one device's letters is kept within a call.
/// A letter that fails again becomes a new letter. If a port fails, the exception goes up and the rest stays unsent.
/// </remarks>
public sealed class ReplayDeadLetters(IDeadLetterQueries letters, IHubPublisher hubs, IDeviceRegistry registry, Catalog catalog)
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
        // Lists are newest first; a hub wants the oldest first.
        foreach (var chunk in stored.OrderBy(l => l.Letter.EnqueuedAt).ThenBy(l => l.Letter.Sequence).Chunk(PageSize))
        {
            var outgoing = new List<(string Hub, OutgoingEvent Event)>(chunk.Length);
            foreach (var letter in chunk)
                outgoing.Add(await OutgoingAsync(letter.Letter, cancel));
            foreach (var hub in outgoing.GroupBy(o => o.Hub))
                await hubs.PublishAsync(hub.Key, [.. hub.Select(o => o.Event)], cancel);
            foreach (var letter in chunk)
                await letters.MarkReplayedAsync(letter.Id, cancel);
        }
    }

    private async Task<(string Hub, OutgoingEvent Event)> OutgoingAsync(DeadLetter letter, CancellationToken cancel)
    {
        var items = letter.Properties.Items.ToArray();
        var isUntagged = items.Any(p => p.Value.StartsWith(DeviceRegistration.TagPrefix, StringComparison.Ordinal));
        if (!isUntagged || await registry.FindTagsAsync(letter.DeviceId, cancel) is not { } device)
            return (letter.Hub, Outgoing(letter, items));

        var tags = catalog.Routes.Enrichments.ToDictionary(e => e.Name, e => device.Evaluate(e.Value));
        items = [.. items.Select(p => tags.TryGetValue(p.Key, out var tag) ? new(p.Key, tag) : p)];
        // Only what no route has taken may take another way now: a hub's events stay in it.
        var hub = letter.Hub == catalog.Routes.Fallback
            ? catalog.Routes.RawHubFor(letter.Properties[PropertyNames.HeaderType], tags.GetValueOrDefault(PropertyNames.Protocol))
            : letter.Hub;
        return (hub, Outgoing(letter, items));
    }

    private static OutgoingEvent Outgoing(DeadLetter letter, IReadOnlyCollection<KeyValuePair<string, string>> items)
    {
        var properties = new List<KeyValuePair<string, string>>(items.Count + 2);
        properties.AddRange(items);
        // The form of an event's id on the feeds, which therefore stays the same. A letter that was a replay already keeps the identity of the first original.
        if (letter.Properties[PropertyNames.ReplayOf] is null)
        {
            properties.Add(new(PropertyNames.ReplayOf, string.Create(CultureInfo.InvariantCulture, $"{letter.Hub}:{letter.Partition}:{letter.Sequence}")));
            properties.Add(new(PropertyNames.ReplayEnqueuedTime, letter.EnqueuedAt.UtcDateTime.ToString("O", CultureInfo.InvariantCulture)));
        }
        return new(letter.DeviceId, new([.. properties]), letter.Body);
    }
}
