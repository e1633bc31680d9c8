namespace Pumps.Handlers.Commands;

/// <summary>So many things a second, in bursts of at most one second's worth. What does not fit now is to be tried later; nobody waits here.</summary>
internal sealed class Pace(double perSecond, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly double _burst = Math.Max(1, perSecond);
    private double _left = Math.Max(1, perSecond);
    private long _filledAt = time.GetTimestamp();

    /// <returns>How many of the wanted ones may go now.</returns>
    public int Take(int wanted)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            _left = Math.Min(_burst, _left + (time.GetElapsedTime(_filledAt, now).TotalSeconds * perSecond));
            _filledAt = now;
            var taken = Math.Min(wanted, (int)_left);
            _left -= taken;
            return taken;
        }
    }

    /// <summary>Gives back what was taken and not used.</summary>
    public void Return(int count)
    {
        lock (_gate)
            _left = Math.Min(_burst, _left + count);
    }
}
