namespace Pumps.Core.Devices;

/// <summary>What is to be done next so that a device's clock and its tag both say the civil time of its site.</summary>
public enum SiteClockStep : byte
{
    /// <summary>They do.</summary>
    None,

    SetTag,
    SetClock,
}

/// <summary>Leads a DP1 device, whose clock knows no time zone, through the clock changes of its site.</summary>
/// <remarks>
/// Clock and tag cannot change at the same instant, and messages are under way meanwhile. The tag is never ahead of the clock: then what comes in
/// between looks an hour young, which the protocol replaces with the time of reception and flags (PROTOCOL.md, section 3). The other way round it
/// would look an hour old, and nobody could tell.
/// <code>
///  clocks forward   set the clock, then the tag
///  clocks back      set the tag, then the clock
/// </code>
/// All offsets are minutes ahead of UTC.
/// </remarks>
public static class SiteClock
{
    /// <param name="tag">By which the device's telegrams are read; null: there is none.</param>
    /// <param name="clock">To which the device's clock was set; null: nobody knows.</param>
    /// <param name="civil">That the site has now.</param>
    public static SiteClockStep Next(int? tag, int? clock, int civil) =>
        tag is null || tag > civil ? SiteClockStep.SetTag
        : clock != civil ? SiteClockStep.SetClock
        : tag < civil ? SiteClockStep.SetTag
        : SiteClockStep.None;

    /// <summary>The offset to which a clock is set that anybody wants to be set: its site's, but not behind a tag that messages carry, or may still carry.</summary>
    /// <param name="clock">
    /// To which it was brought last; null: nobody knows. While that is ahead of the site, the tag may have been written just now, and messages still come
    /// with the one of before.
    /// </param>
    /// <param name="civil">Null: the device stands nowhere.</param>
    public static int? ToSet(int? tag, int? clock, int? civil) => civil is { } site ? Math.Max(site, Math.Max(tag ?? site, clock ?? site)) : tag;
}
