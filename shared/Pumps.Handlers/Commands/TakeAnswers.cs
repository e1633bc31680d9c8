using System.Text.Json;
using Microsoft.Extensions.Options;
using Pumps.Core.Commands;
using Pumps.Core.Protocols;
using Pumps.Handlers.Hubs;

namespace Pumps.Handlers.Commands;

/// <summary>Takes answers that devices send as messages.</summary>
/// <remarks>Safe to repeat: an answer to a command that has its answer changes nothing, and one to a command that is not ours is ignored.</remarks>
public sealed class TakeAnswers(ICommandStore store, ICommandBell bell, IOptions<CommandOptions> options, TimeProvider time)
{
    public const string EventType = "pumps.command-result.v1";

    /// <exception cref="JsonException">The body is not JSON.</exception>
    /// <exception cref="KeyNotFoundException">A member is missing.</exception>
    /// <exception cref="InvalidOperationException">A member is of another type.</exception>
    public static CommandEvent Read(HubEvent e)
    {
        using var document = JsonDocument.Parse(e.Body);
        var protocol = e.Properties[PropertyNames.Protocol] == Protocol.Dp1.Name() ? Protocol.Dp1 : Protocol.Dp2;
        var answer = CommandAnswers.Read(protocol, document.RootElement.GetProperty("result"));
        return new(e.Key, null, answer.Correlation, new CommandSignal.Answered(answer));
    }

    public async Task HandleAsync(IReadOnlyList<CommandEvent> answers, CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        var result = await store.StepAsync(answers, now, (c, s) => CommandMachine.Step(c.State, s, now, c.Terms, options.Value.Limits), cancel);
        if (result.Woken)
            await bell.RingAsync(cancel);
    }
}
