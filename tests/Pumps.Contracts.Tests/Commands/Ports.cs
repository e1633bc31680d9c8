using Pumps.Handlers.Commands;

namespace Pumps.Contracts.Tests.Commands;

/// <summary>Counts its rings.</summary>
internal sealed class CountingBell : ICommandBell
{
    private int _rings;

    public int Rings => _rings;

    public Task RingAsync(CancellationToken cancel)
    {
        Interlocked.Increment(ref _rings);
        return Task.CompletedTask;
    }
}
