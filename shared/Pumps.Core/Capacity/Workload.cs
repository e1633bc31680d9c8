namespace Pumps.Core.Capacity;

/// <summary>What a region is to carry. Rates are averages over a day; <see cref="PeakFactor"/> says how much more the busiest minute has.</summary>
public sealed record Workload
{
    public const double SecondsPerDay = 86_400;

    // More than Azure has room for; beyond it the arithmetic proves nothing.
    private const long DevicesMax = 1_000_000_000;
    private const int IntervalSecondsMax = 31 * 86_400;

    public required long Devices { get; init; }

    /// <summary>Seconds between two telemetry messages of a device.</summary>
    public required double IntervalSeconds { get; init; }

    /// <summary>Weight of each offering; only the ratios count.</summary>
    public required IReadOnlyDictionary<string, double> Offerings { get; init; }

    /// <summary>Share of devices that speak DP1; the others speak DP2. Decides how messages spread over the raw hubs.</summary>
    public double Dp1Share { get; init; } = 0.5;

    /// <summary>Bytes of a message as the device sends it; null: as measured.</summary>
    public double? MessageBytes { get; init; }

    /// <summary>Observations in a message, each a feed event and a record of history; null: as measured.</summary>
    public double? ObservationsPerMessage { get; init; }

    /// <summary>Event messages (alarms, state changes) for each telemetry message.</summary>
    public double EventShare { get; init; } = 0.02;

    public double CommandsPerDeviceAndDay { get; init; } = 0.1;

    /// <summary>Partners and other teams, each with a consumer group on every feed.</summary>
    public int Partners { get; init; }

    /// <summary>Days that single observations are kept in the database.</summary>
    public int RetentionDays { get; init; } = 90;

    public int ArchiveCoolAfterDays { get; init; } = 30;

    public int ArchiveColdAfterDays { get; init; } = 90;

    public int ArchiveDeleteAfterDays { get; init; } = 730;

    public double PeakFactor { get; init; } = 2;

    /// <summary>A standby database server in another zone.</summary>
    public bool ZoneRedundant { get; init; }

    /// <summary>A burstable database server as long as one is large enough: for trying, not for customers.</summary>
    public bool Burstable { get; init; }

    public double TelemetryPerSecond => Devices / IntervalSeconds;

    public double EventsPerSecond => TelemetryPerSecond * EventShare;

    public double CommandsPerSecond => Devices * CommandsPerDeviceAndDay / SecondsPerDay;

    /// <summary>Messages of devices a second: telemetry, events, and one answer to each command.</summary>
    public double MessagesPerSecond => TelemetryPerSecond + EventsPerSecond + CommandsPerSecond;

    /// <summary>Share of the offering that has most devices.</summary>
    public double LargestOfferingShare => Offerings.Values.Max() / Offerings.Values.Sum();

    /// <summary>Everything that is wrong with it, each a sentence; empty when it can be planned.</summary>
    public IEnumerable<string> Faults(CapacityLimits limits)
    {
        if (Devices is < 1 or > DevicesMax)
            yield return $"devices is {Devices}; it must be 1 to {DevicesMax}.";
        if (!(IntervalSeconds is >= 1 and <= IntervalSecondsMax))
            yield return $"interval is {IntervalSeconds} s; it must be 1 s to {IntervalSecondsMax} s.";
        if (Offerings.Count == 0 || Offerings.Values.Any(w => !(w >= 0) || double.IsInfinity(w)) || !(Offerings.Values.Sum() > 0))
            yield return "offering needs at least one offering, with weights of 0 or more that are not all 0.";
        if (!(Dp1Share is >= 0 and <= 1))
            yield return $"dp1-share is {Dp1Share}; it must be 0 to 1.";
        if (MessageBytes is { } bytes && !(bytes >= 1 && bytes <= limits.IotHubMessageBytes))
            yield return $"message-bytes is {bytes}; IoT Hub takes messages of 1 to {limits.IotHubMessageBytes} bytes.";
        if (ObservationsPerMessage is { } observations && !(observations is >= 1 and <= 1000))
            yield return $"observations is {observations}; it must be 1 to 1000 in a message.";
        if (!(EventShare is >= 0 and <= 100))
            yield return $"event-share is {EventShare}; it must be 0 to 100 events for each telemetry message.";
        if (!(CommandsPerDeviceAndDay is >= 0 and <= 10_000))
            yield return $"commands is {CommandsPerDeviceAndDay}; it must be 0 to 10000 a device and day.";
        if (Partners is < 0 or > 1000)
            yield return $"partners is {Partners}; it must be 0 to 1000.";
        if (RetentionDays is < 1 or > 3650)
            yield return $"retention is {RetentionDays} days; it must be 1 to 3650.";
        if (!(0 <= ArchiveCoolAfterDays && ArchiveCoolAfterDays <= ArchiveColdAfterDays && ArchiveColdAfterDays <= ArchiveDeleteAfterDays && ArchiveDeleteAfterDays <= 36_500))
            yield return "archive is days to cool, to cold and to deletion: each at least the one before, and at most 36500.";
        if (Burstable && ZoneRedundant)
            yield return "burstable and zone-redundant exclude each other: Azure has no standby for a burstable server.";
        if (!(PeakFactor is >= 1 and <= 100))
            yield return $"peak is {PeakFactor}; it must be 1 to 100 times the average.";
    }
}
