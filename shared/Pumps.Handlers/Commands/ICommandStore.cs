using Pumps.Core.Commands;
using Pumps.Core.Protocols;
using Pumps.Handlers.Datapoints;

namespace Pumps.Handlers.Commands;

/// <summary>What a command must know of its device.</summary>
public sealed record CommandTarget(string DeviceId, Protocol Protocol, string Product, string Customer);

/// <summary>A command as it is put into the queue.</summary>
/// <param name="ArgumentsJson">A JSON object, as given.</param>
public sealed record NewCommand(CommandOrder Order, CommandTarget Target, string ArgumentsJson, DateTimeOffset CreatedAt, CommandTerms Terms);

/// <summary>A stored command.</summary>
/// <param name="Ordinal">Its place among the commands of its device.</param>
public sealed record StoredCommand(
    long Ordinal, CommandOrder Order, CommandTarget Target, string Correlation, DateTimeOffset CreatedAt, CommandTerms Terms, CommandState State, string? CancelledBy);

/// <summary>Keeps commands and their order. PostgreSQL in both worlds.</summary>
public interface ICommandStore
{
    Task<CommandTarget?> FindTargetAsync(string deviceId, CancellationToken cancel);

    /// <summary>Puts a command behind those of its device. Safe to repeat: the id finds what is there already.</summary>
    /// <returns>The command as stored, which is another one when the id was taken before; and whether it is new.</returns>
    Task<(StoredCommand Command, bool IsNew)> AddAsync(NewCommand command, CancellationToken cancel);

    Task<StoredCommand?> FindAsync(string deviceId, string commandId, CancellationToken cancel);

    /// <summary>Commands, newest first.</summary>
    Task<Page<StoredCommand>> ListAsync(string? deviceId, string? cursor, int limit, CancellationToken cancel);
}
