namespace Pumps.Handlers.Commands;

/// <summary>
/// Tells whoever sends commands that a device has one due, so that it goes at once. A ring that is lost costs time and no command: due ones are
/// also looked for. Azure: a Service Bus queue; local region: a signal in the process.
/// </summary>
public interface ICommandBell
{
    Task RingAsync(CancellationToken cancel);
}
