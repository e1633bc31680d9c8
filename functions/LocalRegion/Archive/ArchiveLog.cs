namespace Pumps.LocalRegion.Archive;

/// <summary>Event ids 2100-2199. An id or a field name, once shipped, keeps its meaning: alerts hang on it.</summary>
internal static partial class ArchiveLog
{
    [LoggerMessage(2100, LogLevel.Error, "The archive of hub {Hub}, partition {Partition} cannot be written; its events stay in the hub until it can")]
    public static partial void ArchiveFails(this ILogger log, string hub, int partition, Exception error);

    [LoggerMessage(2101, LogLevel.Information, "The archive of hub {Hub}, partition {Partition} is written again")]
    public static partial void ArchivesAgain(this ILogger log, string hub, int partition);
}
