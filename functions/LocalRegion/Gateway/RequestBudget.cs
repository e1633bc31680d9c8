namespace Pumps.LocalRegion.Gateway;

/// <summary>Counts what a connection asks for in one second of the clock.</summary>
internal struct RequestBudget
{
    private long _second;
    private int _requests;

    /// <returns>False when this second's share is used up.</returns>
    public bool TrySpend(DateTimeOffset now, int perSecond)
    {
        var second = now.ToUnixTimeSeconds();
        if (_second != second) (_second, _requests) = (second, 0);
        return ++_requests <= perSecond;
    }
}
