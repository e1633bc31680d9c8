using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Pumps.Core.Commands;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Commands;

/// <summary>Takes a command back that has not reached its device.</summary>
/// <remarks>Safe to repeat: a command that was taken back stays so.</remarks>
public sealed class CancelCommand(
    ICommandStore store, ICommandBell bell, IOptions<CommandOptions> options, TimeProvider time, ILogger<CancelCommand> log)
{
    public async Task<Answer<CommandView>> HandleAsync(string deviceId, string commandId, string by, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var result = await store.StepAsync(
            [new(deviceId, commandId, null, new CommandSignal.Cancel(), by)], now,
            (c, s) => CommandMachine.Step(c.State, s, now, c.Terms, options.Value.Limits), cancel);
        if (result.Woken)
            await bell.RingAsync(cancel);
        if (result.Steps is not [{ Command: var command }])
            return new Answer<CommandView>.Absent($"There is no command \"{commandId}\" of {deviceId}.");

        var view = CommandView.Of(command);
        switch (command.State.Phase)
        {
            case CommandPhase.Cancelled:
                log.CommandCancelled(deviceId, commandId, by);
                return new Answer<CommandView>.Found(view);
            case { } phase when phase.IsFinal():
                return new Answer<CommandView>.Refused("command_ended", $"The command is {view.State} already.");
            default:
                return new Answer<CommandView>.Refused("command_sent", "The command may have reached the device already; nothing takes it back from there.");
        }
    }
}
