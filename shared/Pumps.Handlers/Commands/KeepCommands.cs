using Microsoft.Extensions.Options;
using Pumps.Handlers.Firmware;
using Pumps.Handlers.Portal;

namespace Pumps.Handlers.Commands;

/// <summary>Removes what is too old: commands go into the audit after a while, and out of that after a longer one; firmware rollouts go as commands do.</summary>
/// <remarks>Safe to run anywhere and at the same time: what somebody else is at is left alone. A run that is cut short leaves the rest to the next.</remarks>
public sealed class KeepCommands(ICommandStore store, IRequestAudit requests, IRolloutStore rollouts, IOptions<CommandOptions> options, TimeProvider time)
{
    // Rows in one transaction: tens of milliseconds, so that nobody who gives commands waits for it.
    private const int AtOnce = 1000;

    public async Task HandleAsync(CancellationToken cancel)
    {
        var now = time.GetUtcNow();
        while (await store.RetireAsync(now - options.Value.Keep, AtOnce, cancel) == AtOnce)
            cancel.ThrowIfCancellationRequested();
        while (await rollouts.RemoveAsync(now - options.Value.Keep, AtOnce, cancel) == AtOnce)
            cancel.ThrowIfCancellationRequested();
        while (await store.RemoveAuditAsync(now - options.Value.KeepAudit, AtOnce, cancel) == AtOnce)
            cancel.ThrowIfCancellationRequested();
        while (await requests.RemoveAsync(now - options.Value.KeepAudit, AtOnce, cancel) == AtOnce)
            cancel.ThrowIfCancellationRequested();
    }
}
