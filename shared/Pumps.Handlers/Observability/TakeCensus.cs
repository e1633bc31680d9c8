using System.Diagnostics;
using System.Diagnostics.Metrics;
using Pumps.Core.Commands;
using Pumps.Core.Firmware;
using Pumps.Core.Offerings;

namespace Pumps.Handlers.Observability;

/// <summary>Devices in service of one offering and product.</summary>
public sealed record DeviceCount(string Offering, string Product, long Active, long Connected, long Silent);

/// <summary>Devices of one product and firmware whose messages were set aside for one reason.</summary>
public sealed record UnreadableCount(string Product, string Firmware, string Code, long Devices);

/// <summary>Commands in one phase.</summary>
public sealed record CommandCount(string Phase, long Commands);

/// <summary>Firmware transfers in one phase.</summary>
public sealed record TransferCount(string Phase, long Transfers);

/// <summary>Firmware rollouts in one phase; <see cref="Failing"/> is one more, for those that are paused because too many devices failed.</summary>
public sealed record RolloutCount(string Phase, long Rollouts)
{
    public const string Failing = "failing";
}

/// <summary>Counts what the database knows and no single batch does. PostgreSQL in both worlds.</summary>
public interface ICensus
{
    /// <param name="silentBefore">By product, when its devices must have spoken last.</param>
    /// <param name="otherwise">The same for products that are not in it.</param>
    Task<IReadOnlyList<DeviceCount>> CountDevicesAsync(
        IReadOnlyDictionary<string, DateTimeOffset> silentBefore, DateTimeOffset otherwise, CancellationToken cancel);

    /// <summary>Those with most devices first, at most so many.</summary>
    Task<IReadOnlyList<UnreadableCount>> CountUnreadableAsync(DateTimeOffset since, int limit, CancellationToken cancel);

    /// <param name="since">Of commands that have ended, those given since then.</param>
    Task<IReadOnlyList<CommandCount>> CountCommandsAsync(DateTimeOffset since, CancellationToken cancel);

    /// <param name="since">Of transfers that are over, those that ended since then.</param>
    Task<IReadOnlyList<TransferCount>> CountTransfersAsync(DateTimeOffset since, CancellationToken cancel);

    /// <summary>Rollouts that are not over.</summary>
    Task<IReadOnlyList<RolloutCount>> CountRolloutsAsync(CancellationToken cancel);
}

/// <summary>Tells from time to time how many devices, commands and firmware transfers there are, in which state.</summary>
/// <remarks>Safe to run at any time, by several hosts: each tells what it has counted.</remarks>
public sealed class TakeCensus(Catalog catalog, ICensus census, TimeProvider time)
{
    // A device that misses two reports in a row may be behind a bad link; with the third it is silent.
    private const int IntervalsUntilSilent = 3;

    // Series of one metric: a hundred kinds of trouble at once say no more than the worst hundred.
    private const int UnreadableMax = 100;

    // For a device whose product nobody has told.
    private static readonly TimeSpan IntervalOfUnknown = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Recent = TimeSpan.FromHours(1);

    // What was told last: a series that is gone is told once more, as zero. A gauge keeps its value.
    private readonly Lock _telling = new();
    private readonly HashSet<Series> _told = [];

    public async Task HandleAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var silentBefore = catalog.Products.Values.ToDictionary(p => p.Id, p => now - (IntervalsUntilSilent * TimeSpan.FromSeconds(p.ReportIntervalSeconds)));
        var devices = await census.CountDevicesAsync(silentBefore, now - (IntervalsUntilSilent * IntervalOfUnknown), cancel);
        var unreadable = await census.CountUnreadableAsync(now - Recent, UnreadableMax, cancel);
        var transfers = (await census.CountTransfersAsync(now - Recent, cancel)).ToDictionary(c => c.Phase, c => c.Transfers);
        var rollouts = (await census.CountRolloutsAsync(cancel)).ToDictionary(c => c.Phase, c => c.Rollouts);
        var commands = (await census.CountCommandsAsync(now - Recent, cancel)).ToDictionary(c => c.Phase, c => c.Commands);

        var counted = new Dictionary<Series, long>();
        foreach (var line in devices)
        {
            counted[new(Metrics.DevicesActive, ("offering", line.Offering), ("product", line.Product))] = line.Active;
            counted[new(Metrics.DevicesConnected, ("offering", line.Offering), ("product", line.Product))] = line.Connected;
            counted[new(Metrics.DevicesSilent, ("offering", line.Offering), ("product", line.Product))] = line.Silent;
        }

        foreach (var line in unreadable)
            counted[new(Metrics.DevicesUnreadable, ("product", line.Product), ("firmware", line.Firmware), ("code", line.Code))] = line.Devices;
        foreach (var phase in Enum.GetValues<CommandPhase>())
            counted[new(Metrics.Commands, ("phase", phase.Name()))] = commands.GetValueOrDefault(phase.Name());
        foreach (var phase in TransferPhases.All)
            counted[new(Metrics.FirmwareTransfers, ("phase", phase))] = transfers.GetValueOrDefault(phase);
        foreach (var phase in RolloutPhases.All.Where(p => !RolloutPhases.Parse(p).IsOver()).Append(RolloutCount.Failing))
            counted[new(Metrics.FirmwareRollouts, ("phase", phase))] = rollouts.GetValueOrDefault(phase);
        Tell(counted);
    }

    private void Tell(Dictionary<Series, long> counted)
    {
        lock (_telling)
        {
            foreach (var gone in _told.Where(t => !counted.ContainsKey(t)).ToList())
            {
                gone.Tell(0);
                _told.Remove(gone);
            }

            foreach (var (series, value) in counted)
            {
                series.Tell(value);
                _told.Add(series);
            }
        }
    }

    private readonly record struct Series(Gauge<long> Gauge, (string Key, string Value) A, (string Key, string Value) B = default, (string Key, string Value) C = default)
    {
        public void Tell(long value)
        {
            var tags = new TagList();
            foreach (var (key, text) in (ReadOnlySpan<(string, string)>)[A, B, C])
                if (key is not null)
                    tags.Add(key, text);
            Gauge.Record(value, tags);
        }
    }
}
