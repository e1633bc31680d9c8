namespace Pumps.LocalRegion.Hubs;

/// <summary>How far a consumer group is behind in one partition.</summary>
/// <param name="Service">The service that reads; empty while none does.</param>
/// <param name="Events">Durable events that are not handled yet; exact.</param>
/// <param name="Age">How long the oldest of them has waited.</param>
/// <param name="Error">Why the batch at hand is being repeated; null when all is well.</param>
public sealed record HubLag(string Service, string Hub, string Group, int Partition, long Events, TimeSpan Age, string? Error);
