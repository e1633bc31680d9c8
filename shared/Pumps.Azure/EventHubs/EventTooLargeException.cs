using Pumps.Handlers.Hubs;

namespace Pumps.Azure.EventHubs;

/// <summary>An event does not fit into an empty batch. A bug of whoever made it: feeds are far below the limit (1 MiB).</summary>
public sealed class EventTooLargeException(OutgoingEvent e) : Exception(
    $"The event of '{e.Key}' with a body of {e.Body.Length} bytes is larger than Event Hubs takes. Make the body smaller or split it.");
