using System.Text;
using Microsoft.Extensions.Logging;
using Pumps.Core.Provisioning;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Provisioning;

/// <summary>What became of one line of a bulk order. The names are stored and API.</summary>
public enum LineOutcome
{
    /// <summary>Its order was placed.</summary>
    Accepted,

    /// <summary>The device stands in an earlier line, or has an order that is not over.</summary>
    Duplicate,

    Refused,
}

/// <summary>The receipt of one line.</summary>
/// <param name="Line">Number of the line in the file; the header is line 1.</param>
/// <param name="Phase">Where the line's order stands now; null without one.</param>
public sealed record BulkLine(int Line, string Device, string? OrderId, LineOutcome Outcome, string? Reason, string? Detail, OrderPhase? Phase = null);

/// <summary>What a line of a bulk order's file comes to.</summary>
/// <param name="Order">Null for a line that was refused.</param>
/// <param name="Claim">Makes the hash of the line's claim code, slowly: only for an order that was placed. Null without a code.</param>
public sealed record BulkEntry(BulkLine Line, NewOrder? Order = null, Func<NewClaim>? Claim = null);

/// <summary>A bulk order as a whole.</summary>
/// <param name="ReceivedAt">When its last line was taken; null: send the file again, it goes on where it stopped.</param>
/// <param name="Phases">Orders by phase.</param>
public sealed record BulkSummary(
    string Id, DateTimeOffset CreatedAt, DateTimeOffset? ReceivedAt, int Lines, int Accepted, int Duplicate, int Refused,
    IReadOnlyDictionary<string, int> Phases);

/// <summary>Bulk orders and their receipts. PostgreSQL in both worlds.</summary>
public interface IBulkStore
{
    Task OpenAsync(string id, DateTimeOffset at, CancellationToken cancel);

    /// <summary>
    /// Keeps lines, places the orders of those that have one, and issues their claim codes, in one transaction. Lines that are there stay as they are.
    /// </summary>
    /// <returns>The first line that is there with another device: the file is not the one that was sent before. Null: all is well.</returns>
    Task<int?> KeepAsync(string id, IReadOnlyList<BulkEntry> lines, DateTimeOffset at, CancellationToken cancel);

    Task CompleteAsync(string id, DateTimeOffset at, CancellationToken cancel);

    Task<BulkSummary?> FindAsync(string id, CancellationToken cancel);

    /// <summary>In the order of the file.</summary>
    Task<Page<BulkLine>> ListAsync(string id, LineOutcome? outcome, int after, int limit, CancellationToken cancel);
}

/// <summary>Takes a CSV file of orders as it comes in, with a receipt for every line.</summary>
/// <remarks>
/// Safe to repeat: lines that were taken stay as they are, so a file whose upload broke is sent again as a whole and goes on where it stopped.
/// The memory it needs does not depend on the file's length.
/// </remarks>
public sealed class TakeBulkOrder(IBulkStore store, BulkFile file, TimeProvider time, ILogger<TakeBulkOrder> log)
{
    public const int LinesMax = 200_000;

    /// <summary>Bytes of a file: <see cref="LinesMax"/> lines of usual length.</summary>
    public const long BytesMax = 32L << 20;

    // One transaction: short enough to lose little with a crash, long enough to be worth its commit.
    private const int LinesAtOnce = 500;
    private const int BulkIdMax = PlaceOrder.IdMax - 8;

    public async Task<Answer<BulkSummary>> HandleAsync(string id, Stream csv, CancellationToken cancel)
    {
        if (!PlaceOrder.IsId(id) || id.Length > BulkIdMax)
            return new Answer<BulkSummary>.Invalid([new("invalid_bulk_id", "bulk", id, $"1 to {BulkIdMax} letters, digits, '-', '_' or '.'")]);

        using var reader = new StreamReader(csv, new UTF8Encoding(false, throwOnInvalidBytes: false), leaveOpen: true);
        var faults = new List<Fault>();
        if (BulkFile.ReadHeader(await reader.ReadLineAsync(cancel), faults) is not { } columns)
            return new Answer<BulkSummary>.Invalid(faults);

        await store.OpenAsync(id, time.GetUtcNow(), cancel);
        var owners = new Dictionary<string, string?>();
        var batch = new List<BulkEntry>(LinesAtOnce);
        for (var number = 2; await reader.ReadLineAsync(cancel) is { } text; number++)
        {
            if (number > LinesMax + 1)
                return new Answer<BulkSummary>.Refused("bulk_too_long", $"Line {number}: a bulk order has at most {LinesMax} lines. Those before it were taken; order the rest with another id.");
            if (string.IsNullOrWhiteSpace(text))
                continue;

            batch.Add(await file.ReadAsync(id, number, text, columns, owners, cancel));
            if (batch.Count == LinesAtOnce && await KeepAsync(id, batch, cancel) is { } changed)
                return changed;
        }

        if (batch.Count > 0 && await KeepAsync(id, batch, cancel) is { } refused)
            return refused;

        await store.CompleteAsync(id, time.GetUtcNow(), cancel);
        var summary = (await store.FindAsync(id, cancel))!;
        log.BulkReceived(id, summary.Lines, summary.Accepted, summary.Duplicate, summary.Refused);
        return new Answer<BulkSummary>.Found(summary);
    }

    private async Task<Answer<BulkSummary>?> KeepAsync(string id, List<BulkEntry> batch, CancellationToken cancel)
    {
        var changed = await store.KeepAsync(id, batch, time.GetUtcNow(), cancel);
        batch.Clear();
        return changed is null ? null : new Answer<BulkSummary>.Refused("bulk_changed",
            $"Line {changed} of bulk order {id} was taken before with another device. Send the same file to go on, or a new one with another id.");
    }
}
