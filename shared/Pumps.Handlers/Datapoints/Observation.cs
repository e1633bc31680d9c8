namespace Pumps.Handlers.Datapoints;

/// <summary>One observation as it stands on a feed (design, section 5): the datapoints of one device at one instant.</summary>
/// <param name="Sequence">The sender's sequence number; with device and time it identifies an observation.</param>
/// <param name="Points">The good values as a JSON object, UTF-8, exactly as on the feed.</param>
/// <param name="Quality">The other values' qualities as a JSON object, UTF-8; empty when all were good.</param>
public readonly record struct Observation(
    string DeviceId, DateTimeOffset ObservedAt, DateTimeOffset ReceivedAt, long Sequence, string Clock, bool Historical,
    ReadOnlyMemory<byte> Points, ReadOnlyMemory<byte> Quality);
