using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Pumps.Handlers.Observability;

public enum MetricKind : byte
{
    Counter,
    Gauge,
    Histogram,
}

/// <summary>A metric as it leaves the process: what workbooks, dashboards, alerts and scaling may ask for.</summary>
/// <param name="Unit">UCUM; in braces what is counted.</param>
/// <param name="Attributes">Keys that its values carry, all of them always. Each has few values: never a device, never a customer.</param>
public sealed record Metric(string Name, MetricKind Kind, string Unit, string Description, IReadOnlyList<string> Attributes);

/// <summary>The platform's meter and activity source, and every metric there is. Names and attributes are API: tests hold queries to them.</summary>
public static class Metrics
{
    public const string Name = "pumps";

    public static readonly Meter Meter = new(Name);

    public static readonly ActivitySource Activities = new(Name);

    private static readonly List<Metric> Known = [];

    public static readonly Counter<long> EventsIn = Counter("pumps.events.in", "{event}", "Events read", "service", "hub");
    public static readonly Counter<long> EventsOut = Counter("pumps.events.out", "{event}", "Events passed on or stored", "service", "hub");
    public static readonly Counter<long> EventsDeadLettered = Counter("pumps.events.dead_lettered", "{event}", "Events set aside with their body", "service", "hub");
    public static readonly Counter<long> EventsDuplicate = Counter("pumps.events.duplicate", "{event}", "Events that had been handled before", "service", "hub");
    public static readonly Counter<long> EventsFiltered = Counter("pumps.events.filtered", "{event}", "Events with nothing to pass on", "service", "hub");
    public static readonly Counter<long> LedgerDifference =
        Counter("pumps.ledger.difference", "{event}", "Events unaccounted for; anything but zero is a bug", "service", "hub");
    public static readonly Histogram<double> EventsAge =
        Histogram("pumps.events.age", "s", "Time from a batch's oldest event in the hub to the end of its handling", "service", "hub");
    public static readonly Histogram<double> HandleDuration = Histogram("pumps.handle.duration", "s", "Time to handle one batch", "service", "hub");
    public static readonly Counter<long> HandleFailures =
        Counter("pumps.handle.failures", "{batch}", "Batches that could not be handled and will be brought again", "service", "hub");
    public static readonly Counter<long> DeadLetters = Counter("pumps.dead_letters", "{event}", "Events set aside, by the reason", "service", "code");
    public static readonly Counter<long> DecodeErrors = Counter("pumps.decode.errors", "{frame}", "Frames refused, by code", "code", "protocol", "product");
    public static readonly Counter<long> ConnectionChanges =
        Counter("pumps.devices.connection_changes", "{device}", "Devices that went online or offline, after the grace", "to");

    public static readonly Counter<long> PortalRefused = Counter(
        "pumps.portal.refused", "{request}", "Requests refused before they came to a device: a role, an unknown device, a group as a whole; caller: known (kept), limited (beyond what is kept of one), anonymous", "rule", "caller");

    // The census, from the database.
    public static readonly Gauge<long> DevicesActive = Gauge("pumps.devices.active", "{device}", "Devices in service", "offering", "product");
    public static readonly Gauge<long> DevicesConnected = Gauge("pumps.devices.connected", "{device}", "Devices in service that are online", "offering", "product");
    public static readonly Gauge<long> DevicesSilent =
        Gauge("pumps.devices.silent", "{device}", "Devices in service that have spoken before, and not for several of their intervals", "offering", "product");
    public static readonly Gauge<long> DevicesUnreadable =
        Gauge("pumps.devices.unreadable", "{device}", "Devices with dead letters in the last hour", "product", "firmware", "code");
    public static readonly Gauge<long> Commands =
        Gauge("pumps.commands", "{command}", "Open commands, and those ended that were given in the last hour", "phase");
    public static readonly Gauge<long> FirmwareTransfers =
        Gauge("pumps.firmware.transfers", "{transfer}", "Open firmware transfers, and those that ended in the last hour", "phase");
    public static readonly Gauge<long> FirmwareRollouts =
        Gauge("pumps.firmware.rollouts", "{rollout}", "Open firmware rollouts; phase failing: paused because too many devices failed", "phase");

    // Of the host, which knows its hubs and its gateway.
    public static readonly Metric Lag = Declare("pumps.lag", MetricKind.Gauge, "{event}", "Events enqueued and not yet handled", "hub", "group");
    public static readonly Metric LagAge = Declare("pumps.lag.age", MetricKind.Gauge, "s", "Age of the oldest event not yet handled", "hub", "group");
    public static readonly Metric HubsUnwritable = Declare("pumps.hubs.unwritable", MetricKind.Gauge, "{hub}", "Hubs that cannot take events");
    public static readonly Metric GatewayConnections = Declare("pumps.gateway.connections", MetricKind.Gauge, "{device}", "Devices connected now");
    public static readonly Metric GatewayMessages = Declare("pumps.gateway.messages", MetricKind.Counter, "{message}", "Device-to-cloud messages made durable");
    public static readonly Metric GatewayRegistrations =
        Declare("pumps.gateway.registrations", MetricKind.Counter, "{registration}", "Devices that have registered with the provisioning service");
    public static readonly Metric GatewayRefused =
        Declare("pumps.gateway.refused", MetricKind.Counter, "{connection}", "Connections refused or closed by the gateway", "reason");

    /// <summary>Every metric of the platform, in either world.</summary>
    public static IReadOnlyList<Metric> Catalog => Known;

    internal static void Record(string service, string hub, LedgerEntry entry)
    {
        var tags = new TagList { { "service", service }, { "hub", hub } };
        EventsIn.Add(entry.In, tags);
        EventsOut.Add(entry.Out, tags);
        EventsDeadLettered.Add(entry.DeadLettered, tags);
        EventsDuplicate.Add(entry.Duplicate, tags);
        EventsFiltered.Add(entry.Filtered, tags);
        // Without its sign: too many here would hide too few there.
        LedgerDifference.Add(Math.Abs(entry.Difference), tags);
    }

    private static Counter<long> Counter(string name, string unit, string description, params string[] attributes) =>
        Meter.CreateCounter<long>(Declare(name, MetricKind.Counter, unit, description, attributes).Name, unit, description);

    private static Gauge<long> Gauge(string name, string unit, string description, params string[] attributes) =>
        Meter.CreateGauge<long>(Declare(name, MetricKind.Gauge, unit, description, attributes).Name, unit, description);

    private static Histogram<double> Histogram(string name, string unit, string description, params string[] attributes) =>
        Meter.CreateHistogram<double>(Declare(name, MetricKind.Histogram, unit, description, attributes).Name, unit, description);

    private static Metric Declare(string name, MetricKind kind, string unit, string description, params string[] attributes)
    {
        var metric = new Metric(name, kind, unit, description, attributes);
        Known.Add(metric);
        return metric;
    }
}
