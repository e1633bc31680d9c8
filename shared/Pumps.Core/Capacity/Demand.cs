namespace Pumps.Core.Capacity;

/// <summary>Events and bytes a second into and out of a namespace.</summary>
public readonly record struct Flow(double EventsIn, double BytesIn, double EventsOut, double BytesOut)
{
    public static Flow operator *(Flow flow, double factor) =>
        new(flow.EventsIn * factor, flow.BytesIn * factor, flow.EventsOut * factor, flow.BytesOut * factor);

    /// <summary>Throughput units of a Standard namespace, in fractions: whichever of the four runs out first.</summary>
    public double ThroughputUnits(CapacityLimits limits) => Math.Max(
        Math.Max(BytesIn / limits.ThroughputUnitBytesIn, EventsIn / limits.ThroughputUnitEventsIn),
        Math.Max(BytesOut / limits.ThroughputUnitBytesOut, EventsOut / limits.ThroughputUnitEventsOut));

    /// <summary>Processing units of a Premium namespace, in fractions.</summary>
    public double ProcessingUnits(CapacityLimits limits) =>
        Math.Max(BytesIn / limits.ProcessingUnitBytesIn, BytesOut / limits.ProcessingUnitBytesOut);
}

/// <summary>
/// What a workload asks of each service, before anything is rounded up to what can be bought. Nothing here falls when devices are added.
/// </summary>
/// <remarks>
/// Larger messages: a message k times the measured frame, or with k times its observations, is counted as k frames in processor time and in
/// bytes of feed and history. A smaller one is counted as a whole frame.
/// </remarks>
public sealed class Demand(Workload load, Topology topology, CapacityLimits limits, EventCosts costs)
{
    /// <summary>Decode, newest values, history.</summary>
    private const int MeasuredHandlers = 3;

    /// <summary>Those of them that write to the database.</summary>
    private const int StoringHandlers = 2;

    private const double PageBytes = 8192;
    private const double Mebibyte = 1_048_576;
    private const double Gigabyte = 1_073_741_824;

    // A hub's partitions cannot be made more later without making the hub anew.
    private const double PartitionRoom = 4;
    private const int PartitionsMin = 4;

    // Timers, HTTP and whoever looks.
    private const int OtherSessions = 32;

    public const int InstanceMemoryMb = 2048;

    public double MessageBytes => load.MessageBytes ?? costs.FrameBytes;

    public double Observations => load.ObservationsPerMessage ?? costs.FeedEventsPerFrame;

    public double Frames => Math.Max(1, Math.Max(MessageBytes / costs.FrameBytes, Observations / costs.FeedEventsPerFrame));

    private double StoredPerSecond => load.TelemetryPerSecond + load.EventsPerSecond;

    private double FeedBytes => costs.FeedEventsPerFrame * costs.FeedEventBytes * Frames;

    /// <summary>Each message in chunks of 4 KB; each command as a request and a response, which is what a direct method counts.</summary>
    public double CountedPerDay =>
        Workload.SecondsPerDay * ((load.MessagesPerSecond * Math.Ceiling(MessageBytes / limits.IotHubMeterBytes)) + (2 * load.CommandsPerSecond));

    public double SendsPerSecond => load.MessagesPerSecond * load.PeakFactor;

    public double MethodBytesPerSecond => load.CommandsPerSecond * load.PeakFactor * limits.IotHubMeterBytes;

    public Flow Raw
    {
        get
        {
            var bytes = load.MessagesPerSecond * (MessageBytes + costs.RawEventBytes - costs.FrameBytes);
            return new(load.MessagesPerSecond, bytes, load.MessagesPerSecond * topology.RawGroups, bytes * topology.RawGroups);
        }
    }

    public Flow Feeds
    {
        get
        {
            // Answers to commands have one reader; everything else all of them.
            var (events, bytes) = (StoredPerSecond * Observations, StoredPerSecond * FeedBytes);
            var (answers, answerBytes) = (load.CommandsPerSecond, load.CommandsPerSecond * costs.FeedEventBytes);
            return new(events + answers, bytes + answerBytes, (events * FeedReaders) + answers, (bytes * FeedReaders) + answerBytes);
        }
    }

    public int FeedReaders => topology.FeedGroups + load.Partners;

    /// <summary>Partitions that the busiest raw hub needs at the peak, in fractions.</summary>
    public double RawPartitions => PartitionsFor(
        load.TelemetryPerSecond * Math.Max(load.Dp1Share, 1 - load.Dp1Share) * load.PeakFactor,
        MessageBytes + costs.RawEventBytes - costs.FrameBytes, DecodeMicroseconds);

    public double FeedPartitions => PartitionsFor(
        load.TelemetryPerSecond * load.LargestOfferingShare * load.PeakFactor * Observations, FeedBytes / Observations,
        (DecodeMicroseconds + (costs.DatabaseMicroseconds / StoringHandlers * Frames)) / Observations);

    public int RawPartitionsPlanned => Planned(RawPartitions);

    public int FeedPartitionsPlanned => Planned(FeedPartitions);

    /// <summary>Processor time of one handler for one message. The handlers were measured together; each gets the same share.</summary>
    public double DecodeMicroseconds => costs.RegionMicroseconds / MeasuredHandlers * costs.FunctionOverhead * Frames;

    /// <summary>The Decode app's functions, one for each header type and protocol.</summary>
    public IEnumerable<double> DecodeRates =>
        from rate in new[] { load.TelemetryPerSecond, load.EventsPerSecond, load.CommandsPerSecond }
        from share in new[] { load.Dp1Share, 1 - load.Dp1Share }
        select rate * share;

    /// <summary>The functions of the Datapoints app of the offering that has most devices: newest values and history of telemetry and of events.</summary>
    public IEnumerable<double> DatapointsRates => DatapointsRatesOf(load.LargestOfferingShare);

    public IEnumerable<double> AllDatapointsRates
    {
        get
        {
            var sum = load.Offerings.Values.Sum();
            return load.Offerings.Values.SelectMany(weight => DatapointsRatesOf(weight / sum));
        }
    }

    public IEnumerable<double> DevicesRates => [load.CommandsPerSecond];

    /// <summary>Instances of one function; it scales alone. None where nothing comes in.</summary>
    public double InstancesFor(double messagesPerSecond) =>
        messagesPerSecond <= 0 ? 0 : Math.Max(1, Math.Ceiling(messagesPerSecond * DecodeMicroseconds / 1e6 / costs.FunctionUtilization / costs.InstanceCores));

    public double Instances(IEnumerable<double> rates) => rates.Sum(r => InstancesFor(r * load.PeakFactor));

    public double MemoryMb => (Instances(DecodeRates) + Instances(AllDatapointsRates) + Instances(DevicesRates)) * InstanceMemoryMb;

    /// <summary>Storing must keep up with the busiest minute, roll-ups with the hour.</summary>
    public double DatabaseCores =>
        ((StoredPerSecond * ((load.PeakFactor * costs.DatabaseMicroseconds) + costs.RollUpMicroseconds) * Frames) + (DeviceHoursPerSecond * costs.RollUpDeviceMicroseconds))
        / 1e6 / costs.DatabaseUtilization;

    /// <summary>Hours of devices to be rolled up: one an hour, unless a device reports more rarely.</summary>
    private double DeviceHoursPerSecond => Math.Min(load.Devices / 3600.0, StoredPerSecond);

    public double HistoryGigabytesPerDay => StoredPerSecond * Workload.SecondsPerDay * costs.FeedEventsPerFrame * costs.HistoryBytes * Frames / Gigabyte;

    /// <summary>Data on the disk when the retention is full, the present day included, with the room that a disk needs.</summary>
    public double DatabaseGigabytes =>
        ((HistoryGigabytesPerDay * (load.RetentionDays + 1)) + (load.Devices * costs.LatestBytesPerDevice * Frames / Gigabyte)) / costs.DiskFill;

    /// <summary>Memory of the server, with the key of the present day in its share of it.</summary>
    public double DatabaseMemoryGB =>
        StoredPerSecond * Workload.SecondsPerDay * costs.FeedEventsPerFrame * costs.HistoryKeyBytes * Frames / Gigabyte / costs.MemoryForKeys;

    private double WrittenBytes =>
        StoredPerSecond * load.PeakFactor * Frames * (costs.WriteAheadBytes + (costs.FeedEventsPerFrame * costs.HistoryBytes));

    /// <summary>One operation for each page of log and of table: an upper bound, since neighbours are written together.</summary>
    public double DatabaseOperations => WrittenBytes / PageBytes;

    public double DatabaseMegabytes => WrittenBytes / Mebibyte;

    /// <summary>Each partition of a hub has one batch in work, and that one session.</summary>
    public double Sessions =>
        (topology.RawHubs * RawPartitionsPlanned) + (topology.FeedHubs * StoringHandlers * FeedPartitionsPlanned) + OtherSessions;

    public double ArchiveGigabytesPerDay => Raw.BytesIn * Workload.SecondsPerDay / Gigabyte;

    private double[] DatapointsRatesOf(double share)
    {
        var (telemetry, events) = (load.TelemetryPerSecond * share, load.EventsPerSecond * share);
        return [telemetry, telemetry, events, events];
    }

    // A partition takes what a throughput unit takes, and is read by one invocation at a time.
    private double PartitionsFor(double eventsPerSecond, double bytes, double microseconds) => Math.Max(
        Math.Max(eventsPerSecond * bytes / limits.ThroughputUnitBytesIn, eventsPerSecond / limits.ThroughputUnitEventsIn),
        eventsPerSecond * microseconds / 1e6 / costs.FunctionUtilization);

    private int Planned(double needed)
    {
        var most = (int)(needed > limits.StandardPartitions ? limits.PremiumPartitions : limits.StandardPartitions);
        var planned = PartitionsMin;
        while (planned < needed * PartitionRoom && planned < most)
            planned *= 2;
        return Math.Min(planned, most);
    }
}
