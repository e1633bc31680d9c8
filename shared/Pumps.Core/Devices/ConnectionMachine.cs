using System.Collections.Immutable;

namespace Pumps.Core.Devices;

public enum ConnectionPhase
{
    Online,

    /// <summary>Its connection has ended, and the grace has not: it still counts as online.</summary>
    Leaving,
    Offline,
}

/// <summary>The connection of one device.</summary>
/// <param name="Since">From when on it has been what it is shown as: online (also while it is leaving) or offline.</param>
/// <param name="LeftAt">When its connection ended; leaving only.</param>
/// <param name="DueAt">When its grace is over; leaving only.</param>
/// <param name="Sequence">The newest event that was heard of. Grows in ordinal order.</param>
public sealed record DeviceLine(ConnectionPhase Phase, DateTimeOffset Since, DateTimeOffset? LeftAt, DateTimeOffset? DueAt, string Sequence);

public enum ConnectionSignalKind
{
    Connected,
    Disconnected,

    /// <summary>The hub itself has started again: whoever was connected is not, through no fault of its own, and is about to come back.</summary>
    HubRestarted,

    /// <summary>Time has passed.</summary>
    Tick,
}

/// <param name="At">When it happened.</param>
/// <param name="Sequence">Ignored for a tick.</param>
public readonly record struct ConnectionSignal(ConnectionSignalKind Kind, DateTimeOffset At, string Sequence = "");

/// <summary>What others are to be told.</summary>
public enum ConnectionEffect
{
    WentOnline,
    WentOffline,
}

/// <summary>Whether a device is online, without crying wolf.</summary>
/// <remarks>
/// <code>
///            Connected                     Disconnected, HubRestarted
///  (none) ─────────────> Online ──────────────────────────────────────> Leaving ──Tick after the grace──> Offline
///                          ^ ^────────────── Connected: nobody is told ────┘                                │
///                          └────────────────────────────── Connected ───────────────────────────────────────┘
/// </code>
/// Events come at least once and may come late: one whose sequence is not above the newest is a duplicate or a straggler, and changes nothing.
/// A restart of the hub takes everybody's connection at once; the grace begins with the restart, so that a region which comes back within it
/// tells nobody anything.
/// </remarks>
public static class ConnectionMachine
{
    // A device that missed one report may have met a bad cell; two and a bit are silence. A minute is what a reconnect takes in the worst case.
    private static readonly TimeSpan GraceMin = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan GraceExtra = TimeSpan.FromSeconds(30);
    private const int ReportsMissed = 2;

    /// <summary>How long after its connection ended a device counts as online: two reports of its product and half a minute, at least a minute.</summary>
    public static TimeSpan GraceOf(TimeSpan reportInterval)
    {
        var grace = (reportInterval * ReportsMissed) + GraceExtra;
        return grace > GraceMin ? grace : GraceMin;
    }

    public static (DeviceLine? Next, ImmutableArray<ConnectionEffect> Effects) Step(DeviceLine? now, ConnectionSignal signal, TimeSpan grace)
    {
        if (signal.Kind is not ConnectionSignalKind.Tick && now is not null && string.CompareOrdinal(signal.Sequence, now.Sequence) <= 0)
            return (now, []);

        return (now?.Phase, signal.Kind) switch
        {
            (null or ConnectionPhase.Offline, ConnectionSignalKind.Connected) =>
                (new(ConnectionPhase.Online, signal.At, null, null, signal.Sequence), [ConnectionEffect.WentOnline]),

            // Its goodbye is the first that is heard of it.
            (null, ConnectionSignalKind.Disconnected) => (new(ConnectionPhase.Offline, signal.At, null, null, signal.Sequence), []),

            (ConnectionPhase.Online or ConnectionPhase.Leaving, ConnectionSignalKind.Connected) =>
                (now! with { Phase = ConnectionPhase.Online, LeftAt = null, DueAt = null, Sequence = signal.Sequence }, []),

            (ConnectionPhase.Online, ConnectionSignalKind.Disconnected or ConnectionSignalKind.HubRestarted) => (Leave(now!, signal, signal.At, grace), []),

            // It left before the hub did, and its way back was closed meanwhile: the grace begins anew.
            (ConnectionPhase.Leaving, ConnectionSignalKind.HubRestarted) => (Leave(now!, signal, now!.LeftAt!.Value, grace), []),

            (ConnectionPhase.Leaving, ConnectionSignalKind.Tick) when signal.At >= now!.DueAt =>
                (new(ConnectionPhase.Offline, now.LeftAt!.Value, null, null, now.Sequence), [ConnectionEffect.WentOffline]),

            (not null, ConnectionSignalKind.Disconnected or ConnectionSignalKind.HubRestarted) => (now! with { Sequence = signal.Sequence }, []),

            _ => (now, []),
        };
    }

    private static DeviceLine Leave(DeviceLine now, ConnectionSignal signal, DateTimeOffset leftAt, TimeSpan grace) =>
        now with { Phase = ConnectionPhase.Leaving, LeftAt = leftAt, DueAt = signal.At + grace, Sequence = signal.Sequence };
}
