using System.Text.Json;
using Pumps.Core.Commands;
using Pumps.Core.Protocols;
using Pumps.Handlers.Datapoints;
using Pumps.Handlers.Portal;

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
/// <param name="Throttled">Whether commands stay due because the region's pace leaves no room for them now.</param>
public sealed record CommandSteps(IReadOnlyList<CommandStep> Steps, bool Woken, bool Throttled = false);

/// <summary>One line of the audit.</summary>
/// <param name="Result">The command's state; <see cref="NotTaken"/> for a submission that was refused.</param>
/// <param name="Reason">Why it was refused or failed.</param>
/// <param name="Faults">What was wrong with a refused submission.</param>
public sealed record AuditEntry(
    DateTimeOffset At, string Id, string Command, IReadOnlyDictionary<string, JsonElement> Arguments, string RequestedBy, string Origin, string? Group,
    string Result, string? Reason, IReadOnlyList<Fault>? Faults)
{
    public const string NotTaken = "not_taken";
}

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

    /// <summary>The devices of a target that have not retired, in the order of their ids, at most so many.</summary>
    Task<IReadOnlyList<CommandTarget>> FindTargetsAsync(GroupTarget target, int limit, CancellationToken cancel);

    /// <summary>
    /// Keeps a group with all its commands and refusals, or nothing of it. A device that has another command of this id is refused too. Safe to
    /// repeat: the id finds what is there already.
    /// </summary>
    /// <returns>The group as stored, which is another one when the id was taken before; and whether it is new.</returns>
    Task<(StoredGroup Group, bool IsNew)> AddGroupAsync(
        GroupOrder order, IReadOnlyList<NewCommand> commands, IReadOnlyList<RefusedDevice> refused, DateTimeOffset now, CancellationToken cancel);

    Task<StoredGroup?> FindGroupAsync(string group, CancellationToken cancel);

    /// <summary>Keeps in the audit that a command was not taken.</summary>
    Task RefuseAsync(CommandOrder order, RefusedDevice refused, DateTimeOffset now, CancellationToken cancel);

    /// <summary>
    /// Steps commands whose time has come, oldest first, of at most so many devices. Those that another host is at are left to it; those that would be
    /// sent, and for which the pace has no room, stay as they are. What ends needs no room.
    /// </summary>
    /// <param name="methods">The region's pace of direct methods, from which each <see cref="Transmit"/> by that route is taken.</param>
    Task<CommandSteps> StepDueAsync(int limit, Pace methods, DateTimeOffset now, CommandStepper step, CancellationToken cancel);

    /// <summary>Takes one cloud-to-device message from the region's pace of them. A crash before it is sent loses that much of the pace and nothing else.</summary>
    /// <returns>Whether there was room for it.</returns>
    Task<bool> TryTakeMessageAsync(Pace messages, DateTimeOffset now, CancellationToken cancel);

    /// <summary>Steps the commands to which something has happened, in the given order. Events of commands that are not there are ignored.</summary>
    Task<CommandSteps> StepAsync(IReadOnlyList<CommandEvent> events, DateTimeOffset now, CommandStepper step, CancellationToken cancel);

    Task<StoredCommand?> FindAsync(string deviceId, string commandId, CancellationToken cancel);

    /// <summary>What became of a group, device by device in the order of their ids.</summary>
    Task<Page<StoredLine>> ListGroupAsync(string group, string? cursor, int limit, CancellationToken cancel);

    /// <summary>Commands, newest first: of all devices, or of one, and then those that one customer gave it or all.</summary>
    Task<Page<StoredCommand>> ListAsync(string? deviceId, string? customer, string? cursor, int limit, CancellationToken cancel);

    /// <summary>All that was asked of a device and is still known, newest first.</summary>
    /// <param name="customer">Only while it was this customer's.</param>
    Task<Page<AuditEntry>> ListAuditAsync(string deviceId, string? customer, string? cursor, int limit, CancellationToken cancel);

    /// <summary>Moves commands given before a time into the audit, and forgets groups as old as they; open commands stay. At most so many of each.</summary>
    /// <returns>How many; fewer than the limit when none is left.</returns>
    Task<int> RetireAsync(DateTimeOffset before, int limit, CancellationToken cancel);

    /// <summary>Removes from the audit what is older, at most so much.</summary>
    /// <returns>How much; less than the limit when nothing is left.</returns>
    Task<int> RemoveAuditAsync(DateTimeOffset before, int limit, CancellationToken cancel);
}
