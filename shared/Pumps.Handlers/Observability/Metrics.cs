using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Pumps.Handlers.Observability;

/// <summary>The platform's meter and activity source. Instrument and attribute names are API: workbooks, alerts and scaling hang on them.</summary>
public static class Metrics
{
    public const string Name = "pumps";

    public static readonly Meter Meter = new(Name);

    public static readonly ActivitySource Activities = new(Name);

    public static readonly Counter<long> EventsIn = Meter.CreateCounter<long>("pumps.events.in", "{event}", "Events read, by service and hub");
    public static readonly Counter<long> EventsOut = Meter.CreateCounter<long>("pumps.events.out", "{event}", "Events passed on or stored");
    public static readonly Counter<long> EventsDeadLettered = Meter.CreateCounter<long>("pumps.events.dead_lettered", "{event}");
    public static readonly Counter<long> EventsDuplicate = Meter.CreateCounter<long>("pumps.events.duplicate", "{event}");
    public static readonly Counter<long> EventsFiltered = Meter.CreateCounter<long>("pumps.events.filtered", "{event}", "Events with nothing to pass on");
    public static readonly Counter<long> LedgerDifference =
        Meter.CreateCounter<long>("pumps.ledger.difference", "{event}", "Events unaccounted for; anything but zero is a bug");
    public static readonly Histogram<double> HandleDuration = Meter.CreateHistogram<double>("pumps.handle.duration", "s", "Time to handle one batch");
    public static readonly Counter<long> DecodeErrors = Meter.CreateCounter<long>("pumps.decode.errors", "{frame}", "Frames refused, by code");
    public static readonly Counter<long> ConnectionChanges =
        Meter.CreateCounter<long>("pumps.devices.connection_changes", "{device}", "Devices that went online or offline, after the grace");

    internal static void Record(string service, string hub, LedgerEntry entry)
    {
        var tags = new TagList { { "service", service }, { "hub", hub } };
        EventsIn.Add(entry.In, tags);
        EventsOut.Add(entry.Out, tags);
        EventsDeadLettered.Add(entry.DeadLettered, tags);
        EventsDuplicate.Add(entry.Duplicate, tags);
        EventsFiltered.Add(entry.Filtered, tags);
        LedgerDifference.Add(entry.Difference, tags);
    }
}
