using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Pumps.Core.Offerings;
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

    /// <summary>Keeps lines and places the orders of those that have one, in one transaction. Lines that are there stay as they are.</summary>
    /// <returns>The first line that is there with another device: the file is not the one that was sent before. Null: all is well.</returns>
    Task<int?> KeepAsync(string id, IReadOnlyList<(BulkLine Line, NewOrder? Order)> lines, DateTimeOffset at, CancellationToken cancel);

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
public sealed class TakeBulkOrder(
    IBulkStore store, Catalog catalog, IOptions<PortalOptions> portal, TimeProvider time, ILogger<TakeBulkOrder> log)
{
    public const int LinesMax = 200_000;

    /// <summary>Bytes of a file: <see cref="LinesMax"/> lines of usual length.</summary>
    public const long BytesMax = 32L << 20;

    // One transaction: short enough to lose little with a crash, long enough to be worth its commit.
    private const int LinesAtOnce = 500;
    private const int BulkIdMax = PlaceOrder.IdMax - 8;

    private const string Device = "device";
    private const string Product = "product";
    private const string Customer = "customer";
    private const string UtcOffset = "utc_offset_minutes";

    public async Task<Answer<BulkSummary>> HandleAsync(string id, Stream csv, CancellationToken cancel)
    {
        if (!PlaceOrder.IsId(id) || id.Length > BulkIdMax)
            return new Answer<BulkSummary>.Invalid([new("invalid_bulk_id", "bulk", id, $"1 to {BulkIdMax} letters, digits, '-', '_' or '.'")]);

        using var reader = new StreamReader(csv, new UTF8Encoding(false, throwOnInvalidBytes: false), leaveOpen: true);
        var faults = new List<Fault>();
        if (ReadHeader(await reader.ReadLineAsync(cancel), faults) is not { } columns)
            return new Answer<BulkSummary>.Invalid(faults);

        await store.OpenAsync(id, time.GetUtcNow(), cancel);
        var batch = new List<(BulkLine, NewOrder?)>(LinesAtOnce);
        for (var number = 2; await reader.ReadLineAsync(cancel) is { } text; number++)
        {
            if (number > LinesMax + 1)
                return new Answer<BulkSummary>.Refused("bulk_too_long", $"Line {number}: a bulk order has at most {LinesMax} lines. Those before it were taken; order the rest with another id.");
            if (string.IsNullOrWhiteSpace(text))
                continue;

            batch.Add(Read(id, number, text, columns));
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

    private async Task<Answer<BulkSummary>?> KeepAsync(string id, List<(BulkLine, NewOrder?)> batch, CancellationToken cancel)
    {
        var changed = await store.KeepAsync(id, batch, time.GetUtcNow(), cancel);
        batch.Clear();
        return changed is null ? null : new Answer<BulkSummary>.Refused("bulk_changed",
            $"Line {changed} of bulk order {id} was taken before with another device. Send the same file to go on, or a new one with another id.");
    }

    private (BulkLine, NewOrder?) Read(string id, int number, string text, Dictionary<string, int> columns)
    {
        if (CsvLine.Split(text) is not { } fields)
            return Refuse(number, "", "malformed_line", "A quote is not closed, or stands inside a field without quotes.");
        if (fields.Count != columns.Count)
            return Refuse(number, "", "malformed_line", $"The line has {fields.Count} fields, the header {columns.Count}.");

        var device = fields[columns[Device]];
        int? offset = null;
        if (columns.TryGetValue(UtcOffset, out var at) && fields[at] is { Length: > 0 } minutes)
        {
            if (!int.TryParse(minutes, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var parsed))
                return Refuse(number, device, "invalid_utc_offset", $"\"{Shorten(minutes)}\" is not a number of minutes.");
            offset = parsed;
        }

        var faults = new List<Fault>();
        var target = DeviceCheck.Check(catalog, portal.Value.Region, device, fields[columns[Product]], fields[columns[Customer]], offset, faults);
        if (target is null)
            return Refuse(number, device, faults[0].Rule, string.Join(" ", faults.Select(f => $"{f.Parameter} is \"{f.Given}\"; allowed: {f.Allowed}.")));

        var order = string.Create(CultureInfo.InvariantCulture, $"{id}.{number}");
        return (new(number, device, order, LineOutcome.Accepted, null, null), new(order, device, OrderKind.Provision, target, $"bulk:{id}"));
    }

    private static (BulkLine, NewOrder?) Refuse(int number, string device, string reason, string detail) =>
        (new(number, Shorten(device), null, LineOutcome.Refused, reason, detail), null);

    // PostgreSQL's text has no zero character; what cannot be a device id is shown, not kept whole.
    private static string Shorten(string text) => (text.Length > Fault.GivenMax ? text[..Fault.GivenMax] : text).Replace('\0', '\uFFFD');

    private static Dictionary<string, int>? ReadHeader(string? line, List<Fault> faults)
    {
        const string allowed = $"{Device},{Product},{Customer} and, for DP1 devices, {UtcOffset}, in any order";
        var names = line is null ? null : CsvLine.Split(line.TrimStart('\uFEFF'));
        if (names is null || names.Distinct(StringComparer.Ordinal).Count() != names.Count)
        {
            faults.Add(new("invalid_header", "line 1", line, allowed));
            return null;
        }

        foreach (var name in names.Where(n => n is not (Device or Product or Customer or UtcOffset)))
            faults.Add(new("unknown_column", "line 1", name, allowed));
        foreach (var name in new[] { Device, Product, Customer }.Where(n => !names.Contains(n)))
            faults.Add(new("missing_column", "line 1", name, allowed));
        return faults.Count > 0 ? null : names.Select((name, i) => (name, i)).ToDictionary(c => c.name, c => c.i);
    }
}
