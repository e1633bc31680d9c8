using System.ComponentModel.DataAnnotations;

namespace Pumps.Azure.EventHubs;

/// <summary>
/// Section <c>RawHubs</c>: the namespace that holds what devices have sent. The triggers read the same section as their identity-based
/// connection; only who replays dead letters sends there.
/// </summary>
public sealed record RawHubsOptions
{
    public const string Section = "RawHubs";

    /// <summary>Such as <c>pumps-raw-weu.servicebus.windows.net</c>.</summary>
    [Required(ErrorMessage = "RawHubs:fullyQualifiedNamespace is missing: the host name of the Event Hubs namespace of the raw hubs.")]
    public string FullyQualifiedNamespace { get; init; } = "";
}
