using System.ComponentModel.DataAnnotations;

namespace Pumps.Datapoints;

/// <summary>Which offering this deployment serves. The app is deployed once per offering, so that one cannot slow another.</summary>
public sealed record OfferingOptions
{
    internal const string TelemetryHubSetting = "%Offering%-telemetry";
    internal const string EventsHubSetting = "%Offering%-events";

    /// <summary>An offering of the catalog, such as <c>irrigation</c>. The triggers put it into their hubs' names.</summary>
    [Required(ErrorMessage = "The setting Offering is missing: the offering whose feeds this app reads, such as irrigation.")]
    public string Offering { get; init; } = "";

    public string TelemetryHub => Offering + "-telemetry";

    public string EventsHub => Offering + "-events";
}
