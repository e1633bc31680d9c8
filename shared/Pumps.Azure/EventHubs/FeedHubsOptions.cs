using System.ComponentModel.DataAnnotations;

namespace Pumps.Azure.EventHubs;

/// <summary>
/// Section <c>FeedHubs</c>: the namespace that holds the feeds. The triggers of the apps read the same section as their
/// identity-based connection, so that reader and sender cannot point at different namespaces.
/// </summary>
public sealed record FeedHubsOptions
{
    public const string Section = "FeedHubs";

    /// <summary>Such as <c>pumps-feeds-weu.servicebus.windows.net</c>.</summary>
    [Required(ErrorMessage = "FeedHubs:fullyQualifiedNamespace is missing: the host name of the Event Hubs namespace of the feeds.")]
    public string FullyQualifiedNamespace { get; init; } = "";
}
