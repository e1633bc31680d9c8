using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Pumps.Core.Commands;
using Pumps.Core.Devices;
using Pumps.Core.Schedules;
using Pumps.Handlers.Commands;
using Pumps.Handlers.Portal;
using Pumps.Handlers.Schedules;

namespace Pumps.Handlers.Devices;

/// <summary>
/// Keeps clocks and tags (<c>utcOffset</c>) of DP1 devices at the civil time of their sites: when the clocks of a zone change, and when a device gets a
/// site. Called every minute, by as many hosts as there are.
/// </summary>
/// <remarks>
/// Safe to repeat and to be killed anywhere: what was claimed comes again, and each step is one that may be taken twice. A device that is away is left as
/// it is, clock and tag alike, so its times stay right until it is back. Without a site nothing is done: the offset that was given stays. A registry that
/// fails for a device is trouble of that device, which comes again; a database that is away is an exception, because then nothing could be kept.
/// </remarks>
public sealed class FollowClocks(
    IClockStore store, IDeviceRegistry registry, SubmitCommand submit, ICommandStore commands, TimeProvider time, ILogger<FollowClocks> log)
{
    /// <summary>Who gives the commands, in the audit.</summary>
    public const string RequestedBy = "site-clock";

    private const string SetClock = "set_clock";
    private static readonly IReadOnlyDictionary<string, JsonElement> NoArguments = new Dictionary<string, JsonElement>();

    // Of one turn: until its clock is set a device's times are right, so nothing is lost by taking a night for a large region.
    private const int SitesMax = 10_000;
    private const int DevicesMax = 1000;
    private const int ClaimsMax = 100;

    private const int SitesAtOnce = 500;
    private const int DevicesAtOnce = 100;

    // Registries are remote (IoT Hub) or one file (local); more at once gains nothing and meets IoT Hub's throttling.
    private const int AtOnce = 8;

    // "Updates to a device twin can take up to five minutes to be reflected in the corresponding enrichment value" (IoT Hub documentation, message
    // enrichments), and a turn may begin late.
    private static readonly TimeSpan TagArrives = TimeSpan.FromMinutes(6);

    // A DP1 command lives a minute and is waited for for half a minute.
    private static readonly TimeSpan CommandEnds = TimeSpan.FromMinutes(2);

    // A device that is away, or does not let its clock be set: that is asked again after this time, then after twice as long each time, up to a day.
    private static readonly TimeSpan Later = TimeSpan.FromMinutes(15);
    private const int DoublingsMax = 7;

    // The longest pause; also for a product that has no such command, until the catalog says otherwise.
    private static readonly TimeSpan MuchLater = TimeSpan.FromDays(1);

    /// <returns>How many tags and clocks were set, or were to be.</returns>
    public async Task<int> HandleAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var offsets = (await store.ListZonesAsync(cancel)).Select(name => (Name: name, Zone: ScheduleClock.Zone(name))).Where(z => z.Zone is not null)
            .ToDictionary(z => z.Name, z => CivilTime.OffsetMinutes(z.Zone!, now));
        for (var sites = 0; sites < SitesMax; sites += SitesAtOnce)
            if (await store.MarkSitesAsync(offsets, now, SitesAtOnce, cancel) < SitesAtOnce)
                break;

        var (looked, set) = (0, 0);
        for (var claims = 0; claims < ClaimsMax && looked < DevicesMax; claims++)
        {
            // A turn may be long where the registry is slow: times to wait count from when they begin.
            var until = time.GetUtcNow() + Later;
            var due = await store.ClaimAsync(now, until, DevicesAtOnce, cancel);
            if (due.Count == 0)
                break;
            var known = new KnownClock?[due.Count];
            await Parallel.ForAsync(0, due.Count, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancel }, async (i, stop) =>
            {
                try
                {
                    var (clock, hasSet) = await StepAsync(due[i], offsets, now, until, stop);
                    known[i] = clock;
                    if (hasSet)
                        Interlocked.Increment(ref set);
                }
                catch (Exception trouble) when (DeviceTrouble.Is(trouble, stop))
                {
                    log.ClockMetTrouble(due[i].DeviceId, trouble);
                }
            });
            await store.KeepAsync([.. known.OfType<KnownClock>()], until, cancel);
            looked += due.Count(d => d.IsOnline);
        }

        return set;
    }

    /// <returns>What is known of it now, or null: as before, and to be looked at again when its claim ends.</returns>
    private async Task<(KnownClock? Known, bool HasSet)> StepAsync(
        DueClock due, Dictionary<string, int> offsets, DateTimeOffset now, DateTimeOffset until, CancellationToken cancel)
    {
        if (due.TimeZone is null)
            return (new(due.DeviceId, null, null, null), false);
        // Without the zone's table nothing can be said (health check time_zones).
        if (!due.IsOnline || !offsets.TryGetValue(due.TimeZone, out var civil))
            return (null, false);

        var (clock, tries) = (due.SetTo, 0);
        if (due.CommandId is { } id && await commands.FindAsync(due.DeviceId, id, cancel) is { } command)
        {
            if (!command.State.Phase.IsFinal())
                return (new(due.DeviceId, clock, id, time.GetUtcNow() + CommandEnds), false);
            if (command.State.Phase is CommandPhase.Done)
                // To the time of its sending: the zone's offset has not changed since it was given, or nobody knows.
                clock = CivilTime.OffsetMinutes(ScheduleClock.Zone(due.TimeZone)!, command.CreatedAt) == civil ? civil : null;
            else
            {
                (clock, tries) = (null, TriesOf(id));
                var again = command.CreatedAt + PauseAfter(tries);
                if (time.GetUtcNow() < again)
                    return (new(due.DeviceId, clock, id, again), false);
            }
        }

        if (await registry.FindTagsAsync(due.DeviceId, cancel) is not { } device)
            return (new(due.DeviceId, null, null, null), false);
        switch (SiteClock.Next(device.UtcOffsetMinutes, clock, civil))
        {
            case SiteClockStep.SetTag:
                await registry.UpdateTagsAsync(due.DeviceId, new() { UtcOffsetMinutes = civil }, cancel);
                log.OffsetChanged(due.DeviceId, device.UtcOffsetMinutes, civil);
                return (new(due.DeviceId, clock, null, clock == civil ? null : time.GetUtcNow() + TagArrives), true);

            case SiteClockStep.SetClock:
                // Its tag has arrived. Until this is written whoever sets the clock keeps it where it was (SiteClock.ToSet), and the command may be sent at once.
                if (clock > civil)
                {
                    clock = null;
                    await store.KeepAsync([new(due.DeviceId, clock, null, until)], until, cancel);
                }

                var order = new CommandOrder(
                    $"clock-{now.UtcDateTime:yyyyMMdd'T'HHmmss'Z'}-{tries + 1}", due.DeviceId, SetClock, NoArguments, RequestedBy, "clock", false, null);
                return await submit.HandleAsync(order, cancel) is Answer<CommandView>.Found
                    ? (new(due.DeviceId, clock, order.Id, time.GetUtcNow() + CommandEnds), true)
                    : (new(due.DeviceId, clock, null, time.GetUtcNow() + MuchLater), false);

            default:
                return (new(due.DeviceId, clock, null, null), false);
        }
    }

    // The id of a command says which try it is.
    private static int TriesOf(string id) => int.TryParse(id.AsSpan(id.LastIndexOf('-') + 1), CultureInfo.InvariantCulture, out var tries) ? tries : 1;

    private static TimeSpan PauseAfter(int tries)
    {
        var pause = Later * (1 << Math.Clamp(tries - 1, 0, DoublingsMax));
        return pause < MuchLater ? pause : MuchLater;
    }
}

/// <summary>Event ids 5100-5149. An id or a field name, once shipped, keeps its meaning: alerts hang on it.</summary>
internal static partial class ClockLog
{
    [LoggerMessage(5100, LogLevel.Information, "The telegrams of device {Device} are read {Minutes} minutes ahead of UTC from now on, before that {Before}")]
    public static partial void OffsetChanged(this ILogger log, string device, int? before, int minutes);

    [LoggerMessage(5101, LogLevel.Warning, "Clock and tag of device {Device} could not be looked at; that is done again within 15 minutes")]
    public static partial void ClockMetTrouble(this ILogger log, string device, Exception trouble);
}
