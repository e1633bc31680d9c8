using System.ComponentModel.DataAnnotations;

namespace Pumps.Azure.ServiceBus;

/// <summary>Section <c>ServiceBus</c>: the region's Service Bus namespace. The triggers read the same section as their identity-based connection.</summary>
public sealed record ServiceBusOptions
{
    public const string Section = "ServiceBus";

    /// <summary>Such as <c>pumps-weu.servicebus.windows.net</c>.</summary>
    [Required(ErrorMessage = "ServiceBus:fullyQualifiedNamespace is missing: the host name of the region's Service Bus namespace.")]
    public string FullyQualifiedNamespace { get; init; } = "";
}
