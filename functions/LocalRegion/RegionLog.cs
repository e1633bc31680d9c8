namespace Pumps.LocalRegion;

/// <summary>Event ids 2900-2999.</summary>
internal static partial class RegionLog
{
    [LoggerMessage(2901, LogLevel.Error, "{Work} failed and will be tried again in {Interval}")]
    public static partial void UpkeepFails(this ILogger log, string work, TimeSpan interval, Exception error);

    [LoggerMessage(2902, LogLevel.Information, "{Work} works again")]
    public static partial void UpkeepWorks(this ILogger log, string work);

    [LoggerMessage(2903, LogLevel.Critical, "A service of the region has ended; the region stops")]
    public static partial void ServiceEnded(this ILogger log, Exception error);
}
