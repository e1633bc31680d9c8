namespace Pumps.LocalRegion.Hubs;

/// <summary>A hub or its disk has no room. Nothing of the failed append is acknowledged; try again when there is room.</summary>
public sealed class HubFullException(string message) : IOException(message);

/// <summary>The disk refused to write. The partition opens its log again at the next append.</summary>
public sealed class HubWriteException(string message, Exception inner) : IOException(message, inner);

/// <summary>The event is larger than a hub takes. It will not fit on a second try.</summary>
public sealed class EventTooLargeException(string message) : ArgumentException(message);
