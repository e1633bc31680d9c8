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

/// <summary>Something that has happened to a command, named by its id or by what the device's answer carries.</summary>
/// <param name="By">Who takes it back.</param>
public sealed record CommandEvent(string DeviceId, string? CommandId, string? Correlation, CommandSignal Signal, string? By = null);

/// <summary>A command after its step.</summary>
/// <param name="Effect">What is to be sent now; its state is stored already.</param>
/// <param name="Downlink">Number of the frame to be sent.</param>
public sealed record CommandStep(StoredCommand Command, Transmit? Effect, long Downlink);

/// <summary>What has become of a list of steps.</summary>
/// <param name="Woken">Whether commands behind those that ended are due now.</param>
public sealed record CommandSteps(IReadOnlyList<CommandStep> Steps, bool Woken);

/// <summary>Decides; <see cref="CommandMachine.Step"/> with the limits of today.</summary>
public delegate (CommandState Next, Transmit? Effect) CommandStepper(StoredCommand command, CommandSignal signal);

/// <summary>Keeps commands and their order. PostgreSQL in both worlds.</summary>
/// <remarks>A device's commands change one at a time, whoever asks. A step is durable, with all that it changes, before it is returned.</remarks>
public interface ICommandStore
{
    Task<CommandTarget?> FindTargetAsync(string deviceId, CancellationToken cancel);

    /// <summary>Puts a command behind those of its device. Safe to repeat: the id finds what is there already.</summary>
    /// <returns>The command as stored, which is another one when the id was taken before; and whether it is new.</returns>
    Task<(StoredCommand Command, bool IsNew)> AddAsync(NewCommand command, CancellationToken cancel);

    /// <summary>Steps commands whose time has come, oldest first, at most so many. Those that another host is at are left to it.</summary>
    Task<CommandSteps> StepDueAsync(int limit, DateTimeOffset now, CommandStepper step, CancellationToken cancel);

    /// <summary>Steps the commands to which something has happened, in the given order. Events of commands that are not there are ignored.</summary>
    Task<CommandSteps> StepAsync(IReadOnlyList<CommandEvent> events, DateTimeOffset now, CommandStepper step, CancellationToken cancel);

    Task<StoredCommand?> FindAsync(string deviceId, string commandId, CancellationToken cancel);

    /// <summary>Commands of a group, in the order of their devices' ids.</summary>
    Task<Page<StoredCommand>> ListGroupAsync(string group, string? cursor, int limit, CancellationToken cancel);

    /// <summary>Commands, newest first.</summary>
    Task<Page<StoredCommand>> ListAsync(string? deviceId, string? cursor, int limit, CancellationToken cancel);
}
