namespace Pumps.LocalRegion.Hubs;

/// <summary>How far a consumer group has come in one partition. One loop moves it; others look.</summary>
internal sealed class ConsumerPosition(string hub, string group, int partition)
{
    private readonly Lock _gate = new();
    private (long Address, long Ordinal) _handled;
    private (long Address, long Ordinal) _durable;
    private DateTimeOffset _since;

    public string Hub => hub;

    public string Group => group;

    public int Partition => partition;

    /// <summary>Name of the service that reads, once one does.</summary>
    public string Service { get; set; } = "";

    /// <summary>Why the batch at hand is being repeated; null when all is well.</summary>
    public string? Error { get; set; }

    public (long Address, long Ordinal) Handled
    {
        get
        {
            lock (_gate)
                return _handled;
        }
    }

    /// <summary>What a restart resumes from.</summary>
    public long DurableAddress
    {
        get
        {
            lock (_gate)
                return _durable.Address;
        }
    }

    /// <summary>When the oldest event that is not handled came, or the newest handled one while the next has not been read.</summary>
    public DateTimeOffset Since
    {
        get
        {
            lock (_gate)
                return _since;
        }
    }

    public void Start(long address, long ordinal)
    {
        lock (_gate)
            _handled = _durable = (address, ordinal);
    }

    public void Reading(DateTimeOffset oldest)
    {
        lock (_gate)
            _since = oldest;
    }

    public void Advance(long address, long ordinal)
    {
        lock (_gate)
            _handled = (address, ordinal);
    }

    public void Saved((long Address, long Ordinal) position)
    {
        lock (_gate)
            _durable = position;
    }
}
